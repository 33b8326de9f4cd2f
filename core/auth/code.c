/* One-time codes by phone, and the development outbox that shows them where no
 * provider is set up. Only a keyed hash is stored; asking tells nothing about
 * who has the phone: rows, answer and time are the same. */
#define LOG_ROOM "auth"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/room.h"

#define SECOND_US 1000000LL
#define LIFE_US (300 * SECOND_US)
#define TRIES "5"
#define EVERY_US (60 * SECOND_US)
#define DAY_US (86400 * SECOND_US)
#define HOUR_US (3600 * SECOND_US)
#define PER_DAY 10
#define PER_ADDRESS_HOUR 60

int64_t code_wait(const struct code_usage *u, int64_t now)
{
    int64_t until = u->last_at ? u->last_at + EVERY_US : now;
    if (u->by_phone_day >= PER_DAY && u->day_first + DAY_US > until)
        until = u->day_first + DAY_US;
    if (u->by_address_hour >= PER_ADDRESS_HOUR && now + HOUR_US / 4 > until)
        until = now + HOUR_US / 4;
    return until > now ? (until - now + SECOND_US - 1) / SECOND_US : 0;
}

void code_hash(const unsigned char secret[32], sv phone, sv purpose, sv code,
              char out[AUTH_HASH_CHARS])
{
    struct arena *a = arena_new(256);
    unsigned char mac[32];
    seal_hmac(secret, arena_printf(a, "code:%.*s:%.*s:%.*s", SVARG(phone), SVARG(purpose),
                                   SVARG(code)), mac);
    arena_free(a);
    seal_hex(mac, sizeof mac, out);
}

/* ---- delivering -------------------------------------------------------------------------- */

struct code_job {
    struct tenant *t;
    char phone[24], purpose[16], code[8], lang[4];
};

static void deliver(void *arg)
{
    struct code_job *j = arg;
    struct auth *a = j->t->auth;
    struct buf text = BUF_HEAP;
    struct err e = {0};
    const char *args[3] = {j->code, NULL, NULL};
    msg_format(&text, j->lang, "auth.code_text", args);
    if (a->delivery.send(a->delivery.arg, &j->t->pub, sv_of(j->phone), sv_of(j->purpose),
                         sv_of(j->code), buf_view(&text), &e) != 0)
        log_error("tenant %.*s: a code could not be sent: %s", SVARG(j->t->pub.slug),
                  e.detail[0] ? e.detail : e.code);
    buf_free(&text);
    free(j);
}

int code_deliver(struct code_job *j, struct err *err)
{
    if (!j) return 0;
    struct auth *a = j->t->auth;
    /* The outbox is quick and for development: what it holds is there when the
     * answer comes. A provider takes its time, which would tell who is known. */
    if (a->delivery.send == outbox_send) {
        deliver(j);
        return 0;
    }
    if (work_pool_submit(a->logins, deliver, j)) return 0;
    free(j);
    err_set(err, 503, "overloaded", NULL);
    err->retry_after = 2;
    return -1;
}

/* ---- asking for one ---------------------------------------------------------------------- */

struct asking {
    struct tenant *t;
    sv phone, subject, purpose, address;
    char code[8];
    bool known;                      /* somebody may use it */
    int64_t wait;                    /* 0: made */
};

static int usage(struct store_conn *c, const struct asking *k, int64_t now, struct code_usage *u,
                 struct err *err)
{
    struct arena *a = arena_new(256);
    struct store_val phone[] = {STORE_S(k->subject), STORE_T(now - DAY_US)}, v[3];
    struct store_val address[] = {STORE_S(k->address), STORE_T(now - HOUR_US)}, n[1];
    bool found;
    int rc = store_one(c, a, SV("SELECT COUNT(*), MIN(created_at), MAX(created_at)"
                                " FROM core_login_code WHERE phone = ? AND created_at > ?"),
                       phone, 2, v, 3, &found, err);
    if (rc == 0)
        rc = store_one(c, a, SV("SELECT COUNT(*) FROM core_login_code WHERE address = ?"
                                " AND created_at > ?"), address, 2, n, 1, &found, err);
    if (rc == 0)
        *u = (struct code_usage){.by_phone_day = v[0].u.i,
                                 .day_first = v[1].type == STORE_TIME ? v[1].u.i : 0,
                                 .last_at = v[2].type == STORE_TIME ? v[2].u.i : 0,
                                 .by_address_hour = n[0].u.i};
    arena_free(a);
    return rc;
}

static int lock_phone(struct store_conn *c, const struct asking *k, int64_t now, struct err *err)
{
    char who[40];
    snprintf(who, sizeof who, "code:%.*s", SVARG(k->subject));
    struct store_val row[] = {STORE_I(id_next()), STORE_T(now), STORE_T(now), STORE_S(sv_of(who)),
                              STORE_T(now)};
    return store_exec(c, SV("INSERT INTO core_lockout (id, created_at, updated_at, subject,"
                            " failures, last_at) VALUES (?, ?, ?, ?, 0, ?)"
                            " ON DUPLICATE KEY UPDATE last_at = VALUES(last_at)"),
                      row, 5, NULL, err);
}

static int is_known(struct store_conn *c, struct asking *k, struct err *err)
{
    struct arena *a = arena_new(256);
    struct store_val args[AUTH_MAX_HASHES], v[1];
    bool found = false;
    int rc = people_hashes(k->t, a, AUTH_STAFF, k->phone, args, err);
    if (rc == 0)
        rc = store_one(c, a, SV("SELECT id FROM core_staff WHERE phone_hash IN " PEOPLE_HASHES
                                " AND state = 'active' AND deleted_at IS NULL LIMIT 1"),
                       args, AUTH_MAX_HASHES, v, 1, &found, err);
    arena_free(a);
    /* who rebinds his phone asks for the new one, which is nobody's yet */
    k->known = found || !sv_eqs(k->purpose, "staff");
    return rc;
}

static int ask(void *arg, struct store_conn *c, struct err *err)
{
    struct asking *k = arg;
    int64_t now = clock_now_us();
    struct code_usage u;
    /* two requests at once for one phone: the second waits here and then sees the first */
    if (lock_phone(c, k, now, err) != 0 || usage(c, k, now, &u, err) != 0 ||
        is_known(c, k, err) != 0)
        return -1;
    k->wait = code_wait(&u, now);
    if (k->wait > 0) return 0;
    snprintf(k->code, sizeof k->code, "%06u", (unsigned)rand_below(1000000));
    char hash[AUTH_HASH_CHARS], secret[33];
    rand_text(secret, 32);           /* nobody's code matches nothing */
    code_hash(k->t->pub.secret, k->phone, k->purpose, k->known ? sv_of(k->code) : sv_of(secret),
              hash);
    struct store_val args[] = {STORE_I(id_next()),  STORE_T(now),
                               STORE_T(now),        STORE_S(k->subject),
                               STORE_S(k->purpose), STORE_S(sv_make(hash, sizeof hash)),
                               STORE_S(k->address), STORE_T(now + LIFE_US)};
    return store_exec(c, SV("INSERT INTO core_login_code (id, created_at, updated_at, phone,"
                            " purpose, code_hash, address, tries, used, expires_at)"
                            " VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, ?)"),
                      args, sizeof args / sizeof args[0], NULL, err);
}

int code_request(struct tenant *t, struct store_conn *c, const struct code_ask *k,
                 struct code_job **job, int64_t *wait, struct err *err)
{
    struct asking g = {.t = t, .phone = k->phone, .purpose = k->purpose, .address = k->address};
    struct arena *scratch = arena_new(256);
    *job = NULL;
    g.subject = phone_pseudonym(scratch, t, k->phone);
    int rc = store_tx(c, ask, &g, err);
    arena_free(scratch);
    if (rc != 0) return -1;
    *wait = g.wait > 0 ? g.wait : EVERY_US / SECOND_US;
    if (g.wait > 0 || !g.known) return 0;
    struct code_job *j = *job = xmalloc(sizeof *j);
    *j = (struct code_job){.t = t};
    snprintf(j->phone, sizeof j->phone, "%.*s", SVARG(k->phone));
    snprintf(j->purpose, sizeof j->purpose, "%.*s", SVARG(k->purpose));
    snprintf(j->code, sizeof j->code, "%s", g.code);
    snprintf(j->lang, sizeof j->lang, "%s", k->lang);
    return 0;
}

/* ---- using one --------------------------------------------------------------------------- */

int code_use(struct tenant *t, struct store_conn *c, sv phone, sv purpose, sv code, struct err *err)
{
    struct arena *a = arena_new(512);
    int64_t now = clock_now_us();
    struct store_val args[] = {STORE_S(phone_pseudonym(a, t, phone)), STORE_S(purpose),
                               STORE_T(now)}, v[2];
    bool found = false;
    uint64_t n = 0;
    /* only the newest counts: asking again makes the last one void */
    int rc = store_one(c, a, SV("SELECT id, code_hash FROM core_login_code WHERE phone = ?"
                                " AND purpose = ? AND used = 0 AND expires_at > ?"
                                " ORDER BY created_at DESC LIMIT 1"), args, 3, v, 2, &found, err);
    if (rc == 0 && found) {
        /* the try is counted before it is judged, so that trying at once gains nothing */
        struct store_val id[] = {STORE_I(v[0].u.i)};
        char hash[AUTH_HASH_CHARS];
        code_hash(t->pub.secret, phone, purpose, code, hash);
        rc = store_exec(c, SV("UPDATE core_login_code SET tries = tries + 1 WHERE id = ?"
                              " AND used = 0 AND tries < " TRIES), id, 1, &n, err);
        bool right = rc == 0 && n == 1 && sv_eq_const_time(sv_make(hash, sizeof hash), v[1].u.s);
        n = 0;
        if (right)
            rc = store_exec(c, SV("UPDATE core_login_code SET used = 1 WHERE id = ? AND used = 0"),
                            id, 1, &n, err);
    }
    arena_free(a);
    if (rc != 0) return -1;
    if (n != 1) return err_set(err, 401, "code_invalid", NULL);
    struct store_val old[] = {STORE_T(now - 2 * DAY_US)};
    struct err e = {0};
    if (store_exec(c, SV("DELETE FROM core_login_code WHERE expires_at < ? LIMIT 50"), old, 1, NULL,
                   &e) != 0)
        log_warn("sweeping codes: %s", e.detail);
    return 0;
}

/* ---- the development outbox -------------------------------------------------------------- */

int outbox_open(struct auth *a, struct err *err)
{
    char path[512];
    snprintf(path, sizeof path, "%s/outbox.jsonl", a->settings->state_dir);
    a->outbox_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (a->outbox_fd < 0) return err_internal(err, "cannot write %s: %s", path, strerror(errno));
    return 0;
}

int outbox_send(void *arg, struct auth_tenant *t, sv phone, sv purpose, sv code, sv text,
                struct err *err)
{
    struct auth *a = arg;
    int64_t now = clock_now_us();
    struct store_conn *c;
    struct store_val args[] = {STORE_I(id_next()), STORE_T(now), STORE_T(now), STORE_S(phone),
                               STORE_S(text)};
    if (store_get(t->db, &c, err) != 0) return -1;
    int rc = store_exec(c, SV("INSERT INTO core_outbox (id, created_at, updated_at, channel,"
                              " recipient, body) VALUES (?, ?, ?, 'sms', ?, ?)"),
                        args, 5, NULL, err);
    store_put(c);
    if (rc != 0) return -1;

    struct buf line = BUF_HEAP;
    struct jsonw w = jsonw_on(&line);
    jsonw_obj(&w);
    jsonw_kv_time(&w, "at", now);
    jsonw_kv_sv(&w, "tenant", t->slug);
    jsonw_kv_str(&w, "channel", "sms");
    jsonw_kv_sv(&w, "to", phone);
    jsonw_kv_sv(&w, "purpose", purpose);
    jsonw_kv_sv(&w, "code", code);
    jsonw_kv_sv(&w, "text", text);
    jsonw_end_obj(&w);
    buf_chr(&line, '\n');
    /* one write with O_APPEND: lines of several threads and processes stay whole */
    bool ok = write(a->outbox_fd, line.p, line.n) == (ssize_t)line.n;
    buf_free(&line);
    return ok ? 0 : err_internal(err, "cannot write the outbox: %s", strerror(errno));
}
