/* atrium.memory/1 */
#include "plugin/internal.h"

#include <stdlib.h>

struct atrium_blob {
    _Atomic unsigned refs;
    size_t n;
    char bytes[];
};

static void *mem_alloc(struct atrium_ctx *ctx, size_t n)
{
    CTX_CHECK(ctx);
    return arena_zalloc(ctx->arena, n ? n : 1);
}

static struct atrium_str mem_copy(struct atrium_ctx *ctx, struct atrium_str text)
{
    CTX_CHECK(ctx);
    return text.ptr ? to_str(arena_sv(ctx->arena, to_sv(text))) : text;
}

static void *mem_tenant(const struct atrium_ctx *ctx)
{
    CTX_CHECK(ctx);
    return ctx->part ? ctx->part->state : NULL;
}

static struct atrium_blob *mem_retain(struct atrium_str bytes)
{
    struct atrium_blob *b = xmalloc(sizeof *b + bytes.len + 1);
    atomic_init(&b->refs, 1);
    b->n = bytes.len;
    if (bytes.len) memcpy(b->bytes, bytes.ptr, bytes.len);
    b->bytes[bytes.len] = '\0';
    return b;
}

static struct atrium_blob *mem_again(struct atrium_blob *blob)
{
    atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
    return blob;
}

static struct atrium_str mem_bytes(const struct atrium_blob *blob)
{
    return atrium_str_make(blob->bytes, blob->n);
}

static void mem_release(struct atrium_blob *blob)
{
    if (blob && atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel) == 1) free(blob);
}

const struct atrium_memory_1 plug_memory_1 = {
    .alloc = mem_alloc,
    .copy = mem_copy,
    .tenant = mem_tenant,
    .retain = mem_retain,
    .again = mem_again,
    .bytes = mem_bytes,
    .release = mem_release,
};
