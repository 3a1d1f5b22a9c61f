#!/usr/bin/env bash
# Builds the fuzzers of the ZooKeeper door with clang in build/fuzz and runs all of them, two at a time. The last line is
# `N passed, M failed`, one for each fuzzer.
#   scripts/fuzz.sh [SECONDS [TARGET...]]    SECONDS in total (default 60), shared out evenly; without targets all of tests/fuzz/corpus
# They start from tests/fuzz/corpus/TARGET; what they find goes to build/fuzz/corpus/TARGET and is used again. A crash is printed with its
# input and the command that replays it.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

case "${1:-}" in -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
seconds=${1:-60}
targets=("${@:2}")
((${#targets[@]} > 0)) || mapfile -t targets < <(ls tests/fuzz/corpus)
jobs=2
build=build/fuzz

scripts/packages.sh
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros
mkdir -p "$build"
if ! {
  [[ -f $build/build.ninja ]] || cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=clang++-14 -DSYNOD_FUZZ=ON
  ninja -C "$build" -j "$(nproc)" "${targets[@]/#/fuzz_}"
} >"$build/build.log" 2>&1; then
  tail -n 40 "$build/build.log"
  echo "the build failed; $build/build.log has all of it"
  echo "0 passed, 1 failed"
  exit 1
fi

# Runs one; its log says how it ended.
run_target() {
  local target=$1 share=$2
  local found=$build/corpus/$target crashes=$build/crashes/$target log=$build/logs/$target.log
  rm -rf "$crashes"
  mkdir -p "$found" "$crashes" "$build/logs"
  # A client's largest frame is longer; what is told apart is told apart by far less. Memory is bounded: a length that is believed shows.
  if "$build/bin/fuzz_$target" -max_total_time="$share" -max_len=4096 -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=64 \
    -artifact_prefix="$crashes/" -print_final_stats=1 "$found" "tests/fuzz/corpus/$target" >"$log" 2>&1; then
    echo "ok   $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs in $share s"
    return 0
  fi
  echo "FAIL $target"
  grep -aE 'ERROR|SUMMARY|CHECK failed|runtime error' "$log" | head -n 5 || tail -n 5 "$log"
  local input
  for input in "$crashes"/*; do
    [[ -f $input ]] && printf '  %s\n  replay: %s\n' "$root/$input" "$root/$build/bin/fuzz_$target $root/$input"
  done
  return 1
}

share=$((seconds * jobs / ${#targets[@]}))
((share > 0)) || share=1
passed=0 failed=0
finished() { if wait -n; then passed=$((passed + 1)); else failed=$((failed + 1)); fi; }
running=0
for target in "${targets[@]}"; do
  if ((running == jobs)); then
    finished
    running=$((running - 1))
  fi
  run_target "$target" "$share" &
  running=$((running + 1))
done
while ((running > 0)); do
  finished
  running=$((running - 1))
done
echo "$passed passed, $failed failed"
((failed == 0))
