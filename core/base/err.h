/* The one error. It lives on the caller's stack, allocates nothing, and turns
 * into application/problem+json at the edge in the caller's language. Codes are
 * message ids (base/msg.h); texts are looked up only when shown. [any] */
#ifndef ATRIUM_CORE_ERR_H
#define ATRIUM_CORE_ERR_H

#include "base/sv.h"

#define ERR_MAX_FIELDS 24
#define ERR_MAX_ARGS 3

struct err_item {
    const char *field;                 /* dotted path: "options.2.title" */
    const char *code;                  /* message id: "required", "too_long" */
    const char *args[ERR_MAX_ARGS];    /* {0} {1} {2} of the message, or NULL */
};

struct err {
    int status;                        /* HTTP status; 0 means no error */
    const char *code;                  /* message id: "invalid", "not_found" */
    const char *args[ERR_MAX_ARGS];
    int retry_after;                   /* seconds, 0: none */
    unsigned n_fields;
    unsigned dropped_fields;           /* beyond ERR_MAX_FIELDS */
    struct err_item fields[ERR_MAX_FIELDS];
    char detail[256];                  /* English, for the log; never shown */
    size_t used;
    char text[2048];                   /* owns every string above */
};

/* A `struct err e = {0}` is as good as a cleared one. */
void err_clear(struct err *e);
/* The strings point into the struct itself, so an error is never copied by
 * assignment; this copies it whole. */
void err_copy(struct err *dst, const struct err *src);
/* Sets status, code and arguments (NULL-terminated list of C strings). A second
 * call keeps the first error. Always returns -1, so that a function may say
 * `return err_set(err, 404, "not_found", NULL);` */
int err_set(struct err *e, int status, const char *code, ...) __attribute__((sentinel));
/* Adds a field's complaint and makes the whole 422 "invalid" if it was unset.
 * Returns -1. */
int err_field(struct err *e, const char *field, const char *code, ...) __attribute__((sentinel));
/* Notes an internal fault: 500 "internal", `fmt` goes to the log only. */
int err_internal(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds or replaces the log detail without touching the rest. */
void err_detail(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline bool err_is(const struct err *e) { return e->status != 0; }

struct buf;
/* Writes the problem+json body: type, title, status, code, detail (the code's
 * text), fields {name: message}, request_id. `lang`: "zh" or "en". */
void err_problem(const struct err *e, const char *lang, sv request_id, struct buf *out);

#endif
