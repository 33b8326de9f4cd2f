/* The time until which a thread's statements may run. The server ends what takes
 * longer and keeps the connection, so that nothing is cut off mid-way. */
#include "store/internal.h"

#include <stdio.h>

#define LOG_ROOM "store"

static _Thread_local int64_t deadline; /* monotonic; 0: none */

void store_deadline(int64_t mono_us)
{
    deadline = mono_us;
}

bool deadline_set(void)
{
    return deadline != 0;
}

static int too_late(struct err *err)
{
    err_detail(err, "the request's deadline has passed");
    return err_set(err, 504, "deadline", NULL);
}

/* Servers that have no such variable (MySQL) are bounded by the read time-out. */
static void set_limit(struct store_conn *c, unsigned ms)
{
    char text[64];
    int n =
        snprintf(text, sizeof text, "SET SESSION max_statement_time=%u.%03u", ms / 1000, ms % 1000);
    c->limit_ms = ms;
    if (conn_query(c, sv_make(text, (size_t)n)) != 0 && !c->broken) c->no_limit = true;
    if (!c->broken) fault_clear(c);
}

/* The server gives up a little before we would. */
unsigned conn_default_limit(const struct store_conn *c)
{
    unsigned ms = c->query_ms ? c->query_ms : c->db->o.query_ms;
    return ms - ms / 20;
}

void conn_first_limit(struct store_conn *c)
{
    c->no_limit = false;
    set_limit(c, conn_default_limit(c));
}

/* Most statements cost no round trip more: the session's own limit is only moved
 * when less time is left than that, and moved again when much less is. */
int conn_limit(struct store_conn *c, struct err *err)
{
    unsigned usual = conn_default_limit(c), want = usual;
    if (deadline && !c->query_ms) { /* one with a time of its own is no request's */
        int64_t left = (deadline - clock_mono_us()) / 1000;
        if (left <= 0) return too_late(err);
        if (left + 1000 < usual) want = (unsigned)left;
    }
    if (c->no_limit || c->limit_ms == want) return 0;
    bool near = want < usual && want <= c->limit_ms && want + want / 4 + 50 >= c->limit_ms;
    if (near) return 0;
    set_limit(c, want);
    return c->broken ? db_unavailable(err, "the connection was lost") : 0;
}
