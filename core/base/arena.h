/* An arena: many small allocations with one end of life. Not thread safe; an
 * arena belongs to one request, one load, one job. [any, one thread at a time] */
#ifndef ATRIUM_CORE_ARENA_H
#define ATRIUM_CORE_ARENA_H

#include <stdarg.h>
#include "base/sv.h"

struct arena;

/* A new arena; `hint` is the first block's size in bytes (0: 4 KiB). Never
 * NULL: the process aborts when memory ends, as libh2o does. */
struct arena *arena_new(size_t hint);
void arena_free(struct arena *a);          /* NULL is allowed */
/* Forgets all content, keeps the first block. */
void arena_reset(struct arena *a);
void *arena_alloc(struct arena *a, size_t n);   /* 16-byte aligned, not zeroed */
void *arena_zalloc(struct arena *a, size_t n);  /* zeroed */
void *arena_calloc(struct arena *a, size_t n, size_t size);  /* zeroed; aborts on overflow */
/* Makes the newest allocation larger where it stands; false: it does not fit or
 * is not the newest, and nothing changed. For growing buffers. */
bool arena_extend(struct arena *a, void *p, size_t old_n, size_t new_n);
#define ARENA_NEW(a, T) ((T *)arena_zalloc((a), sizeof(T)))
#define ARENA_ARRAY(a, T, n) ((T *)arena_calloc((a), (n), sizeof(T)))
/* Copies; the result is also NUL-terminated. */
sv arena_sv(struct arena *a, sv v);
char *arena_str(struct arena *a, sv v);
sv arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
sv arena_vprintf(struct arena *a, const char *fmt, va_list ap);
/* Calls fn(arg) when the arena is freed or reset, last registered first. */
void arena_on_free(struct arena *a, void (*fn)(void *), void *arg);
size_t arena_used(const struct arena *a);       /* bytes handed out */

#endif
