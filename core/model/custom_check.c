/* The rule of core.custom_field: it is of a resource that can have such fields. */
#define LOG_ROOM "model"
#include "model/custom.h"

#include <stdio.h>

int custom_field_check(struct model_hook_call *call, struct err *err)
{
    const json_t *row = call->after;
    if (strcmp(call->event, "check") != 0 || !row) return 0;
    sv name = json_get_sv(row, "resource");
    const struct model_resource *r = name.n ? model_find(call->model, name) : NULL;
    if (name.n && (!r || !r->custom)) return err_field(err, "resource", "no_custom_fields", NULL);
    const json_t *min = json_object_get(row, "min"), *max = json_object_get(row, "max");
    if (json_is_integer(min) && json_is_integer(max) &&
        json_integer_value(min) > json_integer_value(max)) {
        char least[24];
        snprintf(least, sizeof least, "%lld", (long long)json_integer_value(min));
        return err_field(err, "max", "too_small", least, NULL);
    }
    return 0;
}
