/* What handlers ask of a request. Everything is found when it is asked for. */
#define LOG_ROOM "http"
#include <stdlib.h>

#include "http/internal.h"

struct arena *http_arena(struct http_req *r)
{
    return r->arena;
}
enum http_method http_method_of(const struct http_req *r)
{
    return r->method;
}
sv http_path(const struct http_req *r)
{
    return r->path;
}
sv http_prefix(const struct http_req *r)
{
    return r->prefix;
}
sv http_query_raw(const struct http_req *r)
{
    return r->query;
}
sv http_host(const struct http_req *r)
{
    return r->host;
}
sv http_scheme(const struct http_req *r)
{
    return sv_of(r->scheme);
}
sv http_body(const struct http_req *r)
{
    return r->body;
}
sv http_remote(const struct http_req *r)
{
    return r->remote;
}
sv http_request_id(const struct http_req *r)
{
    return r->id;
}
struct http_site *http_site_of(const struct http_req *r)
{
    return r->site;
}
const struct http_route *http_route_of(const struct http_req *r)
{
    return r->match.route;
}
int64_t http_started_us(const struct http_req *r)
{
    return r->started_us;
}
void *http_user(const struct http_req *r)
{
    return r->user;
}

void *http_route_data(const struct http_req *r)
{
    return r->match.route ? r->match.route->data : NULL;
}

void http_set_user(struct http_req *r, void *user, int64_t label)
{
    r->user = user;
    r->user_label = label;
}

void http_defer(struct http_req *r)
{
    if (!r->outside) http_req_lend(r);
    http_taken = HTTP_TAKEN_DEFER;
}

void http_send(struct http_req *r)
{
    http_post(r->loop, &r->msg);
}

/* ---- headers and cookies ---------------------------------------------------- */

sv http_header(const struct http_req *r, const char *lower_name)
{
    size_t n = strlen(lower_name);
    for (size_t i = 0; i < r->n_headers; i++) {
        const h2o_iovec_t *name = r->headers[i].name;
        if (name->len == n && memcmp(name->base, lower_name, n) == 0)
            return sv_make(r->headers[i].value.base, r->headers[i].value.len);
    }
    /* h2o takes some out of the list */
    if (n == 4 && memcmp(lower_name, "host", 4) == 0) return r->host;
    return SV_NULL;
}

sv http_cookie_in(sv cookies, sv name)
{
    while (cookies.n) {
        sv pair = sv_trim(sv_cut(cookies, ';', &cookies)), value;
        sv key = sv_cut(pair, '=', &value);
        if (sv_eq(sv_trim(key), name) && value.p) {
            value = sv_trim(value);
            if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
                value = sv_make(value.p + 1, value.n - 2);
            return value;
        }
    }
    return SV_NULL;
}

sv http_cookie(const struct http_req *r, const char *name)
{
    /* HTTP/2 clients may send each cookie in a header of its own. */
    for (size_t i = 0; i < r->n_headers; i++) {
        if (r->headers[i].name != &H2O_TOKEN_COOKIE->buf) continue;
        sv v =
            http_cookie_in(sv_make(r->headers[i].value.base, r->headers[i].value.len), sv_of(name));
        if (v.p) return v;
    }
    return SV_NULL;
}

/* ---- language ------------------------------------------------------------------ */

/* "q=0.8" in thousandths; no parameter means 1000. */
static unsigned quality(sv params)
{
    while (params.n) {
        sv one = sv_trim(sv_cut(params, ';', &params));
        if (one.n < 3 || (one.p[0] | 0x20) != 'q' || one.p[1] != '=') continue;
        if (one.p[2] != '0') return 1000;
        unsigned q = 0, unit = 100;
        for (size_t i = 4; i < one.n && unit && one.p[i] >= '0' && one.p[i] <= '9'; i++, unit /= 10)
            q += (unsigned)(one.p[i] - '0') * unit;
        return q;
    }
    return 1000;
}

const char *http_pick_lang(sv cookie_lang, sv accept)
{
    if (sv_eq(cookie_lang, SV("zh"))) return "zh";
    if (sv_eq(cookie_lang, SV("en"))) return "en";
    unsigned best = 0;
    const char *lang = "zh";
    while (accept.n) {
        sv params, one = sv_cut(accept, ',', &accept);
        sv tag = sv_trim(sv_cut(one, ';', &params));
        if (tag.n < 2 || (tag.n > 2 && tag.p[2] != '-')) continue;
        char a = (char)(tag.p[0] | 0x20), b = (char)(tag.p[1] | 0x20);
        const char *this = a == 'z' && b == 'h' ? "zh" : a == 'e' && b == 'n' ? "en" : NULL;
        unsigned q = this ? quality(params) : 0;
        if (q > best) {
            best = q;
            lang = this;
        }
    }
    return lang;
}

const char *http_lang(const struct http_req *r)
{
    return http_pick_lang(http_cookie(r, "lang"), http_header(r, "accept-language"));
}

/* ---- query and path parameters --------------------------------------------------- */

/* Decoded when it needs to be, else the view itself; a broken escape stays as
 * it was sent. */
static sv decode(struct http_req *r, sv v, bool plus)
{
    bool plain = true;
    for (size_t i = 0; i < v.n && plain; i++)
        plain = v.p[i] != '%' && !(plus && v.p[i] == '+');
    if (plain) return v.p ? v : SV("");
    struct buf b = BUF_IN(r->arena);
    if (buf_urldecode(&b, v, plus) != 0) return v;
    return b.p ? buf_view(&b) : SV("");
}

void http_query_each(struct http_req *r, bool (*fn)(void *, sv name, sv value), void *arg)
{
    sv left = r->query;
    while (left.n) {
        sv pair = sv_cut(left, '&', &left), value;
        sv name = sv_cut(pair, '=', &value);
        if (pair.n && !fn(arg, decode(r, name, true), decode(r, value, true))) return;
    }
}

struct wanted {
    sv name, value;
};

static bool match_name(void *arg, sv name, sv value)
{
    struct wanted *w = arg;
    if (!sv_eq(name, w->name)) return true;
    w->value = value;
    return false;
}

sv http_query(struct http_req *r, const char *name)
{
    struct wanted w = {sv_of(name), SV_NULL};
    http_query_each(r, match_name, &w);
    return w.value;
}

sv http_param(struct http_req *r, const char *name)
{
    for (unsigned i = 0; i < r->match.n_params; i++)
        if (sv_eqs(r->match.params[i].name, name))
            return decode(r, r->match.params[i].value, false);
    return SV_NULL;
}

bool http_over_unix(const struct http_req *r)
{
    return strcmp(r->conn->ip, "local") == 0;
}
