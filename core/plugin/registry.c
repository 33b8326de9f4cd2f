/* The list of plugins: making it, asking it, ending it. */
#include "plugin/internal.h"

#include <stdlib.h>

#define LOG_ROOM "plugin"

#define STEP_MS 5000
#define DRAIN_MS 10000

static const struct {
    const char *id, *zh, *en;
} messages[] = {
    {"plugin_failed", "此功能当前无法使用，请联系管理员。",
     "This function is out of order; please tell the administrator."},
    {"plugin_unknown", "没有名为 {0} 的插件。", "There is no plugin {0}."},
    {"plugin_required", "插件 {0} 依赖它，请先停用该插件。",
     "The plugin {0} needs this one; switch that off first."},
    {"plugin_requires", "需要先启用插件 {0}。", "The plugin {0} must be switched on first."},
};

struct plug_registry *plug_new(const struct plug_opts *o)
{
    struct plug_registry *r = xmalloc(sizeof *r);
    memset(r, 0, sizeof *r);
    r->o = *o;
    if (!r->o.step_ms) r->o.step_ms = STEP_MS;
    if (!r->o.drain_ms) r->o.drain_ms = DRAIN_MS;
    r->arena = arena_new(64 * 1024);
    pthread_mutex_init(&r->lock, NULL);
    pthread_mutex_init(&r->tenants_lock, NULL);
    pthread_mutex_init(&r->schedules_lock, NULL);
    r->coalesce = coalesce_new(o->hub);
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        msg_add(messages[i].id, messages[i].zh, messages[i].en);
    return r;
}

void plug_free(struct plug_registry *r)
{
    if (!r) return;
    coalesce_free(r->coalesce);
    bool hung = false;
    for (unsigned i = 0; i < r->n_plugs; i++) hung |= r->plugs[i]->hung;
    if (hung) return;            /* a plugin's thread may still read what it was given */
    pthread_mutex_destroy(&r->lock);
    pthread_mutex_destroy(&r->tenants_lock);
    pthread_mutex_destroy(&r->schedules_lock);
    arena_free(r->arena);
    free(r);
}

const char *plug_state_name(enum plug_state s)
{
    static const char *const names[] = {
        [PLUG_READ] = "read",         [PLUG_LOADED] = "loaded",     [PLUG_READY] = "ready",
        [PLUG_RUNNING] = "running",   [PLUG_DRAINING] = "draining", [PLUG_STOPPED] = "stopped",
        [PLUG_FAILED] = "failed",     [PLUG_QUARANTINED] = "quarantined",
    };
    return s <= PLUG_QUARANTINED ? names[s] : "unknown";
}

struct plug *plug_by_id(const struct plug_registry *r, sv id)
{
    for (unsigned i = 0; i < r->n_plugs; i++) {
        if (sv_eqs(id, r->plugs[i]->id)) return r->plugs[i];
    }
    return NULL;
}

static struct plug_info info_of(const struct plug *p)
{
    return (struct plug_info){
        .id = p->id,
        .dir = p->dir,
        .manifest = p->mf,
        .state = (enum plug_state)atomic_load(&p->state),
        .error = atomic_load(&p->error),
    };
}

void plug_each(const struct plug_registry *r, bool (*fn)(void *arg, const struct plug_info *i),
               void *arg)
{
    for (unsigned i = 0; i < r->n_plugs; i++) {
        struct plug_info info = info_of(r->plugs[i]);
        if (!fn(arg, &info)) return;
    }
}

bool plug_find(const struct plug_registry *r, sv id, struct plug_info *out)
{
    const struct plug *p = plug_by_id(r, id);
    if (!p) return false;
    *out = info_of(p);
    return true;
}

void plug_stats(const struct plug_registry *r, struct plug_stats *out)
{
    *out = (struct plug_stats){0};
    for (unsigned i = 0; i < r->n_plugs; i++) {
        out->calls += atomic_load_explicit(&r->plugs[i]->calls, memory_order_relaxed);
        out->failed_calls += atomic_load_explicit(&r->plugs[i]->failed_calls, memory_order_relaxed);
    }
    plug_tenants_stats(r, out);
}

/* ---- the list for the console -------------------------------------------------------- */

static void title(struct jsonw *w, const char *key, const struct mf_title *t)
{
    jsonw_key(w, sv_of(key));
    jsonw_obj(w);
    jsonw_kv_str(w, "zh", t->zh);
    jsonw_kv_str(w, "en", t->en);
    jsonw_end_obj(w);
}

static void thing(struct jsonw *w, const char *id, const struct mf_title *t)
{
    jsonw_obj(w);
    jsonw_kv_str(w, "id", id);
    title(w, "title", t);
    jsonw_end_obj(w);
}

static void list_open(struct jsonw *w, const char *key)
{
    jsonw_key(w, sv_of(key));
    jsonw_arr(w);
}

static void brings(struct jsonw *w, const struct mf_manifest *m)
{
    jsonw_key(w, SV("brings"));
    jsonw_obj(w);
    list_open(w, "resources");
    for (size_t i = 0; i < m->n_resources; i++) {
        if (!m->resources[i].internal) thing(w, m->resources[i].name, &m->resources[i].title);
    }
    jsonw_end_arr(w);
    list_open(w, "menus");
    for (size_t i = 0; i < m->n_menus; i++) thing(w, m->menus[i].id, &m->menus[i].title);
    jsonw_end_arr(w);
    list_open(w, "jobs");
    for (size_t i = 0; i < m->n_jobs; i++) thing(w, m->jobs[i].id, &m->jobs[i].title);
    jsonw_end_arr(w);
    list_open(w, "pages");
    for (size_t i = 0; i < m->n_pages; i++) thing(w, m->pages[i].id, &m->pages[i].title);
    for (size_t i = 0; i < m->n_client_pages; i++)
        thing(w, m->client_pages[i].id, &m->client_pages[i].title);
    jsonw_end_arr(w);
    jsonw_end_obj(w);
}

static const char *state_for(const struct plug *p, const struct auth_tenant *t)
{
    switch (atomic_load(&p->state)) {
    case PLUG_FAILED: return "failed";
    case PLUG_QUARANTINED: return "quarantined";
    default: return t && auth_plugin_on(t, sv_of(p->id)) ? "on" : "off";
    }
}

void plug_list_json(const struct plug_registry *r, const struct auth_tenant *t, struct buf *out)
{
    struct jsonw w = jsonw_on(out);
    jsonw_arr(&w);
    for (unsigned i = 0; i < r->n_plugs; i++) {
        const struct plug *p = r->plugs[i];
        static const struct mf_manifest none;
        const struct mf_manifest *m = p->mf ? p->mf : &none;
        struct mf_title by_id = {p->id, p->id};
        jsonw_obj(&w);
        jsonw_kv_str(&w, "id", p->id);
        title(&w, "title", p->mf ? &m->title : &by_id);
        title(&w, "summary", &m->summary);
        jsonw_kv_str(&w, "version", m->version ? m->version : "");
        jsonw_kv_str(&w, "state", state_for(p, t));
        list_open(&w, "requires");
        for (size_t k = 0; k < m->n_requires; k++) jsonw_cstr(&w, m->requires[k]);
        jsonw_end_arr(&w);
        brings(&w, m);
        const char *error = atomic_load(&p->error);
        jsonw_key(&w, SV("error"));
        jsonw_sv(&w, *error ? sv_of(error) : SV_NULL);
        jsonw_end_obj(&w);
    }
    jsonw_end_arr(&w);
}
