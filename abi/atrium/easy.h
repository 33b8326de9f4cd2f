/* Atrium: plain calls for plugin code. Everything here is `static inline`,
 * compiles into the plugin and promises nothing at the border: a plugin may use
 * its own wrappers instead.
 *
 * One file of the plugin says ATRIUM_TABLES_DEFINE; init calls
 * atrium_tables_fetch(host); from then on `atrium_query(ctx, ...)` and the others
 * work in every file that includes this one. A table that the manifest does not
 * list stays NULL, and the helpers that need it must not be called. */
#ifndef ATRIUM_EASY_H
#define ATRIUM_EASY_H

#include "atrium/auth.h"
#include "atrium/channel.h"
#include "atrium/crypto.h"
#include "atrium/hooks.h"
#include "atrium/http.h"
#include "atrium/jobs.h"
#include "atrium/json.h"
#include "atrium/log.h"
#include "atrium/memory.h"
#include "atrium/model.h"
#include "atrium/plugin.h"
#include "atrium/settings.h"
#include "atrium/storage.h"
#include "atrium/time.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the tables ------------------------------------------------------------------ */

struct atrium_tables {
    const struct atrium_auth_1 *auth;
    const struct atrium_channel_1 *channel;
    const struct atrium_crypto_1 *crypto;
    const struct atrium_hooks_1 *hooks;
    const struct atrium_http_1 *http;
    const struct atrium_jobs_1 *jobs;
    const struct atrium_json_1 *json;
    const struct atrium_log_1 *log;
    const struct atrium_memory_1 *memory;
    const struct atrium_model_1 *model;
    const struct atrium_settings_1 *settings;
    const struct atrium_storage_1 *storage;
    const struct atrium_time_1 *time;
};

#if defined(__GNUC__)
#define ATRIUM_HIDDEN __attribute__((visibility("hidden")))
#else
#define ATRIUM_HIDDEN
#endif

/* Written once, in init; read-only then, so no lock. */
extern ATRIUM_HIDDEN struct atrium_tables atrium;
#define ATRIUM_TABLES_DEFINE struct atrium_tables atrium

static inline void atrium_tables_fetch(const struct atrium_host *host)
{
#define ATRIUM_FETCH_(member, id) \
    atrium.member = (const struct atrium_##member##_1 *)host->get_interface(host, ATRIUM_STR(id))
    ATRIUM_FETCH_(auth, ATRIUM_AUTH_1);
    ATRIUM_FETCH_(channel, ATRIUM_CHANNEL_1);
    ATRIUM_FETCH_(crypto, ATRIUM_CRYPTO_1);
    ATRIUM_FETCH_(hooks, ATRIUM_HOOKS_1);
    ATRIUM_FETCH_(http, ATRIUM_HTTP_1);
    ATRIUM_FETCH_(jobs, ATRIUM_JOBS_1);
    ATRIUM_FETCH_(json, ATRIUM_JSON_1);
    ATRIUM_FETCH_(log, ATRIUM_LOG_1);
    ATRIUM_FETCH_(memory, ATRIUM_MEMORY_1);
    ATRIUM_FETCH_(model, ATRIUM_MODEL_1);
    ATRIUM_FETCH_(settings, ATRIUM_SETTINGS_1);
    ATRIUM_FETCH_(storage, ATRIUM_STORAGE_1);
    ATRIUM_FETCH_(time, ATRIUM_TIME_1);
#undef ATRIUM_FETCH_
}

/* ---- text ------------------------------------------------------------------------ */

static inline bool atrium_str_eq(struct atrium_str a, struct atrium_str b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++) {
        if (a.ptr[i] != b.ptr[i]) return false;
    }
    return true;
}

/* Copies what fits and ends it with NUL. */
static inline void atrium_str_put(char *out, size_t room, struct atrium_str text)
{
    size_t n = text.len < room ? text.len : room - 1;
    for (size_t i = 0; i < n; i++) out[i] = text.ptr[i];
    out[n] = '\0';
}

/* A positive decimal id, the whole view. */
static inline bool atrium_str_id(struct atrium_str text, int64_t *out)
{
    uint64_t v = 0;
    if (text.len == 0 || text.len > 19) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
        v = v * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    if (v == 0 || v > (uint64_t)INT64_MAX) return false;
    *out = (int64_t)v;
    return true;
}

/* ---- errors ---------------------------------------------------------------------- */

/* Fills *err (may be NULL) unless it already says something, and returns
 * `status`: `return atrium_fail(err, ATRIUM_E_REFUSED, 409, "vote.ended", NULL);` */
static inline atrium_status atrium_fail(struct atrium_error *err, atrium_status status,
                                        uint32_t http_status, const char *code, const char *arg)
{
    if (err && err->code[0] == '\0') {
        err->http_status = http_status;
        atrium_str_put(err->code, sizeof(err->code), atrium_cstr(code));
        atrium_str_put(err->arg, sizeof(err->arg), atrium_cstr(arg));
    }
    return status;
}

/* Adds a field's complaint: 422 "invalid" with the field's name. */
static inline atrium_status atrium_fail_field(struct atrium_error *err, const char *field,
                                              const char *code, const char *arg)
{
    if (err && err->n_fields < ATRIUM_ERROR_FIELDS) {
        struct atrium_field_error *f = &err->fields[err->n_fields++];
        atrium_str_put(f->field, sizeof(f->field), atrium_cstr(field));
        atrium_str_put(f->code, sizeof(f->code), atrium_cstr(code));
        atrium_str_put(f->arg, sizeof(f->arg), atrium_cstr(arg));
    }
    return atrium_fail(err, ATRIUM_E_REFUSED, 422, "invalid", NULL);
}

static inline void atrium_log(const struct atrium_ctx *ctx, atrium_log_level level,
                              const char *text)
{
    atrium.log->write(ctx, level, atrium_cstr(text));
}

/* ---- storage --------------------------------------------------------------------- */

static inline struct atrium_value atrium_v_null(void)
{
    struct atrium_value v;
    v.type = ATRIUM_VALUE_NULL;
    v.reserved = 0;
    v.u.text = atrium_str_make(NULL, 0);   /* the widest member: no stray bytes */
    return v;
}

static inline struct atrium_value atrium_v_i64(int64_t i)
{
    struct atrium_value v = atrium_v_null();
    v.type = ATRIUM_VALUE_I64;
    v.u.i64 = i;
    return v;
}

/* An id that may be missing: 0 is NULL in the database. */
static inline struct atrium_value atrium_v_id(int64_t id)
{
    return id ? atrium_v_i64(id) : atrium_v_null();
}

static inline struct atrium_value atrium_v_time(int64_t us)
{
    struct atrium_value v = atrium_v_i64(us);
    v.type = ATRIUM_VALUE_TIME;
    return v;
}

/* Absent text is NULL in the database. */
static inline struct atrium_value atrium_v_text(struct atrium_str text)
{
    struct atrium_value v = atrium_v_null();
    if (!text.ptr) return v;
    v.type = ATRIUM_VALUE_TEXT;
    v.u.text = text;
    return v;
}

/* Columns of a row: NULL and other types give 0 and the absent view. */
static inline int64_t atrium_col_i64(const struct atrium_value *v)
{
    return v->type == ATRIUM_VALUE_I64 || v->type == ATRIUM_VALUE_TIME ? v->u.i64 : 0;
}

static inline struct atrium_str atrium_col_text(const struct atrium_value *v)
{
    bool text = v->type == ATRIUM_VALUE_TEXT || v->type == ATRIUM_VALUE_BLOB;
    return text ? v->u.text : atrium_str_make(NULL, 0);
}

/* ---- writing JSON: key and value at once ------------------------------------------- */

static inline void atrium_kv(struct atrium_json_writer *w, const char *key)
{
    atrium.json->key(w, atrium_cstr(key));
}

static inline void atrium_kv_str(struct atrium_json_writer *w, const char *key,
                                 struct atrium_str text)
{
    atrium_kv(w, key);
    atrium.json->str(w, text);
}

static inline void atrium_kv_i64(struct atrium_json_writer *w, const char *key, int64_t v)
{
    atrium_kv(w, key);
    atrium.json->i64(w, v);
}

static inline void atrium_kv_id(struct atrium_json_writer *w, const char *key, int64_t v)
{
    atrium_kv(w, key);
    atrium.json->id(w, v);
}

static inline void atrium_kv_bool(struct atrium_json_writer *w, const char *key, bool v)
{
    atrium_kv(w, key);
    atrium.json->boolean(w, v);
}

static inline void atrium_kv_time(struct atrium_json_writer *w, const char *key, int64_t us)
{
    atrium_kv(w, key);
    atrium.json->time(w, us);
}

static inline void atrium_kv_raw(struct atrium_json_writer *w, const char *key,
                                 struct atrium_str json)
{
    atrium_kv(w, key);
    atrium.json->raw(w, json);
}

/* ---- reading JSON: a member of an object ---------------------------------------------- */

/* The absent view when there is no such string. */
static inline struct atrium_str atrium_get_str(const struct atrium_json *object, const char *key)
{
    struct atrium_str s = atrium_str_make(NULL, 0);
    atrium.json->as_str(atrium.json->get(object, key), &s);
    return s;
}

static inline int64_t atrium_get_i64(const struct atrium_json *object, const char *key,
                                     int64_t dflt)
{
    int64_t v = dflt;
    atrium.json->as_i64(atrium.json->get(object, key), &v);
    return v;
}

#ifdef __cplusplus
}
#endif
#endif
