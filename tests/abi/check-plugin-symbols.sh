#!/bin/sh
# Every plugin that was built shows exactly one symbol to the dynamic linker and
# needs none of the host's. Run in the build directory.
set -eu
failed=0
count=0
for so in plugins/*/.libs/*.so; do
    [ -e "$so" ] || continue
    count=$((count + 1))
    # Names with two underscores are the compiler's own (sanitizers).
    symbols=$(nm -D --defined-only "$so" | awk '{print $NF}' | grep -v '^__' || true)
    if [ "$symbols" != atrium_plugin_entry ]; then
        echo "$so shows: $symbols" >&2
        failed=1
    fi
    needed=$(nm -D --undefined-only "$so" | awk '{print $NF}' |
        grep -E '^(http|store|work|auth|model|plug|cfg|arena|json[w]?|buf|log|err)_' |
        grep -v '^json_' || true)
    if [ -n "$needed" ]; then
        echo "$so needs symbols of the host: $needed" >&2
        failed=1
    fi
done
[ $count -gt 0 ] || { echo "no plugin was built" >&2; exit 1; }
[ $failed = 0 ] && echo "check-plugin-symbols: $count plugins show one symbol"
exit $failed
