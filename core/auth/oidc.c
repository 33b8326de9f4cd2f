/* OpenID Connect: the authorization code with PKCE, state and nonce. Discovery and
 * keys are kept for an hour; a token that names an unknown key fetches them anew. */
#define LOG_ROOM "auth"

#include <openssl/evp.h>
#include <stdlib.h>

#include "auth/jwt.h"
#include "auth/outer.h"

#define KEEP_US (3600 * 1000000LL)
#define MAX_CACHED 256

/* ---- what is kept -------------------------------------------------------------------------- */

struct cached { struct cached *next; int64_t until; sv key, text; struct arena *a; };

static struct cached **find(struct auth *au, sv key)
{
    struct cached **p = &au->outer.cache;
    while (*p && !sv_eq((*p)->key, key)) p = &(*p)->next;
    return p;
}

static void unlink_one(struct cached **p)
{
    struct cached *c = *p;
    *p = c->next;
    arena_free(c->a);
}

bool outer_cached(struct auth *au, struct arena *a, sv key, sv *text)
{
    pthread_mutex_lock(&au->outer.lock);
    struct cached *c = *find(au, key);
    bool there = c && clock_mono_us() < c->until;
    if (there) *text = arena_sv(a, c->text);
    pthread_mutex_unlock(&au->outer.lock);
    return there;
}

void outer_drop(struct auth *au, sv key)
{
    pthread_mutex_lock(&au->outer.lock);
    struct cached **p = find(au, key);
    if (*p) unlink_one(p);
    pthread_mutex_unlock(&au->outer.lock);
}

void outer_keep(struct auth *au, sv key, sv text, int64_t for_us)
{
    struct arena *a = arena_new(key.n + text.n + 128);
    struct cached *c = ARENA_NEW(a, struct cached);
    unsigned n = 0;
    *c = (struct cached){.a = a, .key = arena_sv(a, key), .text = arena_sv(a, text),
                         .until = clock_mono_us() + for_us};
    pthread_mutex_lock(&au->outer.lock);
    struct cached **p = find(au, key);
    if (*p) unlink_one(p);
    c->next = au->outer.cache;
    au->outer.cache = c;
    for (p = &au->outer.cache; *p; n++) {
        if (n >= MAX_CACHED) unlink_one(p);
        else p = &(*p)->next;
    }
    pthread_mutex_unlock(&au->outer.lock);
}

void outer_cache_free(struct auth *au)
{
    while (au->outer.cache) unlink_one(&au->outer.cache);
}

static int kept_json(struct auth *au, struct arena *a, sv url, json_t **out, struct err *err)
{
    struct fetch f = {.method = "GET", .url = url};
    struct buf b = BUF_IN(a);
    struct jsonw w = jsonw_on(&b);
    sv text;
    if (outer_cached(au, a, url, &text)) return json_parse(a, text, out, err);
    if (fetch_json(au, a, &f, out, err) != 0) return -1;
    jsonw_json(&w, *out);
    outer_keep(au, url, buf_view(&b), KEEP_US);
    return 0;
}

static int discover(struct auth *au, struct arena *a, const struct provider *p, json_t **doc,
                    struct err *err)
{
    sv base = p->issuer;
    while (base.n && base.p[base.n - 1] == '/') base.n--;
    if (kept_json(au, a, arena_printf(a, "%.*s/.well-known/openid-configuration", SVARG(base)), doc,
                  err) != 0)
        return -1;
    /* a document that speaks for somebody else would let him log in as anybody */
    if (sv_eq(json_get_sv(*doc, "issuer"), p->issuer)) return 0;
    err_set(err, 502, "auth.outer_away", NULL);
    err_detail(err, "the discovery document is of another issuer");
    return -1;
}

/* ---- there ----------------------------------------------------------------------------------- */

static void pair(struct buf *b, const char *name, sv value)
{
    char last = b->n ? b->p[b->n - 1] : '?';
    if (last != '?' && last != '&') buf_chr(b, '&');
    buf_printf(b, "%s=", name);
    buf_urlencode(b, value);
}

static sv challenge(struct arena *a, sv verifier)
{
    unsigned char sum[32];
    struct buf b = BUF_IN(a);
    seal_sha256(verifier, sum);
    buf_base64url(&b, sum, sizeof sum);
    return buf_view(&b);
}

int oidc_url(struct auth *au, struct arena *a, const struct provider *p, const struct outer_way *w,
             struct buf *out, struct err *err)
{
    json_t *doc;
    if (discover(au, a, p, &doc, err) != 0) return -1;
    sv at = json_get_sv(doc, "authorization_endpoint");
    if (!sv_starts(at, SV("http"))) return err_set(err, 502, "auth.outer_away", NULL);
    buf_sv(out, at);
    buf_chr(out, memchr(at.p, '?', at.n) ? '&' : '?');
    pair(out, "response_type", SV("code"));
    pair(out, "client_id", p->client_id);
    pair(out, "redirect_uri", w->redirect);
    pair(out, "scope", p->scopes.n ? p->scopes : SV("openid profile email"));
    pair(out, "state", w->state);
    pair(out, "nonce", w->nonce);
    pair(out, "code_challenge", challenge(a, w->verifier));
    pair(out, "code_challenge_method", SV("S256"));
    return 0;
}

/* ---- and back -------------------------------------------------------------------------------- */

static bool takes_basic(const json_t *doc)
{
    const json_t *ways = json_object_get(doc, "token_endpoint_auth_methods_supported");
    size_t i;
    json_t *one;
    if (!json_is_array(ways)) return true;
    json_array_foreach(ways, i, one)
        if (json_is_string(one) && strcmp(json_string_value(one), "client_secret_basic") == 0)
            return true;
    return false;
}

static const char *basic(struct arena *a, const struct provider *p)
{
    struct buf plain = BUF_IN(a);
    buf_urlencode(&plain, p->client_id);
    buf_chr(&plain, ':');
    buf_urlencode(&plain, p->secret);
    char *text = arena_zalloc(a, plain.n * 4 / 3 + 8);
    EVP_EncodeBlock((unsigned char *)text, (unsigned char *)plain.p, (int)plain.n);
    return arena_printf(a, "Authorization: Basic %s", text).p;
}

static int ask_token(struct auth *au, struct arena *a, const struct provider *p, const json_t *doc,
                     const struct outer_way *w, sv code, sv *id_token, struct err *err)
{
    struct buf body = BUF_IN(a);
    json_t *answer;
    bool by_header = takes_basic(doc) && p->secret.n;
    pair(&body, "grant_type", SV("authorization_code"));
    pair(&body, "code", code);
    pair(&body, "redirect_uri", w->redirect);
    pair(&body, "code_verifier", w->verifier);
    pair(&body, "client_id", p->client_id);
    if (!by_header && p->secret.n) pair(&body, "client_secret", p->secret);
    const char *headers[] = {"Content-Type: application/x-www-form-urlencoded",
                             "Accept: application/json", by_header ? basic(a, p) : NULL, NULL};
    struct fetch f = {.method = "POST", .url = json_get_sv(doc, "token_endpoint"),
                      .body = buf_view(&body), .headers = headers};
    if (fetch_json(au, a, &f, &answer, err) != 0) return -1;
    *id_token = json_get_sv(answer, "id_token");
    return id_token->n ? 0 : err_set(err, 401, "auth.outer", NULL);
}

static int verify(struct auth *au, struct arena *a, const struct provider *p, const json_t *doc,
                  sv token, sv nonce, json_t **claims, struct err *err)
{
    struct jwt_want want = {p->issuer, p->client_id, nonce, clock_now_us()};
    sv at = json_get_sv(doc, "jwks_uri");
    for (int i = 0;; i++) {
        struct err e = {0};
        json_t *keys;
        bool unknown;
        if (kept_json(au, a, at, &keys, err) != 0) return -1;
        if (jwt_verify(a, token, keys, &want, claims, &unknown, &e) == 0) return 0;
        if (!unknown || i == 1) {
            err_copy(err, &e);
            return -1;
        }
        outer_drop(au, at);          /* rotated: once more with what they say now */
    }
}

int oidc_who(struct auth *au, struct arena *a, const struct provider *p, const struct outer_way *w,
             sv code, struct outer_who *out, struct err *err)
{
    json_t *doc, *claims;
    sv token;
    if (discover(au, a, p, &doc, err) != 0 ||
        ask_token(au, a, p, doc, w, code, &token, err) != 0 ||
        verify(au, a, p, doc, token, w->nonce, &claims, err) != 0)
        return -1;
    *out = (struct outer_who){.subject = json_get_sv(claims, "sub"),
                              .name = json_get_sv(claims, "name"),
                              .login = json_get_sv(claims, "preferred_username"),
                              .email = SV_NULL};
    if (json_is_true(json_object_get(claims, "email_verified")))
        out->email = json_get_sv(claims, "email");
    return 0;
}
