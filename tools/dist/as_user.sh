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

. "$(dirname "$0")/http.sh"

# film asks a service with the flags $1... for a film.
film() {
  "$bin/serve" "$@" >serve.log 2>&1 &
  local server=$!
  ready || { cat serve.log; exit 1; }
  example || { cat serve.log; exit 1; }
  kill $server
  wait $server
}

say "serve --checkpoint: a film of its own example, then SIGTERM"
film --checkpoint="$run"
say "serve --saved_model: the same"
film --saved_model=models/mine

say "all of it ran"
