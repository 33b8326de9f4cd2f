/* Texts that have a form of their own: phone numbers, identity numbers, times of
 * day, region codes. What one is, and the one way it is kept, so that two
 * spellings of one thing are one value. Pure. */
#define LOG_ROOM "model"
#include "model/value.h"

static bool digits(sv v)
{
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] < '0' || v.p[i] > '9') return false;
    return v.n > 0;
}

/* ---- phone ------------------------------------------------------------------------ */

bool text_phone(sv v, char out[TEXT_FORM], size_t *n)
{
    size_t k = 0;
    v = sv_trim(v);
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        if (c == ' ' || c == '-' || c == '(' || c == ')') continue;
        if (k == 20 || !((c >= '0' && c <= '9') || (c == '+' && k == 0))) return false;
        out[k++] = c;
    }
    sv s = {out, k};
    bool plus = sv_starts(s, SV("+"));
    size_t country = sv_starts(s, SV("+86")) ? 3 : sv_starts(s, SV("0086")) ? 4 : 0;
    if (!country && k == 13 && sv_starts(s, SV("86"))) country = 2;
    sv home = {out + country, k - country};
    if (home.n == 11 && home.p[0] == '1' && home.p[1] >= '3' && digits(home)) {
        memmove(out, home.p, home.n);
        *n = home.n;
        return true;
    }
    *n = k;
    return plus && country == 0 && k >= 8 && k <= 16 && out[1] != '0';
}

/* ---- identity number (GB 11643) --------------------------------------------------- */

bool text_id_number(sv v, char out[TEXT_FORM], size_t *n)
{
    static const int weight[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    v = sv_trim(v);
    if (v.n != 18 || !digits(sv_make(v.p, 17)) || v.p[0] == '0') return false;
    char last = v.p[17] == 'x' ? 'X' : v.p[17];
    int sum = 0;
    for (int i = 0; i < 17; i++)
        sum += (v.p[i] - '0') * weight[i];
    if (last != "10X98765432"[sum % 11]) return false;
    char day[11];
    memcpy(day, v.p + 6, 4);
    memcpy(day + 5, v.p + 10, 2);
    memcpy(day + 8, v.p + 12, 2);
    day[4] = day[7] = '-';
    if (day[0] < '1' || !value_date_ok(sv_make(day, 10))) return false;
    if (day[0] == '1' && (day[1] != '8' && day[1] != '9')) return false;
    memcpy(out, v.p, 17);
    out[17] = last;
    *n = 18;
    return true;
}

/* ---- time of day ------------------------------------------------------------------ */

bool text_clock(sv v, char out[TEXT_FORM], size_t *n)
{
    int64_t h, m, s = 0;
    if ((v.n != 5 && v.n != 8) || v.p[2] != ':' || (v.n == 8 && v.p[5] != ':')) return false;
    if (!digits(sv_make(v.p, 2)) || !digits(sv_make(v.p + 3, 2))) return false;
    if (v.n == 8 && !digits(sv_make(v.p + 6, 2))) return false;
    sv_i64(sv_make(v.p, 2), &h);
    sv_i64(sv_make(v.p + 3, 2), &m);
    if (v.n == 8) sv_i64(sv_make(v.p + 6, 2), &s);
    if (h > 23 || m > 59 || s > 59) return false;
    memcpy(out, v.p, v.n);
    if (v.n == 5) memcpy(out + 5, ":00", 3);
    *n = 8;
    return true;
}

/* ---- regions (GB/T 2260) ---------------------------------------------------------- */

bool text_region(sv v)
{
    static const char provinces[] = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 "
                                    "46 50 51 52 53 54 61 62 63 64 65 71 81 82 ";
    if (v.n != 6 || !digits(v)) return false;
    for (const char *p = provinces; *p; p += 3)
        if (memcmp(p, v.p, 2) == 0) return true;
    return false;
}

sv text_region_prefix(sv code)
{
    while (code.n >= 4 && memcmp(code.p + code.n - 2, "00", 2) == 0)
        code.n -= 2;
    return code;
}
