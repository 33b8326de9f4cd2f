/* The C behind the core's own manifest: what `validate` and `hook` of its resources
 * name, bound here by name as a plugin's are bound by the plugin room.
 *
 * Beside what a plugin's hooks hear, a resource's `validate` is asked with the
 * events "delete" and "restore": among the core's rows are some that the rest
 * stands on. */
#define LOG_ROOM "model"
#include "model/internal.h"

#define MAX_CORE_HOOKS 64

static struct {
    const char *name;
    model_core_hook_fn *fn;
} hooks[MAX_CORE_HOOKS] = {
    {"custom_field_check", custom_field_check},
    {"staff_check", staff_check},
    {"staff_leave", staff_check},
    {"staff_resume", manage_staff},
    {"staff_depart", staff_depart},
    {"role_check", role_check},
    {"post_roles_check", post_roles_check},
    {"staff_post_check", staff_post_check},
    {"partner_check", partner_check},
    {"partner_freeze", partner_check},
    {"delegation_check", delegation_check},
    {"seat_check", seat_check},
};
static unsigned n_hooks = 12;

static model_core_hook_fn *find(const char *name)
{
    for (unsigned i = 0; i < n_hooks; i++)
        if (strcmp(hooks[i].name, name) == 0) return hooks[i].fn;
    return NULL;
}

void model_core_hook(const char *name, model_core_hook_fn *fn)
{
    model_core_hook_fn *known = find(name);
    if (known == fn) return;
    if (known || n_hooks == MAX_CORE_HOOKS)
        panic("a hook of the core is bound twice, or there are too many");
    hooks[n_hooks].name = name;
    hooks[n_hooks++].fn = fn;
}

bool core_resource(const struct mf_resource *mf)
{
    return strcmp(mf->manifest->id, "core") == 0;
}

int core_hook_call(const char *name, struct model_hook_call *call, struct err *err)
{
    model_core_hook_fn *fn = find(name);
    if (!fn) return err_internal(err, "core: nobody bound the hook %s", name);
    return fn(call, err);
}

void core_hooks_check(const struct mf_resource *mf, struct cfg_errors *e)
{
    if (!core_resource(mf)) return;
    if (mf->check_hook && !find(mf->check_hook))
        seal_error(e, mf, NULL, "validate: nobody bound \"%s\"", mf->check_hook);
    for (size_t i = 0; i < mf->n_transitions; i++) {
        const char *hook = mf->transitions[i].hook;
        if (hook && !find(hook)) seal_error(e, mf, NULL, "hook: nobody bound \"%s\"", hook);
    }
}
