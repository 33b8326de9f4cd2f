#include "base/sv.h"

#include "base/utf8.h"

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool sv_ieq(sv a, sv b)
{
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i])) return false;
    return true;
}

bool sv_starts(sv a, sv prefix)
{
    return a.n >= prefix.n && (prefix.n == 0 || memcmp(a.p, prefix.p, prefix.n) == 0);
}

bool sv_ends(sv a, sv suffix)
{
    return a.n >= suffix.n &&
           (suffix.n == 0 || memcmp(a.p + a.n - suffix.n, suffix.p, suffix.n) == 0);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

sv sv_trim(sv a)
{
    while (a.n && is_space(a.p[0])) {
        a.p++;
        a.n--;
    }
    while (a.n && is_space(a.p[a.n - 1]))
        a.n--;
    return a;
}

int sv_cmp(sv a, sv b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

sv sv_cut(sv a, char c, sv *rest)
{
    const char *at = a.n ? memchr(a.p, c, a.n) : NULL;
    if (!at) {
        *rest = SV_NULL;
        return a;
    }
    size_t n = (size_t)(at - a.p);
    *rest = (sv){at + 1, a.n - n - 1};
    return (sv){a.p, n};
}

bool sv_u64(sv a, uint64_t *out)
{
    uint64_t v = 0;
    if (a.n == 0) return false;
    for (size_t i = 0; i < a.n; i++) {
        unsigned d = (unsigned)(unsigned char)a.p[i] - '0';
        if (d > 9 || __builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, d, &v))
            return false;
    }
    *out = v;
    return true;
}

bool sv_i64(sv a, int64_t *out)
{
    bool minus = a.n && a.p[0] == '-';
    uint64_t u;
    if (minus) {
        a.p++;
        a.n--;
    }
    if (!sv_u64(a, &u) || u > (uint64_t)INT64_MAX + minus) return false;
    *out = minus ? (int64_t)(0 - u) : (int64_t)u;
    return true;
}

bool sv_utf8_ok(sv a)
{
    const unsigned char *p = (const unsigned char *)a.p, *end = p + a.n;
    while (p < end) {
        size_t n = utf8_step(p, end);
        if (n == 0) return false;
        p += n;
    }
    return true;
}

size_t sv_utf8_len(sv a)
{
    size_t len = 0;
    for (size_t i = 0; i < a.n; i++)
        len += ((unsigned char)a.p[i] & 0xc0) != 0x80;
    return len;
}

uint64_t sv_hash(sv a)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < a.n; i++)
        h = (h ^ (unsigned char)a.p[i]) * UINT64_C(0x100000001b3);
    /* FNV's low bits are weak; tables take the low bits. */
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 33;
    h *= UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

bool sv_eq_const_time(sv a, sv b)
{
    if (a.n != b.n) return false;
    const volatile unsigned char *x = (const volatile unsigned char *)a.p;
    const volatile unsigned char *y = (const volatile unsigned char *)b.p;
    unsigned diff = 0;
    for (size_t i = 0; i < a.n; i++)
        diff |= (unsigned)(x[i] ^ y[i]);
    return diff == 0;
}
