/* Sealed JSON outside the tables of resources. */
#ifndef ATRIUM_CORE_MODEL_KEPT_H
#define ATRIUM_CORE_MODEL_KEPT_H

#include "auth/protect.h"

/* SV_NULL stays SV_NULL. [worker] */
int kept_seal(struct auth_tenant *t, struct arena *a, const struct auth_place *at, sv json,
              sv *out, struct err *err);
int kept_open(struct auth_tenant *t, struct arena *a, const struct auth_place *at, sv text,
              sv *json, struct err *err);

#endif
