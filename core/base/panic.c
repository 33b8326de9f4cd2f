#include "base/panic.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn void panic(const char *why)
{
    /* Nothing can be done if stderr is gone too. */
    static const char head[] = "atrium: fatal: ";
    ssize_t r = write(STDERR_FILENO, head, sizeof head - 1);
    r = write(STDERR_FILENO, why, strlen(why));
    r = write(STDERR_FILENO, "\n", 1);
    (void)r;
    abort();
}

void *xmalloc(size_t n)
{
    void *p = malloc(n ? n : 1);
    if (!p) panic("out of memory");
    return p;
}

void *xrealloc(void *p, size_t n)
{
    p = realloc(p, n ? n : 1);
    if (!p) panic("out of memory");
    return p;
}
