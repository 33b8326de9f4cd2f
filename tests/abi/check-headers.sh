#!/bin/sh
# Compiles each header of the ABI by itself, twice in one unit, as C11, C17,
# C++17 and C++20 with gcc and clang, all warnings being errors; and refuses what
# the ABI's rules forbid (other includes, bit-fields, long, varargs).
set -eu
top=${srcdir:-$(dirname "$0")/../..}
dir=$top/abi/atrium
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
count=0

fail() { echo "check-headers: $1" >&2; failed=1; }

for h in "$dir"/*.h; do
    name=$(basename "$h")
    # Comments out, then what must not be there.
    sed -e ':a' -e 's@/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/@@g' -e '/\/\*/{N;ba' -e '}' "$h" >"$work/bare"
    bad=$(grep -nE '#include <' "$work/bare" | grep -vE '<(stdint|stddef|stdbool)\.h>' || true)
    [ -z "$bad" ] || fail "$name includes more than stdint, stddef, stdbool: $bad"
    bad=$(grep -nwE 'long|short|time_t|off_t|va_list|enum [a-z_]+' "$work/bare" || true)
    [ -z "$bad" ] || fail "$name has a type whose size varies: $bad"
    bad=$(grep -nE '\.\.\.|^[^?]*:[[:space:]]*[0-9]+;|\[\];' "$work/bare" || true)
    [ -z "$bad" ] || fail "$name has varargs, a bit-field or a flexible array: $bad"

    printf '#include "atrium/%s"\n#include "atrium/%s"\nint unit;\n' "$name" "$name" >"$work/c.c"
    cp "$work/c.c" "$work/c.cc"
    for cc in gcc clang; do
        command -v $cc >/dev/null || { fail "$cc is not installed"; continue; }
        for std in c11 c17; do
            $cc -std=$std -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Werror \
                -I"$top/abi" -fsyntax-only "$work/c.c" || fail "$name: $cc $std"
            count=$((count + 1))
        done
        for std in c++17 c++20; do
            $cc -x c++ -std=$std -Wall -Wextra -Wpedantic -Wshadow -Werror \
                -I"$top/abi" -fsyntax-only "$work/c.cc" || fail "$name: $cc $std"
            count=$((count + 1))
        done
    done
done
for cc in gcc clang; do
    $cc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$top/abi" -fsyntax-only \
        "$top/tests/abi/layout.c" || fail "layout in C with $cc"
    $cc -x c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -I"$top/abi" -fsyntax-only \
        "$top/tests/abi/layout.c" || fail "layout in C++ with $cc"
done
# A plugin written in C++ with the helpers: entry, tables, one handler.
cat >"$work/plugin.cc" <<'CC'
#include "atrium/easy.h"
ATRIUM_TABLES_DEFINE;
static atrium_status hello(void *, atrium_ctx *ctx, atrium_error *err)
{
    atrium_json_writer *w = atrium.http->body_json(ctx);
    if (!w) return atrium_fail(err, ATRIUM_E_STATE, 500, "internal", nullptr);
    atrium.json->begin_object(w);
    atrium_kv_str(w, "hello", ATRIUM_STR("world"));
    atrium.json->end_object(w);
    return ATRIUM_OK;
}
static atrium_status load(const atrium_host *, void **self, atrium_error *)
{
    *self = nullptr;
    return ATRIUM_OK;
}
static atrium_status init(void *, const atrium_host *host, atrium_error *err)
{
    atrium_tables_fetch(host);
    return atrium.http->bind_route(host, ATRIUM_STR("hello"), hello, err);
}
extern "C" ATRIUM_EXPORT const struct atrium_plugin_entry atrium_plugin_entry = {
    ATRIUM_MAGIC, sizeof(struct atrium_plugin_entry), ATRIUM_ABI_MAJOR, 0,
    ATRIUM_STR_INIT("hello"), ATRIUM_STR_INIT("1.0.0"), load, init,
    nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
};
CC
for cc in g++ clang++; do
    $cc -std=c++17 -Wall -Wextra -Wpedantic -Werror -fPIC -shared -fvisibility=hidden -Wl,-z,defs \
        -I"$top/abi" -o "$work/plugin.so" "$work/plugin.cc" || fail "plugin in C++ with $cc"
    symbols=$(nm -D --defined-only "$work/plugin.so" | awk '$2 != "w" {print $3}')
    [ "$symbols" = atrium_plugin_entry ] || fail "$cc: plugin exports: $symbols"
done
[ $failed = 0 ] && echo "check-headers: $count compilations passed"
exit $failed
