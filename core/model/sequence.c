/* Running numbers such as "P{yyyyMM}-{0000}". The counter belongs to the text
 * without its digits, so a number with a month in it starts anew each month. It
 * is taken in the row's own transaction: no gaps, and creators of the same
 * resource queue up at the counter until the one before has committed. */
#define LOG_ROOM "model"
#include "model/batch.h"

#include <stdio.h>

static bool take(void *arg, const struct store_val *row, unsigned n_cols)
{
    if (n_cols) *(int64_t *)arg = row[0].u.i;
    return true;
}

static int next_value(struct write *w, sv name, int64_t *out, struct err *err)
{
    int64_t n = 1;
    *out = w->c->batch ? batch_number(w->c->batch, name, &n) : 0;
    if (*out) return 0;
    struct store_val args[] = {STORE_S(name), STORE_I(n), STORE_I(n)};
    if (store_exec(w->conn,
                   SV("INSERT INTO `core_sequence` (`name`,`value`) VALUES (?,?) "
                      "ON DUPLICATE KEY UPDATE `value`=`value`+?"),
                   args, 3, NULL, err) < 0 ||
        store_run(w->conn, SV("SELECT `value` FROM `core_sequence` WHERE `name`=?"), args, 1, take,
                  out, err) < 0)
        return -1;
    *out -= n - 1;
    if (w->c->batch) batch_block(w->c->batch, name, *out + 1, n - 1);
    return 0;
}

/* yyyy, yy, MM, dd and runs of them, from the tenant's local date. */
static bool date_part(sv part, const char *local, struct buf *out)
{
    while (part.n) {
        if (sv_starts(part, SV("yyyy"))) {
            buf_add(out, local, 4);
            part = sv_make(part.p + 4, part.n - 4);
        } else if (sv_starts(part, SV("yy")) || sv_starts(part, SV("MM")) ||
                   sv_starts(part, SV("dd"))) {
            buf_add(out, local + (part.p[0] == 'y' ? 2 : part.p[0] == 'M' ? 5 : 8), 2);
            part = sv_make(part.p + 2, part.n - 2);
        } else {
            return false;
        }
    }
    return true;
}

int sequence_next(struct write *w, const struct mf_field *f, json_t **out, struct err *err)
{
    char local[32], digits[24];
    struct buf head = BUF_IN(w->a), tail = BUF_IN(w->a), *to = &head;
    int width = 0;
    clock_rfc3339(w->now + (int64_t)w->c->tenant->utc_offset * 60000000, local);
    const char *pattern = f->pattern ? f->pattern : "{00000000}";
    for (const char *p = pattern; *p;) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        if (!end) {
            buf_chr(to, *p++);
            continue;
        }
        sv part = {p + 1, (size_t)(end - p - 1)};
        if (part.n && part.p[0] == '0') {
            width = (int)(part.n < 18 ? part.n : 18);
            to = &tail;
        } else if (!date_part(part, local, to)) {
            return err_internal(err, "field %s: pattern \"%s\"", f->name, pattern);
        }
        p = end + 1;
    }
    sv name = arena_printf(w->a, "%.*s.%s %.*s|%.*s", SVARG(w->r->name), f->name,
                           SVARG(buf_view(&head)), SVARG(buf_view(&tail)));
    int64_t n = 0;
    if (next_value(w, name, &n, err) < 0) return -1;
    snprintf(digits, sizeof digits, "%0*lld", width, (long long)n);
    buf_str(&head, digits);
    buf_sv(&head, buf_view(&tail));
    *out = json_stringn(head.p, head.n);
    return 0;
}

/* Whoever joins the engine to a transaction holds its connection: with a second
 * one beside it many such callers could wait for each other, so theirs are taken
 * in that transaction. */
int sequence_early(struct write *w, struct err *err)
{
    struct store_conn *conn;
    int rc = 0;
    if (w->c->conn) return 0;
    for (size_t i = 0; rc == 0 && i < w->r->mf->n_fields; i++) {
        const struct mf_field *f = &w->r->mf->fields[i];
        json_t *v = NULL;
        if (f->type != MF_SEQUENCE || f->gapless) continue;
        w->a = w->c->arena;
        w->now = clock_now_us();
        if (!w->numbers) w->numbers = json_keep(w->a, json_object());
        if (store_get(w->c->tenant->db, &conn, err) < 0) return -1;
        w->conn = conn;
        rc = store_begin(conn, err);
        if (rc == 0) rc = sequence_next(w, f, &v, err);
        if (rc == 0) rc = store_commit(conn, err);
        if (rc < 0) store_rollback(conn);
        store_put(conn);
        w->conn = NULL;
        if (v) json_object_set_new(w->numbers, f->name, v);
    }
    return rc;
}
