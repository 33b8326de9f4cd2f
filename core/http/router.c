/* Routing: one trie of path segments, built at start and then read by all
 * loops without a lock. At each segment a literal child is tried before a
 * parameter and a parameter before "*rest"; the search backs up when a branch
 * leads nowhere, so "/a/b" and "/a/:x" live together. */
#define LOG_ROOM "http"
#include <stdlib.h>

#include "http/http.h"
#include "http/methods.h"

#define MAX_PARAMS                                                                                 \
    (sizeof(((struct http_match *)0)->params) / sizeof(((struct http_match *)0)->params[0]))

struct node {
    sv segment;             /* literal text; empty on the root and on parameters */
    struct node **literals; /* sorted by length, then bytes */
    size_t n_literals;
    struct node *param; /* ":name" */
    const struct http_route *here[HTTP_N_METHODS];
    const struct http_route *rest[HTTP_N_METHODS];
};

struct http_router {
    struct arena *arena; /* nodes and route copies; freed with the router */
    struct node root;
};

struct http_router *http_router_new(void)
{
    struct arena *a = arena_new(0);
    struct http_router *r = ARENA_NEW(a, struct http_router);
    r->arena = a;
    return r;
}

static void free_literals(struct node *n)
{
    for (size_t i = 0; i < n->n_literals; i++)
        free_literals(n->literals[i]);
    if (n->param) free_literals(n->param);
    free(n->literals);
}

void http_router_free(struct http_router *r)
{
    if (!r) return;
    free_literals(&r->root);
    arena_free(r->arena);
}

static int cmp_segment(sv a, sv b)
{
    if (a.n != b.n) return a.n < b.n ? -1 : 1;
    return a.n ? memcmp(a.p, b.p, a.n) : 0;
}

static struct node *find_literal(const struct node *n, sv segment)
{
    size_t lo = 0, hi = n->n_literals;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int c = cmp_segment(n->literals[mid]->segment, segment);
        if (c == 0) return n->literals[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static struct node *add_literal(struct http_router *r, struct node *n, sv segment)
{
    struct node *child = find_literal(n, segment);
    if (child) return child;
    struct node **grown = realloc(n->literals, (n->n_literals + 1) * sizeof(*grown));
    if (!grown) abort();
    n->literals = grown;
    child = ARENA_NEW(r->arena, struct node);
    child->segment = segment;
    size_t at = n->n_literals;
    while (at > 0 && cmp_segment(grown[at - 1]->segment, segment) > 0) {
        grown[at] = grown[at - 1];
        at--;
    }
    grown[at] = child;
    n->n_literals++;
    return child;
}

int http_router_add(struct http_router *r, const struct http_route *route, struct err *err)
{
    sv left = sv_of(route->pattern);
    if ((unsigned)route->method >= HTTP_N_METHODS || !route->handler || left.n == 0 ||
        left.p[0] != '/')
        return err_internal(err, "route \"%s\" is malformed", left.n ? route->pattern : "");

    struct http_route *copy = ARENA_NEW(r->arena, struct http_route);
    *copy = *route;
    copy->pattern = arena_str(r->arena, left);
    left = sv_of(copy->pattern);

    struct node *n = &r->root;
    unsigned params = 0;
    bool rest = false;
    left = sv_make(left.p + 1, left.n - 1);
    for (bool more = true; more && !rest;) {
        const char *slash = left.n ? memchr(left.p, '/', left.n) : NULL;
        sv segment = slash ? sv_make(left.p, (size_t)(slash - left.p)) : left;
        more = slash != NULL;
        if (more) left = sv_make(slash + 1, left.n - segment.n - 1);
        if (segment.n && (segment.p[0] == ':' || segment.p[0] == '*')) {
            if (segment.n < 2 || ++params > MAX_PARAMS)
                return err_internal(err, "route \"%s\": bad or too many parameters", copy->pattern);
            rest = segment.p[0] == '*';
            if (rest && more)
                return err_internal(err, "route \"%s\": \"*\" must be last", copy->pattern);
            if (!rest) {
                if (!n->param) n->param = ARENA_NEW(r->arena, struct node);
                n = n->param;
            }
        } else {
            n = add_literal(r, n, segment);
        }
    }
    const struct http_route **slot = rest ? &n->rest[route->method] : &n->here[route->method];
    if (*slot) {
        err_set(err, 500, "duplicate", NULL);
        err_detail(err, "route %s \"%s\" is already there as \"%s\"",
                   http_method_name(route->method), copy->pattern, (*slot)->pattern);
        return -1;
    }
    *slot = copy;
    return 0;
}

/* ---- finding ------------------------------------------------------------- */

struct search {
    enum http_method method;
    unsigned allowed; /* bit per method seen at paths that fit */
    const struct http_route *found;
    unsigned n_values;
    sv values[MAX_PARAMS];
};

static bool take(struct search *s, const struct http_route *const routes[HTTP_N_METHODS])
{
    const struct http_route *r = routes[s->method];
    if (!r && s->method == HTTP_HEAD) r = routes[HTTP_GET];
    if (r) {
        s->found = r;
        return true;
    }
    for (unsigned m = 0; m < HTTP_N_METHODS; m++)
        if (routes[m]) s->allowed |= 1u << m;
    return false;
}

/* `left` is what follows the slash that led to `n`; `more` is false behind the
 * last segment. Depth is bounded by the depth of the trie. */
static bool walk(struct search *s, const struct node *n, sv left, bool more)
{
    if (!more) return take(s, n->here);
    const char *slash = left.n ? memchr(left.p, '/', left.n) : NULL;
    sv segment = slash ? sv_make(left.p, (size_t)(slash - left.p)) : left;
    sv next = slash ? sv_make(slash + 1, left.n - segment.n - 1) : SV_NULL;
    const struct node *child = find_literal(n, segment);
    if (child && walk(s, child, next, slash != NULL)) return true;
    if (n->param && segment.n) {
        unsigned mark = s->n_values;
        s->values[s->n_values++] = segment;
        if (walk(s, n->param, next, slash != NULL)) return true;
        s->n_values = mark;
    }
    s->values[s->n_values < MAX_PARAMS ? s->n_values : MAX_PARAMS - 1] = left;
    if (take(s, n->rest)) {
        s->n_values++;
        return true;
    }
    return false;
}

/* Names come from the pattern, so that two patterns may name the same place
 * differently. */
static void name_params(const struct search *s, struct http_match *out)
{
    out->route = s->found;
    out->n_params = s->n_values;
    const char *p = s->found->pattern;
    for (unsigned i = 0; i < s->n_values; i++) {
        while (!(p[0] == '/' && (p[1] == ':' || p[1] == '*')))
            p++;
        p += 2;
        size_t n = strcspn(p, "/");
        out->params[i].name = sv_make(p, n);
        out->params[i].value = s->values[i];
        p += n;
    }
}

bool http_router_find(const struct http_router *r, enum http_method m, sv path,
                      struct http_match *out, sv *allow)
{
    struct search s = {.method = m};
    out->route = NULL;
    out->n_params = 0;
    if (allow) *allow = SV_NULL;
    if (path.n == 0 || path.p[0] != '/') return false;
    if (walk(&s, &r->root, sv_make(path.p + 1, path.n - 1), true)) {
        name_params(&s, out);
        return true;
    }
    if (allow && s.allowed) *allow = http_allow_text(s.allowed);
    return false;
}

int http_router_add_all(struct http_router *r, const struct http_route *routes, size_t n,
                        struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (http_router_add(r, &routes[i], err) != 0)
            return -1;
    return 0;
}
