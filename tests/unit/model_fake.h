/* What the tests of the model room share: manifests loaded as they are, a
 * principal and grants set by hand in the place of the auth room, and hooks. */
#ifndef ATRIUM_TESTS_MODEL_FAKE_H
#define ATRIUM_TESTS_MODEL_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/internal.h"

/* Loads core and vote (and one more directory or NULL), seals; fails the program
 * with the complaints when something is wrong. Owned until fake_free. */
struct fake {
    struct arena *a; /* of manifests */
    struct model *model;
    const struct mf_manifest *core, *vote, *extra;
    const struct model_resource *poll, *option, *ballot;
};
extern bool fake_gone; /* auth_staff_principal finds nobody */
/* Called before the model is sealed, when set: more kinds of tasks. */
extern void (*fake_before_seal)(struct model *m);
void fake_load(struct fake *f, const char *extra_dir);
void fake_free(struct fake *f);

/* Grants of the principal under test; NULL resource ends the list. */
extern struct auth_grant fake_grants[8];
extern unsigned fake_n_grants;
/* What the engine told auth and the plugins since the last fake_reset. */
extern unsigned fake_audits, fake_events, fake_forgets;
extern char fake_last_event[120], fake_last_audit[120];
/* Called in the place of the plugin's C hooks; NULL: they allow everything. */
extern int (*fake_hook)(const char *name, struct model_hook_call *call, struct err *err);
void fake_reset(void);

#endif
