/* Rows from the database to JSON, on the hot path: one pass over the values,
 * straight into the response, with names and quotes prepared beforehand. */
#define LOG_ROOM "model"
#include "model/custom.h"

#define MAX_EXACT INT64_C(9007199254740991)

static void time_value(struct buf *out, int64_t us)
{
    char text[34];
    text[0] = '"';
    size_t n = 1 + clock_rfc3339(us, text + 1);
    text[n++] = '"';
    buf_add(out, text, n);
}

static void id_value(struct buf *out, int64_t id)
{
    buf_chr(out, '"');
    buf_i64(out, id);
    buf_chr(out, '"');
}

void row_value(struct buf *out, const struct model_col *c, const struct store_val *v)
{
    struct jsonw w = jsonw_on(out);
    switch (v->type) {
    case STORE_NULL:
        buf_add(out, "null", 4);
        break;
    case STORE_I64:
        /* Code may have stored more in a number than readers of JSON can hold. */
        if (c->kind == COL_ID || v->u.i > MAX_EXACT || v->u.i < -MAX_EXACT)
            id_value(out, v->u.i);
        else if (c->kind == COL_BOOL)
            buf_str(out, v->u.i ? "true" : "false");
        else
            buf_i64(out, v->u.i);
        break;
    case STORE_F64:
        jsonw_f64(&w, v->u.f);
        break;
    case STORE_TEXT:
    case STORE_BLOB:
        if (c->n_hide)
            custom_value(out, c, v->u.s);
        else if (c->kind == COL_JSON)
            jsonw_raw(&w, v->u.s);
        else
            jsonw_sv(&w, v->u.s.p ? v->u.s : SV(""));
        break;
    case STORE_TIME:
        if (c->kind == COL_DATE) {
            char text[32];
            clock_rfc3339(v->u.i, text);
            jsonw_sv(&w, sv_make(text, 10));
        } else if (c->kind == COL_CLOCK) {
            int64_t s = v->u.i / 1000000;
            buf_printf(out, "\"%02d:%02d:%02d\"", (int)(s / 3600 % 24), (int)(s / 60 % 60),
                       (int)(s % 60));
        } else {
            time_value(out, v->u.i);
        }
        break;
    }
}

void row_fields(struct buf *out, const struct model_col *const *cols, unsigned n,
                const struct store_val *row)
{
    for (unsigned i = 0; i < n; i++) {
        buf_sv(out, cols[i]->key);
        row_value(out, cols[i], &row[i]);
    }
}

struct store_val val_copy(struct arena *a, const struct store_val *v)
{
    struct store_val out = *v;
    if (v->type == STORE_TEXT || v->type == STORE_BLOB) out.u.s = arena_sv(a, v->u.s);
    return out;
}

bool rows_collect(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct rows *r = arg;
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 32;
        struct store_val *grown = arena_alloc(r->a, cap * r->n_cols * sizeof *grown);
        if (r->n) memcpy(grown, r->vals, r->n * r->n_cols * sizeof *grown);
        r->vals = grown;
        r->cap = cap;
    }
    struct store_val *to = r->vals + r->n * r->n_cols;
    for (unsigned i = 0; i < r->n_cols && i < n_cols; i++)
        to[i] = val_copy(r->a, &row[i]);
    r->n++;
    return !r->limit || r->n < r->limit;
}
