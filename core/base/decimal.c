#include "base/decimal.h"

#include <stdio.h>

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

bool decimal_parse(sv text, unsigned scale, int64_t *units)
{
    bool minus = text.n && text.p[0] == '-';
    size_t i = minus;
    int64_t v = 0;
    if (i == text.n || !digit(text.p[i])) return false;
    for (; i < text.n && digit(text.p[i]); i++) {
        if (v > DECIMAL_MAX_UNITS / 10) return false;
        v = v * 10 + (text.p[i] - '0');
    }
    if (i < text.n && (text.p[i] != '.' || i + 1 == text.n)) return false;
    unsigned places = 0;
    for (i++; i < text.n; i++) {
        if (!digit(text.p[i])) return false;
        if (places == scale) {
            if (text.p[i] != '0') return false;
            continue;
        }
        if (v > DECIMAL_MAX_UNITS / 10) return false;
        v = v * 10 + (text.p[i] - '0');
        places++;
    }
    for (; places < scale; places++) {
        if (v > DECIMAL_MAX_UNITS / 10) return false;
        v *= 10;
    }
    *units = minus ? -v : v;
    return true;
}

size_t decimal_format(int64_t units, unsigned scale, char out[32])
{
    uint64_t u = units < 0 ? 0 - (uint64_t)units : (uint64_t)units, one = 1;
    for (unsigned i = 0; i < scale; i++)
        one *= 10;
    const char *sign = units < 0 ? "-" : "";
    int n = scale ? snprintf(out, 32, "%s%llu.%0*llu", sign, (unsigned long long)(u / one),
                             (int)scale, (unsigned long long)(u % one))
                  : snprintf(out, 32, "%s%llu", sign, (unsigned long long)u);
    return n > 0 ? (size_t)n : 0;
}
