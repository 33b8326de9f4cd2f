/* The working-day calendar in memory: a year of a tenant is 366 bits. Days that the
 * calendar says nothing of are worked on from Monday to Friday. What changes here is
 * seen at once, another node's change within a minute. */
#define LOG_ROOM "auth"

#include <stdlib.h>

#include "auth/room.h"
#include "base/workday.h"

#define FRESH_US 60000000
#define YEARS 16                     /* kept of a tenant; the oldest look gives way */
#define DAY_US INT64_C(86400000000)

struct year {
    int year;                        /* 0: none */
    int64_t loaded;
    uint64_t off[6];                 /* bit: not worked on */
};

struct calendar {
    pthread_mutex_t lock;
    struct year years[YEARS];
};

static struct calendar *calendar_of(struct tenant *t)
{
    struct calendar *c = atomic_load_explicit(&t->calendar, memory_order_acquire);
    if (c) return c;
    c = xmalloc(sizeof *c);
    memset(c, 0, sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    struct calendar *none = NULL;
    if (atomic_compare_exchange_strong(&t->calendar, &none, c)) return c;
    pthread_mutex_destroy(&c->lock);
    free(c);
    return none;
}

void calendar_free(struct calendar *c)
{
    if (!c) return;
    pthread_mutex_destroy(&c->lock);
    free(c);
}

void auth_calendar_forget(struct auth_tenant *tenant)
{
    struct calendar *c = calendar_of(tenant_full(tenant));
    pthread_mutex_lock(&c->lock);
    memset(c->years, 0, sizeof c->years);
    pthread_mutex_unlock(&c->lock);
}

/* ---- loading ----------------------------------------------------------------------------- */

static void mark(struct year *y, int64_t at, bool off)
{
    if (at < 0 || at >= 366) return;
    uint64_t bit = UINT64_C(1) << (at % 64);
    y->off[at / 64] = off ? y->off[at / 64] | bit : y->off[at / 64] & ~bit;
}

static bool on_day(void *arg, const struct store_val *v, unsigned n)
{
    struct year *y = arg;
    (void)n;
    mark(y, v[0].u.i / DAY_US - workday_of(y->year, 1, 1), sv_eqs(v[1].u.s, "holiday"));
    return true;
}

static int load(struct store_conn *c, struct year *y, struct err *err)
{
    int64_t first = workday_of(y->year, 1, 1), last = workday_of(y->year + 1, 1, 1);
    struct store_val args[] = {STORE_T(first * DAY_US), STORE_T(last * DAY_US)};
    memset(y->off, 0, sizeof y->off);
    for (int64_t d = first; d < last; d++) mark(y, d - first, !workday_plain(d));
    y->loaded = clock_mono_us();
    return store_run(c, SV("SELECT date, kind FROM core_calendar_day WHERE date >= ? AND date < ?"),
                     args, 2, on_day, y, err);
}

struct asking {
    struct auth_tenant *t;
    struct calendar *cal;
    struct store_conn *conn;         /* the caller's, or ours once one was needed */
    bool own;
    struct year year;                /* the one looked at last */
    struct err *err;
};

static int connect(struct asking *a)
{
    if (a->conn) return 0;
    if (store_get(a->t->db, &a->conn, a->err) != 0) return -1;
    a->own = true;
    return 0;
}

static int fetch(struct asking *a, int year)
{
    struct calendar *c = a->cal;
    struct year *slot = &c->years[(unsigned)year % YEARS];
    pthread_mutex_lock(&c->lock);
    bool fresh = slot->year == year && clock_mono_us() - slot->loaded < FRESH_US;
    if (fresh) a->year = *slot;
    pthread_mutex_unlock(&c->lock);
    if (fresh) return 0;
    a->year.year = year;
    if (connect(a) != 0 || load(a->conn, &a->year, a->err) != 0) {
        a->year.year = 0;
        return -1;
    }
    pthread_mutex_lock(&c->lock);
    *slot = a->year;
    pthread_mutex_unlock(&c->lock);
    return 0;
}

static int worked(void *arg, int64_t day)
{
    struct asking *a = arg;
    int year, month, mday;
    workday_civil(day, &year, &month, &mday);
    if (year < 1 || year > 9998) return -1;
    if (a->year.year != year && fetch(a, year) != 0) return -1;
    int64_t at = day - workday_of(year, 1, 1);
    return !(a->year.off[at / 64] >> (at % 64) & 1);
}

/* ---- questions ----------------------------------------------------------------------------- */

static struct asking begin(struct auth_tenant *t, struct store_conn *c, struct err *err)
{
    return (struct asking){.t = t, .cal = calendar_of(tenant_full(t)), .conn = c, .err = err};
}

static int finish(struct asking *a, int rc)
{
    if (a->own) store_put(a->conn);
    if (rc >= 0) return 0;
    return err_is(a->err) ? -1 : err_set(a->err, 422, "workday_range", NULL);
}

int auth_workday_is(struct auth_tenant *t, struct store_conn *c, int64_t day, bool *out,
                    struct err *err)
{
    struct asking a = begin(t, c, err);
    int rc = worked(&a, day);
    *out = rc > 0;
    return finish(&a, rc);
}

int auth_workday_add(struct auth_tenant *t, struct store_conn *c, int64_t day, int64_t n,
                     int64_t *out, struct err *err)
{
    struct asking a = begin(t, c, err);
    return finish(&a, workday_add(day, n, worked, &a, out));
}

int auth_workday_between(struct auth_tenant *t, struct store_conn *c, int64_t from, int64_t to,
                         int64_t *out, struct err *err)
{
    struct asking a = begin(t, c, err);
    return finish(&a, workday_between(from, to, worked, &a, out));
}
