# What a user does with the unpacked archive in $1, on a machine without network,
# Python or compilers; bash speaks HTTP here because no other client is there.
set -euo pipefail
bin=$1/bin
cd "$HOME"

say() { printf '\n== %s\n' "$*"; }

say "where: $(. /etc/os-release && echo "$PRETTY_NAME"), user $(id -u), $(ffmpeg -version | head -n 1 | cut -d ' ' -f 1-3)"
for missing in python3 gcc go curl; do
  if command -v $missing; then echo "this Debian is not bare"; exit 1; fi
done
for program in "$bin"/*; do
  "$program" --version </dev/null
done

say train
"$bin/train" --steps=6 2>&1 | tail -n 12
say animate
"$bin/animate" 2>&1 | tail -n 8
say evaluate
"$bin/evaluate" 2>&1 | tail -n 12
run=$(ls -d runs/*)
say export
"$bin/export" --checkpoint="$run" --out=models/mine 2>&1 | tail -n 4

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

# film asks the service of $1... for a film made of its own first example.
film() {
  "$bin/serve" "$@" >serve.log 2>&1 &
  local server=$! job state
  for _ in $(seq 300); do
    if (request GET /readyz | grep -q '200 OK') 2>/dev/null; then break; fi
    kill -0 $server || { cat serve.log; exit 1; }
    sleep 0.2
  done
  printf -- '--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n1\r\n' source_example driving_example >form
  printf -- '--b--\r\n' >>form
  job=$(request POST /jobs form 'multipart/form-data; boundary=b' | sed -n 's/.*"id":"\([0-9a-f]*\)".*/\1/p')
  [ -n "$job" ] || { cat serve.log; exit 1; }
  for _ in $(seq 300); do
    state=$(request GET "/jobs/$job")
    case $state in *'"done"'*) break ;; *'"failed"'*) echo "$state"; exit 1 ;; esac
    sleep 0.2
  done
  request GET "/jobs/$job/result" | sed '1,/^\r$/d' >film.mp4
  ffprobe -v error -count_frames -select_streams v -show_entries stream=codec_name,width,height,nb_read_frames -of csv=p=0 film.mp4
  kill $server
  wait $server
}

say "serve --checkpoint: a film of its own example, then SIGTERM"
film --checkpoint="$run"
say "serve --saved_model: the same"
film --saved_model=models/mine

say "all of it ran"
