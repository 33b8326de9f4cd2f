/* Opening a plugin's library. RTLD_NOW: a symbol that is missing shows here, not
 * in the middle of a request. RTLD_LOCAL: plugins do not see each other. Never
 * dlclosed: threads, atexit handlers and pointers may have stayed behind. */
#include "plugin/internal.h"

#include <dlfcn.h>
#include <unistd.h>

#define LOG_ROOM "plugin"

static const char *find(struct plug *p)
{
    struct plug_registry *r = p->reg;
    struct arena *a = r->arena;
    static const char *const shapes[] = {"%s/%s", "%s/.libs/%s"};
    for (size_t k = 0; k < 2; k++) {
        const char *path = arena_printf(a, shapes[k], p->dir, p->mf->library).p;
        if (access(path, F_OK) == 0) return path;
    }
    for (size_t i = 0; i < r->o.n_library_dirs; i++) {
        const char *own = arena_printf(a, "%s/%s", r->o.library_dirs[i], p->id).p;
        const char *const in[] = {r->o.library_dirs[i], own};
        for (size_t d = 0; d < 2; d++) {
            for (size_t k = 0; k < 2; k++) {
                const char *path = arena_printf(a, shapes[k], in[d], p->mf->library).p;
                if (access(path, F_OK) == 0) return path;
            }
        }
    }
    return NULL;
}

/* Smaller than ours: the rest is zero. Larger: only when what we do not know is
 * zero, so that nothing the plugin relies on is silently left undone. */
static int copy_entry(struct plug *p, const struct atrium_plugin_entry *e, struct err *err)
{
    size_t known = sizeof p->entry, has = e->size;
    const unsigned char *bytes = (const unsigned char *)e;
    for (size_t i = known; i < has; i++) {
        if (bytes[i])
            return err_internal(err, "%s: the entry uses byte %zu; this host knows %zu bytes of it",
                                p->path, i, known);
    }
    memcpy(&p->entry, e, has < known ? has : known);
    e = &p->entry;
    if (e->reserved != 0)
        return err_internal(err, "%s: entry.reserved is not 0", p->path);
    if (!sv_eqs(to_sv(e->id), p->id))
        return err_internal(err, "%s: is the plugin \"%.*s\", the manifest is of \"%s\"", p->path,
                            SVARG(to_sv(e->id)), p->id);
    if (!sv_eqs(to_sv(e->version), p->mf->version))
        return err_internal(err, "%s: is version %.*s, the manifest is of version %s", p->path,
                            SVARG(to_sv(e->version)), p->mf->version);
    if (!e->load || !e->init)
        return err_internal(err, "%s: entry.%s is NULL", p->path, e->load ? "init" : "load");
    return 0;
}

int plug_library_open(struct plug *p, struct err *err)
{
    p->path = find(p);
    if (!p->path)
        return err_internal(err, "library %s is neither beside the manifest nor in the plugin "
                            "directories", p->mf->library);
    if (plug_elf_check(p->path, err) != 0) return -1;
    struct plug_frame before = plug_enter(p, p->call_lifecycle);
    void *lib = dlopen(p->path, RTLD_NOW | RTLD_LOCAL);
    plug_leave(before);
    if (!lib) return err_internal(err, "%s", dlerror());
    const struct atrium_plugin_entry *e = dlsym(lib, "atrium_plugin_entry");
    if (!e) return err_internal(err, "%s: exports no atrium_plugin_entry", p->path);
    return copy_entry(p, e, err);
}
