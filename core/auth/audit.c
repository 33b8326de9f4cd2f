/* The operation log: rows of core_audit by a group-commit writer, chained by
 * hashes. The batch reads the last row under a lock in its own transaction, so
 * that several nodes write one chain. */
#define LOG_ROOM "auth"

#include <stdio.h>
#include <stdlib.h>

#include "auth/login.h"

#define MAX_DETAIL 16000

struct queued {                      /* one line on its way; freed by `done` */
    struct store_item item;
    struct err err;
    struct audit_line line;          /* texts point into `text` */
    char text[];
};

/* ---- the chain --------------------------------------------------------------------------- */

static void add_text(struct buf *b, sv v)
{
    buf_i64(b, (int64_t)v.n);        /* lengths, so that no text can look like two */
    buf_chr(b, ':');
    buf_sv(b, v);
}

void audit_hash(sv prev, const struct audit_line *l, char out[AUTH_HASH_CHARS])
{
    struct buf b = BUF_HEAP;
    add_text(&b, prev);
    buf_i64(&b, l->id);
    buf_chr(&b, ',');
    buf_i64(&b, l->at_us);
    buf_chr(&b, ',');
    buf_i64(&b, l->who);
    buf_chr(&b, l->ok ? '+' : '-');
    add_text(&b, l->who_kind);
    add_text(&b, l->who_name);
    add_text(&b, l->action);
    add_text(&b, l->target);
    add_text(&b, l->address);
    add_text(&b, l->request_id);
    add_text(&b, l->detail);
    /* Lines of the first version had none of these and keep their hash; taking them
     * away from a line changes it all the same. */
    if (l->agent.n || l->client.n || l->result.n || l->on_behalf) {
        buf_i64(&b, l->on_behalf);
        add_text(&b, l->agent);
        add_text(&b, l->client);
        add_text(&b, l->result);
    }
    seal_sha256_hex(buf_view(&b), out);
    buf_free(&b);
}

struct last { int64_t id; sv hash; };

/* What the writer appended last, for the anchor; of the whole committed batch. */
static void note_tail(struct tenant *t, const struct last *last)
{
    pthread_mutex_lock(&t->lock);
    t->tail_next.id = last->id;
    memcpy(t->tail_next.hash, last->hash.p, AUTH_HASH_CHARS);
    pthread_mutex_unlock(&t->lock);
}

static void after_commit(void *arg, struct arena *a)
{
    struct tenant *t = arg;
    (void)a;
    pthread_mutex_lock(&t->lock);
    t->tail = t->tail_next;
    pthread_mutex_unlock(&t->lock);
}

static int read_last(struct store_conn *c, struct arena *a, struct last *out, struct err *err)
{
    struct store_val v[2];
    bool found;
    if (store_one(c, a, SV("SELECT id, hash FROM core_audit ORDER BY id DESC LIMIT 1 FOR UPDATE"),
                  NULL, 0, v, 2, &found, err) != 0)
        return -1;
    *out = found ? (struct last){v[0].u.i, v[1].u.s} : (struct last){0, SV(AUDIT_GENESIS)};
    return 0;
}

/* Who waited for the lock of the last row may find that it is not the last any
 * more. Holding the lock of the row that is the last, nobody else can append. */
static int lock_last(struct store_conn *c, struct arena *a, struct last *out, struct err *err)
{
    struct last again;
    if (read_last(c, a, out, err) != 0) return -1;
    for (;;) {
        if (read_last(c, a, &again, err) != 0) return -1;
        if (again.id == out->id) return 0;
        *out = again;
    }
}

static struct store_val text_or_null(sv v)
{
    return v.n ? STORE_S(v) : STORE_N;
}

#define COLUMNS                                                                                  \
    "(id, created_at, updated_at, who_kind, who, who_name, action, target, ok, address,"         \
    " request_id, detail, prev_hash, hash, agent, client, on_behalf, result)"
#define N_COLUMNS 18
#define ROWS_AT_ONCE 64              /* statements of two shapes only: 64 rows and one */
#define ROW "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

static int insert(struct store_conn *c, struct arena *a, const struct store_val *v, size_t n,
                  struct err *err)
{
    struct buf sql = BUF_IN(a);
    buf_str(&sql, "INSERT INTO core_audit " COLUMNS " VALUES " ROW);
    for (size_t i = 1; i < n; i++) buf_str(&sql, ", " ROW);
    return store_exec(c, buf_view(&sql), v, (unsigned)(n * N_COLUMNS), NULL, err);
}

static int batch(void *arg, struct store_conn *c, struct arena *a, struct store_item **items,
                 size_t n, struct err *err)
{
    struct last last;
    if (lock_last(c, a, &last, err) != 0) return -1;
    struct store_val *v = ARENA_ARRAY(a, struct store_val, n * N_COLUMNS);
    for (size_t i = 0; i < n; i++) {
        struct audit_line l = ((struct queued *)items[i]->arg)->line;
        /* clocks of nodes differ; the chain's order is the order of ids */
        if (l.id <= last.id) l.id = last.id + 1;
        char *hash = arena_alloc(a, AUTH_HASH_CHARS);
        audit_hash(last.hash, &l, hash);
        const struct store_val row[N_COLUMNS] = {
            STORE_I(l.id), STORE_T(l.at_us), STORE_T(l.at_us), STORE_S(l.who_kind),
            l.who ? STORE_I(l.who) : STORE_N, text_or_null(l.who_name), STORE_S(l.action),
            text_or_null(l.target), STORE_I(l.ok), text_or_null(l.address),
            text_or_null(l.request_id), text_or_null(l.detail), STORE_S(last.hash),
            STORE_S(sv_make(hash, AUTH_HASH_CHARS)), text_or_null(l.agent),
            text_or_null(l.client), l.on_behalf ? STORE_I(l.on_behalf) : STORE_N,
            text_or_null(l.result)};
        memcpy(v + i * N_COLUMNS, row, sizeof row);
        last = (struct last){l.id, sv_make(hash, AUTH_HASH_CHARS)};
    }
    for (size_t i = 0; i < n;) {
        size_t now = n - i >= ROWS_AT_ONCE ? ROWS_AT_ONCE : 1;
        if (insert(c, a, v + i * N_COLUMNS, now, err) != 0) return -1;
        i += now;
    }
    note_tail(arg, &last);
    return 0;
}

/* ---- writing ----------------------------------------------------------------------------- */

/* What could not be stored goes to the process log: it is never just lost. */
static void lost(const struct audit_line *l, const char *why)
{
    log_error("audit line not stored (%s): %.*s %lld %.*s %.*s %s", why, SVARG(l->who_kind),
              (long long)l->who, SVARG(l->action), SVARG(l->target), l->ok ? "ok" : "failed");
}

static void done(struct store_item *item, bool ok)
{
    struct queued *q = item->arg;
    if (!ok) lost(&q->line, q->err.detail[0] ? q->err.detail : "refused");
    free(q);
}

static struct store_writer *writer_of(struct tenant *t)
{
    struct store_writer *w = atomic_load_explicit(&t->pub.audit, memory_order_acquire);
    if (w) return w;
    pthread_mutex_lock(&t->lock);
    w = atomic_load(&t->pub.audit);
    if (!w) {
        struct store_writer_opts o = {.name = "audit", .batch = batch, .after = after_commit, .arg = t};
        w = store_writer_start(t->pub.db, &o);
        atomic_store(&t->pub.audit, w);
    }
    pthread_mutex_unlock(&t->lock);
    return w;
}

void audit_stop(struct tenant *t)
{
    struct store_writer *w = atomic_exchange(&t->pub.audit, NULL);
    if (w) store_writer_stop(w);
}

static sv put(char **at, sv v, size_t max)
{
    if (v.n > max) {
        v.n = max;
        while (v.n && (v.p[v.n] & 0xc0) == 0x80) v.n--;      /* not through a character */
    }
    if (v.n) memcpy(*at, v.p, v.n);
    sv out = sv_make(*at, v.n);
    *at += v.n;
    return out;
}

static sv kind_name(enum auth_kind k)
{
    static const char *const names[] = {"anon", "staff", "member", "key", "system", "partner"};
    return sv_of(names[k]);
}

void auth_audit(struct auth_tenant *tenant, const struct auth_principal *p, struct http_req *req,
                const struct auth_audit *entry)
{
    sv name = p->name.n ? p->name : p->phone_masked;
    sv action = sv_of(entry->action), detail = entry->detail;
    sv address = req ? http_remote(req) : SV(""), request = req ? http_request_id(req) : SV("");
    sv agent = req ? http_header(req, "user-agent") : SV(""), result = sv_of(entry->result);
    sv client = req ? sv_of(device_client(req)) : SV("");
    if (!sv_utf8_ok(agent)) agent = SV("");
    if (detail.n > MAX_DETAIL) detail = SV("{\"cut\":true}");
    struct queued *q = xmalloc(sizeof *q + name.n + action.n + entry->target.n + detail.n +
                               address.n + request.n + agent.n + client.n + result.n);
    char *at = q->text;
    q->item = (struct store_item){.arg = q, .err = &q->err, .done = done};
    err_clear(&q->err);
    /* columns count characters, so the same number of bytes always fits */
    q->line = (struct audit_line){
        .id = id_next(), .at_us = clock_now_us(), .who = p->id, .ok = entry->ok,
        .who_kind = kind_name(p->kind), .who_name = put(&at, name, 60),
        .action = put(&at, action, 60), .target = put(&at, entry->target, 120),
        .address = put(&at, address, 45), .request_id = put(&at, request, 64),
        .detail = put(&at, detail, detail.n), .agent = put(&at, agent, 200),
        .client = put(&at, client, 10), .result = put(&at, result, 60),
        .on_behalf = entry->on_behalf};
    if (store_writer_add(writer_of(tenant_full(tenant)), &q->item)) return;
    lost(&q->line, "queue full");
    free(q);
}
