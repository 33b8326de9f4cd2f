/* Running statements. */
#include <errmsg.h>
#include <stdlib.h>

#include "store/internal.h"

#define NEED_REPREPARE 1615
#define UNKNOWN_STATEMENT 1243

struct run { /* one call of store_run */
    sv sql;
    const struct store_val *args;
    unsigned n_args;
    store_row_fn *fn;
    void *arg;
    uint64_t affected;
    bool delivered; /* a row has gone out: no second try */
};

static bool is_select(sv sql)
{
    while (sql.n && (*sql.p == ' ' || *sql.p == '(' || *sql.p == '\n')) {
        sql.p++;
        sql.n--;
    }
    return sql.n > 6 && sv_ieq(sv_make(sql.p, 6), SV("select"));
}

static void keep_stmt_fault(struct store_conn *c, const struct stmt *s)
{
    /* What ends a result half-way is told of the connection, not of the statement. */
    unsigned code = mysql_stmt_errno(s->st);
    if (code)
        fault_keep(c, code, mysql_stmt_error(s->st));
    else
        fault_keep(c, mysql_errno(c->my), mysql_error(c->my));
}

/* Row by row from the network; whatever is not wanted is read off, so that the
 * connection is ready for the next statement. */
static int read_rows(struct store_conn *c, struct stmt *s, struct run *r)
{
    value_columns(s);
    bool wanted = r->fn != NULL;
    int rc;
    for (;;) {
        rc = mysql_stmt_fetch(s->st);
        if (rc != 0) break;
        if (!wanted) continue;
        r->delivered = true;
        c->busy = true;
        wanted = r->fn(r->arg, s->row, s->n_cols);
        c->busy = false;
    }
    if (rc != MYSQL_NO_DATA) {
        keep_stmt_fault(c, s);
        return -1;
    }
    while (mysql_stmt_more_results(s->st)) { /* CALL says one more */
        if (mysql_stmt_next_result(s->st) > 0) {
            keep_stmt_fault(c, s);
            return -1;
        }
        mysql_stmt_free_result(s->st);
    }
    return 0;
}

/* 0; -1 with the fault kept; -2 with err set. */
static int attempt(struct store_conn *c, struct run *r, struct err *err)
{
    for (bool again = false;; again = true) {
        struct stmt *s = cache_get(c, r->sql);
        if (!s) return -1;
        if (s->n_params != r->n_args) {
            err_internal(err, "%u parameters given, %u wanted [%.*s]", r->n_args, s->n_params,
                         SVARG(r->sql));
            return -2;
        }
        if (r->n_args) {
            if (value_bind(c, r->args, r->n_args, err) != 0) return -2;
            if (mysql_stmt_bind_param(s->st, c->binds) != 0) {
                keep_stmt_fault(c, s);
                return -1;
            }
        }
        if (mysql_stmt_execute(s->st) == 0) {
            if (mysql_stmt_field_count(s->st)) return read_rows(c, s, r);
            r->affected = mysql_stmt_affected_rows(s->st);
            return 0;
        }
        keep_stmt_fault(c, s);
        unsigned code = c->fault.code;
        if (code != NEED_REPREPARE && code != UNKNOWN_STATEMENT && code != CR_NEW_STMT_METADATA)
            return -1;
        /* The statement is out of date; closing it also reads off its result. In
         * the first two cases the server has run nothing, in the third the table
         * has other columns now, and only reading may be done again. */
        cache_drop(&c->cache, s);
        if (again || (code == CR_NEW_STMT_METADATA && !is_select(r->sql))) return -1;
    }
}

static int run(struct store_conn *c, struct run *r, struct err *err)
{
    if (conn_ready(c, err) != 0 || conn_limit(c, err) != 0) return -1;
    bool first = !c->used && !c->in_tx && is_select(r->sql);
    int64_t since = first ? clock_mono_us() : 0;
    c->used = true;
    c->retryable = false;
    int rc = attempt(c, r, err);
    if (rc == -1 && first && !r->delivered && c->broken &&
        clock_mono_us() - since < (int64_t)c->db->o.query_ms * 500) {
        /* An idle connection had been closed. (One that was lost by the time-out
         * is not tried again: the statement itself is too heavy.) */
        if (conn_ready(c, err) != 0) return -1;
        rc = attempt(c, r, err);
    }
    if (rc == -1) return fault_err(c, r->sql, err);
    if (rc == -2) return -1;
    return 0;
}

int store_run(struct store_conn *c, sv sql, const struct store_val *args, unsigned n_args,
              store_row_fn *fn, void *arg, struct err *err)
{
    struct run r = {.sql = sql, .args = args, .n_args = n_args, .fn = fn, .arg = arg};
    return run(c, &r, err);
}

int store_exec(struct store_conn *c, sv sql, const struct store_val *args, unsigned n_args,
               uint64_t *affected, struct err *err)
{
    struct run r = {.sql = sql, .args = args, .n_args = n_args};
    if (run(c, &r, err) != 0) return -1;
    if (affected) *affected = r.affected;
    return 0;
}

struct one {
    struct arena *a;
    struct store_val *row;
    unsigned n_cols, got_cols;
    bool found;
};

static bool keep_one(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct one *o = arg;
    o->found = true;
    o->got_cols = n_cols;
    if (n_cols != o->n_cols) return false;
    for (unsigned i = 0; i < n_cols; i++) {
        o->row[i] = row[i];
        if (row[i].type == STORE_TEXT || row[i].type == STORE_BLOB)
            o->row[i].u.s = arena_sv(o->a, row[i].u.s);
    }
    return false;
}

int store_one(struct store_conn *c, struct arena *a, sv sql, const struct store_val *args,
              unsigned n_args, struct store_val *row, unsigned n_cols, bool *found, struct err *err)
{
    struct one o = {.a = a, .row = row, .n_cols = n_cols};
    if (store_run(c, sql, args, n_args, keep_one, &o, err) != 0) return -1;
    if (o.found && o.got_cols != n_cols)
        return err_internal(err, "%u columns wanted, %u came [%.*s]", n_cols, o.got_cols,
                            SVARG(sql));
    *found = o.found;
    return 0;
}

int store_ddl(struct store_conn *c, sv sql, struct err *err)
{
    /* DDL commits by itself; the transaction around it would be a lie. */
    if (c->in_tx) return err_internal(err, "DDL inside a transaction [%.*s]", SVARG(sql));
    if (conn_ready(c, err) != 0) return -1;
    c->used = true;
    if (conn_query(c, sql) != 0) return fault_err(c, sql, err);
    return 0;
}
