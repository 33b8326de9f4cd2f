/* Headings to fields and cells to values: any text, every type. */
#include <stdlib.h>

#include "model/import.h"

/* import_map.c asks these for the resource, of which there is none here. */
const struct model_col *col_find(const struct model_resource *r, sv name)
{
    (void)r;
    (void)name;
    return NULL;
}
const struct model_child *kid_find(const struct model_resource *r, sv name)
{
    (void)r;
    (void)name;
    return NULL;
}
const struct model_resource *model_find(const struct model *m, sv name)
{
    (void)m;
    (void)name;
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct mf_option options[] = {{"a", {"甲", "First"}, NULL}, {"b", {"乙", "Second"}, NULL}};
    static const struct mf_field named[] = {
        {.name = "login", .title = {"登录名", "Login"}},
        {.name = "full_name", .title = {"姓名（全）", "Full name"}}};
    struct import_field fields[] = {{.f = &named[0]}, {.f = &named[1]}};
    sv text = sv_make((const char *)data, n);
    int at = import_match(fields, 2, text);
    if (at < -1 || at > 1) abort();
    sv parts[64];
    if (import_split(text, true, parts, 64) > 64) abort();
    for (int type = 0; type < MF_TYPE_COUNT; type++) {
        struct arena *a = arena_new(0);
        struct mf_field f = {.name = "f", .type = (enum mf_type)type, .options = options,
                             .n_options = 2, .scale = n ? data[0] % 7u : 2};
        struct err err = {0};
        json_t *v = NULL;
        int rc = import_cell(&f, text, 480, a, &v, &err);
        if ((rc == 0) == err_is(&err) || (rc < 0 && v)) abort();
        /* A date, time or number that was understood is one to the engine too. */
        bool exact = type == MF_DATE || type == MF_DATETIME || type == MF_BOOL || type == MF_ENUM;
        if (exact && v && value_check(&f, v, "f", &err) < 0) abort();
        json_decref(v);
        arena_free(a);
    }
    return 0;
}
