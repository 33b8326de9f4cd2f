/* atrium.storage/1: the tenant's database.
 *
 * Tables are declared as resources in the manifest ("<plugin>_<resource>"). SQL
 * is written by the plugin's author, never made of outside text: every value is
 * a '?'. The account behind it reaches this tenant's database and no other.
 * Statements are prepared and cached by their text, so keep texts few and fixed.
 *
 * Calls of one context share one connection; in hooks and batches it is the one
 * with the open transaction. */
#ifndef ATRIUM_STORAGE_H
#define ATRIUM_STORAGE_H

#include "atrium/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ATRIUM_STORAGE_1 "atrium.storage/1"

struct atrium_host;

/* ---- values -------------------------------------------------------------------- */

typedef uint32_t atrium_value_type;
enum {
    ATRIUM_VALUE_NULL = 0,
    ATRIUM_VALUE_I64 = 1,
    ATRIUM_VALUE_F64 = 2,
    ATRIUM_VALUE_TEXT = 3,
    ATRIUM_VALUE_BLOB = 4,
    ATRIUM_VALUE_TIME = 5,   /* microseconds UTC since 1970 in i64: DATETIME */
};

/* Frozen at 24 bytes: arrays of it cross the border. */
struct atrium_value {
    atrium_value_type type;
    uint32_t reserved;       /* 0 */
    union {
        int64_t i64;
        double f64;
        struct atrium_str text;
    } u;
};

/* Called per row. The row is borrowed until it returns; false stops reading.
 * Integers come as I64, DECIMAL and text as TEXT, DATETIME as TIME. It must not
 * use storage itself: the connection is busy. */
typedef bool atrium_row_fn(void *arg, const struct atrium_value *row, uint32_t n_columns);

/* ---- streams: bulk append with group commit ---------------------------------------- */

/* A record that waits in a stream. Owner: the host. Valid until: the batch
 * callback returns. */
struct atrium_record;

/* [worker] Writes n records in one transaction that the host opened and will
 * commit. Every record must get an answer or a failure. It is called again from
 * the start after a deadlock, and record by record when the whole batch fails,
 * so it must be repeatable and must not keep anything in memory. Messages that
 * it publishes go out after the commit. Not ATRIUM_OK: rolled back. May block. */
typedef atrium_status atrium_batch_fn(void *self, struct atrium_ctx *ctx,
                                      struct atrium_record *const *records, uint32_t n,
                                      struct atrium_error *err);

/* [worker] Body of a transaction; run again from the start after a deadlock. */
typedef atrium_status atrium_tx_fn(void *arg, struct atrium_ctx *ctx, struct atrium_error *err);

struct atrium_storage_1 {
    /* [any] A new id: 63 bits, rising with time, unique over all nodes. */
    int64_t (*new_id)(void);

    /* [worker, may block] Runs a statement that gives rows. Errors:
     * ATRIUM_E_CONFLICT (duplicate key: code "duplicate", deadlock: "conflict"),
     * ATRIUM_E_BUSY (server away or pool exhausted), ATRIUM_E_FULL. */
    atrium_status (*query)(struct atrium_ctx *ctx, struct atrium_str sql,
                           const struct atrium_value *args, uint32_t n_args, atrium_row_fn *fn,
                           void *arg, struct atrium_error *err);
    /* [worker, may block] Runs a statement that gives none. `affected` may be
     * NULL. */
    atrium_status (*exec)(struct atrium_ctx *ctx, struct atrium_str sql,
                          const struct atrium_value *args, uint32_t n_args, uint64_t *affected,
                          struct atrium_error *err);
    /* [worker, may block] Many rows by few statements, some 20 times faster than
     * one by one. `head`: "INSERT INTO t (a, b) VALUES ", `tail`: "" or
     * " ON DUPLICATE KEY UPDATE ..."; args: row after row. Several statements
     * when there are many rows: call it inside a transaction or a batch. */
    atrium_status (*insert)(struct atrium_ctx *ctx, struct atrium_str head, struct atrium_str tail,
                            const struct atrium_value *args, uint32_t n_columns, uint32_t n_rows,
                            struct atrium_error *err);
    /* [worker, may block] Runs fn between BEGIN and COMMIT, at most five times
     * while deadlocks come in between. Not ATRIUM_OK from fn rolls back and is
     * what this returns. ATRIUM_E_STATE inside a transaction. */
    atrium_status (*transaction)(struct atrium_ctx *ctx, atrium_tx_fn *fn, void *arg,
                                 struct atrium_error *err);

    /* [init] Binds the batch function of a stream that the manifest declares
     * under `streams` with `hook: <name>`. */
    atrium_status (*bind_stream)(const struct atrium_host *host, struct atrium_str name,
                                 atrium_batch_fn *fn, struct atrium_error *err);
    /* [worker] Puts a record into a stream of the tenant when the handler returns
     * ATRIUM_LATER, which it must do next; an error returned instead drops it.
     * The request is answered when the record's batch is durable, or at once
     * with 503 and Retry-After when the queue is full. The bytes are copied
     * (16-byte aligned); pointers in them may point into the arena of ctx, which
     * lives until the answer. Handlers only, once. */
    atrium_status (*append)(struct atrium_ctx *ctx, struct atrium_str stream,
                            struct atrium_str bytes, struct atrium_error *err);

    /* [worker] In a batch: the bytes of a record. Valid until: the batch ends. */
    struct atrium_str (*record_bytes)(const struct atrium_record *record);
    /* [worker] In a batch: the answer to the record's request, a JSON body that
     * is copied. It is sent only if and when the batch commits. */
    void (*record_answer)(struct atrium_record *record, uint32_t http_status,
                          struct atrium_str json);
    /* [worker] In a batch: this record is refused; the others stand. */
    void (*record_fail)(struct atrium_record *record, atrium_status status,
                        const struct atrium_error *err);
};

#ifdef __cplusplus
}
#endif
#endif
