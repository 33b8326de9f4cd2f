/* Streams: storage.append on one side, the store's group-commit writer on the
 * other. A request is answered when its record's batch is durable. */
#include "plugin/internal.h"

#define LOG_ROOM "plugin"

#define MAX_QUEUE 20000

/* [writer thread] One run of the plugin's batch function in an open transaction;
 * may be a run again, so nothing of an earlier run may stay. */
static int run_batch(void *arg, struct store_conn *conn, struct arena *a,
                     struct store_item **items, size_t n, struct err *err)
{
    struct plug_stream *s = arg;
    struct plug *p = s->plug;
    struct plug_part *part = &plug_tenant_of(p->reg, s->tenant)->of[p->index];
    struct atrium_ctx *c = ctx_begin(CTX_BATCH, p, part, s->tenant, &auth_system, a);
    c->conn = conn;
    s->ctx = c;
    struct atrium_record **records = ARENA_ARRAY(a, struct atrium_record *, n);
    for (size_t i = 0; i < n; i++) {
        struct atrium_record *r = records[i] = items[i]->arg;
        r->http_status = 0;
        r->failed = false;
        err_clear(r->err);
        buf_clear(http_out(r->req));
    }
    struct atrium_error e;
    plug_error_init(&e);
    struct plug_frame before = plug_enter(p, s->binding->call);
    atrium_status st = s->binding->fn.batch(p->self, c, records, (uint32_t)n, &e);
    plug_leave(before);
    if (st == ATRIUM_OK) return 0;
    /* The plugin hands through what storage told it; a deadlock among it must
     * reach the writer as such, which asks the connection itself. */
    atomic_fetch_add_explicit(&p->failed_calls, 1, memory_order_relaxed);
    s->ctx = NULL;
    return plug_error_in(p, st, &e, err);
}

/* [writer thread] The batch is durable. */
static void after_commit(void *arg, struct arena *a)
{
    (void)a;
    struct plug_stream *s = arg;
    if (!s->ctx) return;
    ctx_send_messages(s->ctx);
    ctx_end(s->ctx);
    s->ctx = NULL;
}

/* [writer thread] Answers one record's request. */
static void done(struct store_item *item, bool ok)
{
    struct atrium_record *r = item->arg;
    if (!ok || r->failed) {
        if (!err_is(r->err)) err_internal(r->err, "the batch failed without a reason");
        buf_clear(http_out(r->req));
        http_fail(r->req, r->err);
    } else if (r->http_status == 0) {
        err_internal(r->err, "%s left a record of %s unanswered", r->stream->binding->name,
                     r->stream->mf->id);
        http_fail(r->req, r->err);
    } else {
        http_status(r->req, r->http_status);
        http_type(r->req, "application/json");
    }
    http_send(r->req);           /* the record is gone with the request's arena */
}

static struct store_writer *start(struct plug_stream *s)
{
    struct plug_part *part = &plug_tenant_of(s->plug->reg, s->tenant)->of[s->plug->index];
    pthread_mutex_lock(&part->lock);
    struct store_writer *w = atomic_load(&s->writer);
    if (!w && !atomic_load(&s->plug->reg->draining)) {
        struct store_writer_opts o = {
            .name = s->mf->id,
            .max_batch = s->mf->max_batch,
            .max_queue = MAX_QUEUE,
            .batch = run_batch,
            .after = after_commit,
            .arg = s,
        };
        w = store_writer_start(s->tenant->db, &o);
        atomic_store(&s->writer, w);
    }
    pthread_mutex_unlock(&part->lock);
    return w;
}

struct atrium_record *plug_stream_record(struct plug_stream *s, struct http_req *req, sv bytes)
{
    struct arena *a = http_arena(req);
    struct atrium_record *r = ARENA_NEW(a, struct atrium_record);
    r->req = req;
    r->stream = s;
    r->err = arena_alloc(a, sizeof *r->err);
    err_clear(r->err);
    char *copy = arena_alloc(a, bytes.n ? bytes.n : 1);
    if (bytes.n) memcpy(copy, bytes.p, bytes.n);
    r->item = (struct store_item){
        .data = {copy, bytes.n},
        .arg = r,
        .err = r->err,
        .done = done,
    };
    return r;
}

void plug_stream_put(struct atrium_record *r)
{
    struct plug_stream *s = r->stream;
    struct http_req *req = r->req;
    /* Before the record is in the queue: its answer may be out, and the record
     * gone, before add returns. */
    http_defer(req);
    pthread_rwlock_rdlock(&s->lock);
    struct store_writer *w = atomic_load(&s->writer);
    if (!w) w = start(s);
    bool ok = w && store_writer_add(w, &r->item);
    pthread_rwlock_unlock(&s->lock);
    if (ok) return;
    err_set(r->err, 503, "overloaded", NULL);
    r->err->retry_after = 1;
    http_fail(req, r->err);
    http_send(req);
}

void plug_stream_stop(struct plug_stream *s)
{
    pthread_rwlock_wrlock(&s->lock);
    struct store_writer *w = atomic_exchange(&s->writer, NULL);
    pthread_rwlock_unlock(&s->lock);
    if (!w) return;
    store_writer_stats(w, &s->ended);
    store_writer_stop(w);
}

void plug_stream_stats(struct plug_stream *s, struct plug_stats *out)
{
    struct store_writer_stats w = s->ended;
    pthread_rwlock_rdlock(&s->lock);
    struct store_writer *writer = atomic_load(&s->writer);
    if (writer) store_writer_stats(writer, &w);
    pthread_rwlock_unlock(&s->lock);
    out->records += w.items;
    out->batches += w.batches;
    out->failed_records += w.failed;
    out->queued_records += writer ? w.queued : 0;
}
