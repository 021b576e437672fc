#!/bin/sh
# Checks for what the build needs from the machine and installs what is missing
# where it may: as root on Debian and Ubuntu. Elsewhere it prints the line to
# type and fails. With --bazel it looks for a Bazel and its skylib, too, with
# --tests for what only tests need.
set -eu

packages=
reasons=

missing() { # PACKAGES REASON
  packages="$packages $1"
  reasons="$reasons
  $2"
}

have() { command -v "$1" >/dev/null 2>&1; }

# Go only fetches modules: the compiler is a pinned module itself.
go_suffices() {
  have "${GO_BIN:-go}" || return 1
  minor=$(GOTOOLCHAIN=local "${GO_BIN:-go}" version 2>/dev/null | sed -n 's/^go version go1\.\([0-9]*\).*/\1/p')
  [ -n "$minor" ] && [ "$minor" -ge 19 ]
}

python=${PYTHON_BIN_PATH:-python3}

go_suffices || missing golang-go "Go 1.19 or later, to fetch Go modules"
if ! have g++ && ! { have "${CC:-c++}" && have c++; }; then
  missing g++ "a C++ compiler"
fi
if ! have "$python"; then
  missing "python3 python3-pip python3-venv" "python3 with pip and venv, to fetch pinned wheels"
else
  "$python" -m pip --version >/dev/null 2>&1 || missing python3-pip "pip for $python, to fetch pinned wheels"
  "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || missing python3-venv "venv for $python, for what tests compare with"
fi
have ffmpeg || missing ffmpeg "ffmpeg, to read and write videos"
[ -e /etc/ssl/certs/ca-certificates.crt ] || ! have apt-get || missing ca-certificates "certificates, to download with"
for option in "$@"; do
  case $option in
    --bazel)
      have bazelisk || have bazel || missing bazel-bootstrap "Bazel"
      [ -n "${PRIORITYCUT_BAZEL_SKYLIB:-}" ] || [ -e /usr/share/bazel/tools/skylib ] || missing bazel-skylib "bazel-skylib, which the Go rules load"
      ;;
    --tests) have chromedriver || missing "chromium chromium-driver" "a browser and its driver, to test the web page" ;;
  esac
done

[ -n "$packages" ] || exit 0
echo "missing:$reasons" >&2
install="apt-get update && apt-get install -y --no-install-recommends$packages"
if ! have apt-get; then
  echo "install them, and run this again. They are the Debian packages:$packages" >&2
  exit 1
fi
if [ "$(id -u)" != 0 ]; then
  echo "type this line, and run this again:" >&2
  echo "  sudo sh -c '$install'" >&2
  exit 1
fi
echo "installing:$packages" >&2
if ! DEBIAN_FRONTEND=noninteractive sh -c "$install" </dev/null >&2; then
  echo "could not install them (apt-get's message is above); when this line works, run this again:" >&2
  echo "  $install" >&2
  exit 1
fi
