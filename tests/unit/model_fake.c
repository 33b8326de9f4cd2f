#include "model_fake.h"

#include "core_hooks.h"

struct auth_grant fake_grants[8];
unsigned fake_n_grants, fake_audits, fake_events, fake_forgets;
char fake_last_event[120], fake_last_audit[120];
void (*fake_before_seal)(struct model *m);
bool fake_gone;
int (*fake_hook)(const char *name, struct model_hook_call *call, struct err *err);

/* Writers of several threads tell at once. */
static pthread_mutex_t told = PTHREAD_MUTEX_INITIALIZER;

/* ---- the part of auth that the engine calls --------------------------------------- */

const struct auth_principal auth_system = {.kind = AUTH_SYSTEM};
static const struct auth_principal *request_user;

const struct auth_grant *auth_grant_of(const struct auth_principal *p, sv resource)
{
    if (p->kind == AUTH_ANON) return NULL;
    for (unsigned i = 0; i < fake_n_grants; i++)
        if (sv_eq(fake_grants[i].resource, resource)) return &fake_grants[i];
    return NULL;
}

bool auth_can(const struct auth_principal *p, sv resource, sv action)
{
    if (p->admin || p->kind == AUTH_SYSTEM) return true;
    const struct auth_grant *g = auth_grant_of(p, resource);
    for (unsigned i = 0; g && i < g->n_doing; i++)
        if (sv_eq(g->doing[i], action)) return true;
    return g && ((sv_eqs(action, "read") && g->n_read) || (sv_eqs(action, "create") && g->create) ||
                 (sv_eqs(action, "update") && g->n_update) ||
                 (sv_eqs(action, "delete") && g->n_del) || (sv_eqs(action, "export") && g->export));
}

void auth_audit(struct auth_tenant *t, const struct auth_principal *p, struct http_req *req,
                const struct auth_audit *entry)
{
    (void)t;
    (void)p;
    (void)req;
    pthread_mutex_lock(&told);
    fake_audits++;
    snprintf(fake_last_audit, sizeof fake_last_audit, "%s %.*s", entry->action,
             SVARG(entry->target));
    pthread_mutex_unlock(&told);
}

const struct auth_principal *auth_of(const struct http_req *req)
{
    const struct auth_principal *p = http_user(req);
    return p ? p : request_user;
}

bool auth_plugin_on(const struct auth_tenant *t, sv plugin)
{
    (void)t;
    (void)plugin;
    return true;
}

void auth_forget(struct auth_tenant *t)
{
    (void)t;
    fake_forgets++;
}

int auth_staff_principal(struct auth_tenant *t, struct arena *a, int64_t staff,
                         const struct auth_principal **out, struct err *err)
{
    (void)t;
    (void)err;
    struct auth_principal *p = ARENA_NEW(a, struct auth_principal);
    *p = (struct auth_principal){.kind = AUTH_STAFF, .id = staff, .admin = staff == 1};
    *out = fake_gone ? NULL : p;
    return 0;
}

int auth_superior_of(struct store_conn *c, int64_t staff, int64_t *superior, struct err *err)
{
    (void)c;
    (void)staff;
    (void)err;
    *superior = 0;
    return 0;
}

int auth_seats_check(struct auth_tenant *t, struct store_conn *c, int64_t dept, int64_t partner,
                     int64_t staff, struct err *err)
{
    (void)t;
    (void)c;
    (void)dept;
    (void)partner;
    (void)staff;
    (void)err;
    return 0;
}

int auth_roles_read(struct store_conn *c, struct arena *a, const sv *documents, size_t n,
                    const struct auth_roles **out, struct err *err)
{
    (void)c;
    (void)a;
    (void)documents;
    (void)n;
    (void)err;
    *out = NULL;
    return 0;
}

int auth_roles_of_staff(struct auth_tenant *t, struct arena *a, const struct auth_principal *who,
                        struct auth_role_view **out, size_t *n, struct err *err)
{
    (void)t;
    (void)a;
    (void)who;
    (void)err;
    *out = NULL;
    *n = 0;
    return 0;
}

const struct auth_grant *auth_grant_in(const struct auth_roles *r, sv resource)
{
    (void)r;
    (void)resource;
    return NULL;
}

/* Nobody of these tests may hand anything on but the administrator. */
bool auth_roles_within(const struct auth_roles *inner, const struct auth_roles *outer,
                       sv *resource)
{
    (void)inner;
    (void)outer;
    *resource = SV("*");
    return false;
}

void auth_each_tenant(struct auth *a, bool (*fn)(void *arg, struct auth_tenant *t), void *arg)
{
    (void)a;
    (void)fn;
    (void)arg;
}

/* ---- hooks ------------------------------------------------------------------------ */

static int call(void *arg, sv plugin, const char *name, struct model_hook_call *c, struct err *err)
{
    (void)arg;
    (void)plugin;
    return fake_hook ? fake_hook(name, c, err) : 0;
}

static void event(void *arg, struct auth_tenant *t, sv name, int64_t id, sv json)
{
    (void)arg;
    (void)t;
    (void)json;
    pthread_mutex_lock(&told);
    fake_events++;
    snprintf(fake_last_event, sizeof fake_last_event, "%.*s %lld", SVARG(name), (long long)id);
    pthread_mutex_unlock(&told);
}

void fake_reset(void)
{
    fake_n_grants = fake_audits = fake_events = fake_forgets = 0;
    fake_last_event[0] = fake_last_audit[0] = '\0';
    fake_hook = NULL;
}

/* ---- manifests -------------------------------------------------------------------- */

static const struct mf_manifest *load(struct fake *f, const char *dir)
{
    struct cfg_errors e = {.a = f->a, .text = BUF_IN(f->a)};
    struct mf_manifest *mf = NULL;
    if (cfg_load_manifest(f->a, dir, &mf, &e) < 0 || model_add(f->model, mf, &e) < 0) {
        fprintf(stderr, "%s:\n%.*s\n", dir, (int)e.text.n, e.text.p);
        exit(1);
    }
    return mf;
}

void fake_load(struct fake *f, const char *extra_dir)
{
    *f = (struct fake){.a = arena_new(64 << 10), .model = model_new(NULL)};
    f->core = load(f, TEST_TOP "/core/auth/manifest");
    f->vote = load(f, TEST_TOP "/plugins/vote");
    if (extra_dir) f->extra = load(f, extra_dir);
    if (fake_before_seal) fake_before_seal(f->model);
    struct cfg_errors e = {.a = f->a, .text = BUF_IN(f->a)};
    const char *const *dropped;
    struct model_hooks hooks = {.call = call, .event = event};
    core_hooks_stand_in();
    if (model_seal(f->model, &hooks, &e, &dropped) < 0) {
        fprintf(stderr, "seal:\n%.*s\n", (int)e.text.n, e.text.p);
        exit(1);
    }
    f->poll = model_find(f->model, SV("vote.poll"));
    f->option = model_find(f->model, SV("vote.option"));
    f->ballot = model_find(f->model, SV("vote.ballot"));
}

void fake_free(struct fake *f)
{
    model_free(f->model);
    arena_free(f->a);
}

int auth_proved(const struct auth_principal *p, struct store_conn *c, struct err *err)
{
    (void)c;
    return p->session ? 0 : err_set(err, 403, "reauth_required", NULL);
}
