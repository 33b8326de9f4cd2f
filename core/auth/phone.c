/* Phone numbers as one form, so that each person has one row. */
#include "auth/room.h"

static bool all_digits(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] < '0' || p[i] > '9') return false;
    return true;
}

static bool mainland(sv s)
{
    return s.n == 11 && s.p[0] == '1' && s.p[1] >= '3' && all_digits(s.p, s.n);
}

sv phone_normal(struct arena *a, sv text)
{
    text = sv_trim(text);
    if (text.n == 0 || text.n > 32) return SV_NULL;
    char *out = arena_alloc(a, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == ' ' || c == '-' || c == '(' || c == ')') continue;
        if ((c < '0' || c > '9') && !(c == '+' && n == 0)) return SV_NULL;
        out[n++] = c;
    }
    out[n] = 0;
    sv s = sv_make(out, n);
    if (mainland(s)) return s;
    if (s.n == 0 || s.p[0] != '+') return SV_NULL;
    if (sv_starts(s, SV("+86"))) {
        sv home = sv_make(s.p + 3, s.n - 3);
        return mainland(home) ? home : SV_NULL;
    }
    return s.n >= 8 && s.n <= 16 && s.p[1] != '0' ? s : SV_NULL;
}

sv phone_mask(struct arena *a, sv phone)
{
    if (phone.n < 8) return phone.n ? SV("****") : SV("");
    return arena_printf(a, "%.*s****%.*s", (int)(phone.n - 8), phone.p, 4,
                        phone.p + phone.n - 4);
}

sv phone_pseudonym(struct arena *a, const struct tenant *t, sv phone)
{
    unsigned char mac[32];
    struct buf b = BUF_IN(a);
    seal_hmac(t->pub.secret, arena_printf(a, "phone:%.*s", SVARG(phone)), mac);
    buf_base64url(&b, mac, 24);
    return buf_view(&b);
}
