/* Inside the model room: fields that a tenant adds to a resource at run time
 * (trait custom). Their definitions are rows of core.custom_field; the values of a
 * row are one JSON object in its column `custom`, and beside it stand in
 * <table>__custom (row, field, n, v_text, v_num, v_time), by which lists ask. */
#ifndef ATRIUM_CORE_MODEL_CUSTOM_H
#define ATRIUM_CORE_MODEL_CUSTOM_H

#include "model/internal.h"

struct custom_field {
    struct mf_field f; /* named "budget"; checked and kept as any field */
    const char *path;  /* custom.budget */
    bool filterable, listed;
};
struct custom_defs {
    struct custom_field *v;
    size_t n;
};
/* Those of a resource that are not off, in their order. Asked for each time. */
int custom_load(struct store_conn *conn, struct arena *a, const struct model_resource *r,
                struct custom_defs *out, struct err *err);
const struct custom_field *custom_find(const struct custom_defs *d, sv name);
/* Has the grant taken it away ("custom.budget": hidden)? */
bool custom_hidden(const struct model_resource *r, const struct auth_principal *who, sv name);
bool custom_fixed(const struct model_resource *r, const struct auth_principal *who, sv name);
/* w->after's values from the body's and those that are there; complaints at custom.x. */
int custom_merge(struct write *w, const json_t *body, struct err *err);
void custom_table(const struct model_resource *r, struct arena *a, struct store_table *out);
int custom_write(struct write *w, const struct model_resource *r, int64_t id, const json_t *before,
                 const json_t *after, struct err *err);
int custom_remove(struct write *w, const struct model_resource *r, int64_t id, struct err *err);
/* Finds the fields that a filter names (custom.x): 403 for hidden ones. */
int custom_resolve(const struct model_resource *r, struct cond *c, const struct auth_principal *who,
                   const struct auth_tenant *tenant, struct arena *a, struct err *err);
/* The value without what the grant hides. */
void custom_value(struct buf *out, const struct model_col *c, sv json);
/* `custom` as this grant shows it: the resource's column, or one that hides. */
const struct model_col *custom_of(const struct model_resource *r, const struct auth_grant *g,
                                  struct arena *a);
bool custom_same(const struct model_col *c, const struct auth_grant *g);
/* Only what who is asking may see is left. */
void custom_visible(struct custom_defs *d, const struct model_resource *r,
                    const struct auth_principal *who);
/* The column of <table>__custom that holds values of the type; NULL: none does. */
const char *custom_column(enum mf_type t);
/* One column each in an export: their titles, and a row's cells. (export_custom.c) */
struct cell;
void custom_titles(const struct custom_defs *d, const char *lang, struct cell *out);
void custom_cells(const struct custom_defs *d, const char *lang, int utc_offset, struct arena *a,
                  sv json, struct cell *out);

#endif
