/* A plugin's folder to its manifest: plugin.yaml, resources/, i18n/. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "config/manifest_reader.h"

#define MAX_FILES 500

struct file_names {
    const char *v[MAX_FILES];
    size_t n;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The .yaml files of a folder, in the order of their names, so that every node
 * sees the same manifest. A folder that is not there is an empty one. */
static void list_folder(struct mf_reader *r, const char *dir, struct file_names *out)
{
    out->n = 0;
    r->e->file = dir;
    DIR *d = opendir(dir);
    if (!d) {
        if (errno != ENOENT) cfg_error(r->e, NULL, "cannot open: %s", strerror(errno));
        return;
    }
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        sv name = sv_of(entry->d_name);
        if (sv_starts(name, SV(".")) || sv_ends(name, SV("~"))) continue;
        if (sv_ends(name, SV(".yml"))) cfg_error(r->e, NULL, "%s: name it .yaml", entry->d_name);
        if (!sv_ends(name, SV(".yaml"))) continue;
        if (out->n == MAX_FILES) {
            cfg_error(r->e, NULL, "more than %d files", MAX_FILES);
            break;
        }
        out->v[out->n++] = arena_str(r->a, name);
    }
    closedir(d);
    qsort(out->v, out->n, sizeof *out->v, by_name);
}

static void read_resources(struct mf_reader *r)
{
    struct file_names files;
    const char *dir = arena_printf(r->a, "%s/resources", r->m->dir).p;
    list_folder(r, dir, &files);
    r->m->resources = ARENA_ARRAY(r->a, struct mf_resource, files.n);
    for (size_t i = 0; i < files.n; i++) {
        struct mf_resource *res = &r->m->resources[r->m->n_resources++];
        sv name = sv_of(files.v[i]);
        name.n -= sizeof ".yaml" - 1;
        res->name = arena_str(r->a, name);
        struct cfg_node *root =
            cfg_parse_file(r->a, arena_printf(r->a, "%s/%s", dir, files.v[i]).p, r->e);
        res->file = r->e->file;
        mf_want_ident(r, NULL, name, 32);
        if (root) mf_read_resource(r, root, res);
    }
}

/* ---- what resources say of each other ----------------------------------------- */

static void check_children(struct mf_reader *r, const struct mf_resource *res,
                           const struct mf_field *f)
{
    struct cfg_node at = {.line = f->line, .column = f->column};
    if (!f->to || !f->by) return;
    const struct mf_resource *child = mf_resource_find(r->m, sv_of(f->to));
    if (!child) {
        struct cfg_names all = {0};
        for (size_t i = 0; i < r->m->n_resources; i++)
            cfg_names_add(r->a, &all, r->m->resources[i].name);
        cfg_no_such(r->e, &at, "resource", sv_of(f->to), &all);
        return;
    }
    if (!r->m->id) return; /* said already */
    const struct mf_field *by = mf_field_find(child, sv_of(f->by));
    const char *self = arena_printf(r->a, "%s.%s", r->m->id, res->name).p;
    if (!by || by->type != MF_REF || !by->to || strcmp(by->to, self) != 0)
        cfg_error(r->e, &at, "'by' must name a ref field of '%s' to %s", child->name, self);
    if (!child->parent || strcmp(child->parent, res->name) != 0)
        cfg_error(r->e, &at, "'%s' must say 'parent: %s'", child->name, res->name);
}

static bool has_children_field(const struct mf_resource *parent, const char *child)
{
    for (size_t i = 0; i < parent->n_fields; i++) {
        const struct mf_field *f = &parent->fields[i];
        if (f->type == MF_CHILDREN && f->to && strcmp(f->to, child) == 0) return true;
    }
    return false;
}

static void check_resource(struct mf_reader *r, const struct mf_resource *res)
{
    struct cfg_node at = {.line = res->line, .column = res->column};
    r->e->file = res->file;
    for (size_t i = 0; i < res->n_fields; i++) {
        const struct mf_field *f = &res->fields[i];
        struct cfg_node here = {.line = f->line, .column = f->column};
        if (f->type == MF_CHILDREN) check_children(r, res, f);
        if ((f->type != MF_REF && f->type != MF_REFS) || !f->to || !r->m->id) continue;
        sv name, plugin = sv_cut(sv_of(f->to), '.', &name);
        if (sv_eqs(plugin, r->m->id) && !mf_resource_find(r->m, name))
            cfg_error(r->e, &here, "'to' names %s, which this plugin does not have", f->to);
    }
    if (!res->parent) return;
    const struct mf_resource *parent = mf_resource_find(r->m, sv_of(res->parent));
    if (res->traits & (MF_COMMENTS | MF_ATTACHMENTS))
        cfg_error(r->e, &at, "comments and attachments are the parent's");
    if (!parent || !has_children_field(parent, res->name))
        cfg_error(r->e, &at, "'parent: %s' needs a children field of '%s' in that resource",
                  res->parent, res->name);
}

/* ---- i18n/<any>.yaml: {id: {zh, en}} ------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct mf_message *)a)->id, ((const struct mf_message *)b)->id);
}

/* Keys of one file are unique already; two files may still say the same. */
static void check_twins(struct mf_reader *r, const char *dir)
{
    struct mf_message *m = r->m->messages;
    qsort(m, r->m->n_messages, sizeof *m, by_id);
    r->e->file = dir;
    for (size_t i = 1; i < r->m->n_messages; i++)
        if (strcmp(m[i].id, m[i - 1].id) == 0)
            cfg_error(r->e, NULL, "the message '%s' is in two files", m[i].id);
}

static void read_messages(struct mf_reader *r)
{
    struct file_names files;
    const char *dir = arena_printf(r->a, "%s/i18n", r->m->dir).p;
    struct cfg_node *roots[MAX_FILES];
    const char *paths[MAX_FILES];
    size_t total = 0;
    list_folder(r, dir, &files);
    for (size_t i = 0; i < files.n; i++) {
        roots[i] = cfg_parse_file(r->a, arena_printf(r->a, "%s/%s", dir, files.v[i]).p, r->e);
        paths[i] = r->e->file;
        if (roots[i] && !cfg_want(roots[i], CFG_MAP, r->e)) roots[i] = NULL;
        total += roots[i] ? roots[i]->n : 0;
    }
    r->m->messages = ARENA_ARRAY(r->a, struct mf_message, total);
    for (size_t i = 0; i < files.n; i++) {
        r->e->file = paths[i];
        for (struct cfg_node *c = roots[i] ? roots[i]->first : NULL; c; c = c->next) {
            struct cfg_node at = {.line = c->key_line, .column = c->key_column};
            if (!mf_is_dotted(c->key, 80))
                cfg_error(r->e, &at, "'%.*s' is not a message id such as limit_person",
                          CFG_SHOW(c->key));
            struct mf_title t = mf_title_of(r, c);
            r->m->messages[r->m->n_messages++] = (struct mf_message){c->key.p, t.zh, t.en};
        }
    }
    check_twins(r, dir);
}

int cfg_load_manifest(struct arena *a, const char *dir, struct mf_manifest **out,
                      struct cfg_errors *e)
{
    unsigned before = e->n;
    struct mf_reader r = {.a = a, .e = e, .m = ARENA_NEW(a, struct mf_manifest)};
    r.m->dir = arena_str(a, sv_of(dir));
    struct cfg_node *root = cfg_parse_file(a, arena_printf(a, "%s/plugin.yaml", dir).p, e);
    const char *plugin_file = e->file;
    if (!root || !cfg_want(root, CFG_MAP, e)) return -1;
    mf_read_head(&r, root);
    read_resources(&r);
    for (size_t i = 0; i < r.m->n_resources; i++)
        check_resource(&r, &r.m->resources[i]);
    e->file = plugin_file;
    mf_read_parts(&r, root);
    read_messages(&r);
    e->file = plugin_file;
    if (e->n != before) return -1;
    *out = r.m;
    return 0;
}
