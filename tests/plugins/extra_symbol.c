/* Shows a second symbol. */
#include "tiny.h"

ATRIUM_EXPORT int helper_for_everybody(void);
int helper_for_everybody(void)
{
    return 1;
}

TINY_ENTRY(.start = NULL);
