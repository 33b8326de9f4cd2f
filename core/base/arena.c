#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/panic.h"

/* Under ASan the unused part of a block is poisoned, so that running over the
 * end of an arena allocation is found just as with malloc. */
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

#define ALIGN 16
#define FIRST_BLOCK 4096
#define MAX_BLOCK (256u << 10)

struct block {
    struct block *next;
    _Alignas(ALIGN) char data[];
};

struct cleanup {
    struct cleanup *next;
    void (*fn)(void *);
    void *arg;
};

struct arena {
    char *cur, *end;          /* free part of the block being filled */
    char *last;               /* newest allocation of that block, for arena_extend */
    struct block *blocks;     /* every block but the first, which follows the struct */
    struct cleanup *cleanups; /* newest first; the nodes live in the arena itself */
    size_t used, next_size, first_size;
    _Alignas(ALIGN) char first[];
};

static size_t round_up(size_t n)
{
    if (n > SIZE_MAX / 2) panic("arena: absurd size");
    return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static void start(struct arena *a)
{
    a->cur = a->first;
    a->end = a->first + a->first_size;
    a->last = NULL;
    a->blocks = NULL;
    a->cleanups = NULL;
    a->used = 0;
    a->next_size = a->first_size < MAX_BLOCK / 2 ? a->first_size * 2 : MAX_BLOCK;
    POISON(a->first, a->first_size);
}

struct arena *arena_new(size_t hint)
{
    size_t n = round_up(hint ? hint : FIRST_BLOCK);
    struct arena *a = xmalloc(sizeof *a + n);
    a->first_size = n;
    start(a);
    return a;
}

static void drop(struct arena *a)
{
    while (a->cleanups) {
        struct cleanup *c = a->cleanups;
        a->cleanups = c->next;
        c->fn(c->arg);
    }
    for (struct block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
}

void arena_free(struct arena *a)
{
    if (!a) return;
    drop(a);
    free(a);
}

void arena_reset(struct arena *a)
{
    drop(a);
    start(a);
}

static struct block *add_block(struct arena *a, size_t n)
{
    struct block *b = xmalloc(sizeof *b + n);
    b->next = a->blocks;
    a->blocks = b;
    POISON(b->data, n);
    return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
    size_t need = round_up(n ? n : 1);
    a->used += need;
    char *p;
    if (need <= (size_t)(a->end - a->cur)) {
        p = a->last = a->cur;
        a->cur += need;
    } else if (need > a->next_size / 4) {
        /* A large piece gets a block of its own; the current one goes on. */
        p = add_block(a, need)->data;
    } else {
        struct block *b = add_block(a, a->next_size);
        p = a->last = b->data;
        a->cur = p + need;
        a->end = p + a->next_size;
        if (a->next_size < MAX_BLOCK) a->next_size *= 2;
    }
    UNPOISON(p, n);
    return p;
}

bool arena_extend(struct arena *a, void *p, size_t old_n, size_t new_n)
{
    if (!p || p != a->last || new_n < old_n) return false;
    size_t had = round_up(old_n ? old_n : 1), need = round_up(new_n ? new_n : 1);
    if (need - had > (size_t)(a->end - a->cur)) return false;
    a->cur += need - had;
    a->used += need - had;
    UNPOISON(p, new_n);
    return true;
}

void *arena_zalloc(struct arena *a, size_t n)
{
    return memset(arena_alloc(a, n), 0, n);
}

void *arena_calloc(struct arena *a, size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total)) panic("arena: absurd size");
    return arena_zalloc(a, total);
}

char *arena_str(struct arena *a, sv v)
{
    char *p = arena_alloc(a, v.n + 1);
    if (v.n) memcpy(p, v.p, v.n);
    p[v.n] = '\0';
    return p;
}

sv arena_sv(struct arena *a, sv v)
{
    return (sv){arena_str(a, v), v.n};
}

sv arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0) panic("arena: bad format");
    char *p = arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    return (sv){p, (size_t)n};
}

sv arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    sv v = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return v;
}

void arena_on_free(struct arena *a, void (*fn)(void *), void *arg)
{
    struct cleanup *c = arena_alloc(a, sizeof *c);
    *c = (struct cleanup){a->cleanups, fn, arg};
    a->cleanups = c;
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}
