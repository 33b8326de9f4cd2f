/* Counts on a symbol of the host's; the host gives none. */
#include "tiny.h"

extern int arena_of_the_host(void);

static atrium_status start(void *self, struct atrium_error *err)
{
    (void)self, (void)err;
    return arena_of_the_host() ? ATRIUM_OK : ATRIUM_E_INTERNAL;
}

TINY_ENTRY(.start = start);
