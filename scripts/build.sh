#!/usr/bin/env bash
# Installs what is missing and builds.
#   scripts/build.sh [release|asan|tsan] [TARGET...]    -> build/KIND/bin
# asan is address + undefined behaviour, tsan is threads. Without targets everything is built.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

kind=release
case "${1:-}" in
  release | asan | tsan) kind=$1; shift ;;
  -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
case "$kind" in
  release) sanitizer= ;;
  asan) sanitizer=address ;;
  tsan) sanitizer=thread ;;
esac

scripts/packages.sh
# Two checkouts share the cache: paths are taken relative to this one, and the debug information does not name it.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros
build=build/$kind
# Configured again only when there is no build yet: afterwards Ninja does that itself when a CMake file changed.
if [[ ! -f $build/build.ninja ]]; then
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSYNOD_SANITIZER="$sanitizer" >"build-$kind.log" 2>&1 || {
    cat "build-$kind.log" >&2
    exit 1
  }
  mv "build-$kind.log" "$build/configure.log"
fi
exec ninja -C "$build" -j "$(nproc)" "$@"
