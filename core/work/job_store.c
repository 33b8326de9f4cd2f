/* The rows of core_job. One column says when a row may next be claimed, whatever
 * its state: the time it was meant for, the time of the next attempt, or the end
 * of a running job's lease. One index over (state, priority, due_at) therefore
 * answers both "is there anything" and "which first". All times come from this
 * node's clock, never from the server's. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "work/jobs.h"

#define LOG_ROOM "work"

#define MAX_KEY 190
#define PURGE_LIMIT 1000
#define MAX_GROUPS 32

/* ---- tables ---------------------------------------------------------------------- */

static const struct store_col job_cols[] = {
    {.name = "id", .type = STORE_COL_ID, .not_null = true},
    {.name = "kind", .type = STORE_COL_ASCII, .size = 128, .not_null = true},
    {.name = "ukey", .type = STORE_COL_BINARY, .size = MAX_KEY},
    {.name = "payload", .type = STORE_COL_TEXT, .not_null = true},
    {.name = "state", .type = STORE_COL_ASCII, .size = 12, .not_null = true},
    {.name = "priority", .type = STORE_COL_I32, .not_null = true, .dflt = "0"},
    {.name = "due_at", .type = STORE_COL_DATETIME, .not_null = true},
    {.name = "attempt", .type = STORE_COL_I32, .not_null = true, .dflt = "0"},
    {.name = "max_attempts", .type = STORE_COL_I32, .not_null = true},
    {.name = "progress", .type = STORE_COL_I32, .not_null = true, .dflt = "0"},
    {.name = "node", .type = STORE_COL_VARCHAR, .size = 64},
    {.name = "error", .type = STORE_COL_VARCHAR, .size = 500},
    {.name = "created_at", .type = STORE_COL_DATETIME, .not_null = true},
    {.name = "started_at", .type = STORE_COL_DATETIME},
    {.name = "ended_at", .type = STORE_COL_DATETIME},
};
static const struct store_idx job_idx[] = {
    {.name = "uq_key", .cols = (const char *const[]){"kind", "ukey"}, .n_cols = 2, .unique = true},
    {.name = "ix_due", .cols = (const char *const[]){"state", "priority", "due_at"}, .n_cols = 3},
};
static const struct store_col schedule_cols[] = {
    {.name = "name", .type = STORE_COL_BINARY, .size = MAX_KEY - 30, .not_null = true},
    {.name = "last_at", .type = STORE_COL_DATETIME, .not_null = true},
};
static const char *const by_id[] = {"id"}, *const by_name[] = {"name"};

static const struct store_table tables[] = {
    {.name = "core_job",
     .cols = job_cols,
     .n_cols = sizeof job_cols / sizeof *job_cols,
     .primary = by_id,
     .n_primary = 1,
     .idx = job_idx,
     .n_idx = sizeof job_idx / sizeof *job_idx},
    {.name = "core_schedule",
     .cols = schedule_cols,
     .n_cols = sizeof schedule_cols / sizeof *schedule_cols,
     .primary = by_name,
     .n_primary = 1},
};

const struct store_table *work_tables(size_t *n)
{
    *n = sizeof tables / sizeof *tables;
    return tables;
}

/* ---- adding ------------------------------------------------------------------------ */

int work_job_add(struct store_conn *c, const struct work_add *add, int64_t *id, struct err *err)
{
    if (!add->kind.n || add->kind.n > 128) return err_internal(err, "a job without a proper kind");
    if (add->key.n > MAX_KEY) return err_internal(err, "the key of a job is too long");
    int64_t now = clock_now_us(), own = id_next();
    struct store_val key = add->key.p ? STORE_B(add->key) : STORE_N;
    struct store_val args[] = {STORE_I(own),
                               STORE_S(add->kind),
                               key,
                               STORE_S(add->payload),
                               STORE_I(add->priority),
                               STORE_T(add->run_at_us ? add->run_at_us : now),
                               STORE_I(add->max_attempts > 0 ? add->max_attempts : 10),
                               STORE_T(now)};
    struct err first;
    err_clear(&first);
    if (store_exec(c,
                   SV("INSERT INTO core_job (id, kind, ukey, payload, state, priority, due_at, "
                      "max_attempts, created_at) VALUES (?, ?, ?, ?, 'queued', ?, ?, ?, ?)"),
                   args, 8, NULL, &first) == 0) {
        *id = own;
        return 0;
    }
    if (first.status != 409 || strcmp(store_dup_key(c), "uq_key") != 0) {
        if (!err_is(err)) err_copy(err, &first);
        return -1;
    }
    struct arena *a = arena_new(256);
    struct store_val row, by[] = {STORE_S(add->kind), key};
    bool found = false;
    int rc = store_one(c, a, SV("SELECT id FROM core_job WHERE kind = ? AND ukey = ?"), by, 2, &row,
                       1, &found, err);
    if (rc == 0 && found)
        *id = row.u.i;
    else if (rc == 0)
        rc = err_internal(err, "a job with the same key came and went");
    arena_free(a);
    return rc;
}

/* ---- claiming ---------------------------------------------------------------------- */

/* Rows of one state and priority, of which the earliest is due. */
struct group {
    char state[16];
    int priority;
};

struct groups {
    const struct job_claim *claim;
    struct group due[MAX_GROUPS], old[MAX_GROUPS];
    unsigned n_due, n_old;
};

static void put_group(struct group *list, unsigned *n, const struct store_val *row)
{
    if (*n == MAX_GROUPS) return; /* the rest has its turn in a later sweep */
    struct group *g = &list[(*n)++];
    snprintf(g->state, sizeof g->state, "%.*s", SVARG(row[0].u.s));
    g->priority = (int)row[1].u.i;
}

static bool on_group(void *arg, const struct store_val *row, unsigned n_cols)
{
    (void)n_cols;
    struct groups *g = arg;
    sv state = row[0].u.s;
    int64_t earliest = row[2].u.i;
    if (sv_eqs(state, "queued") || sv_eqs(state, "failed") || sv_eqs(state, "running")) {
        if (earliest <= g->claim->now) put_group(g->due, &g->n_due, row);
    } else if (!sv_eqs(state, "dead") && earliest < g->claim->purge_before) {
        put_group(g->old, &g->n_old, row);
    }
    return true;
}

static bool on_job(void *arg, const struct store_val *row, unsigned n_cols)
{
    (void)n_cols;
    struct job_claim *claim = arg;
    struct job_row *r = &claim->rows[claim->n++];
    r->id = row[0].u.i;
    r->kind = arena_sv(claim->a, row[1].u.s);
    r->payload = arena_sv(claim->a, row[2].u.s);
    r->attempt = (int)row[3].u.i;
    r->max_attempts = (int)row[4].u.i;
    return claim->n < claim->limit;
}

static int mark_running(struct store_conn *c, const struct job_claim *claim, struct job_row *r,
                        struct err *err)
{
    struct store_val args[] = {STORE_S(sv_of(claim->node)), STORE_T(claim->lease_until),
                               STORE_T(claim->now), STORE_I(r->id)};
    r->attempt++;
    return store_exec(c,
                      SV("UPDATE core_job SET state = 'running', node = ?, due_at = ?, "
                         "started_at = ?, attempt = attempt + 1, progress = 0 WHERE id = ?"),
                      args, 4, NULL, err);
}

static int mark_dead(struct store_conn *c, const struct job_claim *claim, const struct job_row *r,
                     struct err *err)
{
    struct store_val args[] = {STORE_T(claim->now), STORE_T(claim->now), STORE_I(r->id)};
    log_error("job %lld (%.*s) is dead: its node vanished in each of %d attempts", (long long)r->id,
              SVARG(r->kind), r->attempt);
    return store_exec(c,
                      SV("UPDATE core_job SET state = 'dead', due_at = ?, ended_at = ?, "
                         "error = 'the node that ran it vanished' WHERE id = ?"),
                      args, 3, NULL, err);
}

static int claim_group(struct store_conn *c, struct job_claim *claim, const struct group *g,
                       struct err *err)
{
    unsigned first = claim->n;
    struct store_val args[] = {STORE_S(sv_of(g->state)), STORE_I(g->priority), STORE_T(claim->now),
                               STORE_I(claim->limit - first)};
    if (store_run(c,
                  SV("SELECT id, kind, payload, attempt, max_attempts FROM core_job "
                     "WHERE state = ? AND priority = ? AND due_at <= ? ORDER BY due_at "
                     "LIMIT ? FOR UPDATE SKIP LOCKED"),
                  args, 4, on_job, claim, err) != 0)
        return -1;
    unsigned kept = first;
    for (unsigned i = first; i < claim->n; i++) {
        struct job_row *r = &claim->rows[i];
        if (r->attempt >= r->max_attempts) { /* only a lost lease leaves such a row */
            if (mark_dead(c, claim, r, err) != 0) return -1;
            continue;
        }
        if (mark_running(c, claim, r, err) != 0) return -1;
        claim->rows[kept++] = *r;
    }
    claim->n = kept;
    return 0;
}

struct claim_tx {
    struct job_claim *claim;
    struct groups *groups;
};

static int claim_in_tx(void *arg, struct store_conn *c, struct err *err)
{
    struct claim_tx *t = arg;
    t->claim->n = 0;
    for (unsigned i = 0; i < t->groups->n_due && t->claim->n < t->claim->limit; i++)
        if (claim_group(c, t->claim, &t->groups->due[i], err) != 0) return -1;
    return 0;
}

int job_claim(struct store_conn *c, struct job_claim *claim, struct err *err)
{
    struct groups g = {.claim = claim};
    claim->n = 0;
    /* A loose index scan: it reads one entry per group, however many rows. */
    if (store_run(c,
                  SV("SELECT state, priority, MIN(due_at) FROM core_job "
                     "GROUP BY state, priority ORDER BY priority DESC, state"),
                  NULL, 0, on_group, &g, err) != 0)
        return -1;
    for (unsigned i = 0; i < g.n_old; i++) {
        struct store_val args[] = {STORE_S(sv_of(g.old[i].state)), STORE_I(g.old[i].priority),
                                   STORE_T(claim->purge_before), STORE_I(PURGE_LIMIT)};
        if (store_exec(c,
                       SV("DELETE FROM core_job WHERE state = ? AND priority = ? AND due_at < ? "
                          "ORDER BY due_at LIMIT ?"),
                       args, 4, NULL, err) != 0)
            return -1;
    }
    if (!g.n_due || !claim->limit) return 0;
    struct claim_tx t = {claim, &g};
    return store_tx(c, claim_in_tx, &t, err);
}

/* ---- while it runs, and after -------------------------------------------------------- */

int job_renew(struct store_conn *c, const struct work_job *job, int64_t until, int percent,
              bool *ours, struct err *err)
{
    uint64_t changed = 0;
    struct store_val args[] = {STORE_T(until), percent < 0 ? STORE_N : STORE_I(percent),
                               STORE_I(job->id), STORE_I(job->attempt)};
    /* The number of the attempt fences off whoever thinks it still has the job. */
    if (store_exec(c,
                   SV("UPDATE core_job SET due_at = ?, progress = COALESCE(?, progress) "
                      "WHERE id = ? AND attempt = ? AND state = 'running'"),
                   args, 4, &changed, err) != 0)
        return -1;
    *ours = changed > 0;
    return 0;
}

/* 5 s, 10 s, 20 s ... an hour, up to a quarter more or less, so that jobs that
 * failed together do not come back together. */
static int64_t back_off_us(int attempt)
{
    int64_t s = attempt < 11 ? INT64_C(5) << (attempt - 1) : 3600;
    if (s > 3600) s = 3600;
    int64_t us = s * 1000000;
    return us - us / 4 + (int64_t)rand_below((uint64_t)us / 2);
}

int job_end(struct store_conn *c, const struct running *r, enum job_end how, const char *why,
            int64_t now, struct err *err)
{
    const struct work_job *job = &r->job;
    const char *state = "done";
    struct store_val due = STORE_T(now), error = STORE_N, ended = STORE_T(now);
    int attempt = job->attempt;
    if (how == JOB_BACK) {
        state = "queued";
        attempt--;
        ended = STORE_N;
    } else if (how == JOB_FAILED) {
        bool last = job->attempt >= r->max_attempts;
        state = last ? "dead" : "failed";
        if (!last) due = STORE_T(now + back_off_us(job->attempt));
        error = STORE_S(sv_of(why));
    }
    struct store_val args[] = {STORE_S(sv_of(state)),
                               due,
                               STORE_I(attempt),
                               error,
                               ended,
                               STORE_I(how == JOB_DONE ? 1 : 0),
                               STORE_I(job->id),
                               STORE_I(job->attempt)};
    uint64_t changed = 0;
    if (store_exec(c,
                   SV("UPDATE core_job SET state = ?, due_at = ?, attempt = ?, error = ?, "
                      "ended_at = ?, progress = IF(?, 100, progress), node = NULL "
                      "WHERE id = ? AND attempt = ? AND state = 'running'"),
                   args, 8, &changed, err) != 0)
        return -1;
    if (!changed)
        log_info("job %lld (%.*s) ended here, but was cancelled or taken over before",
                 (long long)job->id, SVARG(job->kind));
    return 0;
}

/* ---- after the death of a process ---------------------------------------------------- */

struct dead {
    sv name; /* with its colon */
    char nodes[8][64];
    unsigned n;
};

/* A process of another machine never has our node's name. */
static bool on_node(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct dead *d = arg;
    int64_t pid;
    (void)n_cols;
    if (row[0].type != STORE_TEXT || row[0].u.s.n >= 64 || !sv_starts(row[0].u.s, d->name))
        return true;
    sv digits = sv_make(row[0].u.s.p + d->name.n, row[0].u.s.n - d->name.n);
    if (!sv_i64(digits, &pid) || pid <= 1 || pid > INT32_MAX) return true;
    if (kill((pid_t)pid, 0) == 0 || errno != ESRCH) return true;
    snprintf(d->nodes[d->n++], 64, "%.*s", SVARG(row[0].u.s));
    return d->n < sizeof d->nodes / sizeof *d->nodes;
}

int job_take_over(struct store_conn *c, const char *node, int64_t now, struct err *err)
{
    struct dead d = {.name = {node, (size_t)(strrchr(node, ':') - node) + 1}};
    if (store_run(c, SV("SELECT DISTINCT node FROM core_job WHERE state = 'running'"), NULL, 0,
                  on_node, &d, err) != 0)
        return -1;
    for (unsigned i = 0; i < d.n; i++) {
        struct store_val args[] = {STORE_T(now), STORE_S(sv_of(d.nodes[i]))};
        uint64_t n = 0;
        if (store_exec(c, SV("UPDATE core_job SET due_at = ? WHERE state = 'running' AND node = ?"),
                       args, 2, &n, err) != 0)
            return -1;
        if (n) log_info("%llu jobs of %s, which died, go on", (unsigned long long)n, d.nodes[i]);
    }
    return 0;
}
