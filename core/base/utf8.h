/* One step through UTF-8, shared by the checker and the JSON writer. */
#ifndef ATRIUM_CORE_UTF8_H
#define ATRIUM_CORE_UTF8_H

#include <stddef.h>

/* Length of the well-formed sequence at p (p < end), 0 when there is none:
 * overlong forms, surrogates and values above U+10FFFF are refused. */
static inline size_t utf8_step(const unsigned char *p, const unsigned char *end)
{
    size_t left = (size_t)(end - p);
    unsigned c = p[0];
    if (c < 0x80) return 1;
    if (c < 0xc2) return 0;
    if (c < 0xe0) return left >= 2 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
    if (c < 0xf0) {
        if (left < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80) return 0;
        if (c == 0xe0 && p[1] < 0xa0) return 0; /* overlong */
        if (c == 0xed && p[1] > 0x9f) return 0; /* surrogate */
        return 3;
    }
    if (c > 0xf4 || left < 4) return 0;
    if ((p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80) return 0;
    if (c == 0xf0 && p[1] < 0x90) return 0; /* overlong */
    if (c == 0xf4 && p[1] > 0x8f) return 0; /* above U+10FFFF */
    return 4;
}

#endif
