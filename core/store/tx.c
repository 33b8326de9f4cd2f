/* Transactions. */
#include <time.h>

#include "store/internal.h"

#define LOG_ROOM "store"

#define ATTEMPTS 5

int store_begin(struct store_conn *c, struct err *err)
{
    if (c->in_tx) return err_internal(err, "a transaction inside a transaction");
    c->retryable = false;
    if (conn_ready(c, err) != 0) {
        c->retryable = c->broken;
        return -1;
    }
    bool first = !c->used;
    c->used = true;
    sv sql = SV("START TRANSACTION");
    if (conn_query(c, sql) != 0) {
        /* nothing has happened yet: an idle connection that was closed is replaced */
        if (!first || !c->broken || conn_ready(c, err) != 0 || conn_query(c, sql) != 0)
            return fault_err(c, sql, err);
    }
    c->in_tx = true;
    return 0;
}

int store_commit(struct store_conn *c, struct err *err)
{
    if (!c->in_tx) return err_internal(err, "commit without a transaction");
    if (conn_ready(c, err) != 0) {
        store_rollback(c);
        return -1;
    }
    c->retryable = false;
    int rc = conn_query(c, SV("COMMIT"));
    if (rc == 0) {
        c->in_tx = false;
        return 0;
    }
    fault_err(c, SV("COMMIT"), err);
    if (c->broken) {
        /* Whether it was committed nobody knows: not to be repeated blindly. */
        c->retryable = false;
        c->in_tx = false;
    } else {
        store_rollback(c);
    }
    return -1;
}

void store_rollback(struct store_conn *c)
{
    if (!c->in_tx) return;
    c->in_tx = false;
    c->doomed = false;
    if (c->broken) return; /* the server rolls back by itself */
    static const char sql[] = "ROLLBACK";
    if (mysql_real_query(c->my, sql, sizeof sql - 1) != 0) {
        log_warn("rollback failed: %s", mysql_error(c->my));
        c->broken = true; /* what it would hold is let go with it */
    }
}

static int in_tx(struct store_conn *c, sv sql, struct err *err)
{
    if (!c->in_tx) return err_internal(err, "%.*s without a transaction", SVARG(sql));
    if (conn_ready(c, err) != 0) return -1;
    return conn_query(c, sql) == 0 ? 0 : fault_err(c, sql, err);
}

int store_savepoint(struct store_conn *c, struct err *err)
{
    return in_tx(c, SV("SAVEPOINT atrium"), err);
}

int store_rollback_to(struct store_conn *c, struct err *err)
{
    return in_tx(c, SV("ROLLBACK TO SAVEPOINT atrium"), err);
}

bool store_in_tx(const struct store_conn *c)
{
    return c->in_tx;
}

/* Contenders that collided must not meet again at the same moment. */
static void back_off(int attempt)
{
    int64_t us = 1000 + (int64_t)rand_below((uint64_t)2000 << attempt);
    struct timespec t = {.tv_nsec = us * 1000};
    nanosleep(&t, NULL);
}

int store_tx(struct store_conn *c, int (*fn)(void *arg, struct store_conn *c, struct err *err),
             void *arg, struct err *err)
{
    if (c->in_tx) return fn(arg, c, err);
    for (int i = 1;; i++) {
        int rc = store_begin(c, err);
        if (rc == 0) {
            rc = fn(arg, c, err);
            if (rc == 0 && store_commit(c, err) == 0) return 0;
            store_rollback(c);
        }
        if (!c->retryable || i == ATTEMPTS) return -1;
        log_debug("transaction again (%d): %s", i, err->detail);
        err_clear(err);
        back_off(i);
    }
}
