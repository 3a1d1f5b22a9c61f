#!/usr/bin/env bash
# Benchmarks of whole ensembles, beside the systems they are compared with, in one run on this machine.
#   scripts/bench.sh zookeeper [--quick] [--rows LIST] [--rounds N] [--znodes N] [--only zookeeper|synod] [--help]
# prints the table of goals of the ZooKeeper door: Debian's ZooKeeper, ours, ratio, goal, met. docs/benchmarks.md says how it measures.
# SYNOD_BIN_DIR names other binaries, which are then not built.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
case "${1:-}" in
  zookeeper) shift ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0"; [[ ${1:-} == -h || ${1:-} == --help ]] && exit 0; exit 2 ;;
esac
bin=${SYNOD_BIN_DIR:-}
case " $* " in
  *" -h "* | *" --help "*) bin=${bin:-.} ;;  # needs no program
esac
if [[ -z $bin ]]; then
  scripts/build.sh release synod-coordinator zookeeper_load >&2
  bin=build/release/bin
fi
exec python3 -B scripts/bench/zookeeper.py --bin "$bin" "$@"
