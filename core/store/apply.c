/* Running a plan, statement by statement, with a journal of what was begun and
 * what came of it. DDL commits by itself, so a plan cut off in the middle is not
 * undone: the next plan starts from what is there. */
#include "store/internal.h"

#define LOG_ROOM "store"

#define LOCK_WAIT_S 60
#define STATEMENT_MS (24 * 3600 * 1000u) /* a large table takes its time to rebuild */

/* Errors that say "this is already so": another node, or a statement that went
 * on in the server after its client had died, was here between plan and apply. */
enum {
    E_TABLE_EXISTS = 1050,
    E_COLUMN_EXISTS = 1060,
    E_INDEX_EXISTS = 1061,
    E_MULTIPLE_PRIMARY = 1068,
    E_CANNOT_DROP = 1091,
};
/* And those that say "this is not what was planned for". */
enum { E_NO_TABLE_TO_RENAME = 1017, E_NO_COLUMN = 1054, E_NO_TABLE = 1146 };

static const char journal_ddl[] =
    "CREATE TABLE IF NOT EXISTS `atrium_journal` (\n"
    "  `id` BIGINT UNSIGNED NOT NULL,\n"
    "  `at` DATETIME(6) NOT NULL,\n"
    "  `reason` VARCHAR(200) NOT NULL,\n"
    "  `why` VARCHAR(400) NOT NULL,\n"
    "  `statement` MEDIUMTEXT NOT NULL,\n"
    "  `state` VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n"
    "  `ended_at` DATETIME(6) NULL,\n"
    "  `error` VARCHAR(400) NULL,\n"
    "  PRIMARY KEY (`id`),\n"
    "  INDEX `ix_state` (`state`)\n"
    ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=" STORE_COLLATION;

static sv cut(sv v, size_t max)
{
    if (v.n <= max) return v;
    v.n = max;
    while (v.n && ((unsigned char)v.p[v.n] & 0xc0) == 0x80)
        v.n--; /* not inside a character */
    return v;
}

static bool keep_int(void *arg, const struct store_val *row, unsigned n_cols)
{
    (void)n_cols;
    if (row[0].type == STORE_I64) *(int64_t *)arg = row[0].u.i;
    return false;
}

/* Locks are named server-wide and at most 64 characters long. */
#define LOCK_NAME "CONCAT('atrium.', SHA1(DATABASE()))"

static int lock(struct store_conn *c, struct err *err)
{
    int64_t got = 0;
    sv sql = SV("SELECT GET_LOCK(" LOCK_NAME ", ?)");
    if (store_run(c, sql, &STORE_I(LOCK_WAIT_S), 1, keep_int, &got, err) != 0) return -1;
    if (got == 1) return 0;
    err_detail(err, "another node has been changing the tables for %d s", LOCK_WAIT_S);
    err_set(err, 503, "unavailable", NULL);
    err->retry_after = 5;
    return -1;
}

static int journal_begin(struct store_conn *c, const struct store_step *s, const char *reason,
                         int64_t *id, struct err *err)
{
    *id = id_next();
    struct store_val args[] = {STORE_I(*id), STORE_T(clock_now_us()),
                               STORE_S(cut(sv_of(reason ? reason : ""), 200)),
                               STORE_S(cut(s->why, 400)), STORE_S(s->sql)};
    return store_exec(c,
                      SV("INSERT INTO atrium_journal (id, at, reason, why, statement, state) "
                         "VALUES (?, ?, ?, ?, ?, 'started')"),
                      args, 5, NULL, err);
}

static int journal_end(struct store_conn *c, int64_t id, bool ok, const char *note, struct err *err)
{
    struct store_val args[] = {STORE_S(ok ? SV("done") : SV("failed")), STORE_T(clock_now_us()),
                               note ? STORE_S(cut(sv_of(note), 400)) : STORE_N, STORE_I(id)};
    return store_exec(c,
                      SV("UPDATE atrium_journal SET state = ?, ended_at = ?, error = ? "
                         "WHERE id = ?"),
                      args, 4, NULL, err);
}

static bool already_so(unsigned code)
{
    return code == E_TABLE_EXISTS || code == E_COLUMN_EXISTS || code == E_INDEX_EXISTS ||
           code == E_MULTIPLE_PRIMARY || code == E_CANNOT_DROP;
}

static bool out_of_date(unsigned code)
{
    return code == E_NO_TABLE_TO_RENAME || code == E_NO_COLUMN || code == E_NO_TABLE;
}

static int run_step(struct store_conn *c, const struct store_step *s, const char *reason,
                    struct err *err)
{
    int64_t id;
    if (journal_begin(c, s, reason, &id, err) != 0) return -1;
    log_info("schema: %.*s", SVARG(s->why));
    if (store_ddl(c, s->sql, err) == 0) return journal_end(c, id, true, NULL, err);

    struct fault fault = c->fault;
    if (already_so(fault.code)) {
        err_clear(err);
        return journal_end(c, id, true, "was there already", err);
    }
    if (out_of_date(fault.code)) {
        err_clear(err);
        err_detail(err, "%.*s: %s; the tables have changed since the plan was made, plan again",
                   SVARG(s->why), fault.text);
        err_set(err, 409, "conflict", NULL);
    } else {
        err_detail(err, "%.*s: %u %s", SVARG(s->why), fault.code, fault.text);
    }
    if (!c->broken) {
        struct err second;
        err_clear(&second);
        journal_end(c, id, false, fault.text, &second);
    }
    return -1;
}

static int run_plan(struct store_conn *c, const struct store_plan *plan, const char *reason,
                    struct err *err)
{
    /* A table that somebody holds for longer than this is not waited for: behind
     * a waiting ALTER everybody else queues up. */
    if (store_ddl(c, SV("SET SESSION lock_wait_timeout = 60"), err) != 0) return -1;
    if (store_ddl(c, sv_make(journal_ddl, sizeof journal_ddl - 1), err) != 0) return -1;
    /* The lock is ours, so nobody is at work on what is noted as begun. */
    if (store_exec(c,
                   SV("UPDATE atrium_journal SET state = 'failed', ended_at = ?, "
                      "error = 'cut off; planned again' WHERE state = 'started'"),
                   &STORE_T(clock_now_us()), 1, NULL, err) != 0)
        return -1;
    for (size_t i = 0; i < plan->n; i++)
        if (run_step(c, &plan->steps[i], reason, err) != 0) return -1;
    return 0;
}

/* Is there a statement that was begun and never noted as ended? Its process may
 * have died when there was nothing left to plan. */
static int cut_off_before(struct store_conn *c, bool *yes, struct err *err)
{
    int64_t n = 0;
    struct err e;
    err_clear(&e);
    if (store_run(c, SV("SELECT 1 FROM atrium_journal WHERE state = 'started' LIMIT 1"), NULL, 0,
                  keep_int, &n, &e) == 0) {
        *yes = n == 1;
        return 0;
    }
    if (c->fault.code == E_NO_TABLE) return 0;
    err_copy(err, &e);
    return -1;
}

int store_apply(struct store_conn *c, const struct store_plan *plan, const char *reason,
                struct err *err)
{
    bool needed = plan->n > 0;
    if (!needed && cut_off_before(c, &needed, err) != 0) return -1;
    if (!needed) return 0;
    /* A connection of its own: the time-out of requests is too short for this.
     * It also takes the lock with it, whatever happens. */
    struct store_conn *own = conn_new(c->db);
    own->query_ms = STATEMENT_MS;
    int rc = conn_open(own, err);
    if (rc == 0) rc = lock(own, err);
    if (rc == 0) rc = run_plan(own, plan, reason, err);
    conn_free(own);
    return rc;
}
