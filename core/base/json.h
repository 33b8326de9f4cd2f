/* JSON. Reading is jansson's job (DOM, with duplicate keys refused); writing is
 * a small streaming writer onto a buf, because responses are written on the hot
 * path straight from database rows. [any, one thread] */
#ifndef ATRIUM_CORE_JSON_H
#define ATRIUM_CORE_JSON_H

#include <jansson.h>
#include "base/buf.h"
#include "base/err.h"

/* Parses a body into a DOM freed with the arena. Depth is bounded (64), NUL in
 * strings and duplicate keys are refused: 400 "bad_json" with line and column. */
int json_parse(struct arena *a, sv text, json_t **out, struct err *err);
/* A string member as a view ("" view with p NULL when absent or not a string). */
sv json_get_sv(const json_t *obj, const char *key);

struct jsonw {
    struct buf *out;
    uint64_t comma;    /* bit per level: a comma is owed */
    unsigned depth;    /* at most 63 */
};

static inline struct jsonw jsonw_on(struct buf *out) { return (struct jsonw){.out = out}; }
void jsonw_obj(struct jsonw *w);
void jsonw_end_obj(struct jsonw *w);
void jsonw_arr(struct jsonw *w);
void jsonw_end_arr(struct jsonw *w);
void jsonw_key(struct jsonw *w, sv key);
void jsonw_sv(struct jsonw *w, sv v);      /* string, escaped; p NULL gives null */
void jsonw_cstr(struct jsonw *w, const char *s);
void jsonw_i64(struct jsonw *w, int64_t v);        /* number */
void jsonw_id(struct jsonw *w, int64_t v);         /* "123": ids and 64-bit numbers */
void jsonw_f64(struct jsonw *w, double v);
void jsonw_bool(struct jsonw *w, bool v);
void jsonw_null(struct jsonw *w);
void jsonw_time(struct jsonw *w, int64_t us);      /* RFC 3339 string */
void jsonw_raw(struct jsonw *w, sv json);          /* already JSON; "" gives null */
void jsonw_json(struct jsonw *w, const json_t *v); /* a jansson value */
/* key and value at once */
void jsonw_kv_sv(struct jsonw *w, const char *key, sv v);
void jsonw_kv_str(struct jsonw *w, const char *key, const char *s);
void jsonw_kv_i64(struct jsonw *w, const char *key, int64_t v);
void jsonw_kv_id(struct jsonw *w, const char *key, int64_t v);
void jsonw_kv_bool(struct jsonw *w, const char *key, bool v);
void jsonw_kv_time(struct jsonw *w, const char *key, int64_t us);
void jsonw_kv_raw(struct jsonw *w, const char *key, sv json);

#endif
