/* Random bytes from the kernel (getrandom). Never fails: aborts instead. [any] */
#ifndef ATRIUM_CORE_RAND_H
#define ATRIUM_CORE_RAND_H

#include "base/sv.h"

void rand_bytes(void *out, size_t n);
/* Uniform in [0, bound), without modulo bias. bound > 0. */
uint64_t rand_below(uint64_t bound);
/* `n` characters of A-Z a-z 0-9 without 0 O 1 l I, NUL-terminated at out[n]. */
void rand_text(char *out, size_t n);

#endif
