/* Schedules: at its due time each becomes a job, with a key that names schedule
 * and time, so that many nodes make one job of it. When a node was away, the
 * latest of the missed times is run, once. */
#include <stdlib.h>

#include "work/jobs.h"

#define LOG_ROOM "work"

/* Missed times are looked for so far back first; a rarer one is found from its
 * last run. */
#define LOOK_BACK_US (2 * 86400 * 1000000LL)

struct schedule {
    struct store_db *db;
    sv name, kind;
    struct work_cron *cron;
    int offset_minutes;
    int64_t next; /* 0: not known yet */
};

struct schedules {
    struct arena *a;
    struct schedule *list;
    size_t n;
};

struct schedules *schedules_new(const struct work_schedule *s, size_t n, struct err *err)
{
    struct arena *a = arena_new(0);
    struct schedules *out = ARENA_NEW(a, struct schedules);
    out->a = a;
    out->n = n;
    out->list = ARENA_ARRAY(a, struct schedule, n ? n : 1);
    for (size_t i = 0; i < n; i++) {
        struct schedule *t = &out->list[i];
        *t = (struct schedule){.db = s[i].db,
                               .name = arena_sv(a, s[i].name),
                               .kind = arena_sv(a, s[i].kind),
                               .offset_minutes = s[i].offset_minutes};
        if (work_cron_parse(a, s[i].expr, &t->cron, err) != 0) {
            arena_free(a);
            return NULL;
        }
    }
    return out;
}

void schedules_free(struct schedules *s)
{
    if (s) arena_free(s->a);
}

/* When did it last run? A schedule that is new begins now. */
static int load(struct schedule *s, struct store_conn *c, int64_t now, struct err *err)
{
    struct arena *a = arena_new(256);
    struct store_val last, args[] = {STORE_B(s->name), STORE_T(now)};
    bool found = false;
    int rc = store_one(c, a, SV("SELECT last_at FROM core_schedule WHERE name = ?"), args, 1, &last,
                       1, &found, err);
    if (rc == 0 && !found) {
        last = STORE_T(now);
        rc = store_exec(c, SV("INSERT IGNORE INTO core_schedule (name, last_at) VALUES (?, ?)"),
                        args, 2, NULL, err);
    }
    if (rc == 0) s->next = work_cron_next(s->cron, last.u.i, s->offset_minutes);
    arena_free(a);
    return rc;
}

/* The latest due time that is not after `now`. */
static int64_t latest(const struct schedule *s, int64_t now)
{
    int64_t due = s->next;
    if (now - due > LOOK_BACK_US) {
        int64_t later = work_cron_next(s->cron, now - LOOK_BACK_US, s->offset_minutes);
        if (later <= now) due = later;
    }
    for (;;) {
        int64_t later = work_cron_next(s->cron, due, s->offset_minutes);
        if (later > now) return due;
        due = later;
    }
}

struct firing {
    const struct schedule *s;
    int64_t due;
};

static int fire_in_tx(void *arg, struct store_conn *c, struct err *err)
{
    const struct firing *f = arg;
    char time[32];
    size_t n = clock_rfc3339(f->due, time);
    struct arena *a = arena_new(512);
    struct buf payload = BUF_IN(a);
    struct jsonw w = jsonw_on(&payload);
    jsonw_obj(&w);
    jsonw_kv_sv(&w, "schedule", f->s->name);
    jsonw_kv_sv(&w, "due", sv_make(time, n));
    jsonw_end_obj(&w);
    struct work_add add = {.kind = f->s->kind,
                           .payload = buf_view(&payload),
                           .key = arena_printf(a, "%.*s@%s", SVARG(f->s->name), time)};
    int64_t id;
    int rc = work_job_add(c, &add, &id, err);
    struct store_val args[] = {STORE_T(f->due), STORE_B(f->s->name), STORE_T(f->due)};
    if (rc == 0)
        rc =
            store_exec(c, SV("UPDATE core_schedule SET last_at = ? WHERE name = ? AND last_at < ?"),
                       args, 3, NULL, err);
    arena_free(a);
    return rc;
}

static bool run_one(struct schedule *s, int64_t now, struct err *err)
{
    if (s->next > now) return false;
    struct store_conn *c;
    if (store_get(s->db, &c, err) != 0) return false;
    bool fired = false;
    if ((s->next || load(s, c, now, err) == 0) && s->next <= now) {
        struct firing f = {s, latest(s, now)};
        fired = store_tx(c, fire_in_tx, &f, err) == 0;
        if (fired) s->next = work_cron_next(s->cron, f.due, s->offset_minutes);
    }
    store_put(c);
    return fired;
}

bool schedules_run(struct schedules *s, int64_t now)
{
    bool fired = false;
    for (size_t i = 0; s && i < s->n; i++) {
        struct err err;
        err_clear(&err);
        fired |= run_one(&s->list[i], now, &err);
        /* An outage is told by the store; anything else is told here, each time. */
        if (err_is(&err) && err.status != 503)
            log_error("schedule %.*s: %s %s", SVARG(s->list[i].name), err.code, err.detail);
    }
    return fired;
}
