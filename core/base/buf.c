#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/panic.h"

void buf_grow(struct buf *b, size_t more)
{
    size_t need;
    if (__builtin_add_overflow(b->n, more, &need) || need > SIZE_MAX / 4) panic("buf: absurd size");
    size_t cap = b->cap < 128 ? 256 : b->cap * 2;
    if (cap < need) cap = need;
    if (!b->a) {
        b->p = xrealloc(b->p, cap);
    } else if (!arena_extend(b->a, b->p, b->cap, cap)) {
        char *p = arena_alloc(b->a, cap);
        if (b->n) memcpy(p, b->p, b->n);
        b->p = p;
    }
    b->cap = cap;
}

void buf_str(struct buf *b, const char *s)
{
    if (s) buf_add(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_reserve(b, 64);
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(b->p + b->n, b->cap - b->n, fmt, ap);
    if (n < 0) panic("buf: bad format");
    if ((size_t)n >= b->cap - b->n) {
        buf_reserve(b, (size_t)n + 1);
        vsnprintf(b->p + b->n, b->cap - b->n, fmt, again);
    }
    b->n += (size_t)n;
    va_end(again);
    va_end(ap);
}

void buf_i64(struct buf *b, int64_t v)
{
    static const char pairs[] = "0001020304050607080910111213141516171819"
                                "2021222324252627282930313233343536373839"
                                "4041424344454647484950515253545556575859"
                                "6061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    char tmp[20], *p = tmp + sizeof tmp;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    while (u >= 100) {
        p -= 2;
        memcpy(p, pairs + u % 100 * 2, 2);
        u /= 100;
    }
    if (u >= 10) {
        p -= 2;
        memcpy(p, pairs + u * 2, 2);
    } else {
        *--p = (char)('0' + u);
    }
    if (v < 0) *--p = '-';
    buf_add(b, p, (size_t)(tmp + sizeof tmp - p));
}

void buf_free(struct buf *b)
{
    if (!b->a) free(b->p);
    *b = (struct buf){.a = b->a};
}

static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";

void buf_hex(struct buf *b, const void *p, size_t n)
{
    const unsigned char *s = p;
    buf_reserve(b, n * 2);
    for (size_t i = 0; i < n; i++) {
        b->p[b->n++] = hex_lower[s[i] >> 4];
        b->p[b->n++] = hex_lower[s[i] & 15];
    }
}

void buf_base64url(struct buf *b, const void *p, size_t n)
{
    static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *s = p;
    buf_reserve(b, n / 3 * 4 + 4);
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < n; i++) {
        bits = bits << 8 | s[i];
        for (have += 8; have >= 6; have -= 6)
            b->p[b->n++] = abc[bits >> (have - 6) & 63];
    }
    if (have) b->p[b->n++] = abc[bits << (6 - have) & 63];
}

static int unbase64_digit(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

int buf_unbase64url(struct buf *out, sv text)
{
    size_t before = out->n;
    uint32_t bits = 0;
    unsigned have = 0;
    if (text.n % 4 == 1) return -1;
    buf_reserve(out, text.n / 4 * 3 + 3);
    for (size_t i = 0; i < text.n; i++) {
        int d = unbase64_digit(text.p[i]);
        if (d < 0) goto bad;
        bits = bits << 6 | (uint32_t)d;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out->p[out->n++] = (char)(bits >> have & 255);
        }
    }
    /* One text per value: bits left over must be zero, or a token could be
     * spelled in several ways. */
    if ((bits & ((1u << have) - 1)) == 0) return 0;
bad:
    out->n = before;
    return -1;
}

static int unhex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

int buf_urldecode(struct buf *out, sv text, bool plus_is_space)
{
    size_t before = out->n;
    buf_reserve(out, text.n);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            int hi = text.n - i > 2 ? unhex_digit(text.p[i + 1]) : -1;
            int lo = hi >= 0 ? unhex_digit(text.p[i + 2]) : -1;
            if (lo < 0) {
                out->n = before;
                return -1;
            }
            c = (char)(hi << 4 | lo);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        out->p[out->n++] = c;
    }
    return 0;
}

void buf_urlencode(struct buf *b, sv text)
{
    buf_reserve(b, text.n);
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~';
        if (plain)
            buf_chr(b, (char)c);
        else
            buf_add(b, (char[]){'%', hex_upper[c >> 4], hex_upper[c & 15]}, 3);
    }
}
