/* Tests below the rooms that bind the hooks of the core's manifest say yes in their
 * place; those rooms' own rules are tested where they live. */
#ifndef ATRIUM_TESTS_CORE_HOOKS_H
#define ATRIUM_TESTS_CORE_HOOKS_H

#include "model/model.h"

static int core_hook_yes(struct model_hook_call *call, struct err *err)
{
    (void)call;
    (void)err;
    return 0;
}

static inline void core_hooks_stand_in(void)
{
    static const char *const names[] = {"api_key_check", "webhook_check", "webhook_move",
                                        "agreement_check", "agreement_version_check",
                                        "agreement_publish"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        model_core_hook(names[i], core_hook_yes);
}

#endif
