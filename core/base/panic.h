/* The end of the process when going on would be worse: no memory, no random
 * bytes, a broken promise inside the core. Allocates nothing. [any] */
#ifndef ATRIUM_CORE_PANIC_H
#define ATRIUM_CORE_PANIC_H

#include <stddef.h>

_Noreturn void panic(const char *why);
/* malloc and realloc that never return NULL; n may be 0. */
void *xmalloc(size_t n);
void *xrealloc(void *p, size_t n);

#endif
