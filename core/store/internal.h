/* What the files of this room share. Nobody else includes it. */
#ifndef ATRIUM_CORE_STORE_INTERNAL_H
#define ATRIUM_CORE_STORE_INTERNAL_H

#include <mysql.h>
#include <pthread.h>

#include "base/panic.h"
#include "store/store.h"

/* The collation of every table that a plan makes and of every session. Of those
 * that MariaDB and MySQL share it is the one that tells emoji apart. */
#define STORE_COLLATION "utf8mb4_unicode_520_ci"

/* One prepared statement and what its rows are decoded into. */
struct stmt {
    struct stmt *chain;         /* same bucket */
    struct stmt *newer, *older; /* by last use */
    uint64_t hash;
    MYSQL_STMT *st;
    unsigned n_params, n_cols, cap_cols;
    struct store_val *row; /* values of the row being read */
    uint8_t *kinds;        /* how each column is decoded, see value.c */
    size_t sql_n;
    char sql[];
};

struct stmt_cache {
    struct stmt **buckets; /* a power of two, at least the limit */
    unsigned mask, n, limit;
    struct stmt *newest, *oldest;
};

struct fault { /* the last failure, as the server or library said it */
    unsigned code;
    char text[256];
};

struct store_conn {
    struct store_db *db;
    MYSQL *my; /* NULL: not connected */
    struct stmt_cache cache;
    MYSQL_BIND *binds; /* parameters of the statement being run */
    MYSQL_TIME *times;
    unsigned cap_binds;
    bool broken; /* the connection is lost or of unknown state */
    bool in_tx;
    bool doomed; /* the server has rolled the transaction back */
    bool busy;   /* a row function is running */
    bool used;   /* a statement ran since store_get */
    bool retryable;
    unsigned query_ms; /* of its own, instead of the pool's; 0: none */
    unsigned limit_ms; /* what the session's max_statement_time is */
    bool no_limit;     /* the server has no such variable */
    unsigned epoch;    /* of the pool when it was last known to be alive */
    int64_t idle_since;
    struct fault fault;
    char dup_key[68];
};

struct store_db {
    struct store_db_opts o; /* strings owned */
    pthread_mutex_t lock;
    pthread_cond_t freed;     /* monotonic clock */
    struct store_conn **idle; /* last used on top */
    unsigned n_idle, n_open, n_waiting;
    bool away; /* the server does not answer; see pool.c */
    int64_t probe_at;
    unsigned epoch; /* counts losses: idle ones of before are looked at */
    uint64_t n_connects, n_waits;
    int64_t told_at; /* of the last complaint in the log */
};

/* pool.c: the circuit. db_may_connect is true when the server is not known to be
 * away, or once a second when it is. */
bool db_may_connect(struct store_db *db);
void db_reachable(struct store_db *db, bool yes);
void db_lost(struct store_db *db);
bool db_may_tell(struct store_db *db); /* once a second: a failure to connect */
int db_unavailable(struct err *err, const char *why);

/* deadline.c */
bool deadline_set(void);
unsigned conn_default_limit(const struct store_conn *c);
void conn_first_limit(struct store_conn *c); /* of a fresh connection */
int conn_limit(struct store_conn *c, struct err *err);

/* conn.c */
/* Not connected yet and not counted in the pool. */
struct store_conn *conn_new(struct store_db *db);
void conn_free(struct store_conn *c);
int conn_open(struct store_conn *c, struct err *err); /* (re)connects */
bool conn_alive(struct store_conn *c);                /* a look at an idle one */
/* Before a statement: reopens a lost connection when no transaction is lost
 * with it, refuses within a transaction that is gone. */
int conn_ready(struct store_conn *c, struct err *err);
/* Text protocol; keeps the fault. 0 or -1. */
int conn_query(struct store_conn *c, sv sql);

/* cache.c */
void cache_init(struct stmt_cache *cache, unsigned limit);
void cache_clear(struct stmt_cache *cache); /* closes every statement */
void cache_free(struct stmt_cache *cache);
/* Finds or prepares; NULL with the fault kept. */
struct stmt *cache_get(struct store_conn *c, sv sql);
void cache_drop(struct stmt_cache *cache, struct stmt *s);

/* value.c */
/* Puts the arguments into c->binds; they point into `args`. */
int value_bind(struct store_conn *c, const struct store_val *args, unsigned n, struct err *err);
/* Readies s->row and s->kinds for the result at hand. */
void value_columns(struct stmt *s);
/* Decodes one column of a binary row (STMT_ATTR_CB_RESULT). */
void value_decode(void *conn, unsigned column, unsigned char **row);

/* errors.c */
void fault_keep(struct store_conn *c, unsigned code, const char *text);
void fault_clear(struct store_conn *c);
bool fault_lost(const struct store_conn *c); /* it was the connection */
/* Turns the kept fault into the caller's error; `sql` for the log. Returns -1. */
int fault_err(const struct store_conn *c, sv sql, struct err *err);

#endif
