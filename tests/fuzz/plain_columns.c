/* What filters and cells ask of other files of the model, for columns that are
 * nothing but plain. */
#include "base/panic.h"
#include "model/custom.h"
#include "model/internal.h"

/* None of these columns is a tenant's own or protected, and nobody has a role. */
const char *custom_column(enum mf_type t)
{
    (void)t;
    panic("no column is a tenant's own");
}

enum col_kind kind_of(enum mf_type t)
{
    (void)t;
    panic("no column is a tenant's own");
}

int protect_hashes(struct auth_tenant *t, struct arena *a, const struct model_resource *r,
                   const struct model_col *c, sv plain, sv out[PROTECT_HASHES], unsigned *n,
                   struct err *err)
{
    (void)t, (void)a, (void)r, (void)c, (void)plain, (void)out, (void)n, (void)err;
    panic("no column is protected");
}

const struct auth_grant *auth_grant_of(const struct auth_principal *p, sv resource)
{
    (void)p, (void)resource;
    return NULL;
}
