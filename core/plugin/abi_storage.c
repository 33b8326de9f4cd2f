/* atrium.storage/1 */
#include "plugin/internal.h"

/* Few arguments are translated on the stack, many in the arena. */
#define STACK_ARGS 32
#define MAX_ARGS 65535           /* of a statement: MySQL's own bound */
#define MAX_ROW_ARGS 10000000    /* of insert, which cuts them into statements */
#define MAX_COLUMNS 128

static int64_t new_id(void)
{
    return id_next();
}

/* ---- values ----------------------------------------------------------------------------- */

static bool value_in(struct store_val *out, const struct atrium_value *v)
{
    switch (v->type) {
    case ATRIUM_VALUE_NULL: *out = STORE_N; return true;
    case ATRIUM_VALUE_I64: *out = STORE_I(v->u.i64); return true;
    case ATRIUM_VALUE_F64: *out = STORE_D(v->u.f64); return true;
    case ATRIUM_VALUE_TEXT: *out = STORE_S(to_sv(v->u.text)); return true;
    case ATRIUM_VALUE_BLOB: *out = STORE_B(to_sv(v->u.text)); return true;
    case ATRIUM_VALUE_TIME: *out = STORE_T(v->u.i64); return true;
    default: return false;
    }
}

static void value_out(struct atrium_value *out, const struct store_val *v)
{
    out->reserved = 0;
    out->u.text = (struct atrium_str){NULL, 0};
    switch (v->type) {
    case STORE_NULL: out->type = ATRIUM_VALUE_NULL; break;
    case STORE_I64: out->type = ATRIUM_VALUE_I64; out->u.i64 = v->u.i; break;
    case STORE_F64: out->type = ATRIUM_VALUE_F64; out->u.f64 = v->u.f; break;
    case STORE_TEXT: out->type = ATRIUM_VALUE_TEXT; out->u.text = to_str(v->u.s); break;
    case STORE_BLOB: out->type = ATRIUM_VALUE_BLOB; out->u.text = to_str(v->u.s); break;
    case STORE_TIME: out->type = ATRIUM_VALUE_TIME; out->u.i64 = v->u.i; break;
    }
}

/* A statement of the plugin, ready to run; `stack` has room for STACK_ARGS. */
struct call {
    struct store_conn *conn;
    const struct store_val *args;
    struct store_val stack[STACK_ARGS];
};

static atrium_status prepare(struct call *k, struct atrium_ctx *ctx,
                             const struct atrium_value *args, size_t n, size_t most,
                             struct atrium_error *err)
{
    if (ctx->reading)
        return plug_fault(err, ATRIUM_E_STATE, "storage is used from a row callback");
    if (n > most) return plug_fault(err, ATRIUM_E_ARGUMENT, "storage: too many values");
    struct store_val *v =
        n <= STACK_ARGS ? k->stack : ARENA_ARRAY(ctx->arena, struct store_val, n);
    for (size_t i = 0; i < n; i++) {
        if (!value_in(&v[i], &args[i]))
            return plug_fault(err, ATRIUM_E_ARGUMENT, "storage: a value has an unknown type");
    }
    k->args = v;
    struct err e;
    err_clear(&e);
    return ctx_conn(ctx, &k->conn, &e) == 0 ? ATRIUM_OK : plug_error_out(err, &e);
}

struct reader {
    struct atrium_ctx *ctx;
    atrium_row_fn *fn;
    void *arg;
    bool too_wide;
};

static bool on_row(void *arg, const struct store_val *row, unsigned n)
{
    struct reader *r = arg;
    struct atrium_value values[MAX_COLUMNS];
    r->too_wide = n > MAX_COLUMNS;
    if (r->too_wide) return false;
    for (unsigned i = 0; i < n; i++) value_out(&values[i], &row[i]);
    return r->fn(r->arg, values, n);
}

static bool no_row(void *arg, const struct atrium_value *row, uint32_t n)
{
    (void)arg, (void)row, (void)n;
    return false;
}

/* ---- statements --------------------------------------------------------------------------- */

static atrium_status query(struct atrium_ctx *ctx, struct atrium_str sql,
                           const struct atrium_value *args, uint32_t n_args, atrium_row_fn *fn,
                           void *arg, struct atrium_error *err)
{
    CTX_CHECK(ctx);
    struct call k;
    atrium_status s = prepare(&k, ctx, args, n_args, MAX_ARGS, err);
    if (s != ATRIUM_OK) return s;
    struct reader r = {ctx, fn ? fn : no_row, arg, false};
    struct err e;
    err_clear(&e);
    ctx->reading = true;
    int rc = store_run(k.conn, to_sv(sql), k.args, n_args, on_row, &r, &e);
    ctx->reading = false;
    if (rc != 0) return plug_error_out(err, &e);
    if (r.too_wide) return plug_fault(err, ATRIUM_E_ARGUMENT, "storage: a row is too wide");
    return ATRIUM_OK;
}

static atrium_status exec(struct atrium_ctx *ctx, struct atrium_str sql,
                          const struct atrium_value *args, uint32_t n_args, uint64_t *affected,
                          struct atrium_error *err)
{
    CTX_CHECK(ctx);
    struct call k;
    atrium_status s = prepare(&k, ctx, args, n_args, MAX_ARGS, err);
    if (s != ATRIUM_OK) return s;
    struct err e;
    err_clear(&e);
    uint64_t n = 0;
    if (store_exec(k.conn, to_sv(sql), k.args, n_args, &n, &e) != 0)
        return plug_error_out(err, &e);
    if (affected) *affected = n;
    return ATRIUM_OK;
}

static atrium_status insert(struct atrium_ctx *ctx, struct atrium_str head, struct atrium_str tail,
                            const struct atrium_value *args, uint32_t n_columns, uint32_t n_rows,
                            struct atrium_error *err)
{
    CTX_CHECK(ctx);
    if (n_columns == 0) return plug_fault(err, ATRIUM_E_ARGUMENT, "storage.insert: no columns");
    if (n_rows == 0) return ATRIUM_OK;
    struct call k;
    atrium_status s = prepare(&k, ctx, args, (size_t)n_columns * n_rows, MAX_ROW_ARGS, err);
    if (s != ATRIUM_OK) return s;
    struct err e;
    err_clear(&e);
    if (store_insert(k.conn, to_sv(head), to_sv(tail), k.args, n_columns, n_rows, NULL, &e) != 0)
        return plug_error_out(err, &e);
    return ATRIUM_OK;
}

/* ---- transactions --------------------------------------------------------------------------- */

struct tx {
    struct atrium_ctx *ctx;
    atrium_tx_fn *fn;
    void *arg;
    atrium_status status;        /* of the plugin's last run */
    struct atrium_error err;
};

static int tx_body(void *arg, struct store_conn *c, struct err *err)
{
    struct tx *t = arg;
    (void)c;
    ctx_drop_messages(t->ctx);   /* of a run that was rolled back */
    plug_error_init(&t->err);
    t->status = t->fn(t->arg, t->ctx, &t->err);
    return t->status == ATRIUM_OK ? 0 : plug_error_in(t->ctx->plug, t->status, &t->err, err);
}

static atrium_status transaction(struct atrium_ctx *ctx, atrium_tx_fn *fn, void *arg,
                                 struct atrium_error *err)
{
    CTX_CHECK(ctx);
    if (ctx_uncommitted(ctx) || ctx->reading)
        return plug_fault(err, ATRIUM_E_STATE, "storage.transaction inside a transaction");
    struct store_conn *c;
    struct err e;
    err_clear(&e);
    if (ctx_conn(ctx, &c, &e) != 0) return plug_error_out(err, &e);
    struct tx t = {.ctx = ctx, .fn = fn, .arg = arg};
    ctx->in_tx = true;
    int rc = store_tx(c, tx_body, &t, &e);
    ctx->in_tx = false;
    if (rc == 0) {
        ctx_send_messages(ctx);
        return ATRIUM_OK;
    }
    ctx_drop_messages(ctx);
    atrium_status s = plug_error_out(err, &e);
    return t.status != ATRIUM_OK ? t.status : s;
}

/* ---- streams ---------------------------------------------------------------------------------- */

static atrium_status bind_stream(const struct atrium_host *host, struct atrium_str name,
                                 atrium_batch_fn *fn, struct atrium_error *err)
{
    return plug_bind(host, PLUG_STREAM, name, (void (*)(void))fn, err);
}

static atrium_status append(struct atrium_ctx *ctx, struct atrium_str stream,
                            struct atrium_str bytes, struct atrium_error *err)
{
    CTX_CHECK(ctx);
    if (!ctx->req || ctx->later || ctx->record || ctx->streaming)
        return plug_fault(err, ATRIUM_E_STATE, "storage.append: there is no request to take");
    const struct mf_manifest *m = ctx->plug->mf;
    for (size_t i = 0; i < m->n_streams; i++) {
        if (!sv_eqs(to_sv(stream), m->streams[i].id)) continue;
        ctx->record = plug_stream_record(&ctx->part->streams[i], ctx->req, to_sv(bytes));
        return ATRIUM_OK;
    }
    return plug_fault(err, ATRIUM_E_ARGUMENT, "storage.append: the stream is not declared");
}

static struct atrium_str record_bytes(const struct atrium_record *record)
{
    return to_str(record->item.data);
}

static void record_answer(struct atrium_record *r, uint32_t http_status, struct atrium_str json)
{
    struct buf *out = http_out(r->req);
    buf_clear(out);
    buf_add(out, json.ptr, json.len);
    r->http_status = http_status >= 200 && http_status < 600 ? (int)http_status : 500;
    r->failed = false;
}

static void record_fail(struct atrium_record *r, atrium_status status,
                        const struct atrium_error *error)
{
    err_clear(r->err);
    plug_error_in(r->stream->plug, status, error, r->err);
    r->failed = true;
}

const struct atrium_storage_1 plug_storage_1 = {
    .new_id = new_id,
    .query = query,
    .exec = exec,
    .insert = insert,
    .transaction = transaction,
    .bind_stream = bind_stream,
    .append = append,
    .record_bytes = record_bytes,
    .record_answer = record_answer,
    .record_fail = record_fail,
};
