/* Any bytes to the YAML reader, and what it takes to every reader above it: JSON,
 * conditions, and the manifest of a plugin. */
#include "config/manifest_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_as_json(struct arena *a, struct cfg_node *root)
{
    struct buf b = BUF_IN(a);
    struct jsonw w = jsonw_on(&b);
    struct err e = {0};
    json_t *v;
    cfg_to_json(root, &w);
    if (json_parse(a, buf_view(&b), &v, &e) != 0) panic("a tree does not become JSON");
}

static void read_as_manifest(struct mf_reader *r, struct cfg_node *root)
{
    struct mf_resource res = {.name = "thing", .file = "fuzz.yaml"};
    if (!cfg_want(root, CFG_MAP, r->e)) return;
    mf_read_head(r, root);
    mf_read_resource(r, root, &res);
    r->m->resources = &res;
    r->m->n_resources = 1;
    mf_read_parts(r, root);
    cfg_cond_check(&res, root->first ? root->first : root, r->e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct cfg_errors e = {.a = a, .file = "fuzz.yaml"};
    struct cfg_node *root = cfg_parse(a, sv_make((const char *)data, size), &e);
    if (!root != (e.n != 0)) panic("refused without saying why, or taken with complaints");
    if (root) {
        struct mf_reader r = {.a = a, .e = &e, .m = ARENA_NEW(a, struct mf_manifest)};
        read_as_manifest(&r, root);
        read_as_json(a, root);
    }
    arena_free(a);
    return 0;
}
