/* What the engine keeps of people's data for later, outside the tables of
 * resources: input of tasks, cells of imports. It may hold values of protected
 * fields, so all of it is sealed. The columns are of JSON: a sealed text stands in
 * them as a JSON string; anything else is from before and is taken as it is. */
#define LOG_ROOM "model"
#include "model/kept.h"

int kept_seal(struct auth_tenant *t, struct arena *a, const struct auth_place *at, sv json,
              sv *out, struct err *err)
{
    sv text;
    *out = SV_NULL;
    if (!json.p) return 0;
    if (auth_seal_value(t, a, at, json, &text, err) < 0) return -1;
    *out = arena_printf(a, "\"%.*s\"", SVARG(text));
    return 0;
}

int kept_open(struct auth_tenant *t, struct arena *a, const struct auth_place *at, sv text,
              sv *json, struct err *err)
{
    *json = text;
    bool sealed = text.n > 2 && text.p[0] == '"' && text.p[text.n - 1] == '"' &&
                  auth_sealed(sv_make(text.p + 1, text.n - 2), NULL);
    if (!sealed) return 0;
    return auth_open_value(t, a, at, sv_make(text.p + 1, text.n - 2), json, err);
}
