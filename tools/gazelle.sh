#!/bin/sh
# Runs gazelle over the tree: gazelle.sh GAZELLE CONFIG [FLAGS]; see //:gazelle.
set -eu
gazelle=$PWD/$1
config=$PWD/$2
shift 2
cd "${BUILD_WORKSPACE_DIRECTORY:?run it as: bazel run //:gazelle}"
exec "$gazelle" fix -repo_root="$PWD" -repo_config="$config" -external=static -proto=disable_global "$@"
