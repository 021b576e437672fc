# shellcheck shell=sh
# Source this for plain Go:
#
#   . ./env.sh && go build ./... && go vet ./... && go test -timeout 30m ./...
#
# It puts the pinned Go in PATH, finds TensorFlow or fetches its pinned wheel
# (third_party/tensorflow/locate.py says in which order), builds the op library,
# and tells tests which Python to compare with. What it makes is kept in
# ${XDG_CACHE_HOME:-~/.cache}/prioritycut.

_pc_env() {
  if [ -n "${BASH_SOURCE:-}" ]; then
    _pc_top=$(cd "$(dirname "$BASH_SOURCE")" && pwd)
  else
    _pc_top=$PWD # other shells do not say where this file is
  fi
  if [ ! -f "$_pc_top/tools/go_toolchain.sh" ]; then
    echo "env.sh: source it in the root of the source tree: . ./env.sh" >&2
    return 1
  fi
  # Once the pinned Go is there no other is needed.
  _pc_goroot=$(sh "$_pc_top/tools/go_toolchain.sh" --cached) || return
  PATH="${_pc_goroot:+$_pc_goroot/bin:}$PATH" sh "$_pc_top/tools/setup.sh" --tests || return
  _pc_goroot=$(sh "$_pc_top/tools/go_toolchain.sh") || return
  _pc_tf=$("${PYTHON_BIN_PATH:-python3}" "$_pc_top/third_party/tensorflow/locate.py") || return
  _pc_include=$(echo "$_pc_tf" | sed -n 's/^include=//p')
  _pc_links=$(echo "$_pc_tf" | sed -n 's/^links=//p')
  _pc_ops=$(sh "$_pc_top/tools/ops.sh" "$_pc_include" "$_pc_links") || return

  # GOROOT of another Go would mislead this one.
  unset GOROOT
  export GOTOOLCHAIN=local
  case "$PATH" in
    "$_pc_goroot/bin":*) ;;
    *) export PATH="$_pc_goroot/bin:$PATH" ;;
  esac
  # graft links with -ltensorflow. The rpath makes LD_LIBRARY_PATH needless,
  # which would mislead the test partners' TensorFlow.
  export CGO_ENABLED=1
  export CGO_CFLAGS="-O2 -g -I$_pc_include"
  export CGO_LDFLAGS="-L$_pc_links -Wl,-rpath,$_pc_links"
  export PRIORITYCUT_OPS="$_pc_ops"
  # Tests compute with the kernels that the programs switch on (internal/startup).
  export TF_ENABLE_ONEDNN_OPTS="${TF_ENABLE_ONEDNN_OPTS:-1}"
  # It makes its virtual environment when a test first asks for it.
  export PRIORITYCUT_TEST_PYTHON="$_pc_top/third_party/python/partner_python"
}

_pc_env
_pc_status=$?
unset -f _pc_env
unset _pc_top _pc_goroot _pc_tf _pc_include _pc_links _pc_ops
# shellcheck disable=SC2317 # sourced, or (by mistake) run
if [ "$_pc_status" = 0 ]; then unset _pc_status; true; else unset _pc_status; false; fi
