/* A growing byte buffer, on the heap or in an arena. [any, one thread] */
#ifndef ATRIUM_CORE_BUF_H
#define ATRIUM_CORE_BUF_H

#include "base/arena.h"

struct buf {
    char *p;
    size_t n, cap;
    struct arena *a;   /* NULL: p is malloc'ed and freed by buf_free */
};

#define BUF_HEAP ((struct buf){0})
#define BUF_IN(arena) ((struct buf){.a = (arena)})

void buf_grow(struct buf *b, size_t more);   /* buf_reserve's slow half */
static inline void buf_reserve(struct buf *b, size_t more)
{
    if (more > b->cap - b->n) buf_grow(b, more);
}
static inline void buf_add(struct buf *b, const void *p, size_t n)
{
    if (n == 0) return;
    buf_reserve(b, n);
    memcpy(b->p + b->n, p, n);
    b->n += n;
}
static inline void buf_chr(struct buf *b, char c)
{
    buf_reserve(b, 1);
    b->p[b->n++] = c;
}
static inline void buf_sv(struct buf *b, sv v) { buf_add(b, v.p, v.n); }
void buf_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_i64(struct buf *b, int64_t v);    /* decimal, without printf */
static inline sv buf_view(const struct buf *b) { return (sv){b->p, b->n}; }
static inline void buf_clear(struct buf *b) { b->n = 0; }
void buf_free(struct buf *b);

/* Encodings that several rooms need. Decoders return 0 or -1, writing to `out`
 * (cleared by the caller). */
void buf_hex(struct buf *b, const void *p, size_t n);
void buf_base64url(struct buf *b, const void *p, size_t n);    /* no padding */
int buf_unbase64url(struct buf *out, sv text);
int buf_urldecode(struct buf *out, sv text, bool plus_is_space);
void buf_urlencode(struct buf *b, sv text);                    /* unreserved kept */

#endif
