/* Atrium ABI 1: the words that every other header uses.
 *
 * Rules that hold for all headers here:
 *
 *  - Strings that go in are views {ptr, len}, UTF-8, not NUL-terminated. A view
 *    that a callback gets dies when the callback returns, unless its comment
 *    says otherwise. What a function gives back lives in the context's arena:
 *    "valid until: end of the context".
 *  - Nobody frees the other side's memory.
 *  - Every function that can fail returns atrium_status; on failure its outputs
 *    are untouched and the details are in *err (err may be NULL).
 *  - Each function carries a tag saying where it may be called:
 *      [init]    in load and init of the plugin, on the thread that runs them;
 *      [worker]  inside a callback, on its thread, with the context it was given;
 *      [any]     everywhere, from every thread, without a context.
 *    "may block" says that the call may wait for disk, network or a lock.
 *    A debug host ends the process when a tag is broken.
 *  - The thread of a callback has no identity: two callbacks of one plugin run
 *    at once, and thread-local memory means nothing between two of them.
 *
 * Headers compile as C11, C17, C++17 and C++20 and include nothing but stdint,
 * stddef and stdbool. */
#ifndef ATRIUM_TYPES_H
#define ATRIUM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- text -------------------------------------------------------------------- */

/* A borrowed view. {NULL, 0} means "absent", a non-NULL ptr with len 0 is the
 * empty text. Also used for bytes where a comment says so. */
struct atrium_str {
    const char *ptr;
    size_t len;
};

/* For static initialisers: struct atrium_str s = ATRIUM_STR_INIT("vote"); */
#define ATRIUM_STR_INIT(literal) { "" literal, sizeof(literal) - 1 }

static inline struct atrium_str atrium_str_make(const char *ptr, size_t len)
{
    struct atrium_str s;
    s.ptr = ptr;
    s.len = len;
    return s;
}

/* A view of a literal, in expressions. */
#define ATRIUM_STR(literal) atrium_str_make("" literal, sizeof(literal) - 1)

/* A view of a NUL-terminated string; NULL gives the absent view. */
static inline struct atrium_str atrium_cstr(const char *text)
{
    size_t n = 0;
    if (text) {
        while (text[n]) n++;
    }
    return atrium_str_make(text, n);
}

/* ---- status -------------------------------------------------------------------- */

/* A fixed width, so that no compiler's choice of enum size reaches the border.
 * Values are never renumbered; a plugin treats an unknown one as a failure. */
typedef uint32_t atrium_status;
enum {
    ATRIUM_OK = 0,
    ATRIUM_LATER = 1,        /* a handler's answer: somebody answers the request later */

    ATRIUM_E_ARGUMENT = 16,  /* the call itself is wrong: a fault of the plugin */
    ATRIUM_E_STATE = 17,     /* not now: wrong context, nothing open, already answered */
    ATRIUM_E_UNSUPPORTED = 18, /* this host does not serve it */
    ATRIUM_E_REFUSED = 19,   /* a rule says no: *err says which, for the person who asked */
    ATRIUM_E_NOT_FOUND = 20,
    ATRIUM_E_DENIED = 21,    /* identity or permission */
    ATRIUM_E_CONFLICT = 22,  /* duplicate key, version, deadlock that outlived its retries */
    ATRIUM_E_BUSY = 23,      /* a queue is full or a server away: try again later */
    ATRIUM_E_TIMEOUT = 24,
    ATRIUM_E_FULL = 25,      /* no room on disk */
    ATRIUM_E_INTERNAL = 26,  /* a fault of the host, see its log */
};

/* ---- errors -------------------------------------------------------------------- */

#define ATRIUM_ERROR_FIELDS 8

/* One field's complaint: a message id with one argument. */
struct atrium_field_error {
    char field[64];          /* dotted path "options.1.title", NUL-terminated */
    char code[64];           /* message id: "required", "vote.too_few" */
    char arg[32];            /* {0} of the message, or "" */
};

/* What went wrong. The memory is the caller's: the host hands one to each
 * callback, and a plugin makes its own for calls whose failure it swallows
 * (ATRIUM_ERROR_INIT). Whoever fails fills it; only the first failure is kept.
 * `code` is a message id: the core's ("not_found") or "<plugin>.<id>" from the
 * plugin's i18n files. Text is looked up at the edge, in the reader's language. */
struct atrium_error {
    uint32_t size;           /* sizeof(struct atrium_error) of whoever owns it */
    uint32_t http_status;    /* 0: derived from the status that is returned */
    uint32_t retry_after;    /* seconds, 0: none */
    uint32_t n_fields;
    char code[64];
    char arg[64];            /* {0} of the message, or "" */
    char detail[256];        /* English, for the log; never shown to people */
    struct atrium_field_error fields[ATRIUM_ERROR_FIELDS];
};
#define ATRIUM_ERROR_INIT { sizeof(struct atrium_error), 0, 0, 0, {0}, {0}, {0}, {{{0}, {0}, {0}}} }

/* ---- opaque things ---------------------------------------------------------------- */

/* What a callback may do and for whom: the tenant, the person, the request or
 * the job, the open transaction, the arena. Owner: the host. Valid until: the
 * callback returns. There is no call that takes a tenant: it is in here. */
struct atrium_ctx;

/* A JSON value that was read, see json.h. */
struct atrium_json;
/* A JSON text being written, see json.h. */
struct atrium_json_writer;

#ifdef __cplusplus
}
#endif
#endif
