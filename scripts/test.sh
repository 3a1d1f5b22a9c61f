#!/usr/bin/env bash
# Installs what is missing, builds, runs every test. The last line is `N passed, N failed, N skipped`; any failure, any skip, or no test at
# all is a failure.
#   scripts/test.sh            release, address + undefined-behaviour sanitizers, and threads for the tests that have them
#   scripts/test.sh --quick    release only, without the tests that have the label `full`
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

trees=(build/release build/asan:asan build/tsan:tsan)
skip=()
case "${1:-}" in
  "") ;;
  --quick) trees=(build/release) skip=(--skip-label full) ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

for tree in "${trees[@]}"; do
  kind=${tree#build/} kind=${kind%%:*}
  echo "== build $kind ($(date +%H:%M:%S))"
  # Of the sanitized trees only what their tests need is built.
  targets=()
  [[ $kind == release ]] || targets=("${kind}_tests")
  if ! scripts/build.sh "$kind" "${targets[@]}" >"build-$kind.log" 2>&1; then
    grep -E 'error|FAILED|warning' "build-$kind.log" | head -50 || true
    tail -n 30 "build-$kind.log"
    echo "the $kind build failed; build-$kind.log has all of it"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
  fi
  rm -f "build-$kind.log"
done

echo "== test ($(date +%H:%M:%S))"
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS="suppressions=$root/tests/support/tsan.supp:second_deadlock_stack=1"
exec python3 scripts/run_tests.py "${skip[@]}" "${trees[@]}"
