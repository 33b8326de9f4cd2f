/* From directories to plugins that are ready: manifests, order of `requires`,
 * library, load, init. One plugin's fault is its own. */
#include "plugin/internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define LOG_ROOM "plugin"
#define MAX_PLUGINS 512

static struct plug *add(struct plug_registry *r, const char *id, const char *dir)
{
    struct plug *p = ARENA_NEW(r->arena, struct plug);
    p->reg = r;
    p->id = arena_str(r->arena, sv_of(id));
    p->dir = arena_str(r->arena, sv_of(dir));
    atomic_init(&p->state, PLUG_READ);
    atomic_init(&p->error, "");
    p->host = (struct plug_host){
        .pub =
            {
                .size = sizeof(struct atrium_host),
                .abi_major = ATRIUM_ABI_MAJOR,
                .version = ATRIUM_STR_INIT(PACKAGE_VERSION),
                .get_interface = plug_get_interface,
            },
        .plug = p,
    };
    r->plugs[r->n_plugs++] = p;
    return p;
}

static void add_messages(const struct plug *p)
{
    for (size_t i = 0; i < p->mf->n_messages; i++) {
        const struct mf_message *m = &p->mf->messages[i];
        struct arena *a = p->reg->arena;
        msg_add(arena_printf(a, "%s.%s", p->id, m->id).p, m->zh, m->en);
    }
}

static void read_manifest(struct plug_registry *r, const char *dir, const char *name)
{
    const char *file = arena_printf(r->arena, "%s/plugin.yaml", dir).p;
    if (access(file, F_OK) != 0) return;
    if (r->n_plugs == MAX_PLUGINS) {
        log_error("more than %d plugins: %s is left out", MAX_PLUGINS, dir);
        return;
    }
    struct cfg_errors e = {.a = r->arena, .file = file, .text = BUF_IN(r->arena)};
    struct mf_manifest *m = NULL;
    if (cfg_load_manifest(r->arena, dir, &m, &e) != 0) {
        plug_fail(add(r, name, dir), "the manifest does not load: %.*s",
                  SVARG(buf_view(&e.text)));
        return;
    }
    struct plug *p = add(r, m->id, dir);
    p->mf = m;
    if (m->library && m->abi != ATRIUM_ABI_MAJOR)
        plug_fail(p, "%s asks for ABI %u, this host serves ABI %u", file, m->abi,
                  ATRIUM_ABI_MAJOR);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_dir(struct plug_registry *r, const char *dir)
{
    struct dirent **names;
    int n = scandir(dir, &names, NULL, by_name);
    if (n < 0) {
        log_warn("no plugins in %s: %s", dir, strerror(errno));
        return;
    }
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.')
            read_manifest(r, arena_printf(r->arena, "%s/%s", dir, names[i]->d_name).p,
                          names[i]->d_name);
        free(names[i]);
    }
    free(names);
}

static int by_id(const void *a, const void *b)
{
    return strcmp((*(struct plug *const *)a)->id, (*(struct plug *const *)b)->id);
}

/* One id, one plugin: a second directory with the same id is a mistake that must
 * not decide by chance which of the two runs. */
static void refuse_doubles(struct plug_registry *r)
{
    for (unsigned i = 1; i < r->n_plugs; i++) {
        struct plug *a = r->plugs[i - 1], *b = r->plugs[i];
        if (strcmp(a->id, b->id) != 0) continue;
        plug_fail(a, "two plugins have the id %s: %s and %s", a->id, a->dir, b->dir);
        plug_fail(b, "two plugins have the id %s: %s and %s", a->id, a->dir, b->dir);
    }
}

static bool in_quarantine(const struct plug_registry *r, const char *id)
{
    for (size_t i = 0; i < r->o.n_quarantine; i++) {
        if (strcmp(r->o.quarantine[i], id) == 0) return true;
    }
    return false;
}

/* ---- one plugin ------------------------------------------------------------------------ */

static int check_interfaces(const struct plug *p, struct err *err)
{
    for (size_t i = 0; i < p->mf->n_interfaces; i++) {
        if (!plug_interface(sv_of(p->mf->interfaces[i])))
            return err_internal(err, "needs the interface %s, which this host does not serve",
                                p->mf->interfaces[i]);
    }
    return 0;
}

static int bring_up(struct plug *p)
{
    struct err err = {0};
    p->call_lifecycle = plug_page_line(p->reg->o.page, p->id, "lifecycle");
    if (check_interfaces(p, &err) != 0 || plug_declare(p, &err) != 0 ||
        (p->mf->library && plug_library_open(p, &err) != 0)) {
        plug_fail(p, "%s", err.detail);
        return -1;
    }
    return plug_step(p, STEP_LOAD) == 0 && plug_step(p, STEP_INIT) == 0 ? 0 : -1;
}

/* Depth first along `requires`; `path` is the way here, against circles. */
static void visit(struct plug *p, struct plug **path, unsigned depth)
{
    if (atomic_load(&p->state) != PLUG_READ) return;
    for (unsigned i = 0; i < depth; i++) {
        if (path[i] != p) continue;
        plug_fail(p, "requires itself by way of %s", path[depth - 1]->id);
        return;
    }
    path[depth] = p;
    for (size_t i = 0; i < p->mf->n_requires; i++) {
        struct plug *need = plug_by_id(p->reg, sv_of(p->mf->requires[i]));
        if (!need) {
            plug_fail(p, "requires the plugin %s, which is not installed", p->mf->requires[i]);
            return;
        }
        visit(need, path, depth + 1);
        if (atomic_load(&need->state) != PLUG_READY) {
            if (atomic_load(&p->state) == PLUG_READ)
                plug_fail(p, "requires the plugin %s, which is not running", need->id);
            return;
        }
    }
    if (bring_up(p) == 0) log_info("plugin %s %s is ready", p->id, p->mf->version);
}

unsigned plug_load(struct plug_registry *r)
{
    r->plugs = ARENA_ARRAY(r->arena, struct plug *, MAX_PLUGINS);
    for (size_t i = 0; i < r->o.n_dirs; i++) read_dir(r, r->o.dirs[i]);
    qsort(r->plugs, r->n_plugs, sizeof *r->plugs, by_id);
    for (unsigned i = 0; i < r->n_plugs; i++) r->plugs[i]->index = i;
    refuse_doubles(r);
    for (unsigned i = 0; i < r->n_plugs; i++) {
        struct plug *p = r->plugs[i];
        if (p->mf) add_messages(p);
        if (!in_quarantine(r, p->id)) continue;
        atomic_store(&p->error, "switched off after it ended the process several times");
        atomic_store(&p->state, PLUG_QUARANTINED);
        log_error("plugin %s is in quarantine", p->id);
    }
    if (r->o.safe_mode) {
        log_warn("safe mode: no plugin is run");
        return 0;
    }
    struct plug **path = ARENA_ARRAY(r->arena, struct plug *, MAX_PLUGINS + 1);
    unsigned failed = 0;
    for (unsigned i = 0; i < r->n_plugs; i++) {
        visit(r->plugs[i], path, 0);
        failed += atomic_load(&r->plugs[i]->state) == PLUG_FAILED;
    }
    plug_events_build(r);
    return failed;
}

/* ---- the model --------------------------------------------------------------------------- */

static void drop(struct plug *p, sv why)
{
    plug_fail(p, "its resources do not stand: %.*s", SVARG(why));
    plug_step(p, STEP_DESTROY);
}

int plug_add_models(struct plug_registry *r, struct model *m, struct err *err)
{
    r->model = m;
    for (unsigned i = 0; i < r->n_plugs; i++) {
        struct plug *p = r->plugs[i];
        if (atomic_load(&p->state) != PLUG_READY) continue;
        struct cfg_errors e = {.a = r->arena, .file = p->dir, .text = BUF_IN(r->arena)};
        if (model_add(m, p->mf, &e) != 0) drop(p, buf_view(&e.text));
    }
    struct model_hooks hooks;
    plug_model_hooks(r, &hooks);
    struct cfg_errors e = {.a = r->arena, .file = "manifests", .text = BUF_IN(r->arena)};
    const char *const *dropped = NULL;
    /* A plugin that does not stand is left out; without the core's own resources
     * nobody could log in. */
    model_seal(m, &hooks, &e, &dropped);
    for (; dropped && *dropped; dropped++) {
        struct plug *p = plug_by_id(r, sv_of(*dropped));
        if (!p)
            return err_internal(err, "the core's resources do not stand: %.*s",
                                SVARG(buf_view(&e.text)));
        if (atomic_load(&p->state) == PLUG_READY) drop(p, buf_view(&e.text));
    }
    return 0;
}

/* ---- start and end ------------------------------------------------------------------------- */

void plug_start(struct plug_registry *r, struct work_jobs *jobs)
{
    atomic_store(&r->jobs, jobs);
    for (unsigned i = 0; i < r->n_plugs; i++) plug_step(r->plugs[i], STEP_START);
    struct err err = {0};
    if (jobs && plug_schedules_set(r, &err) != 0) log_error("schedules: %s", err.detail);
}

void plug_drain(struct plug_registry *r)
{
    for (unsigned i = 0; i < r->n_plugs; i++) plug_step(r->plugs[i], STEP_DRAIN);
    atomic_store(&r->draining, true);
    plug_tenants_drain(r);
}

void plug_stop(struct plug_registry *r)
{
    atomic_store(&r->draining, true);
    for (unsigned i = 0; i < r->n_plugs; i++) {
        plug_step(r->plugs[i], STEP_DRAIN);      /* when nobody drained before */
        plug_step(r->plugs[i], STEP_STOP);
    }
    plug_tenants_drain(r);
    plug_tenants_close(r);
    for (unsigned i = 0; i < r->n_plugs; i++) plug_step(r->plugs[i], STEP_DESTROY);
}
