/* rules: what must hold between the fields of a row, and what is said if not. */
#include "config/manifest_reader.h"

#define MAX_RULES 50

static void read_rule(struct mf_reader *r, struct cfg_node *c, struct mf_resource *res,
                      const struct cfg_names *fields, struct mf_rule *out)
{
    if (!cfg_want(c, CFG_MAP, r->e)) return;
    struct cfg_node *that = cfg_get(c, "that");
    out->message = mf_title(r, c, "message", true);
    out->fields = cfg_texts(c, "fields", fields, "field", &out->n_fields, r->e);
    if (!cfg_get(c, "fields"))
        cfg_missing(c, "fields", r->e);
    else if (!out->n_fields)
        cfg_error(r->e, cfg_get(c, "fields"), "'fields' is empty");
    if (!that)
        cfg_missing(c, "that", r->e);
    else
        cfg_cond_check(res, that, r->e);
    out->that = cfg_json(c, "that", r->e);
    out->code = arena_printf(r->a, "rule.%s.%s.%zu", r->m->id ? r->m->id : "", res->name,
                             (size_t)(out - res->rules))
                    .p;
    cfg_no_unknown(c, r->e);
}

void mf_read_rules(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res)
{
    struct cfg_node *list = cfg_list(root, "rules", r->e);
    struct cfg_names fields = {0};
    if (!list) return;
    if (list->n > MAX_RULES) {
        cfg_error(r->e, list, "more than %d rules", MAX_RULES);
        return;
    }
    for (size_t i = 0; i < res->n_fields; i++)
        cfg_names_add(r->a, &fields, res->fields[i].name);
    res->rules = ARENA_ARRAY(r->a, struct mf_rule, list->n);
    for (struct cfg_node *c = list->first; c; c = c->next)
        read_rule(r, c, res, &fields, &res->rules[res->n_rules++]);
}
