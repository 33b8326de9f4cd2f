/* A state changes only here: right, lock, state, required fields, hook, history. */
#define LOG_ROOM "model"
#include "model/custom.h"

static const struct mf_transition *transition_find(const struct mf_resource *mf, sv name)
{
    for (size_t i = 0; i < mf->n_transitions; i++)
        if (sv_eqs(name, mf->transitions[i].name)) return &mf->transitions[i];
    return NULL;
}

static bool leaves(const struct mf_transition *t, const char *state)
{
    for (size_t i = 0; state && i < t->n_from; i++)
        if (strcmp(t->from[i], state) == 0) return true;
    return false;
}

static bool asks_for(const struct mf_transition *t, const char *field)
{
    for (size_t i = 0; i < t->n_require; i++)
        if (strcmp(t->require[i], field) == 0) return true;
    return false;
}

/* The body may hold what the transition asks for, nothing else. */
static int check_asked(const struct mf_transition *t, const json_t *body, struct err *err)
{
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)body, name, v) if (!asks_for(t, name))
        err_field(err, name, "unknown_field", NULL);
    return err_is(err) ? -1 : 0;
}

static int check_filled(struct write *w, struct err *err)
{
    for (size_t i = 0; i < w->transition->n_require; i++) {
        const char *name = w->transition->require[i];
        if (value_empty(json_object_get(w->after, name))) err_field(err, name, "required", NULL);
    }
    return err_is(err) ? -1 : 0;
}

/* As people call it. */
static const char *state_title(const struct write *w, const char *state)
{
    const struct mf_resource *mf = w->r->mf;
    for (size_t i = 0; state && i < mf->n_states; i++)
        if (strcmp(mf->states[i].name, state) == 0)
            return title_of(&mf->states[i].title, w->c->lang ? w->c->lang : "zh");
    return state ? state : "-";
}

static int move(struct write *w, struct err *err)
{
    static const struct frag all_rows;
    const struct mf_transition *t = w->transition;
    json_t *body = w->body ? json_keep(w->a, json_deep_copy((json_t *)(uintptr_t)w->body))
                           : json_keep(w->a, json_object());
    bool children = false, changed = false;
    if (write_lock(w, &all_rows, false, err) < 0 || write_load_children(w, err) < 0) return -1;
    const char *state = json_string_value(json_object_get(w->before, "state"));
    if (!leaves(t, state)) {
        const char *now = state_title(w, state);
        err_set(err, 409, "not_allowed_in_state", now, NULL);
        return err_field(err, "state", "not_allowed_in_state", now, NULL);
    }
    if (merge_check(w, body, err) < 0 || check_asked(t, body, err) < 0) return -1;
    w->after = merge_row(w, body);
    if (custom_merge(w, body, err) < 0 || write_derive(w, err) < 0 ||
        validate_write(w, body, false, err) < 0 ||
        check_filled(w, err) < 0)
        return -1;
    json_object_set_new(w->after, "state", json_string(t->to));
    if (write_refs(w, w->r, NULL, w->before, w->after, "", err) < 0 ||
        write_children_refs(w, err) < 0)
        return -1;
    int asked = approval_gate(w, t->name, err);
    if (asked != 0) return asked < 0 ? -1 : 0;
    if (write_hook(w, t->hook, arena_printf(w->a, "transition:%s", t->name).p, err) < 0 ||
        write_derive(w, err) < 0)
        return -1;
    json_object_set_new(w->after, "state", json_string(t->to)); /* a hook has no say in this */
    if (write_children(w, &children, err) < 0 ||
        write_update(w, w->r, w->id, w->before, w->after, true, "", &changed, err) < 0)
        return -1;
    return write_done(w, err);
}

int model_transition(const struct model_resource *r, struct model_ctx *c, int64_t id, sv name,
                     json_t *body, struct err *err)
{
    const struct mf_transition *t = transition_find(r->mf, name);
    if (!t) return err_set(err, 404, "not_found", NULL);
    struct write w = {.r = r,
                      .c = c,
                      .action = t->name,
                      .event = t->name,
                      .version = -1,
                      .id = id,
                      .body = body,
                      .transition = t};
    w.p = policy_of(r, c->who, c->arena, err);
    if (!w.p) return -1;
    bool may =
        c->who->admin || c->who->kind == AUTH_SYSTEM || auth_can(c->who, r->name, sv_of(t->name));
    if (!may || !w.p->can_read) return policy_refuse(c->who, err);
    if (body && !json_is_object(body)) return err_set(err, 400, "bad_request", NULL);
    if (sensitive_check(r, c, t->name, err) < 0) return -1;
    return write_run(&w, move, err);
}
