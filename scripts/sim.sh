#!/usr/bin/env bash
# Replays the simulator. A failure in CI prints the line to run.
#   scripts/sim.sh --seed N               one seed
#   scripts/sim.sh --seeds A..B [...]     all seeds from A to B
# Other options go to build/release/bin/synod-sim as they are.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

arguments=()
while (($# > 0)); do
  case "$1" in
    --seed) arguments+=(--seed "${2:?--seed needs a number}" --seeds 1); shift 2 ;;
    --seeds)
      [[ "${2:-}" =~ ^([0-9]+)\.\.([0-9]+)$ ]] || { echo "sim.sh: --seeds wants A..B" >&2; exit 2; }
      ((BASH_REMATCH[1] <= BASH_REMATCH[2])) || { echo "sim.sh: --seeds $2 is empty" >&2; exit 2; }
      arguments+=(--seed "${BASH_REMATCH[1]}" --seeds "$((BASH_REMATCH[2] - BASH_REMATCH[1] + 1))"); shift 2 ;;
    -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) arguments+=("$1"); shift ;;
  esac
done
scripts/build.sh release synod-sim >&2
exec build/release/bin/synod-sim "${arguments[@]}"
