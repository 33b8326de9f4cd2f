/* What webhooks do, as pure functions: which events one hears, when a failed
 * delivery is tried again, when a receiver is given up, and the signature. */
#define LOG_ROOM "link"

#include <openssl/hmac.h>

#include "link/room.h"

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)
#define FAILURES 20
#define FAILING_US (3600 * SECOND)

/* ---- events ------------------------------------------------------------------------- */

static bool blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ',';
}

bool webhook_each_event(sv list, bool (*fn)(void *arg, sv pattern), void *arg)
{
    for (size_t at = 0; at < list.n;) {
        size_t end = at;
        while (end < list.n && !blank(list.p[end]))
            end++;
        if (end > at && !fn(arg, sv_make(list.p + at, end - at))) return false;
        at = end + 1;
    }
    return true;
}

bool webhook_hears(sv pattern, sv event)
{
    if (sv_eqs(pattern, "*")) return true;
    if (sv_ends(pattern, SV(".*"))) return sv_starts(event, sv_make(pattern.p, pattern.n - 1));
    return sv_eq(pattern, event);
}

struct asked {
    sv event;
    bool heard;
};

static bool ask(void *arg, sv pattern)
{
    struct asked *a = arg;
    a->heard = webhook_hears(pattern, a->event);
    return !a->heard;
}

bool webhook_wants(sv events, sv event)
{
    struct asked a = {.event = event};
    webhook_each_event(events, ask, &a);
    return a.heard;
}

/* ---- time --------------------------------------------------------------------------- */

int64_t webhook_delay_us(unsigned failed, unsigned jitter)
{
    static const unsigned seconds[] = {5, 30, 120, 600, 1800, 3600, 10800, 21600, 43200, 86400};
    unsigned last = sizeof seconds / sizeof *seconds - 1;
    int64_t us = seconds[failed > last ? last : failed - !!failed] * SECOND;
    us = us * (800 + jitter % 401) / 1000;
    return us < DAY ? us : DAY;
}

bool webhook_gives_up(int status, int64_t failures, int64_t since, int64_t now)
{
    return status == 410 || (failures >= FAILURES && now - since >= FAILING_US);
}

/* ---- signature ------------------------------------------------------------------------ */

static void sign_one(struct buf *out, sv secret, const char *t, sv body)
{
    struct buf text = BUF_HEAP;
    unsigned char mac[32];
    unsigned n = 0;
    buf_str(&text, t);
    buf_chr(&text, '.');
    buf_sv(&text, body);
    if (!HMAC(EVP_sha256(), secret.p, (int)secret.n, (const unsigned char *)text.p, text.n, mac,
              &n))
        panic("link: OpenSSL refuses to sign");
    buf_str(out, ",v1=");
    buf_hex(out, mac, n);
    buf_free(&text);
}

void webhook_sign(struct buf *out, sv secret, sv before, int64_t now_us, sv body)
{
    struct buf t = BUF_HEAP;
    buf_i64(&t, now_us / SECOND);
    buf_chr(&t, '\0');
    buf_printf(out, "t=%s", t.p);
    sign_one(out, secret, t.p, body);
    if (before.n) sign_one(out, before, t.p, body);
    buf_free(&t);
}

/* ---- addresses ------------------------------------------------------------------------ */

bool webhook_url_ok(sv url, bool allow_http)
{
    sv https = SV("https://"), http = SV("http://");
    size_t at = sv_starts(url, https) ? https.n : allow_http && sv_starts(url, http) ? http.n : 0;
    if (!at) return false;
    size_t host = at;
    for (; at < url.n && url.p[at] != '/' && url.p[at] != '?'; at++)
        if (url.p[at] == '@' || url.p[at] == '\\' || (unsigned char)url.p[at] <= ' ') return false;
    if (at == host || url.p[host] == ':') return false;
    for (size_t i = at; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == '#') return false;
    return true;
}
