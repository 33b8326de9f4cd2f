/* Whether others have to agree to a write, and asking them: the approval, its
 * steps, the places of the first one, the mark on the record and the line in the
 * log, all in the transaction that would have done the write. */
#define LOG_ROOM "model"
#include "model/approval.h"

#include <openssl/sha.h>
#include <stdio.h>

#define TICKET_US (INT64_C(24) * 3600 * 1000000) /* an agreed export may be fetched so long */
#define HOUR_US (INT64_C(3600) * 1000000)

/* ---- which one -------------------------------------------------------------------- */

static bool names(const char *const *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], name) == 0) return true;
    return false;
}

static bool none(const json_t *v)
{
    return !v || json_is_null(v);
}

static bool touches(const struct mf_approval *p, const json_t *before, const json_t *after)
{
    for (size_t i = 0; i < p->n_fields; i++) {
        const json_t *a = json_object_get(before, p->fields[i]);
        const json_t *b = json_object_get(after, p->fields[i]);
        if (none(a) || none(b) ? none(a) != none(b) : !json_equal(a, b)) return true;
    }
    return p->n_fields == 0;
}

/* The second person whom only the tenant asks for. */
static const struct mf_approval *second_person(struct model_ctx *c, const char *action)
{
    static const struct mf_title title = {"双人复核", "Second person"};
    struct mf_approval *p = ARENA_NEW(c->arena, struct mf_approval);
    *p = (struct mf_approval){.name = "second_person", .title = title, .n_steps = 1};
    p->steps = ARENA_NEW(c->arena, struct mf_approval_step);
    p->steps->title = title;
    p->steps->by = ARENA_NEW(c->arena, struct mf_approver);
    *p->steps->by = (struct mf_approver){.by = MF_BY_RIGHT, .name = action};
    p->steps->n_by = 1;
    return p;
}

static const struct mf_approval *match(const struct model_resource *r, struct model_ctx *c,
                                       const char *action, const json_t *before,
                                       const json_t *after)
{
    for (size_t i = 0; i < r->mf->n_approvals; i++) {
        const struct mf_approval *p = &r->mf->approvals[i];
        if (!names(p->on, p->n_on, action)) continue;
        if (p->when.n && !rule_holds(p->when, after ? after : before)) continue;
        if (strcmp(action, "update") == 0 && !touches(p, before, after)) continue;
        return p;
    }
    return sensitive_demand(r, c, action) & DEMAND_SECOND ? second_person(c, action) : NULL;
}

/* ---- the rows --------------------------------------------------------------------- */

struct asking {
    const struct model_resource *r;
    struct model_ctx *c;
    struct store_conn *conn;
    const struct mf_approval *p;
    const char *action;
    int64_t id, row_id, now;
    const json_t *row; /* as it will be */
    sv subject, stamp, key, body, picture;
};

static int insert_approval(struct asking *k, struct err *err)
{
    struct arena *a = k->c->arena;
    struct store_val row_id =
        k->row_id ? STORE_S(arena_printf(a, "%lld", (long long)k->row_id)) : STORE_N;
    struct store_val args[] = {STORE_I(k->id),
                               STORE_T(k->now),
                               STORE_T(k->now),
                               STORE_I(k->c->who->id),
                               STORE_S(sv_of(k->p->name)),
                               STORE_S(k->subject),
                               STORE_S(k->r->name),
                               row_id,
                               STORE_S(sv_of(k->action)),
                               STORE_I(k->c->who->id),
                               store_text_or_null(k->stamp),
                               STORE_S(k->key),
                               STORE_S(approval_seal(k->c->tenant, a, k->id, k->body)),
                               STORE_S(approval_seal(k->c->tenant, a, k->id, k->picture))};
    if (store_exec(k->conn,
                   SV("INSERT INTO `core_approval` (`id`,`created_at`,`updated_at`,`created_by`,"
                      "`name`,`subject`,`resource`,`row_id`,`op`,`requester`,`stamp`,`open_key`,"
                      "`body`,`picture`,`status`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,'pending')"),
                   args, 14, NULL, err) == 0)
        return 0;
    if (err->status != 409 || !err->code || strcmp(err->code, "duplicate") != 0) return -1;
    err_clear(err);
    return err_set(err, 409, "approval_pending", NULL);
}

static int insert_step(struct asking *k, const struct mf_approval_step *s, size_t at,
                       struct err *err)
{
    static const char *const ends[] = {"remind", "approve", "reject", "escalate"};
    struct store_val args[] = {
        STORE_I(id_next()),
        STORE_T(k->now),
        STORE_T(k->now),
        STORE_I(k->id),
        STORE_I((int64_t)at * 10),
        STORE_S(sv_of(s->title.zh)),
        STORE_S(sv_of(s->title.en)),
        STORE_I(s->all),
        STORE_S(approval_rule(k->c, k->r->mf, s->by, s->n_by, k->row)),
        s->deadline_hours ? STORE_I(s->deadline_hours) : STORE_N,
        STORE_S(sv_of(ends[s->on_timeout]))};
    return store_exec(k->conn,
                      SV("INSERT INTO `core_approval_step` (`id`,`created_at`,`updated_at`,"
                         "`approval`,`position`,`title_zh`,`title_en`,`every`,`by_rule`,`hours`,"
                         "`on_timeout`,`status`) VALUES (?,?,?,?,?,?,?,?,?,?,?,'waiting')"),
                      args, 11, NULL, err);
}

/* The steps that apply to this row; *n how many. */
static int insert_steps(struct asking *k, size_t *n, struct err *err)
{
    *n = 0;
    for (size_t i = 0; i < k->p->n_steps; i++) {
        const struct mf_approval_step *s = &k->p->steps[i];
        if (s->when.n && !rule_holds(s->when, k->row)) continue;
        if (insert_step(k, s, (*n)++, err) < 0) return -1;
    }
    return 0;
}

static int begin(struct asking *k, struct err *err)
{
    struct approval_row row;
    struct model *m = k->r->model;
    struct arena *a = k->c->arena;
    size_t n;
    if (approval_load(m, k->conn, k->c->tenant, a, k->id, true, &row, err) < 0) return -1;
    struct appr_step *s = appr_begin(&row.a);
    struct approval_step_row *sr = &row.rows[s - row.a.steps];
    if (sr->hours) sr->deadline_at = k->now + sr->hours * HOUR_US;
    if (approval_fill(m, k->c->tenant, k->conn, a, &row, (size_t)(s - row.a.steps), &n, err) < 0)
        return -1;
    if (n == 0) return err_set(err, 409, "approval_nobody", NULL);
    return approval_save(k->conn, &row, k->now, err);
}

static bool any_step(const struct asking *k)
{
    for (size_t i = 0; i < k->p->n_steps; i++)
        if (!k->p->steps[i].when.n || rule_holds(k->p->steps[i].when, k->row)) return true;
    return false;
}

static int ask(struct asking *k, struct err *err)
{
    size_t n;
    k->id = id_next();
    if (insert_approval(k, err) < 0 || insert_steps(k, &n, err) < 0 || begin(k, err) < 0 ||
        approval_mark(k->conn, k->r, k->row_id, k->id, err) < 0)
        return -1;
    struct approval_log_line l = {.approval = k->id,
                                  .staff = k->c->who->id,
                                  .who_name = k->c->who->name,
                                  .action = "asked"};
    return approval_log(k->conn, &l, err);
}

/* ---- the event -------------------------------------------------------------------- */

static sv told(const struct asking *k)
{
    struct buf b = BUF_IN(k->c->arena);
    struct jsonw w = jsonw_on(&b);
    jsonw_obj(&w);
    jsonw_kv_id(&w, "id", k->id);
    jsonw_kv_str(&w, "name", k->p->name);
    jsonw_kv_str(&w, "status", "pending");
    jsonw_kv_sv(&w, "resource", k->r->name);
    if (k->row_id) jsonw_kv_id(&w, "row_id", k->row_id);
    jsonw_kv_str(&w, "op", k->action);
    jsonw_kv_sv(&w, "subject", k->subject);
    jsonw_kv_id(&w, "requester", k->c->who->id);
    jsonw_end_obj(&w);
    return buf_view(&b);
}

/* ---- a write ---------------------------------------------------------------------- */

static sv hex_of(struct arena *a, sv text)
{
    unsigned char md[32];
    struct buf b = BUF_IN(a);
    SHA256((const unsigned char *)text.p, text.n, md);
    buf_hex(&b, md, sizeof md);
    return buf_view(&b);
}

static sv dump(struct arena *a, const json_t *v)
{
    struct buf b = BUF_IN(a);
    struct jsonw w = jsonw_on(&b);
    jsonw_json(&w, v);
    return buf_view(&b);
}

static sv stamp_of(struct arena *a, const struct model_resource *r, const json_t *row)
{
    return row ? dump(a, json_object_get(row, r->version ? "version" : "updated_at")) : SV_NULL;
}

/* The row's name, cut at a character. */
static sv subject_of(struct arena *a, const struct model_resource *r, const json_t *row)
{
    const char *text = r->label && !r->label->secret
                           ? json_string_value(json_object_get(row, r->label->f->name))
                           : NULL;
    sv s = sv_of(text ? text : r->mf->title.zh);
    if (text && (r->label->sealed || r->label->f->protect.masked))
        s = mask_text(a, r->label->f->type, s);
    size_t n = s.n < 180 ? s.n : 180;
    while (n && n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    return arena_sv(a, sv_make(s.p, n));
}

static int askable(struct model_ctx *c, struct err *err)
{
    if (c->may_ask && auth_is_staff(c->who)) return 0;
    return err_set(err, 409, "approval_needed", NULL);
}

int approval_gate(struct write *w, const char *action, struct err *err)
{
    struct model_ctx *c = w->c;
    if (c->who->kind == AUTH_SYSTEM || c->agreed) return 0;
    struct asking k = {.r = w->r, .c = c, .conn = w->conn, .action = action, .now = w->now};
    k.p = match(w->r, c, action, w->before, w->after);
    k.row = w->after ? w->after : w->before;
    if (!k.p || !any_step(&k)) return 0;
    if (askable(c, err) < 0) return -1;
    if (w->before && !none(json_object_get(w->before, "approval")))
        return err_set(err, 409, "approval_pending", NULL);
    k.row_id = w->before ? w->id : 0;
    k.body = dump(w->a, w->body);
    k.stamp = stamp_of(w->a, w->r, w->before);
    k.subject = subject_of(w->a, w->r, k.row);
    k.picture = approval_picture(w, err);
    if (!k.picture.p) return -1;
    k.key = k.row_id ? arena_printf(w->a, "%.*s/%lld", SVARG(w->r->name), (long long)k.row_id)
                     : arena_printf(w->a, "%.*s/create/%lld/%.*s", SVARG(w->r->name),
                                    (long long)c->who->id, 32, hex_of(w->a, k.body).p);
    if (ask(&k, err) < 0) return -1;
    w->quiet = true;
    c->approval = k.id;
    write_tell(w, model_find(w->r->model, SV("core.approval")), "approval_asked", "asked", k.id,
               told(&k));
    return 1;
}

static bool brings(const struct mf_approval *p, const char *const *fields, size_t n)
{
    for (size_t i = 0; i < p->n_fields; i++)
        if (names(fields, n, p->fields[i])) return true;
    return p->n_fields == 0;
}

int approval_never(const struct model_resource *r, struct model_ctx *c, const char *action,
                   const char *const *fields, size_t n, struct err *err)
{
    bool asked = (sensitive_demand(r, c, action) & DEMAND_SECOND) != 0;
    for (size_t i = 0; i < r->mf->n_approvals; i++) {
        const struct mf_approval *p = &r->mf->approvals[i];
        bool update = strcmp(action, "update") == 0;
        asked |= names(p->on, p->n_on, action) && !p->when.n && (!update || brings(p, fields, n));
    }
    return asked && c->who->kind != AUTH_SYSTEM ? err_set(err, 409, "approval_needed", NULL) : 0;
}

int approval_fresh(struct write *w, struct err *err)
{
    sv stamp = stamp_of(w->a, w->r, w->before);
    return sv_eq(stamp, w->c->agreed->stamp) ? 0 : err_set(err, 409, "approval_stale", NULL);
}

int64_t approval_agreed(const struct model_ctx *c)
{
    return c->agreed ? c->agreed->a.id : 0;
}

/* ---- an export -------------------------------------------------------------------- */

static bool seen(void *arg, const struct store_val *v, unsigned n)
{
    (void)v;
    (void)n;
    *(bool *)arg = true;
    return true;
}

/* Has this very export been agreed to within a day? */
static int has_ticket(const struct asking *k, struct store_conn *conn, bool *has, struct err *err)
{
    struct store_val args[] = {STORE_I(k->c->who->id), STORE_S(k->key),
                               STORE_T(clock_now_us() - TICKET_US)};
    *has = false;
    return store_run(conn,
                     SV("SELECT `id` FROM `core_approval` WHERE `requester`=? AND `stamp`=? AND "
                        "`status`='approved' AND `decided_at`>? LIMIT 1"),
                     args, 3, seen, has, err);
}

/* The frame of a write around the asking. */
struct asking_write {
    struct write w; /* first: write_run hands it back */
    struct asking k;
};

static int ask_export(struct write *w, struct err *err)
{
    struct asking *k = &((struct asking_write *)w)->k;
    k->conn = w->conn;
    if (ask(k, err) < 0) return -1;
    w->c->approval = k->id;
    write_tell(w, model_find(w->r->model, SV("core.approval")), "approval_asked", "asked", k->id,
               told(k));
    return 0;
}

int approval_gate_export(const struct model_resource *r, struct model_ctx *c, sv what,
                         struct err *err)
{
    if (c->who->kind == AUTH_SYSTEM) return 0;
    struct asking k = {.r = r, .c = c, .action = "export", .body = what, .picture = what};
    k.p = match(r, c, "export", NULL, NULL);
    if (!k.p || !any_step(&k)) return 0;
    sv hash = hex_of(c->arena, what);
    k.key = arena_printf(c->arena, "%.*s/export/%lld/%.*s", SVARG(r->name), (long long)c->who->id,
                         16, hash.p);
    /* Its own key, kept when it is over: what a later request is compared with. */
    k.stamp = k.key;
    struct store_conn *conn;
    bool has;
    if (conn_enter(c, &conn, err) < 0) return -1;
    int rc = has_ticket(&k, conn, &has, err);
    conn_leave(c, conn);
    if (rc < 0 || has) return rc;
    if (askable(c, err) < 0) return -1;
    k.now = clock_now_us();
    k.subject = sv_of(r->mf->title.zh);
    struct asking_write x = {
        .w = {.r = r, .c = c, .action = "export", .event = "export", .version = -1}, .k = k};
    return write_run(&x.w, ask_export, err) < 0 ? -1 : 1;
}
