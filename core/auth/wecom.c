/* WeCom (企业微信): a page to scan, a code, and the server's own call that says whose
 * it is. Not OpenID Connect: no signed token, no PKCE; the state is ours. */
#define LOG_ROOM "auth"

#include "auth/outer.h"

#define SCAN_PAGE "https://login.work.weixin.qq.com/wwlogin/sso/login"
#define INSIDE_PAGE "https://open.weixin.qq.com/connect/oauth2/authorize"
#define API_BASE "https://qyapi.weixin.qq.com"

static void pair(struct buf *b, const char *name, sv value, char first)
{
    buf_chr(b, first);
    buf_printf(b, "%s=", name);
    buf_urlencode(b, value);
}

void wecom_url(const struct provider *p, const struct outer_way *w, struct buf *out)
{
    sv page = p->authorize_url.n ? p->authorize_url
              : w->in_wecom      ? SV(INSIDE_PAGE)
                                 : SV(SCAN_PAGE);
    buf_sv(out, page);
    pair(out, "login_type", SV("CorpApp"), '?');
    pair(out, "appid", p->client_id, '&');
    pair(out, "agentid", p->agent_id, '&');
    pair(out, "redirect_uri", w->redirect, '&');
    pair(out, "response_type", SV("code"), '&');
    pair(out, "scope", SV("snsapi_base"), '&');
    pair(out, "state", w->state, '&');
    buf_str(out, "#wechat_redirect");
}

static sv base_of(const struct provider *p)
{
    sv base = p->issuer.n ? p->issuer : SV(API_BASE);
    while (base.n && base.p[base.n - 1] == '/') base.n--;
    return base;
}

static int errcode(const json_t *answer)
{
    return (int)json_integer_value(json_object_get(answer, "errcode"));
}

static int refused(const json_t *answer, const char *what, struct err *err)
{
    err_set(err, 401, "auth.outer", NULL);
    err_detail(err, "WeCom %s: %d %.100s", what, errcode(answer),
               json_string_value(json_object_get(answer, "errmsg")));
    return -1;
}

/* One token for each secret, kept until shortly before its end. */
static int token(struct auth *au, struct arena *a, const struct provider *p, sv key, sv *out,
                 struct err *err)
{
    struct buf url = BUF_IN(a);
    json_t *answer;
    if (outer_cached(au, a, key, out)) return 0;
    buf_sv(&url, base_of(p));
    buf_str(&url, "/cgi-bin/gettoken");
    pair(&url, "corpid", p->client_id, '?');
    pair(&url, "corpsecret", p->secret, '&');
    struct fetch f = {.method = "GET", .url = buf_view(&url)};
    if (fetch_json(au, a, &f, &answer, err) != 0) return -1;
    *out = json_get_sv(answer, "access_token");
    if (errcode(answer) != 0 || !out->n) return refused(answer, "gettoken", err);
    int64_t s = json_integer_value(json_object_get(answer, "expires_in"));
    if (s > 300) outer_keep(au, key, *out, (s - 240) * 1000000);
    return 0;
}

int wecom_who(struct auth *au, struct arena *a, const struct provider *p, sv code,
              struct outer_who *out, struct err *err)
{
    char hash[AUTH_HASH_CHARS];
    seal_sha256_hex(arena_printf(a, "%.*s\n%.*s\n%.*s", SVARG(base_of(p)), SVARG(p->client_id),
                                 SVARG(p->secret)), hash);
    sv key = arena_printf(a, "wecom:%.*s", AUTH_HASH_CHARS, hash), access;
    for (int i = 0;; i++) {
        struct buf url = BUF_IN(a);
        json_t *answer;
        if (token(au, a, p, key, &access, err) != 0) return -1;
        buf_sv(&url, base_of(p));
        buf_str(&url, "/cgi-bin/auth/getuserinfo");
        pair(&url, "access_token", access, '?');
        pair(&url, "code", code, '&');
        struct fetch f = {.method = "GET", .url = buf_view(&url)};
        if (fetch_json(au, a, &f, &answer, err) != 0) return -1;
        bool old = errcode(answer) == 40014 || errcode(answer) == 42001;
        if (old && i == 0) {
            outer_drop(au, key);
            continue;
        }
        sv id = json_get_sv(answer, "userid");
        if (!id.n) id = json_get_sv(answer, "UserId");
        /* without a userid it is a customer, not one of the corp */
        if (errcode(answer) != 0 || !id.n || id.n > 255) return refused(answer, "getuserinfo", err);
        *out = (struct outer_who){.subject = id, .name = id, .login = id, .email = SV_NULL};
        return 0;
    }
}
