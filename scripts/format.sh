#!/usr/bin/env bash
# Formats every hand-written C++ file in place; --check only tells which are not formatted, and fails.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
mapfile -t files < <(git ls-files --cached --others --exclude-standard -- 'coordinator/*.cc' 'coordinator/*.h' 'broker/*.cc' 'broker/*.h' 'tests/*.cc' 'tests/*.h')
((${#files[@]} > 0)) || exit 0
case "${1:-}" in
  "") clang-format-14 -i "${files[@]}" ;;
  --check)
    # --Werror reports each place; people want the files.
    unformatted=$(clang-format-14 --dry-run -Werror --ferror-limit=1 "${files[@]}" 2>&1 | sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: error.*/\1/p' | sort -u || true)
    if [[ -n $unformatted ]]; then
      printf 'not formatted (run scripts/format.sh):\n%s\n' "$unformatted" >&2
      exit 1
    fi ;;
  *) echo "usage: scripts/format.sh [--check]" >&2; exit 2 ;;
esac
