#!/usr/bin/env bash
# How long writes stop when the leader of a three-server ensemble is killed (kill -9) and when it is paused (SIGSTOP): prints each trial, and
# the median of the longest gap between acknowledged writes, for a client of a surviving server and for one of the leader.
#   scripts/failover.sh [--kills N] [--stops N] [--servers 3|5]    default: 10 of each, 3 servers, default configuration, sync on
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
case "${1:-}" in
  -h | --help) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
scripts/build.sh release synod-coordinator failover_bench >&2
exec build/release/bin/failover_bench "$@"
