/* plugin.yaml: everything of a plugin but its resources. */
#include "config/manifest_reader.h"

#define MAX_ENTRIES 500

/* The entries of a list, each a map, as an array; *n 0 when absent. */
#define READ_LIST(r, root, key, T, field, fn)                                                      \
    do {                                                                                           \
        struct cfg_node *list_ = entries((r), (root), (key));                                      \
        if (!list_) break;                                                                         \
        (r)->m->field = ARENA_ARRAY((r)->a, T, list_->n);                                          \
        for (struct cfg_node *c_ = list_->first; c_; c_ = c_->next) {                              \
            if (!cfg_want(c_, CFG_MAP, (r)->e)) continue;                                          \
            fn((r), c_, &(r)->m->field[(r)->m->n_##field++]);                                      \
            cfg_no_unknown(c_, (r)->e);                                                            \
        }                                                                                          \
    } while (0)

static struct cfg_node *entries(struct mf_reader *r, struct cfg_node *root, const char *key)
{
    struct cfg_node *list = cfg_list(root, key, r->e);
    if (!list || list->n <= MAX_ENTRIES) return list;
    cfg_error(r->e, list, "'%s' has more than %d entries", key, MAX_ENTRIES);
    return NULL;
}

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* ---- the head ---------------------------------------------------------------- */

/* 1.2.3 */
static bool is_version(sv v)
{
    uint64_t n;
    unsigned parts = 0;
    for (sv rest = v; rest.p; parts++) {
        sv part = sv_cut(rest, '.', &rest);
        if (part.n > 9 || !sv_u64(part, &n)) return false;
    }
    return parts == 3;
}

/* atrium.storage/1 */
static bool is_interface(sv v)
{
    sv revision, name = sv_cut(v, '/', &revision);
    uint64_t n;
    return mf_is_dotted(name, 60) && sv_u64(revision, &n) && n > 0 && n < 1000;
}

static void read_library(struct mf_reader *r, struct cfg_node *p)
{
    struct cfg_node *n = cfg_get(p, "library");
    if (!n || !cfg_want(n, CFG_SCALAR, r->e)) return;
    r->m->library = n->scalar.p;
    if (!sv_ends(n->scalar, SV(".so")) || n->scalar.n < 4 || strchr(n->scalar.p, '/'))
        cfg_error(r->e, n, "'library' must be the name of a .so file, without a path");
}

static void read_plugin(struct mf_reader *r, struct cfg_node *p)
{
    struct mf_manifest *m = r->m;
    m->id = mf_ident(r, p, "id", 20, true);
    m->version = mf_text(r, p, "version");
    if (m->version && !is_version(sv_of(m->version)))
        cfg_error(r->e, cfg_get(p, "version"), "'version' must be three numbers, such as 1.0.0");
    m->abi = (unsigned)cfg_int(p, "abi", 0, 1, 1000, r->e);
    m->title = mf_title(r, p, "title", true);
    m->summary = mf_title(r, p, "summary", false);
    read_library(r, p);
    if (m->library && !cfg_get(p, "abi")) cfg_missing(p, "abi", r->e);
    m->requires = cfg_texts(p, "requires", NULL, NULL, &m->n_requires, r->e);
    struct cfg_node *list = cfg_get(p, "requires");
    for (struct cfg_node *c = m->requires ? list->first : NULL; c; c = c->next) {
        if (c->kind != CFG_SCALAR) continue;
        if (mf_want_ident(r, c, c->scalar, 20) && m->id && sv_eqs(c->scalar, m->id))
            cfg_error(r->e, c, "a plugin cannot require itself");
    }
    m->interfaces = cfg_texts(p, "interfaces", NULL, NULL, &m->n_interfaces, r->e);
    list = cfg_get(p, "interfaces");
    for (struct cfg_node *c = m->interfaces ? list->first : NULL; c; c = c->next)
        if (c->kind == CFG_SCALAR && !is_interface(c->scalar))
            cfg_error(r->e, c, "'%.*s' is not an interface such as atrium.storage/1",
                      CFG_SHOW(c->scalar));
    cfg_no_unknown(p, r->e);
}

static void read_roles(struct mf_reader *r, struct cfg_node *root)
{
    struct cfg_node *map = cfg_map(root, "roles", r->e);
    if (!map) return;
    r->m->roles = ARENA_ARRAY(r->a, struct mf_role, map->n);
    for (struct cfg_node *c = map->first; c; c = c->next) {
        struct cfg_node at = {.line = c->key_line, .column = c->key_column};
        struct mf_role *role = &r->m->roles[r->m->n_roles++];
        mf_want_ident(r, &at, c->key, 32);
        role->id = c->key.p;
        cfg_names_add(r->a, &r->roles, role->id);
        if (!cfg_want(c, CFG_MAP, r->e)) continue;
        role->title = mf_title(r, c, "title", true);
        cfg_no_unknown(c, r->e);
    }
}

void mf_read_head(struct mf_reader *r, struct cfg_node *root)
{
    /* The version of this very format, so that a later one can be told apart. */
    if (!cfg_get(root, "manifest")) cfg_missing(root, "manifest", r->e);
    cfg_int(root, "manifest", 1, 1, 1, r->e);
    struct cfg_node *p = cfg_map(root, "plugin", r->e);
    if (p)
        read_plugin(r, p);
    else if (!cfg_get(root, "plugin"))
        cfg_missing(root, "plugin", r->e);
    read_roles(r, root);
}

/* ---- the parts ---------------------------------------------------------------- */

/* "/public/poll/:id": parts of letters, digits, '.', '_' and '-', or ":name". */
static bool path_ok(sv path)
{
    sv rest, first = sv_cut(path, '/', &rest);
    if (first.n || !rest.n || path.n > 200) return false;
    while (rest.p) {
        sv part = sv_cut(rest, '/', &rest);
        if (part.n == 0 || sv_eqs(part, ".") || sv_eqs(part, "..")) return false;
        if (part.p[0] == ':') {
            if (!mf_is_ident(sv_make(part.p + 1, part.n - 1), 32)) return false;
            continue;
        }
        for (size_t i = 0; i < part.n; i++) {
            char c = part.p[i];
            if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-'))
                return false;
        }
    }
    return true;
}

/* Equal but for the names of parameters: the router could not tell them apart. */
static bool same_path(const char *a, const char *b)
{
    sv ra = sv_of(a), rb = sv_of(b);
    while (ra.p && rb.p) {
        sv x = sv_cut(ra, '/', &ra), y = sv_cut(rb, '/', &rb);
        bool params = sv_starts(x, SV(":")) && sv_starts(y, SV(":"));
        if (!params && !sv_eq(x, y)) return false;
    }
    return !ra.p && !rb.p;
}

static void read_route(struct mf_reader *r, struct cfg_node *c, struct mf_route *out)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", NULL};
    static const char *const auth[] = {
        [MF_AUTH_PUBLIC] = "public", [MF_AUTH_MEMBER] = "member", [MF_AUTH_STAFF] = "staff", NULL};
    int method = cfg_choice(c, "method", methods, 0, r->e);
    if (!cfg_get(c, "method")) cfg_missing(c, "method", r->e);
    out->method = methods[method];
    out->path = mf_text(r, c, "path");
    if (out->path && !path_ok(sv_of(out->path)))
        cfg_error(r->e, cfg_get(c, "path"), "'path' must look like /public/poll/:id");
    out->hook = mf_bind(r, c, "hook", MF_H_ROUTE, true);
    /* Nobody is let in by forgetting a line. */
    int who = cfg_choice(c, "auth", auth, MF_AUTH_STAFF, r->e);
    out->auth = who == MF_AUTH_PUBLIC   ? MF_AUTH_PUBLIC
                : who == MF_AUTH_MEMBER ? MF_AUTH_MEMBER
                                        : MF_AUTH_STAFF;
    out->permission = mf_permission(r, c);
    if (cfg_get(c, "permission") && out->auth != MF_AUTH_STAFF)
        cfg_error(r->e, cfg_get(c, "permission"), "'permission' is for routes of staff only");
    out->upload = cfg_bool(c, "upload", false, r->e);
    out->title = mf_title(r, c, "title", true);
    out->request = cfg_json(c, "request", r->e);
    out->response = cfg_json(c, "response", r->e);
    for (const struct mf_route *o = r->m->routes; o < out; o++)
        if (o->path && out->path && strcmp(o->method, out->method) == 0 &&
            same_path(o->path, out->path))
            cfg_error(r->e, c, "%s %s is there twice", out->method, out->path);
}

static void read_hook(struct mf_reader *r, struct cfg_node *c, struct mf_hook *out)
{
    out->on = mf_dotted(r, c, "on", true);
    out->hook = mf_bind(r, c, "hook", MF_H_EVENT, true);
    out->order = (int)cfg_int(c, "order", 0, -1000, 1000, r->e);
    for (const struct mf_hook *o = r->m->hooks; o < out; o++)
        if (same(o->on, out->on) && same(o->hook, out->hook))
            cfg_error(r->e, c, "'%s' is bound to %s twice", out->hook, out->on);
}

static void read_job(struct mf_reader *r, struct cfg_node *c, struct mf_job *out)
{
    out->id = mf_ident(r, c, "id", 40, true);
    out->cron = cfg_get(c, "cron") ? mf_text(r, c, "cron") : NULL; /* without: added by C only */
    if (out->cron && !mf_cron_ok(sv_of(out->cron)))
        cfg_error(r->e, cfg_get(c, "cron"),
                  "'cron' must be five fields (minute hour day month weekday), such as "
                  "\"0 2 * * *\"");
    out->hook = mf_bind(r, c, "hook", MF_H_JOB, true);
    out->title = mf_title(r, c, "title", true);
    for (const struct mf_job *o = r->m->jobs; o < out; o++)
        if (same(o->id, out->id)) cfg_error(r->e, c, "the job '%s' is there twice", out->id);
}

static void read_stream(struct mf_reader *r, struct cfg_node *c, struct mf_stream *out)
{
    out->id = mf_ident(r, c, "id", 40, true);
    out->hook = mf_bind(r, c, "hook", MF_H_STREAM, true);
    out->max_batch = (unsigned)cfg_int(c, "max_batch", 1000, 1, 100000, r->e);
    for (const struct mf_stream *o = r->m->streams; o < out; o++)
        if (same(o->id, out->id)) cfg_error(r->e, c, "the stream '%s' is there twice", out->id);
}

static void read_channel(struct mf_reader *r, struct cfg_node *c, struct mf_channel *out)
{
    static const char *const names[] = {
        [MF_CH_PUBLIC] = "public", [MF_CH_MEMBER] = "member", [MF_CH_STAFF] = "staff", NULL};
    out->name = mf_ident(r, c, "name", 40, true);
    int who = cfg_choice(c, "who", names, MF_CH_STAFF, r->e);
    if (!cfg_get(c, "who")) cfg_missing(c, "who", r->e);
    out->who = who == MF_CH_PUBLIC   ? MF_CH_PUBLIC
               : who == MF_CH_MEMBER ? MF_CH_MEMBER
                                     : MF_CH_STAFF;
    for (const struct mf_channel *o = r->m->channels; o < out; o++)
        if (same(o->name, out->name))
            cfg_error(r->e, c, "the channel '%s' is there twice", out->name);
}

/* ui/<module>.mjs, named without folder and ending. */
static const char *read_module(struct mf_reader *r, struct cfg_node *c)
{
    const char *name = mf_text(r, c, "module");
    if (name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(name))
        cfg_error(r->e, cfg_get(c, "module"),
                  "'module' is a file of ui/ without its ending: a-z, 0-9, _ and -");
    return name;
}

static void read_page(struct mf_reader *r, struct cfg_node *c, struct mf_page *out)
{
    out->id = mf_dotted(r, c, "id", true);
    out->module = read_module(r, c);
    out->title = mf_title(r, c, "title", true);
    for (const struct mf_page *o = r->m->pages; o < out; o++)
        if (same(o->id, out->id)) cfg_error(r->e, c, "the page '%s' is there twice", out->id);
}

static void read_slot(struct mf_reader *r, struct cfg_node *c, struct mf_slot *out)
{
    out->at = mf_dotted(r, c, "at", true);
    out->module = read_module(r, c);
    out->title = mf_title(r, c, "title", true);
    for (const struct mf_slot *o = r->m->slots; o < out; o++)
        if (same(o->at, out->at) && same(o->module, out->module))
            cfg_error(r->e, c, "'%s' is put into %s twice", out->module, out->at);
}

static void read_client_page(struct mf_reader *r, struct cfg_node *c, struct mf_client_page *out)
{
    out->id = mf_dotted(r, c, "id", true);
    out->path = mf_text(r, c, "path");
    if (out->path && !path_ok(sv_of(out->path)))
        cfg_error(r->e, cfg_get(c, "path"), "'path' must look like /pages/poll/poll");
    out->title = mf_title(r, c, "title", true);
    for (const struct mf_client_page *o = r->m->client_pages; o < out; o++)
        if (same(o->id, out->id)) cfg_error(r->e, c, "the page '%s' is there twice", out->id);
}

/* A resource by its full name. One of this plugin must be there; another
 * plugin's is known only when all are loaded. */
static void check_resource_name(struct mf_reader *r, struct cfg_node *at, const char *name)
{
    sv rest, plugin = sv_cut(sv_of(name), '.', &rest);
    struct cfg_names all = {0};
    if (!r->m->id || !sv_eqs(plugin, r->m->id) || mf_resource_find(r->m, rest)) return;
    for (size_t i = 0; i < r->m->n_resources; i++)
        cfg_names_add(r->a, &all, arena_printf(r->a, "%s.%s", r->m->id, r->m->resources[i].name).p);
    cfg_no_such(r->e, at, "resource", sv_of(name), &all);
}

static void read_menu(struct mf_reader *r, struct cfg_node *c, struct mf_menu *out)
{
    out->id = mf_dotted(r, c, "id", true);
    out->parent = mf_dotted(r, c, "parent", false);
    out->title = mf_title(r, c, "title", true);
    out->icon = cfg_cstr(c, "icon", NULL, r->e);
    out->resource = mf_dotted(r, c, "resource", false);
    out->page = mf_dotted(r, c, "page", false);
    out->permission = mf_permission(r, c);
    out->order = (int)cfg_int(c, "order", 0, -100000, 100000, r->e);
    if (out->resource) check_resource_name(r, cfg_get(c, "resource"), out->resource);
    if (out->resource && out->page)
        cfg_error(r->e, cfg_get(c, "page"), "'resource' and 'page' exclude each other");
    struct cfg_names pages = {0};
    for (size_t i = 0; i < r->m->n_pages; i++)
        if (r->m->pages[i].id) cfg_names_add(r->a, &pages, r->m->pages[i].id);
    /* The core's menus open pages of the console itself, which only that knows. */
    if (out->page && !same(r->m->id, "core") && !cfg_names_has(&pages, sv_of(out->page)))
        cfg_no_such(r->e, cfg_get(c, "page"), "page", sv_of(out->page), &pages);
    for (const struct mf_menu *o = r->m->menus; o < out; o++)
        if (same(o->id, out->id)) cfg_error(r->e, c, "the menu '%s' is there twice", out->id);
}

/* A menu hangs under one of this plugin or of the core ("core.<name>"). */
static void check_menu_parents(struct mf_reader *r, struct cfg_node *root)
{
    struct cfg_node *list = cfg_get(root, "menus");
    struct cfg_names ids = {0};
    for (size_t i = 0; i < r->m->n_menus; i++)
        if (r->m->menus[i].id) cfg_names_add(r->a, &ids, r->m->menus[i].id);
    for (struct cfg_node *c = list && r->m->n_menus ? list->first : NULL; c; c = c->next) {
        struct cfg_node *parent = cfg_get(c, "parent"), *id = cfg_get(c, "id");
        if (!parent || parent->kind != CFG_SCALAR || sv_starts(parent->scalar, SV("core")))
            continue;
        if (!cfg_names_has(&ids, parent->scalar))
            cfg_no_such(r->e, parent, "menu", parent->scalar, &ids);
        else if (id && sv_eq(id->scalar, parent->scalar))
            cfg_error(r->e, parent, "a menu cannot be its own parent");
    }
}

static void read_settings(struct mf_reader *r, struct cfg_node *root)
{
    struct cfg_node *map = cfg_map(root, "settings", r->e);
    struct mf_resource as_fields = {0};
    if (!map) return;
    mf_read_fields(r, map, &as_fields.fields, &as_fields.n_fields, true);
    if (as_fields.n_fields) mf_check_fields(r, &as_fields, map);
    r->m->settings = ARENA_ARRAY(r->a, struct mf_setting, as_fields.n_fields);
    r->m->n_settings = as_fields.n_fields;
    for (size_t i = 0; i < as_fields.n_fields; i++)
        r->m->settings[i].field = as_fields.fields[i];
}

void mf_read_parts(struct mf_reader *r, struct cfg_node *root)
{
    READ_LIST(r, root, "pages", struct mf_page, pages, read_page);
    READ_LIST(r, root, "menus", struct mf_menu, menus, read_menu);
    check_menu_parents(r, root);
    READ_LIST(r, root, "slots", struct mf_slot, slots, read_slot);
    READ_LIST(r, root, "client_pages", struct mf_client_page, client_pages, read_client_page);
    READ_LIST(r, root, "routes", struct mf_route, routes, read_route);
    READ_LIST(r, root, "hooks", struct mf_hook, hooks, read_hook);
    READ_LIST(r, root, "jobs", struct mf_job, jobs, read_job);
    READ_LIST(r, root, "streams", struct mf_stream, streams, read_stream);
    READ_LIST(r, root, "channels", struct mf_channel, channels, read_channel);
    read_settings(r, root);
    cfg_no_unknown(root, r->e);
}
