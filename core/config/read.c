/* Typed readers over the tree, and the complaints. */
#include <stdio.h>
#include <stdlib.h>

#include "config/reader.h"

#define MAX_ERRORS 50
#define MAX_LIST 1000

void cfg_error(struct cfg_errors *e, const struct cfg_node *at, const char *fmt, ...)
{
    if (!e->text.p) e->text.a = e->a;
    if (++e->n > MAX_ERRORS) {
        if (e->n == MAX_ERRORS + 1) buf_printf(&e->text, "%s: and more errors\n", e->file);
        return;
    }
    buf_str(&e->text, e->file);
    if (at) buf_printf(&e->text, ":%u:%u", at->line, at->column);
    buf_str(&e->text, ": ");
    size_t start = e->text.n;
    va_list ap;
    va_start(ap, fmt);
    buf_sv(&e->text, arena_vprintf(e->a, fmt, ap));
    va_end(ap);
    /* Messages quote the file; what they quote must not steer a terminal. */
    for (size_t i = start; i < e->text.n; i++)
        if ((unsigned char)e->text.p[i] < 0x20 || e->text.p[i] == 0x7f) e->text.p[i] = '?';
    buf_chr(&e->text, '\n');
}

const char *cfg_called(struct cfg_errors *e, const struct cfg_node *n)
{
    return n->key.p ? arena_printf(e->a, "'%.*s'", CFG_SHOW(n->key)).p : "the entry";
}

void cfg_missing(struct cfg_node *map, const char *key, struct cfg_errors *e)
{
    cfg_error(e, map, "'%s' is missing", key);
}

bool cfg_is_null(const struct cfg_node *n)
{
    return n->kind == CFG_SCALAR && n->plain &&
           (n->scalar.n == 0 || sv_eq(n->scalar, SV("~")) || sv_eq(n->scalar, SV("null")));
}

bool cfg_want(struct cfg_node *n, enum cfg_kind kind, struct cfg_errors *e)
{
    static const char *const names[] = {"text", "a list", "a map of keys and values"};
    n->used = true;
    if (cfg_is_null(n)) {
        cfg_error(e, n, "%s has no value; give it one or remove it", cfg_called(e, n));
        return false;
    }
    if (n->kind == kind) return true;
    cfg_error(e, n, "%s must be %s", cfg_called(e, n), names[kind]);
    return false;
}

struct cfg_node *cfg_get(struct cfg_node *map, const char *key)
{
    if (!map || map->kind != CFG_MAP) return NULL;
    cfg_names_add(map->asked->a, &map->asked->names, key);
    for (struct cfg_node *n = map->first; n; n = n->next) {
        if (sv_eqs(n->key, key)) {
            n->used = true;
            return n;
        }
    }
    return NULL;
}

static struct cfg_node *get_kind(struct cfg_node *map, const char *key, enum cfg_kind kind,
                                 struct cfg_errors *e)
{
    struct cfg_node *n = cfg_get(map, key);
    return n && cfg_want(n, kind, e) ? n : NULL;
}

struct cfg_node *cfg_map(struct cfg_node *map, const char *key, struct cfg_errors *e)
{
    return get_kind(map, key, CFG_MAP, e);
}

struct cfg_node *cfg_list(struct cfg_node *map, const char *key, struct cfg_errors *e)
{
    return get_kind(map, key, CFG_LIST, e);
}

sv cfg_str(struct cfg_node *map, const char *key, sv dflt, struct cfg_errors *e)
{
    struct cfg_node *n = get_kind(map, key, CFG_SCALAR, e);
    return n ? n->scalar : dflt;
}

const char *cfg_cstr(struct cfg_node *map, const char *key, const char *dflt, struct cfg_errors *e)
{
    struct cfg_node *n = get_kind(map, key, CFG_SCALAR, e);
    return n ? n->scalar.p : dflt; /* scalars are NUL-terminated */
}

int64_t cfg_int(struct cfg_node *map, const char *key, int64_t dflt, int64_t min, int64_t max,
                struct cfg_errors *e)
{
    struct cfg_node *n = get_kind(map, key, CFG_SCALAR, e);
    int64_t v;
    if (!n) return dflt;
    /* 010 is 8 for some readers of YAML and 10 for others: refused. */
    sv digits =
        sv_starts(n->scalar, SV("-")) ? sv_make(n->scalar.p + 1, n->scalar.n - 1) : n->scalar;
    if (!n->plain || !sv_i64(n->scalar, &v) || (digits.n > 1 && digits.p[0] == '0')) {
        cfg_error(e, n, "%s must be a whole number", cfg_called(e, n));
        return dflt;
    }
    if (v < min || v > max) {
        if (max == INT64_MAX)
            cfg_error(e, n, "%s must be at least %lld", cfg_called(e, n), (long long)min);
        else
            cfg_error(e, n, "%s must be between %lld and %lld", cfg_called(e, n), (long long)min,
                      (long long)max);
        return dflt;
    }
    return v;
}

size_t cfg_size(struct cfg_node *map, const char *key, size_t dflt, size_t min, size_t max,
                struct cfg_errors *e)
{
    struct cfg_node *n = get_kind(map, key, CFG_SCALAR, e);
    if (!n) return dflt;
    sv t = n->scalar;
    unsigned shift = sv_ends(t, SV("K"))   ? 10
                     : sv_ends(t, SV("M")) ? 20
                     : sv_ends(t, SV("G")) ? 30
                                           : 0;
    uint64_t v;
    if (shift) t.n--;
    if (!sv_u64(t, &v) || v > UINT64_MAX >> shift) {
        cfg_error(e, n, "%s must be a size such as 4096, 64K, 8M or 2G", cfg_called(e, n));
        return dflt;
    }
    v <<= shift;
    if (v < min || v > max) {
        cfg_error(e, n, "%s must be between %zu and %zu bytes", cfg_called(e, n), min, max);
        return dflt;
    }
    return (size_t)v;
}

bool cfg_bool(struct cfg_node *map, const char *key, bool dflt, struct cfg_errors *e)
{
    struct cfg_node *n = get_kind(map, key, CFG_SCALAR, e);
    if (!n) return dflt;
    if (n->plain && sv_eq(n->scalar, SV("true"))) return true;
    if (n->plain && sv_eq(n->scalar, SV("false"))) return false;
    cfg_error(e, n, "%s must be true or false", cfg_called(e, n));
    return dflt;
}

int cfg_choice(struct cfg_node *map, const char *key, const char *const *names, int dflt,
               struct cfg_errors *e)
{
    struct cfg_node *n = get_kind(map, key, CFG_SCALAR, e);
    if (!n) return dflt;
    struct cfg_names all = {0};
    for (int i = 0; names[i]; i++) {
        if (sv_eqs(n->scalar, names[i])) return i;
        cfg_names_add(e->a, &all, names[i]);
    }
    const char *near = cfg_nearest(n->scalar, &all);
    if (near)
        cfg_error(e, n, "'%s' cannot be '%.*s'; did you mean '%s'?", key, CFG_SHOW(n->scalar),
                  near);
    else
        cfg_error(e, n, "'%s' must be one of: %.*s", key, SVARG(cfg_names_text(e->a, &all)));
    return dflt;
}

const char *const *cfg_texts(struct cfg_node *map, const char *key, const struct cfg_names *allowed,
                             const char *what, size_t *n, struct cfg_errors *e)
{
    struct cfg_node *list = cfg_list(map, key, e);
    *n = 0;
    if (!list) return NULL;
    if (list->n > MAX_LIST) {
        cfg_error(e, list, "%s has more than %d entries", cfg_called(e, list), MAX_LIST);
        return NULL;
    }
    const char **out = ARENA_ARRAY(e->a, const char *, list->n + 1);
    struct cfg_names seen = {0};
    for (struct cfg_node *c = list->first; c; c = c->next) {
        if (!cfg_want(c, CFG_SCALAR, e)) continue;
        if (allowed && !cfg_names_has(allowed, c->scalar)) {
            cfg_no_such(e, c, what, c->scalar, allowed);
        } else if (cfg_names_has(&seen, c->scalar)) {
            cfg_error(e, c, "'%.*s' is listed twice", CFG_SHOW(c->scalar));
        } else {
            cfg_names_add(e->a, &seen, c->scalar.p);
            out[(*n)++] = c->scalar.p;
        }
    }
    return out;
}

const char *cfg_one_of(struct cfg_node *map, const char *key, const struct cfg_names *allowed,
                       const char *what, struct cfg_errors *e)
{
    struct cfg_node *n = get_kind(map, key, CFG_SCALAR, e);
    if (!n) return NULL;
    if (cfg_names_has(allowed, n->scalar)) return n->scalar.p;
    cfg_no_such(e, n, what, n->scalar, allowed);
    return NULL;
}

void cfg_no_unknown(struct cfg_node *map, struct cfg_errors *e)
{
    if (!map || map->kind != CFG_MAP) return;
    for (struct cfg_node *n = map->first; n; n = n->next) {
        if (n->used) continue;
        struct cfg_node at = {.line = n->key_line, .column = n->key_column};
        const char *near = cfg_nearest(n->key, &map->asked->names);
        if (near)
            cfg_error(e, &at, "unknown key '%.*s'; did you mean '%s'?", CFG_SHOW(n->key), near);
        else
            cfg_error(e, &at, "unknown key '%.*s'", CFG_SHOW(n->key));
        n->used = true; /* said once */
    }
}

/* ---- as JSON ---------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Exactly JSON's grammar of numbers, in the range that the JSON reader takes. */
static bool is_json_number(sv t)
{
    const char *p = t.p, *end = t.p + t.n;
    bool whole = true;
    if (p < end && *p == '-') p++;
    if (p == end || !is_digit(*p)) return false;
    if (*p == '0' && p + 1 < end && is_digit(p[1])) return false;
    while (p < end && is_digit(*p))
        p++;
    if (p < end && *p == '.') {
        whole = false;
        if (++p == end || !is_digit(*p)) return false;
        while (p < end && is_digit(*p))
            p++;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        whole = false;
        if (++p < end && (*p == '+' || *p == '-')) p++;
        if (p == end || !is_digit(*p)) return false;
        while (p < end && is_digit(*p))
            p++;
    }
    if (p != end) return false;
    int64_t v;
    if (whole) return sv_i64(t, &v);
    double d = strtod(t.p, NULL); /* scalars are NUL-terminated */
    return d - d == 0;            /* not infinite */
}

void cfg_to_json(struct cfg_node *n, struct jsonw *w)
{
    n->used = true;
    if (n->kind == CFG_SCALAR) {
        if (cfg_is_null(n))
            jsonw_null(w);
        else if (n->plain && (sv_eqs(n->scalar, "true") || sv_eqs(n->scalar, "false") ||
                              is_json_number(n->scalar)))
            jsonw_raw(w, n->scalar);
        else
            jsonw_sv(w, n->scalar);
        return;
    }
    if (n->kind == CFG_MAP)
        jsonw_obj(w);
    else
        jsonw_arr(w);
    for (struct cfg_node *c = n->first; c; c = c->next) {
        if (n->kind == CFG_MAP) jsonw_key(w, c->key);
        cfg_to_json(c, w);
    }
    if (n->kind == CFG_MAP)
        jsonw_end_obj(w);
    else
        jsonw_end_arr(w);
}

sv cfg_json(struct cfg_node *map, const char *key, struct cfg_errors *e)
{
    struct cfg_node *n = cfg_get(map, key);
    if (!n) return SV_NULL;
    struct buf b = BUF_IN(e->a);
    struct jsonw w = jsonw_on(&b);
    cfg_to_json(n, &w);
    return arena_sv(e->a, buf_view(&b));
}
