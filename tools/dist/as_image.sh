# What the image's user does in its container: a model is made, and served with the
# image's own command line but for the model's place.
set -euo pipefail
. "$(dirname "$0")/http.sh"
cd "$HOME"
bin=/opt/prioritycut/bin
[ "$(id -u)" = 65534 ]
"$bin/train" --steps=2 --out=run >train.log 2>&1 || { cat train.log; exit 1; }
"$bin/export" --checkpoint=run --out=model >/dev/null
"$bin/serve" --saved_model=model --address=0.0.0.0:8501 >serve.log 2>&1 &
ready && example || { cat serve.log; exit 1; }
# The question of HEALTHCHECK.
bash -c "exec 3<>/dev/tcp/127.0.0.1/8501 && printf 'GET /healthz HTTP/1.0\r\n\r\n' >&3 && grep -q '200 OK' <&3" && echo healthy
kill $!
wait $!
