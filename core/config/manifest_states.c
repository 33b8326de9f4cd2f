/* States of a resource and the ways between them. */
#include "config/manifest_reader.h"

static void read_transition(struct mf_reader *r, struct cfg_node *c, const struct cfg_names *states,
                            const struct cfg_names *fields, struct mf_transition *t)
{
    struct cfg_node at = {.line = c->key_line, .column = c->key_column};
    static const char *const taken[] = {"read",   "create",  "update", "delete",
                                        "export", "import", "restore", "reveal"};
    mf_want_ident(r, &at, c->key, 32);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (sv_eqs(c->key, taken[i]))
            cfg_error(r->e, &at, "'%s' is a right of every resource; choose another name",
                      taken[i]);
    t->name = c->key.p;
    if (!cfg_want(c, CFG_MAP, r->e)) return;
    t->title = mf_title(r, c, "title", true);
    t->from = cfg_texts(c, "from", states, "state", &t->n_from, r->e);
    struct cfg_node *from = cfg_get(c, "from");
    if (!from)
        cfg_missing(c, "from", r->e);
    else if (from->kind == CFG_LIST && from->n == 0)
        cfg_error(r->e, from, "'from' is empty: the transition could never happen");
    t->to = cfg_one_of(c, "to", states, "state", r->e);
    if (!cfg_get(c, "to")) cfg_missing(c, "to", r->e);
    t->require = cfg_texts(c, "require", fields, "field", &t->n_require, r->e);
    t->hook = mf_bind(r, c, "hook", MF_H_TRANSITION, false);
    t->confirm = cfg_bool(c, "confirm", false, r->e);
    t->danger = cfg_bool(c, "danger", false, r->e);
    cfg_no_unknown(c, r->e);
}

static void read_list(struct mf_reader *r, struct cfg_node *m, struct mf_resource *res,
                      struct cfg_names *states)
{
    struct cfg_node *list = cfg_map(m, "list", r->e);
    if (!cfg_get(m, "list")) cfg_missing(m, "list", r->e);
    if (!list) return;
    if (list->n == 0 || list->n > 50) cfg_error(r->e, list, "'list' must name 1 to 50 states");
    res->states = ARENA_ARRAY(r->a, struct mf_state, list->n);
    for (struct cfg_node *c = list->first; c; c = c->next) {
        struct cfg_node at = {.line = c->key_line, .column = c->key_column};
        mf_want_ident(r, &at, c->key, 32);
        struct mf_state *s = &res->states[res->n_states++];
        s->name = c->key.p;
        cfg_names_add(r->a, states, s->name);
        if (!cfg_want(c, CFG_MAP, r->e)) continue;
        s->title = mf_title(r, c, "title", true);
        s->color = mf_color(r, c);
        cfg_no_unknown(c, r->e);
    }
}

void mf_read_states(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res)
{
    struct cfg_node *m = cfg_map(root, "states", r->e);
    if (!m) return;
    struct cfg_names states = {0}, fields = {0};
    for (size_t i = 0; i < res->n_fields; i++)
        cfg_names_add(r->a, &fields, res->fields[i].name);
    read_list(r, m, res, &states);
    res->initial = cfg_one_of(m, "initial", &states, "state", r->e);
    if (!cfg_get(m, "initial")) cfg_missing(m, "initial", r->e);
    struct cfg_node *map = cfg_map(m, "transitions", r->e);
    if (map) {
        res->transitions = ARENA_ARRAY(r->a, struct mf_transition, map->n);
        for (struct cfg_node *c = map->first; c; c = c->next)
            read_transition(r, c, &states, &fields, &res->transitions[res->n_transitions++]);
    }
    if (res->traits & MF_APPEND_ONLY)
        cfg_error(r->e, m, "append_only rows never change: no states");
    cfg_no_unknown(m, r->e);
}
