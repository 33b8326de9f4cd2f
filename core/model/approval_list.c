/* The three lists of the to-do page: what waits for me, what I asked for, what I
 * have decided. Pages go by the id, newest first. */
#define LOG_ROOM "model"
#include "model/approval.h"

#define COUNT_CAP 1000

/* One row of each list; ?: the person, then the cursor. */
#define COLUMNS                                                                                    \
    "a.`id`,a.`name`,a.`subject`,a.`resource`,a.`row_id`,a.`op`,a.`status`,a.`created_at`,"        \
    "a.`deadline_at`,a.`requester`,q.`name`,"                                                      \
    "(SELECT p.`title_zh` FROM `core_approval_step` p WHERE p.`approval`=a.`id` AND "              \
    "p.`status`='active' LIMIT 1),"                                                                \
    "(SELECT p.`title_en` FROM `core_approval_step` p WHERE p.`approval`=a.`id` AND "              \
    "p.`status`='active' LIMIT 1),a.`decided_at`"
#define N_COLUMNS 14
#define FROM_SEAT                                                                                  \
    " FROM `core_approval_seat` v JOIN `core_approval_step` s ON s.`id`=v.`step` JOIN "            \
    "`core_approval` a ON a.`id`=v.`approval` LEFT JOIN `core_staff` q ON q.`id`=a.`requester` "   \
    "WHERE v.`staff`=? "
#define TODO "AND v.`status`='open' AND s.`status`='active' AND a.`status`='pending'"
#define DONE "AND v.`status` IN ('approved','rejected','transferred')"
#define FROM_MINE                                                                                  \
    " FROM `core_approval` a LEFT JOIN `core_staff` q ON q.`id`=a.`requester` WHERE "              \
    "a.`requester`=? "

static const struct {
    const char *rows, *count;
} lists[] = {
    [LIST_TODO] = {"SELECT v.`id`," COLUMNS FROM_SEAT TODO
                   " AND v.`id`<? ORDER BY v.`id` DESC LIMIT ?",
                   "SELECT COUNT(*) FROM (SELECT 1" FROM_SEAT TODO " LIMIT 1001) x"},
    [LIST_MINE] = {"SELECT a.`id`," COLUMNS FROM_MINE "AND a.`id`<? ORDER BY a.`id` DESC LIMIT ?",
                   "SELECT COUNT(*) FROM (SELECT 1" FROM_MINE " LIMIT 1001) x"},
    [LIST_DONE] = {"SELECT v.`id`," COLUMNS FROM_SEAT DONE
                   " AND v.`id`<? ORDER BY v.`id` DESC LIMIT ?",
                   "SELECT COUNT(*) FROM (SELECT 1" FROM_SEAT DONE " LIMIT 1001) x"},
};

struct listing {
    struct model *m;
    struct jsonw w;
    unsigned n, limit;
    int64_t last;
    bool more;
};

static sv text(const struct store_val *v)
{
    return v->type == STORE_TEXT ? v->u.s : SV_NULL;
}

static void kv_time(struct jsonw *w, const char *key, const struct store_val *v)
{
    jsonw_key(w, sv_of(key));
    if (v->type == STORE_TIME)
        jsonw_time(w, v->u.i);
    else
        jsonw_null(w);
}

static void two(struct jsonw *w, const char *key, sv zh, sv en)
{
    jsonw_key(w, sv_of(key));
    jsonw_obj(w);
    jsonw_kv_sv(w, "zh", zh);
    jsonw_kv_sv(w, "en", en);
    jsonw_end_obj(w);
}

static bool item(void *arg, const struct store_val *v, unsigned n)
{
    struct listing *l = arg;
    struct jsonw *w = &l->w;
    (void)n;
    if (l->n == l->limit) {
        l->more = true;
        return false;
    }
    l->n++;
    l->last = v[0].u.i;
    v++;
    const struct model_resource *r = model_find(l->m, text(&v[3]));
    const struct mf_title *t = r ? &r->mf->title : NULL;
    jsonw_obj(w);
    jsonw_kv_id(w, "id", v[0].u.i);
    jsonw_kv_sv(w, "name", text(&v[1]));
    jsonw_kv_sv(w, "subject", text(&v[2]));
    jsonw_kv_sv(w, "resource", text(&v[3]));
    two(w, "resource_title", sv_of(t ? t->zh : ""), sv_of(t ? t->en : ""));
    jsonw_kv_sv(w, "row_id", text(&v[4]));
    jsonw_kv_sv(w, "op", text(&v[5]));
    const struct mf_title *op = approval_op_title(r, text(&v[5]));
    two(w, "op_title", sv_of(op->zh), sv_of(op->en));
    jsonw_kv_sv(w, "status", text(&v[6]));
    kv_time(w, "created_at", &v[7]);
    kv_time(w, "deadline_at", &v[8]);
    kv_time(w, "decided_at", &v[13]);
    jsonw_key(w, SV("requester"));
    jsonw_obj(w);
    if (v[9].type == STORE_I64) jsonw_kv_id(w, "id", v[9].u.i);
    jsonw_kv_sv(w, "name", text(&v[10]));
    jsonw_end_obj(w);
    two(w, "step", text(&v[11]), text(&v[12]));
    jsonw_end_obj(w);
    return true;
}

static bool take_count(void *arg, const struct store_val *v, unsigned n)
{
    (void)n;
    *(int64_t *)arg = v[0].u.i;
    return true;
}

static int run(struct store_conn *conn, struct listing *l, enum approval_list which, int64_t who,
               int64_t before, struct err *err)
{
    struct store_val args[] = {STORE_I(who), STORE_I(before), STORE_I((int64_t)l->limit + 1)};
    int64_t count = 0;
    jsonw_obj(&l->w);
    jsonw_key(&l->w, SV("items"));
    jsonw_arr(&l->w);
    if (store_run(conn, sv_of(lists[which].rows), args, 3, item, l, err) < 0 ||
        store_run(conn, sv_of(lists[which].count), args, 1, take_count, &count, err) < 0)
        return -1;
    jsonw_end_arr(&l->w);
    jsonw_key(&l->w, SV("next"));
    if (l->more)
        jsonw_id(&l->w, l->last);
    else
        jsonw_null(&l->w);
    jsonw_kv_i64(&l->w, "count", count > COUNT_CAP ? COUNT_CAP : count);
    jsonw_kv_bool(&l->w, "count_capped", count > COUNT_CAP);
    jsonw_end_obj(&l->w);
    return 0;
}

int approval_list(struct model *m, struct model_ctx *c, enum approval_list which, sv after,
                  unsigned limit, struct buf *out, struct err *err)
{
    struct listing l = {.m = m, .w = jsonw_on(out), .limit = limit};
    struct store_conn *conn;
    int64_t before = INT64_MAX;
    size_t at = out->n;
    if (after.n && (!sv_i64(after, &before) || before < 0)) {
        err_set(err, 400, "bad_cursor", NULL);
        return err_field(err, "after", "bad_cursor", NULL);
    }
    if (conn_enter(c, &conn, err) < 0) return -1;
    int rc = run(conn, &l, which, c->who->id, before, err);
    conn_leave(c, conn);
    if (rc < 0) out->n = at;
    return rc;
}
