/* Numbers of spreadsheets: dates are days since 1899-12-30, told apart from other
 * numbers by the format of their cell alone. */
#define LOG_ROOM "model"
#include "model/sheet_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool between(unsigned n, unsigned from, unsigned to)
{
    return n >= from && n <= to;
}

static enum sheet_number built_in(unsigned id)
{
    if (id == 9 || id == 10) return NUM_PERCENT;
    if (between(id, 18, 21) || between(id, 45, 47) || between(id, 32, 33) || between(id, 55, 56))
        return NUM_TIME;
    if (between(id, 14, 17) || id == 22 || between(id, 27, 31) || between(id, 34, 36) ||
        between(id, 50, 54) || between(id, 57, 58))
        return NUM_DATE;
    return NUM_PLAIN;
}

enum sheet_number sheet_number_kind(unsigned id, const char *code)
{
    bool day = false, clock = false, month = false, percent = false, digits = false;
    if (!code) return built_in(id);
    for (const char *p = code; *p && *p != ';'; p++) {
        if (*p == '"' || *p == '[') { /* a literal; a colour, locale or condition */
            const char *end = strchr(p + 1, *p == '"' ? '"' : ']');
            if (!end) break;
            p = end;
        } else if (*p == '\\' || *p == '_' || *p == '*') {
            if (!*++p) break;
        } else {
            char c = (char)(*p | 0x20);
            day |= c == 'y' || c == 'd';
            clock |= c == 'h' || c == 's';
            month |= c == 'm';
            percent |= *p == '%';
            digits |= *p == '0' || *p == '#';
        }
    }
    if (percent) return NUM_PERCENT;
    if (day || (month && !clock && !digits)) return NUM_DATE;
    return clock ? NUM_TIME : NUM_PLAIN;
}

static sv date_text(struct arena *a, double v, bool from_1904)
{
    int64_t s = (int64_t)llround(v * 86400), day = s / 86400, rest = s % 86400;
    char text[32];
    day -= from_1904 ? 24107 : 25569; /* to 1970-01-01 */
    clock_rfc3339(day * 86400 * 1000000, text);
    if (!rest) return arena_printf(a, "%.10s", text);
    return arena_printf(a, "%.10s %02d:%02d:%02d", text, (int)(rest / 3600),
                        (int)(rest / 60 % 60), (int)(rest % 60));
}

sv sheet_number_text(struct arena *a, sv raw, enum sheet_number kind, bool from_1904)
{
    char text[64], *end;
    if (!raw.n || raw.n >= sizeof text) return arena_sv(a, raw);
    memcpy(text, raw.p, raw.n);
    text[raw.n] = '\0';
    double v = strtod(text, &end);
    if (*end || !isfinite(v)) return arena_sv(a, raw);
    if (kind == NUM_PERCENT) return arena_printf(a, "%.15g%%", v * 100);
    if (kind == NUM_TIME && v >= 0 && v < 1) {
        int s = (int)lround(v * 86400) % 86400;
        return arena_printf(a, "%02d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
    }
    /* days of the years 1900 to 9999 */
    if ((kind == NUM_DATE || kind == NUM_TIME) && v >= 1 && v < 2958466)
        return date_text(a, v, from_1904);
    /* Up to 15 digits are exact; what was typed comes back. */
    if (fabs(v) < 1e15 && v == floor(v)) return arena_printf(a, "%.0f", v);
    return arena_printf(a, "%.15g", v);
}
