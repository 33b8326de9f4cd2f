/* How an attempt ended, written down: sent, tried again later, given up, and a
 * receiver that fails and fails is left alone until somebody resumes it. */
#define LOG_ROOM "link"

#include <stdio.h>

#include "link/room.h"

#define OK_EVERY_US 60000000 /* last_ok_at is written at most so often */

static bool good(const struct sending *s)
{
    return s->status >= 200 && s->status < 300;
}

/* What the receiver said, as far as it is text; cut between characters. */
static struct store_val answer_of(const struct sending *s)
{
    size_t n = s->answer_n;
    if (n == WEBHOOK_ANSWER)
        while (n && ((unsigned char)s->answer[n - 1] & 0xc0) == 0x80)
            n--;
    if (n && n < s->answer_n && (unsigned char)s->answer[n - 1] >= 0xc0) n--;
    sv text = sv_make(s->answer, n);
    bool clean = sv_utf8_ok(text) && !(n && memchr(text.p, '\0', n));
    return n == 0 ? STORE_N : clean ? STORE_S(text) : STORE_S(SV("(not text)"));
}

static int store_attempt(struct store_conn *c, const struct sending *s, const char *status,
                         sv error, int64_t now, struct err *err)
{
    int64_t next = now;
    if (strcmp(status, "pending") == 0)
        next += webhook_delay_us((unsigned)s->attempts, (unsigned)rand_below(401));
    struct store_val args[] = {
        STORE_S(sv_of(status)),
        STORE_T(now),
        good(s) ? STORE_T(now) : STORE_N,
        STORE_I(s->attempts),
        s->status ? STORE_I(s->status) : STORE_N,
        STORE_I(s->ms),
        answer_of(s),
        error.n ? STORE_S(error) : STORE_N,
        STORE_T(next),
        STORE_I(s->id),
    };
    return store_exec(c,
                      SV("UPDATE core_webhook_delivery SET status = ?, updated_at = ?,"
                         " sent_at = ?, attempts = ?, http_status = ?, duration_ms = ?,"
                         " answer = ?, error = ?, next_at = ? WHERE id = ?"),
                      args, sizeof args / sizeof *args, NULL, err);
}

static int all_well(struct store_conn *c, const struct sending *s, int64_t now, struct err *err)
{
    struct store_val args[] = {STORE_T(now), STORE_I(s->webhook), STORE_T(now - OK_EVERY_US)};
    return store_exec(c,
                      SV("UPDATE core_webhook SET failures = 0, failing_since = NULL,"
                         " last_error = NULL, last_ok_at = ? WHERE id = ? AND (failures > 0 OR"
                         " last_ok_at IS NULL OR last_ok_at < ?)"),
                      args, 3, NULL, err);
}

/* *stopped: this failure was one too many. */
static int one_more(struct store_conn *c, struct arena *a, const struct sending *s, sv error,
                    int64_t now, bool *stopped, struct err *err)
{
    struct store_val key[] = {STORE_I(s->webhook)}, v[3];
    bool found;
    *stopped = false;
    if (store_one(c, a,
                  SV("SELECT failures, failing_since, state FROM core_webhook WHERE id = ?"
                     " FOR UPDATE"),
                  key, 1, v, 3, &found, err) != 0)
        return -1;
    if (!found) return 0;
    int64_t failures = v[0].u.i + 1, since = v[1].type == STORE_NULL ? now : v[1].u.i;
    *stopped = sv_eqs(v[2].u.s, "active") && webhook_gives_up(s->status, failures, since, now);
    struct store_val args[] = {STORE_I(failures), STORE_T(since), STORE_S(error), STORE_S(v[2].u.s),
                               STORE_I(s->webhook)};
    if (*stopped) args[3] = STORE_S(SV("failing"));
    if (store_exec(c,
                   SV("UPDATE core_webhook SET failures = ?, failing_since = ?, last_error = ?,"
                      " state = ? WHERE id = ?"),
                   args, 5, NULL, err) != 0)
        return -1;
    if (!*stopped) return 0;
    return store_exec(c,
                      SV("UPDATE core_webhook_delivery SET status = 'held' WHERE webhook = ?"
                         " AND status = 'pending'"),
                      key, 1, NULL, err);
}

struct ending {
    struct sending *s;
    struct arena *a;
    bool stopped;
};

static int write_down(void *arg, struct store_conn *c, struct err *err)
{
    struct ending *e = arg;
    struct sending *s = e->s;
    int64_t now = clock_now_us();
    if (good(s))
        return store_attempt(c, s, "sent", SV_NULL, now, err) != 0 ? -1 : all_well(c, s, now, err);
    sv error = s->status ? arena_printf(e->a, "HTTP %d", s->status) : sv_of(s->error);
    bool last = s->attempts >= s->max_attempts;
    /* the webhook's row first: whoever pauses it locks in this order too */
    if (one_more(c, e->a, s, error, now, &e->stopped, err) != 0) return -1;
    return store_attempt(c, s, last ? "dead" : e->stopped ? "held" : "pending", error, now, err);
}

int webhook_result(struct sending *s, struct err *err)
{
    struct ending e = {.s = s, .a = arena_new(0)};
    int rc = link_tx(s->lt->t, write_down, &e, err);
    if (rc == 0 && e.stopped) {
        sv target = arena_printf(e.a, "core.webhook/%lld", (long long)s->webhook);
        log_warn("webhook %lld of %.*s is left alone: %s", (long long)s->webhook,
                 SVARG(s->lt->t->slug), s->status == 410 ? "its receiver is gone" : "it fails");
        auth_audit(
            s->lt->t, &auth_system, NULL,
            &(struct auth_audit){.action = "webhook_failing", .target = target, .ok = false});
        atomic_store(&s->lt->stale, true);
    }
    arena_free(e.a);
    return rc;
}
