/* Who has to agree before something is done (approvals), and what asks for a
 * second proof of who one is or for a second person (sensitive). */
#include "config/manifest_reader.h"

#define MAX_APPROVALS 20
#define MAX_STEPS 10
#define MAX_BY 10
#define MAX_HOURS 2160 /* ninety days */

struct names_of {
    struct cfg_names fields, users, depts, actions;
};

static struct cfg_node *condition(struct mf_reader *r, struct cfg_node *map,
                                  const struct mf_resource *res, sv *out)
{
    struct cfg_node *n = cfg_get(map, "when");
    if (n && cfg_cond_check(res, n, r->e) == 0) *out = cfg_json(map, "when", r->e);
    return n;
}

/* ---- who ---------------------------------------------------------------------- */

static const char *const by_keys[] = {"role",       "superior",     "post",
                                      "user_field", "dept_manager", "staff"};
#define N_BY (sizeof by_keys / sizeof *by_keys)

static void check_role(struct mf_reader *r, const struct cfg_node *n)
{
    sv name, plugin = sv_cut(n->scalar, '.', &name);
    if (!mf_is_dotted(n->scalar, 100))
        cfg_error(r->e, n, "'role' is the code of a role, such as crm.manager");
    else if (name.p && r->m->id && sv_eqs(plugin, r->m->id) && !cfg_names_has(&r->roles, name))
        cfg_no_such(r->e, n, "role", name, &r->roles);
}

/* {role: "crm.manager"}: exactly one key says who. */
static void read_approver(struct mf_reader *r, struct cfg_node *c, const struct names_of *all,
                          struct mf_approver *out)
{
    if (!cfg_want(c, CFG_MAP, r->e)) return;
    struct cfg_node *n = NULL;
    unsigned given = 0;
    for (size_t i = 0; i < N_BY; i++) {
        struct cfg_node *one = cfg_get(c, by_keys[i]);
        if (!one) continue;
        given++;
        n = one;
        out->by = (enum mf_by)i;
    }
    cfg_no_unknown(c, r->e);
    if (given != 1) {
        cfg_error(r->e, c, "say who by one of: role, superior, post, user_field, dept_manager, staff");
        return;
    }
    if (out->by == MF_BY_SUPERIOR) {
        out->level = (int)cfg_int(c, "superior", 1, 1, 5, r->e);
        return;
    }
    if (!cfg_want(n, CFG_SCALAR, r->e)) return;
    out->name = n->scalar.p;
    if (out->by == MF_BY_ROLE) check_role(r, n);
    if (out->by == MF_BY_POST) mf_text(r, c, "post");
    if (out->by == MF_BY_STAFF) mf_want_ident(r, n, n->scalar, 48);
    if (out->by == MF_BY_USER_FIELD && !cfg_names_has(&all->users, n->scalar))
        cfg_no_such(r->e, n, "user field", n->scalar, &all->users);
    if (out->by == MF_BY_DEPT_MANAGER && !cfg_names_has(&all->depts, n->scalar))
        cfg_no_such(r->e, n, "department field", n->scalar, &all->depts);
}

/* by: {…} or [{…}, {…}] */
static void read_by(struct mf_reader *r, struct cfg_node *step, const struct names_of *all,
                    struct mf_approval_step *out)
{
    struct cfg_node *n = cfg_get(step, "by");
    if (!n) {
        cfg_missing(step, "by", r->e);
        return;
    }
    n->used = true;
    if (n->kind != CFG_LIST) {
        out->by = ARENA_NEW(r->a, struct mf_approver);
        out->n_by = 1;
        read_approver(r, n, all, out->by);
        return;
    }
    if (n->n < 1 || n->n > MAX_BY) {
        cfg_error(r->e, n, "'by' names 1 to %d", MAX_BY);
        return;
    }
    out->by = ARENA_ARRAY(r->a, struct mf_approver, n->n);
    for (struct cfg_node *c = n->first; c; c = c->next)
        read_approver(r, c, all, &out->by[out->n_by++]);
}

/* ---- steps -------------------------------------------------------------------- */

static void read_step(struct mf_reader *r, struct cfg_node *c, const struct mf_resource *res,
                      const struct names_of *all, struct mf_approval_step *out)
{
    static const char *const modes[] = {"any", "all", NULL};
    static const char *const ends[] = {"remind", "approve", "reject", "escalate", NULL};
    if (!cfg_want(c, CFG_MAP, r->e)) return;
    out->title = mf_title(r, c, "title", true);
    read_by(r, c, all, out);
    condition(r, c, res, &out->when);
    out->all = cfg_choice(c, "mode", modes, 0, r->e) == 1;
    out->deadline_hours = (int)cfg_int(c, "deadline_hours", 0, 1, MAX_HOURS, r->e);
    out->on_timeout = (enum mf_on_timeout)cfg_choice(c, "on_timeout", ends, MF_REMIND, r->e);
    if (cfg_get(c, "on_timeout") && !out->deadline_hours)
        cfg_error(r->e, cfg_get(c, "on_timeout"), "'on_timeout' needs 'deadline_hours'");
    cfg_no_unknown(c, r->e);
}

static void read_approval(struct mf_reader *r, struct cfg_node *c, const struct mf_resource *res,
                          const struct names_of *all, struct mf_approval *out)
{
    struct cfg_node at = {.line = c->key_line, .column = c->key_column};
    mf_want_ident(r, &at, c->key, 32);
    if (sv_eqs(c->key, "second_person"))
        cfg_error(r->e, &at, "'second_person' is the engine's; choose another name");
    out->name = c->key.p;
    if (!cfg_want(c, CFG_MAP, r->e)) return;
    out->title = mf_title(r, c, "title", true);
    out->on = cfg_texts(c, "on", &all->actions, "operation", &out->n_on, r->e);
    if (!cfg_get(c, "on")) cfg_missing(c, "on", r->e);
    condition(r, c, res, &out->when);
    out->fields = cfg_texts(c, "fields", &all->fields, "field", &out->n_fields, r->e);
    bool updates = false;
    for (size_t i = 0; i < out->n_on; i++) {
        updates |= strcmp(out->on[i], "update") == 0;
        if (out->when.n && strcmp(out->on[i], "export") == 0)
            cfg_error(r->e, cfg_get(c, "when"), "an export is of no single row: no 'when'");
    }
    if (out->n_fields && !updates)
        cfg_error(r->e, cfg_get(c, "fields"), "'fields' is about 'update', which 'on' does not name");
    struct cfg_node *steps = cfg_list(c, "steps", r->e);
    if (!cfg_get(c, "steps")) cfg_missing(c, "steps", r->e);
    if (steps && (steps->n < 1 || steps->n > MAX_STEPS)) {
        cfg_error(r->e, steps, "an approval has 1 to %d steps", MAX_STEPS);
    } else if (steps) {
        out->steps = ARENA_ARRAY(r->a, struct mf_approval_step, steps->n);
        for (struct cfg_node *s = steps->first; s; s = s->next)
            read_step(r, s, res, all, &out->steps[out->n_steps++]);
    }
    cfg_no_unknown(c, r->e);
}

/* ---- sensitive ---------------------------------------------------------------- */

static void add_second_person(struct mf_reader *r, struct mf_resource *res, const char *action)
{
    static const struct mf_title title = {"双人复核", "Second person"};
    const char **on = ARENA_ARRAY(r->a, const char *, 1);
    struct mf_approval *out = &res->approvals[res->n_approvals++];
    on[0] = action;
    *out = (struct mf_approval){.name = "second_person", .title = title, .on = on, .n_on = 1};
    out->steps = ARENA_NEW(r->a, struct mf_approval_step);
    out->n_steps = 1;
    out->steps->title = title;
    out->steps->by = ARENA_NEW(r->a, struct mf_approver);
    out->steps->by->by = MF_BY_RIGHT;
    out->steps->by->name = action;
    out->steps->n_by = 1;
}

static void read_sensitive(struct mf_reader *r, struct cfg_node *map, struct mf_resource *res)
{
    static const char *const demands[] = {"reauth", "second_person", NULL};
    struct cfg_names all = {0};
    static const char *const own[] = {"create", "update", "delete", "export", "reveal"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        cfg_names_add(r->a, &all, own[i]);
    for (size_t i = 0; i < res->n_transitions; i++)
        cfg_names_add(r->a, &all, arena_printf(r->a, "do.%s", res->transitions[i].name).p);
    res->sensitive = ARENA_ARRAY(r->a, struct mf_sensitive, map->n);
    for (struct cfg_node *c = map->first; c; c = c->next) {
        struct cfg_node at = {.line = c->key_line, .column = c->key_column};
        bool known = cfg_names_has(&all, c->key);
        if (!known) cfg_no_such(r->e, &at, "operation", c->key, &all);
        int which = cfg_choice(map, c->key.p, demands, -1, r->e);
        if (!known || which < 0) continue;
        struct mf_sensitive *s = &res->sensitive[res->n_sensitive++];
        s->action = sv_starts(c->key, SV("do.")) ? c->key.p + 3 : c->key.p;
        s->demand = which == 0 ? MF_REAUTH : MF_SECOND_PERSON;
        if (s->demand == MF_REAUTH) continue;
        if (sv_eqs(c->key, "reveal"))
            cfg_error(r->e, c, "what one person reveals no second one can hold back: write reauth");
        else
            add_second_person(r, res, s->action);
    }
}

/* ---- both --------------------------------------------------------------------- */

static struct names_of names_of(struct mf_reader *r, const struct mf_resource *res)
{
    static const char *const own[] = {"create", "update", "delete", "export"};
    struct names_of n = {0};
    for (size_t i = 0; i < res->n_fields; i++) {
        const struct mf_field *f = &res->fields[i];
        cfg_names_add(r->a, &n.fields, f->name);
        if (f->type == MF_USER) cfg_names_add(r->a, &n.users, f->name);
        if (f->type == MF_DEPT) cfg_names_add(r->a, &n.depts, f->name);
    }
    if (res->traits & MF_OWNED) {
        cfg_names_add(r->a, &n.users, "owner");
        cfg_names_add(r->a, &n.fields, "owner");
    }
    if (res->traits & MF_DEPT_TRAIT) {
        cfg_names_add(r->a, &n.depts, "dept");
        cfg_names_add(r->a, &n.fields, "dept");
    }
    cfg_names_add(r->a, &n.users, "created_by");
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        cfg_names_add(r->a, &n.actions, own[i]);
    for (size_t i = 0; i < res->n_transitions; i++)
        cfg_names_add(r->a, &n.actions, res->transitions[i].name);
    return n;
}

void mf_read_approvals(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res)
{
    struct cfg_node *map = cfg_map(root, "approvals", r->e);
    struct cfg_node *sensitive = cfg_map(root, "sensitive", r->e);
    size_t n = (map ? map->n : 0) + (sensitive ? sensitive->n : 0);
    if (n == 0) return;
    if (map && map->n > MAX_APPROVALS) {
        cfg_error(r->e, map, "more than %d approvals", MAX_APPROVALS);
        return;
    }
    if (res->internal || res->parent)
        cfg_error(r->e, map ? map : sensitive,
                  "rows without routes of their own are changed with something else: say it there");
    res->approvals = ARENA_ARRAY(r->a, struct mf_approval, n);
    struct names_of all = names_of(r, res);
    for (struct cfg_node *c = map ? map->first : NULL; c; c = c->next)
        read_approval(r, c, res, &all, &res->approvals[res->n_approvals++]);
    if (sensitive) read_sensitive(r, sensitive, res);
}
