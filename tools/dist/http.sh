# Speaks to the service on this machine by bash alone, for Debians without any
# other client. To be sourced.

# request METHOD PATH [FILE [TYPE]] prints an answer with its header.
request() {
  exec 3<>/dev/tcp/127.0.0.1/8501
  {
    printf '%s %s HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n' "$1" "$2"
    if [ $# -gt 2 ]; then
      printf 'Content-Type: %s\r\nContent-Length: %d\r\n\r\n' "$4" "$(stat -c %s "$3")"
      cat "$3"
    else
      printf '\r\n'
    fi
  } >&3
  cat <&3
  exec 3>&-
}

# ready waits until the service takes work, a minute at most.
ready() {
  for _ in $(seq 300); do
    if (request GET /readyz | grep -q '200 OK') 2>/dev/null; then return; fi
    sleep 0.2
  done
  echo "the service does not get ready"
  return 1
}

# example asks for a film made of the service's own first example, waits for it, and
# says what it is.
example() {
  local job state
  printf -- '--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n1\r\n' source_example driving_example >form
  printf -- '--b--\r\n' >>form
  state=$(request POST /jobs form 'multipart/form-data; boundary=b')
  job=$(echo "$state" | sed -n 's/.*"id":"\([0-9a-f]*\)".*/\1/p')
  for _ in $(seq 300); do
    if [ -z "$job" ]; then break; fi
    state=$(request GET "/jobs/$job")
    case $state in
      *'"done"'*)
        request GET "/jobs/$job/result" | sed '1,/^\r$/d' >film.mp4
        ffprobe -v error -count_frames -select_streams v -show_entries stream=codec_name,width,height,nb_read_frames -of csv=p=0 film.mp4
        return
        ;;
      *'"failed"'* | *'"cancelled"'*) break ;;
    esac
    sleep 0.2
  done
  echo "no film: $state"
  return 1
}
