/* Who may have the bytes of a file: whoever uploaded it, whoever may read a
 * record and the field of it that refers to the file, and everybody once it is
 * public. The references themselves are asked, by their indexes and under the same
 * policy as any list, so the right ends with the record, the reference or the
 * role, and there is nothing beside them that could disagree. */
#define LOG_ROOM "model"
#include "model/internal.h"

/* One process has one model; set when it is sealed, before any request. */
static const struct model_resource *file_resource;

void file_rights_init(const struct model *m)
{
    file_resource = model_find(m, SV("core.file"));
}

static bool take_row(void *arg, const struct store_val *row, unsigned n_cols)
{
    (void)row;
    (void)n_cols;
    *(bool *)arg = true;
    return true;
}

/* The policy under which the caller would read the field, or NULL. */
static const struct model_policy *reads(struct model_ctx *c, const struct model_referrer *ref)
{
    struct err none = {0};
    sv plugin = sv_of(ref->res->mf->manifest->id);
    if (!sv_eqs(plugin, "core") && !auth_plugin_on(c->tenant, plugin)) return NULL;
    const struct model_policy *p = policy_of(ref->res, c->who, c->arena, &none);
    return p && p->can_read && colset_has(&p->readable, ref->col->at) ? p : NULL;
}

static int shown_by(struct model_ctx *c, struct store_conn *conn, const struct model_referrer *ref,
                    int64_t id, bool *yes, struct err *err)
{
    if (notes_kept_in(ref->res)) return notes_show_file(c, conn, ref, id, yes, err);
    if (sv_eqs(ref->res->name, "core.rich_file"))
        return rich_show_file(c, conn, ref->res->model, id, yes, err);
    const struct model_policy *p = reads(c, ref);
    struct sql s;
    if (!p) return 0;
    sql_start(&s, c->arena);
    buf_printf(&s.text, "SELECT 1 FROM %.*s", SVARG(ref->res->ident));
    policy_where(p, c->who, &p->read, false, &s);
    if (ref->col->link.n)
        buf_printf(&s.text, " AND `id` IN (SELECT `row` FROM %.*s WHERE `value`=?) LIMIT 1",
                   SVARG(ref->col->link));
    else
        buf_printf(&s.text, " AND %.*s=? LIMIT 1", SVARG(ref->col->ident));
    sql_val(&s, STORE_I(id));
    return store_run(conn, buf_view(&s.text), s.args, s.n, take_row, yes, err);
}

/* "vote.poll.cover", said at the upload: most often it is there. */
static bool hinted(const struct model_referrer *ref, sv used_by)
{
    sv name = ref->res->name;
    return used_by.n == name.n + 1 + ref->col->name.n && sv_starts(used_by, name) &&
           sv_ends(used_by, ref->col->name);
}

static int shown(struct model_ctx *c, struct store_conn *conn, int64_t id, sv used_by, bool *yes,
                 struct err *err)
{
    for (int round = 0; round < 2; round++)
        for (unsigned i = 0; file_resource && i < file_resource->n_referrers && !*yes; i++) {
            const struct model_referrer *ref = &file_resource->referrers[i];
            if (hinted(ref, used_by) != (round == 0)) continue;
            if (shown_by(c, conn, ref, id, yes, err) < 0) return -1;
        }
    return 0;
}

struct facts {
    struct arena *a;
    int64_t owner, key;
    bool any, public;
    sv used_by;
};

static bool take_facts(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct facts *f = arg;
    (void)n_cols;
    f->any = true;
    f->owner = row[0].type == STORE_I64 ? row[0].u.i : 0;
    f->public = row[1].type == STORE_I64 && row[1].u.i;
    f->key = row[3].type == STORE_I64 ? row[3].u.i : 0;
    if (row[2].type == STORE_TEXT) f->used_by = arena_sv(f->a, row[2].u.s);
    return true;
}

int file_allowed(struct model_ctx *c, struct store_conn *conn, int64_t id, bool *yes,
                 struct err *err)
{
    struct facts f = {.a = c->arena};
    struct store_val args[] = {STORE_I(id)};
    *yes = false;
    if (store_run(conn, SV("SELECT `owner`,`public`,`used_by`,`api_key` FROM `core_file` WHERE `id`=?"), args,
                  1, take_facts, &f, err) < 0)
        return -1;
    bool own = (auth_is_staff(c->who) && f.owner && f.owner == c->who->id) ||
               (c->who->kind == AUTH_KEY && f.key && f.key == c->who->id);
    *yes = f.any && (f.public || own || c->who->admin || c->who->kind == AUTH_SYSTEM);
    return *yes || !f.any ? 0 : shown(c, conn, id, f.used_by, yes, err);
}
