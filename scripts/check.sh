#!/usr/bin/env bash
# All that a merge needs: formatting, clang-tidy on what changed, every test (the floor plan, the bans and the README's tour among them).
#   scripts/check.sh [BASE]    BASE: compare with this commit for clang-tidy (default: origin/main, else the last commit)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

scripts/packages.sh
base=${1:-}
if [[ -z $base ]]; then
  base=$(git rev-parse --verify -q origin/main || git rev-parse --verify -q HEAD~1 || git rev-parse HEAD)
fi

echo "== format"
scripts/format.sh --check

echo "== clang-tidy (files changed since $(git rev-parse --short "$base"))"
scripts/build.sh release
mapfile -t changed < <({ git diff --name-only --diff-filter=d "$base" -- 'coordinator/*.cc' 'tests/*.cc'
  git ls-files --others --exclude-standard -- 'coordinator/*.cc' 'tests/*.cc'; } | sort -u)
if ((${#changed[@]} > 0)); then
  # clang cannot read g++'s precompiled headers, nor does it know all of its warnings.
  mkdir -p build/release/tidy
  sed -E 's/-include [^ ]*cmake_pch[^ ]*//; s/-Winvalid-pch//' build/release/compile_commands.json >build/release/tidy/compile_commands.json
  printf '%s\n' "${changed[@]}" | xargs -P "$(nproc)" -n 1 \
    clang-tidy-14 --quiet -p build/release/tidy --extra-arg=-Wno-unknown-warning-option --warnings-as-errors='*'
fi

echo "== test"
scripts/test.sh
