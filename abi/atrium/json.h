/* atrium.json/1: reading and writing JSON.
 *
 * Values that were read are trees that never change. Writing is a stream of
 * calls in the order of the text; commas and escapes are the host's work. */
#ifndef ATRIUM_JSON_H
#define ATRIUM_JSON_H

#include "atrium/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ATRIUM_JSON_1 "atrium.json/1"

typedef uint32_t atrium_json_type;
enum {
    ATRIUM_JSON_ABSENT = 0,  /* of a NULL value: a member that is not there */
    ATRIUM_JSON_NULL = 1,
    ATRIUM_JSON_BOOL = 2,
    ATRIUM_JSON_INT = 3,     /* fits int64_t */
    ATRIUM_JSON_REAL = 4,
    ATRIUM_JSON_STRING = 5,
    ATRIUM_JSON_ARRAY = 6,
    ATRIUM_JSON_OBJECT = 7,
};

struct atrium_json_1 {
    /* ---- reading: every function takes NULL for the value and says "absent" ---- */

    /* [worker] Depth is bounded (64), doubled keys and NUL are refused:
     * ATRIUM_E_REFUSED with "bad_json". Valid until: end of the context. */
    atrium_status (*parse)(struct atrium_ctx *ctx, struct atrium_str text,
                           const struct atrium_json **out, struct atrium_error *err);
    /* [any] */
    atrium_json_type (*type)(const struct atrium_json *value);
    /* [any] A member of an object, NULL when absent or not an object. `key` is
     * NUL-terminated, as it is nearly always a literal. */
    const struct atrium_json *(*get)(const struct atrium_json *object, const char *key);
    /* [any] Elements of an array or members of an object, else 0. */
    size_t (*size)(const struct atrium_json *value);
    /* [any] Element of an array, NULL when out of range. */
    const struct atrium_json *(*at)(const struct atrium_json *array, size_t i);
    /* [any] Calls back for each member in the order of the text, until false. */
    void (*each)(const struct atrium_json *object,
                 bool (*fn)(void *arg, struct atrium_str key, const struct atrium_json *value),
                 void *arg);
    /* [any] Each returns false, and leaves *out, when the value is of another
     * type. The view lives as long as the value. */
    bool (*as_str)(const struct atrium_json *value, struct atrium_str *out);
    bool (*as_i64)(const struct atrium_json *value, int64_t *out);
    bool (*as_f64)(const struct atrium_json *value, double *out);   /* also of an integer */
    bool (*as_bool)(const struct atrium_json *value, bool *out);
    /* [any] An id or 64-bit number as the API carries it: a string of decimal
     * digits, or an integer. */
    bool (*as_id)(const struct atrium_json *value, int64_t *out);

    /* ---- writing ---- */

    /* [worker] A writer into the context's arena. Owner: the context. Valid
     * until: end of the context. (A response's own writer: http.h body_json.) */
    struct atrium_json_writer *(*writer)(struct atrium_ctx *ctx);
    /* [worker] What was written. Valid until: the next call on the writer. */
    struct atrium_str (*text)(const struct atrium_json_writer *w);

    /* [worker] Nesting is at most 60 deep. In an object each value follows a
     * key; a text with a missing key or a missing end is a fault of the plugin
     * and reaches the reader as it is. */
    void (*begin_object)(struct atrium_json_writer *w);
    void (*end_object)(struct atrium_json_writer *w);
    void (*begin_array)(struct atrium_json_writer *w);
    void (*end_array)(struct atrium_json_writer *w);
    void (*key)(struct atrium_json_writer *w, struct atrium_str key);
    void (*str)(struct atrium_json_writer *w, struct atrium_str text);   /* absent: null */
    void (*i64)(struct atrium_json_writer *w, int64_t v);     /* a number */
    void (*id)(struct atrium_json_writer *w, int64_t v);      /* a string: ids, 64-bit numbers */
    void (*f64)(struct atrium_json_writer *w, double v);
    void (*boolean)(struct atrium_json_writer *w, bool v);
    void (*null)(struct atrium_json_writer *w);
    void (*time)(struct atrium_json_writer *w, int64_t us);   /* RFC 3339 in UTC */
    void (*raw)(struct atrium_json_writer *w, struct atrium_str json);   /* is JSON already */
    void (*value)(struct atrium_json_writer *w, const struct atrium_json *v);
};

#ifdef __cplusplus
}
#endif
#endif
