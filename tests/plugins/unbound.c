/* Binds nothing, though the manifest declares a route. */
#include "tiny.h"

TINY_ENTRY(.start = NULL);
