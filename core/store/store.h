/* store: MySQL by libmariadb. Pools, prepared statements, transactions, schema
 * plans with a journal, and the group-commit writer. Knows tables and columns,
 * not resources; all values are bound. */
#ifndef ATRIUM_CORE_STORE_H
#define ATRIUM_CORE_STORE_H

#include "base/base.h"

/* ---- pool --------------------------------------------------------------- */

struct store_db;       /* one database under one account: a pool */
struct store_conn;     /* one connection, used by one thread at a time */

struct store_db_opts {
    const char *host;            /* or */
    const char *socket;          /* unix socket path; wins */
    unsigned port;
    const char *user, *password, *database;   /* database NULL: none selected */
    unsigned max_conns;          /* (32) */
    unsigned wait_ms;            /* for a free connection (2000): 503 "overloaded" */
    unsigned connect_ms;         /* (3000) */
    unsigned query_ms;           /* read and write time-out (30000) */
    unsigned stmt_cache;         /* prepared statements a connection keeps (256) */
    bool tls;                    /* enforced and verified */
    const char *tls_ca;          /* file of the authority; NULL: the system's */
};

/* Strings are copied. Opens no connection yet. [any] */
struct store_db *store_db_new(const struct store_db_opts *opts);
void store_db_free(struct store_db *db);           /* all connections must be back */
/* Takes a connection (session: utf8mb4, time_zone '+00:00', strict SQL mode,
 * READ COMMITTED). A dead one is replaced; while the server is away the answer
 * is 503 "unavailable" at once, with one probe a second. [worker] */
int store_get(struct store_db *db, struct store_conn **out, struct err *err);
/* Gives it back; an open transaction is rolled back and logged as a fault. */
void store_put(struct store_conn *c);
struct store_db *store_conn_db(struct store_conn *c);
/* Closes connections that were not used for so long. For a timer; a pool in use
 * also does it by itself after five minutes. [any] */
void store_db_trim(struct store_db *db, unsigned idle_ms);
struct store_db_stats {
    unsigned open, idle, waiting;
    bool away;                   /* the server does not answer */
    uint64_t connects, waits;    /* since start; waits: calls that found no free one */
};
void store_db_stats(struct store_db *db, struct store_db_stats *out);   /* [any] */

/* ---- statements ---------------------------------------------------------- */

enum store_type { STORE_NULL, STORE_I64, STORE_F64, STORE_TEXT, STORE_BLOB, STORE_TIME };

struct store_val {
    enum store_type type;
    union { int64_t i; double f; sv s; } u;        /* TIME: microseconds UTC in i */
};
#define STORE_I(v) ((struct store_val){STORE_I64, {.i = (v)}})
#define STORE_S(v) ((struct store_val){STORE_TEXT, {.s = (v)}})
#define STORE_B(v) ((struct store_val){STORE_BLOB, {.s = (v)}})
#define STORE_T(v) ((struct store_val){STORE_TIME, {.i = (v)}})
#define STORE_D(v) ((struct store_val){STORE_F64, {.f = (v)}})
#define STORE_N ((struct store_val){STORE_NULL, {.i = 0}})
static inline struct store_val store_text_or_null(sv v) { return v.p ? STORE_S(v) : STORE_N; }

/* Called per row; `row` is borrowed until it returns. Return false to stop. It
 * must not use the connection: rows are read from the network one by one.
 * Integers come as I64, DECIMAL (also SUM of integers) and text as TEXT,
 * DATETIME and TIMESTAMP as TIME, DATE as the TIME of its midnight. */
typedef bool store_row_fn(void *arg, const struct store_val *row, unsigned n_cols);

/* Runs one statement by the prepared-statement cache of the connection; `sql`
 * is the cache key, so it must be made of registry names and '?' only. Rows go
 * to `fn` (NULL when none are expected). Errors: 1062 -> 409 "duplicate" with
 * the key's name in detail; disk full -> 507 "disk_full"; lost connection ->
 * 503 "unavailable" (retried once by itself when it was the first statement
 * outside a transaction and is a SELECT); deadlock and lock time-out -> 409
 * "conflict" with err detail; else 500. [worker] */
int store_run(struct store_conn *c, sv sql, const struct store_val *args, unsigned n_args,
              store_row_fn *fn, void *arg, struct err *err);
/* Same, and tells affected rows: those really changed. */
int store_exec(struct store_conn *c, sv sql, const struct store_val *args, unsigned n_args,
               uint64_t *affected, struct err *err);
/* Many rows by few statements (some 20 times faster than one by one). `head`:
 * "INSERT INTO t (a, b) VALUES ", `tail`: "" or " ON DUPLICATE KEY UPDATE ...";
 * args: row after row. Several statements when there are many rows, so call it
 * inside a transaction. MySQL counts a row 1 when inserted, 2 when updated. */
int store_insert(struct store_conn *c, sv head, sv tail, const struct store_val *args,
                 unsigned n_cols, size_t n_rows, uint64_t *affected, struct err *err);
/* One row at most, values copied to the arena: *found says whether. */
int store_one(struct store_conn *c, struct arena *a, sv sql, const struct store_val *args,
              unsigned n_args, struct store_val *row, unsigned n_cols, bool *found,
              struct err *err);
/* Text protocol, for DDL and rare statements; not prepared, no values. [worker] */
int store_ddl(struct store_conn *c, sv sql, struct err *err);
/* True when the last failure of this connection may be retried as a whole
 * transaction (deadlock, lock time-out, connection lost before commit). */
bool store_retryable(const struct store_conn *c);
const char *store_dup_key(const struct store_conn *c);   /* key name of the last 1062, or "" */

/* Until when (monotonic) statements of this thread may run; 0: as long as the
 * pool's time-out says. What is too late fails with 504 "deadline"; its
 * connection stays as good as it was. [worker] */
void store_deadline(int64_t mono_us);

int store_begin(struct store_conn *c, struct err *err);
int store_commit(struct store_conn *c, struct err *err);
void store_rollback(struct store_conn *c);
bool store_in_tx(const struct store_conn *c);
/* One mark inside the open transaction, for a part of it that may fail by itself: a
 * new one replaces the last. */
int store_savepoint(struct store_conn *c, struct err *err);
int store_rollback_to(struct store_conn *c, struct err *err);
/* Runs fn in a transaction, again (at most 5 times, with jitter) while
 * store_retryable. fn must be repeatable. Inside an open transaction fn becomes
 * part of that one. After a deadlock the server has rolled back: every further
 * statement and the commit of that transaction fail with "conflict". */
int store_tx(struct store_conn *c, int (*fn)(void *arg, struct store_conn *c, struct err *err),
             void *arg, struct err *err);

/* ---- schema -------------------------------------------------------------- */

enum store_col_type {
    STORE_COL_ID,        /* BIGINT UNSIGNED */
    STORE_COL_I64,       /* BIGINT */
    STORE_COL_I32,       /* INT */
    STORE_COL_BOOL,      /* TINYINT(1) */
    STORE_COL_F64,       /* DOUBLE */
    STORE_COL_DECIMAL,   /* DECIMAL(size, scale) */
    STORE_COL_VARCHAR,   /* VARCHAR(size), utf8mb4 */
    STORE_COL_ASCII,     /* VARCHAR(size) CHARACTER SET ascii COLLATE ascii_bin */
    STORE_COL_TEXT,      /* MEDIUMTEXT */
    STORE_COL_BINARY,    /* VARBINARY(size) */
    STORE_COL_BLOB,      /* MEDIUMBLOB */
    STORE_COL_DATE,
    STORE_COL_DATETIME,  /* DATETIME(6) */
    STORE_COL_TIME,      /* TIME: of a day */
    STORE_COL_JSON,      /* MEDIUMTEXT with JSON_VALID check */
};

struct store_col {
    const char *name, *was;      /* was: earlier name, or NULL */
    enum store_col_type type;
    unsigned size, scale;
    bool not_null, auto_inc;
    const char *dflt;            /* SQL literal such as "0" or "''", or NULL */
};
struct store_idx {
    const char *name;
    const char *const *cols;     /* "created_at" or "-created_at" for DESC */
    unsigned n_cols;
    bool unique, fulltext;
};
struct store_table {
    const char *name, *was;
    const struct store_col *cols;
    unsigned n_cols;
    const char *const *primary;
    unsigned n_primary;
    const struct store_idx *idx;
    unsigned n_idx;
    const char *const *gone;     /* indexes from before a column was encrypted */
    unsigned n_gone;
    const char *const *retire;   /* columns that may be dropped, only when asked */
    unsigned n_retire;
};

/* What a statement costs while people work. Sources: MariaDB's documentation of
 * ALGORITHM=INSTANT and online DDL for InnoDB (10.11); store_plan's test asks the
 * server itself. */
enum store_how {
    STORE_INSTANT,               /* the data dictionary only, whatever the table's size */
    STORE_ONLINE,                /* reads the table; rows are written meanwhile */
    STORE_COPY,                  /* builds the table anew; writes wait */
};
struct store_step {              /* one statement of a plan */
    sv sql, why;                 /* why: "add column vote_poll.cover" */
    sv table;                    /* as it is called before the plan; empty: it is made */
    enum store_how how;
    uint64_t rows, bytes;        /* of the table, as the server estimates them */
    bool destructive;            /* left out unless allowed */
};
struct store_plan { struct store_step *steps; size_t n; };

/* Compares the wanted tables with information_schema and says the statements
 * that lead there; additive by default (unknown columns are left and reported,
 * types only widened; a narrowing is an error naming the column). [worker] */
int store_plan(struct store_conn *c, struct arena *a, const struct store_table *tables, size_t n,
               bool allow_destructive, struct store_plan *out, struct err *err);
/* Runs a plan, writing each statement into the journal table `atrium_journal`
 * (made when absent) before and after; a plan cut off half-way is taken up
 * again, since every step is planned from what is there. Works on a connection
 * of its own, without the time-out of requests, and holds a named lock, so that
 * two nodes do not migrate at once; 409 "conflict" when another one has changed
 * the tables since the plan: plan again. [worker] */
int store_apply(struct store_conn *c, const struct store_plan *plan, const char *reason,
                struct err *err);

/* Quotes an identifier from the registry ([A-Za-z0-9_], at most 64) into buf. */
void store_ident(struct buf *b, const char *name);

/* ---- group-commit writer -------------------------------------------------- */

/* A stream of hot writes of one database: records queue up, one thread takes
 * what is there, runs `batch` in one transaction and commits; then every
 * record's `done` is called. While a commit runs the next batch gathers. */
struct store_writer;

struct store_item {
    sv data;                     /* the record, owned by the caller until done */
    void *arg;                   /* the caller's */
    int result;                  /* batch sets; 0 unless said */
    struct err *err;             /* the caller's, batch may fill */
    void *out;                   /* batch's answer for this item (from `a`) */
    /* [writer thread] After commit (ok) or after final failure (!ok, *err says
     * why). `a` of the batch still lives during this call. */
    void (*done)(struct store_item *item, bool ok);
    struct store_item *next;     /* the writer's */
};

struct store_writer_opts {
    const char *name;            /* for logs and metrics */
    unsigned max_batch;          /* (512) */
    unsigned max_queue;          /* (20000): store_writer_add says false above */
    /* [writer thread] Runs inside an open transaction with its own connection.
     * Must be repeatable, and idempotent by unique keys: it is run again from
     * the start after a deadlock, and also after a connection lost at COMMIT,
     * when nobody knows whether the first run took effect. (After 5 s without a
     * database every item fails with 503.) -1: the whole batch is rolled back;
     * when n > 1 it is tried in halves, down to single items, so that a bad
     * record cannot sink its neighbours. Before each run `result`, `out` and
     * `*err` of the items are cleared. Several runs of different items may
     * follow each other before their `done`s; `after` and `done` belong to one
     * committed run. */
    int (*batch)(void *arg, struct store_conn *c, struct arena *a, struct store_item **items,
                 size_t n, struct err *err);
    void (*after)(void *arg, struct arena *a);   /* after commit, before done; may be NULL */
    void *arg;
};
struct store_writer *store_writer_start(struct store_db *db, const struct store_writer_opts *o);
/* [any] Never blocks. false when the queue is full or the writer stops: the
 * caller answers 503. */
bool store_writer_add(struct store_writer *w, struct store_item *item);
/* Finishes what is queued, then ends the thread. */
void store_writer_stop(struct store_writer *w);
struct store_writer_stats { uint64_t items, batches, failed, queued; };
void store_writer_stats(const struct store_writer *w, struct store_writer_stats *out);

#endif
