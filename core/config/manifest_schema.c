/* schema: of a json field, a part of JSON Schema: type, properties, required,
 * items, enum, min/max (value, characters or items), pattern and
 * additionalProperties. Checked here, so that it can be relied on later. */
#include <regex.h>

#include "config/manifest_reader.h"

#define MAX_DEPTH 16

static const char *const types[] = {"object", "array",   "string", "integer",
                                    "number", "boolean", "null",   NULL};
static const char *const bounds[] = {"minimum",   "maximum",  "minLength",
                                     "maxLength", "minItems", "maxItems"};

static void check(struct mf_reader *r, struct cfg_node *n, unsigned depth);

static void check_map(struct mf_reader *r, struct cfg_node *map, unsigned depth)
{
    for (struct cfg_node *c = map ? map->first : NULL; c; c = c->next) {
        c->used = true;
        check(r, c, depth + 1);
    }
}

static void check_pattern(struct mf_reader *r, struct cfg_node *p)
{
    regex_t re;
    if (!p || !cfg_want(p, CFG_SCALAR, r->e)) return;
    if (p->scalar.n > 200 || regcomp(&re, p->scalar.p, REG_EXTENDED | REG_NOSUB) != 0)
        cfg_error(r->e, p, "'pattern' is not a regular expression");
    else
        regfree(&re);
}

static void check(struct mf_reader *r, struct cfg_node *n, unsigned depth)
{
    if (!cfg_want(n, CFG_MAP, r->e)) return;
    if (depth > MAX_DEPTH) {
        cfg_error(r->e, n, "the schema is nested too deeply");
        return;
    }
    cfg_choice(n, "type", types, 0, r->e);
    check_map(r, cfg_map(n, "properties", r->e), depth);
    size_t many;
    cfg_texts(n, "required", NULL, "property", &many, r->e);
    struct cfg_node *items = cfg_get(n, "items");
    if (items) check(r, items, depth + 1);
    struct cfg_node *values = cfg_list(n, "enum", r->e);
    if (values && !values->n) cfg_error(r->e, values, "'enum' is empty");
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        cfg_int(n, bounds[i], 0, INT64_MIN, INT64_MAX, r->e);
    check_pattern(r, cfg_get(n, "pattern"));
    cfg_bool(n, "additionalProperties", true, r->e);
    cfg_no_unknown(n, r->e);
}

sv mf_read_schema(struct mf_reader *r, struct cfg_node *n)
{
    if (!n) return SV_NULL;
    check(r, n, 0);
    struct buf b = BUF_IN(r->a);
    struct jsonw w = jsonw_on(&b);
    cfg_to_json(n, &w);
    return arena_sv(r->a, buf_view(&b));
}
