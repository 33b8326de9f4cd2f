/* The document of a role against what there is: an unknown resource, action, scope,
 * field, transition or menu is named, for what is misspelt allows nothing and
 * nobody sees why. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <stdio.h>

#define MAX_PATH 200

struct doc_check {
    const struct model *m;
    const struct model_resource *r;
    char path[MAX_PATH];
    struct err *err;
};

static void complain(const struct doc_check *c, const char *key, const char *code, const char *what)
{
    char path[MAX_PATH + 80];
    snprintf(path, sizeof path, "%s.%s", c->path, key);
    err_field(c->err, path, code, what, NULL);
}

static bool is_scope(const struct doc_check *c, sv name)
{
    return sv_eqs(name, "all") || scope_find(c->r, name) >= 0;
}

static bool is_transition(const struct doc_check *c, sv name)
{
    for (size_t i = 0; i < c->r->mf->n_transitions; i++)
        if (sv_eqs(name, c->r->mf->transitions[i].name)) return true;
    return sv_eqs(name, "all");
}

static bool is_id(const struct doc_check *c, sv name)
{
    int64_t id;
    (void)c;
    return sv_i64(name, &id) && id > 0;
}

static void names(const struct doc_check *c, const char *key, const json_t *list,
                  bool (*known)(const struct doc_check *, sv), const char *code)
{
    if (!json_is_array(list)) {
        complain(c, key, "not_array", NULL);
        return;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *s = json_string_value(json_array_get(list, i));
        if (!s || !known(c, sv_of(s))) complain(c, key, code, s ? s : "?");
    }
}

static void fields(const struct doc_check *c, const json_t *map)
{
    static const char *const marks[] = {"hidden", "read_only", "masked", "unmasked"};
    const char *name;
    json_t *v;
    if (!json_is_object(map)) {
        complain(c, "fields", "not_object", NULL);
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)map, name, v)
    {
        bool good = false;
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
            good |= json_is_string(v) && strcmp(json_string_value(v), marks[i]) == 0;
        if (!good) complain(c, "fields", "grant_right_unknown", name);
        /* fields of a tenant's own come and go */
        bool own = c->r->custom && strncmp(name, "custom.", 7) == 0;
        if (!own && !col_find(c->r, sv_of(name)) && !kid_find(c->r, sv_of(name)))
            complain(c, "fields", "grant_field_unknown", name);
    }
}

static bool names_custom(const json_t *grant)
{
    static const char *const acts[] = {"read", "update", "delete"};
    for (size_t k = 0; k < sizeof acts / sizeof *acts; k++) {
        const json_t *list = json_object_get(grant, acts[k]);
        for (size_t i = 0; i < json_array_size(list); i++) {
            const char *s = json_string_value(json_array_get(list, i));
            if (s && strcmp(s, "custom") == 0) return true;
        }
    }
    return false;
}

static void one_key(const struct doc_check *c, const char *key, const json_t *v)
{
    static const char *const flags[] = {"create", "export", "import", "below", "partners"};
    static const char *const rows[] = {"read", "update", "delete"};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(key, flags[i]) == 0) {
            if (!json_is_boolean(v)) complain(c, key, "not_bool", NULL);
            return;
        }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(key, rows[i]) == 0) {
            names(c, key, v, is_scope, "grant_scope_unknown");
            return;
        }
    if (strcmp(key, "do") == 0)
        names(c, key, v, is_transition, "grant_transition_unknown");
    else if (strcmp(key, "depts") == 0)
        names(c, key, v, is_id, "not_id");
    else if (strcmp(key, "fields") == 0)
        fields(c, v);
    else
        complain(c, key, "grant_action_unknown", key);
}

static void one_resource(struct doc_check *c, const char *name, const json_t *grant)
{
    const char *key;
    json_t *v;
    snprintf(c->path, sizeof c->path, "grants.%.150s", name);
    c->r = model_find(c->m, sv_of(name));
    if (!c->r || c->r->mf->internal) {
        err_field(c->err, c->path, "grant_resource_unknown", name, NULL);
        return;
    }
    if (!json_is_object(grant)) {
        err_field(c->err, c->path, "not_object", NULL);
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)grant, key, v) one_key(c, key, v);
    if (names_custom(grant) && json_array_size(json_object_get(grant, "depts")) == 0)
        complain(c, "depts", "required", NULL);
}

static bool is_menu(const struct doc_check *c, sv id)
{
    for (size_t i = 0; i < c->m->n_plugins; i++)
        for (size_t k = 0; k < c->m->plugins[i]->mf->n_menus; k++)
            if (sv_eqs(id, c->m->plugins[i]->mf->menus[k].id)) return true;
    return false;
}

/* What was there before and is not touched may speak of a plugin that is gone. */
int grants_check(const struct model *m, const json_t *doc, const json_t *before, struct err *err)
{
    struct doc_check c = {.m = m, .path = "grants", .err = err};
    const char *name;
    json_t *v;
    if (!json_is_object(doc)) return err_field(err, "grants", "not_object", NULL);
    json_object_foreach((json_t *)(uintptr_t)doc, name, v)
    {
        const json_t *old = json_object_get(before, name);
        if (old && json_equal(old, v)) continue;
        snprintf(c.path, sizeof c.path, "grants");
        if (strcmp(name, "menus") == 0 || strcmp(name, "hide_menus") == 0)
            names(&c, name, v, is_menu, "grant_menu_unknown");
        else
            one_resource(&c, name, v);
    }
    return err_is(err) ? -1 : 0;
}
