#!/usr/bin/env bash
# The floors of the core hold: a room includes its own files and lower floors only,
# never a neighbour; a plugin includes atrium/*.h and its own files only.
set -euo pipefail
top=${srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$top"
declare -A below=(
  [base]="base"
  [config]="base config"
  [http]="base config http"
  [store]="base config store"
  [work]="base config http store work"
  [auth]="base config http store work auth"
  [model]="base config http store work auth model"
  [link]="base config http store work auth model link"
  [plugin]="base config http store work auth model plugin"
  [main]="base config http store work auth model link plugin main"
)
bad=0
for room in "${!below[@]}"; do
  while IFS=: read -r file line text; do
    other=$(sed -E 's/.*"([a-z]+)\/.*/\1/' <<<"$text")
    [ -n "${below[$other]:-}" ] || continue
    [[ " ${below[$room]} " == *" $other "* ]] && continue
    echo "$file:$line: $room may not include $other" >&2
    bad=1
  done < <(grep -rnE --include='*.[ch]' '#include "[a-z]+/' "core/$room" || true)
done
if grep -rnE --include='*.[ch]' '#include "(\.\./|(base|config|http|store|work|auth|model|link|plugin|main)/)' plugins/*/src >&2; then
  echo "a plugin may include atrium/*.h only" >&2
  bad=1
fi
exit $bad
