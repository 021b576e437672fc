#!/bin/sh
# Builds libprioritycut_ops.so for plain Go and prints its directory, below
# ${XDG_CACHE_HOME:-~/.cache}: ops.sh INCLUDE LINKS, as locate.py prints them.
# With PRIORITYCUT_CUDA=1 it has the GPU's kernels, too (docs/gpu.md).
# Sources, flags, compiler and TensorFlow are in the directory's name; not the
# first line of ls, whose blocks grow until the system has written files out.
set -eu

include=$1
links=$2
top=$(cd "$(dirname "$0")/.." && pwd)
home=${XDG_CACHE_HOME:-${HOME:?ops.sh: neither XDG_CACHE_HOME nor HOME is set}/.cache}/prioritycut/ops
cxx=${CXX:-g++}
# As in third_party/tensorflow/op_library.bzl.
flags="-std=c++17 -O3 -falign-functions=64 -falign-loops=64 -DNDEBUG -fPIC -Wall -D_GLIBCXX_USE_CXX11_ABI=1 -DEIGEN_MAX_ALIGN_BYTES=64 -include cstdint"

cd "$top"
cuda=${PRIORITYCUT_CUDA:-0}
case $cuda in
  0) sources=$(find kernels prioritycut/kernels -maxdepth 1 -name '*.cc' ! -name '*_test.cc' ! -name '*_gpu.cc' | sort) ;;
  1)
    flags="$flags -DPRIORITYCUT_CUDA"
    sources="kernels/device/driver.cc $(find kernels prioritycut/kernels -maxdepth 1 -name '*.cc' ! -name '*_test.cc' | sort)"
    ;;
  *)
    echo "ops.sh: PRIORITYCUT_CUDA is $cuda, want 0 or 1" >&2
    exit 1
    ;;
esac
key=$({
  "$cxx" --version
  echo "$flags" "$include" "$links"
  ls -lL "$links" | sed 1d
  cat kernels/*.cc kernels/*.h kernels/device/* prioritycut/kernels/*.cc prioritycut/kernels/*.h prioritycut/kernels/*.cu third_party/cuda/device_code.py third_party/cuda/compiler.txt
} | cksum | tr ' ' -)
ops=$home/$key

build() {
  echo "building the op library with $cxx" >&2
  objects=$(mktemp -d "$home/scratch.XXXXXX")
  trap 'rm -rf "$objects"' EXIT
  # shellcheck disable=SC2016,SC2086 # flags are words, sources have no spaces
  printf '%s\n' $sources | xargs -P 2 -I{} sh -c '
    cxx=$1 flags=$2 include=$3 objects=$4 source=$5
    "$cxx" $flags -I. -isystem "$include" -c "$source" -o "$objects/$(basename "$source" .cc).o"
  ' sh "$cxx" "$flags" "$include" "$objects" {} >&2
  if [ "$cuda" = 1 ]; then
    for source in $(find kernels prioritycut/kernels -maxdepth 1 -name '*.cu' | sort); do
      name=$(basename "$source" .cu)
      "${PYTHON_BIN_PATH:-python3}" third_party/cuda/device_code.py --out="$objects/$name.ptx.cc" "$source" >&2
      "$cxx" -fPIC -c "$objects/$name.ptx.cc" -o "$objects/$name.ptx.o" >&2
      rm "$objects/$name.ptx.cc"
    done
  fi
  "$cxx" -shared "$objects"/*.o -o "$objects/libprioritycut_ops.so" -L"$links" \
    -l:libtensorflow_framework.so.2 -ltensorflow -ldl -Wl,-rpath,"\$ORIGIN:$links" >&2
  rm -f "$objects"/*.o
  chmod 755 "$objects"
  mv -T "$objects" "$ops"
  trap - EXIT
  # Builds of a week ago were other sources' than those of today.
  find "$home" -mindepth 1 -maxdepth 1 -type d -mtime +7 ! -name "$key" -exec rm -rf {} +
}

if [ ! -f "$ops/libprioritycut_ops.so" ]; then
  mkdir -p "$home"
  (
    flock 9
    [ -f "$ops/libprioritycut_ops.so" ] || build
  ) 9>"$home/lock"
fi
echo "$ops"
