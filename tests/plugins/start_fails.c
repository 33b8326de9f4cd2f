/* Is sound until it should start. */
#include "tiny.h"

static atrium_status start(void *self, struct atrium_error *err)
{
    (void)self, (void)err;
    return ATRIUM_E_TIMEOUT;
}

TINY_ENTRY(.start = start);
