/* Dies in start, of a bad pointer or by its own hand: the crash page must name it. */
#include <stdlib.h>

#include "tiny.h"

static atrium_status start(void *self, struct atrium_error *err)
{
    (void)self, (void)err;
    if (getenv("TINY_ABORT")) abort();
    int *volatile nowhere = NULL;
    *nowhere = 1;
    return ATRIUM_OK;
}

TINY_ENTRY(.start = start);
