/* Answers that the caller may have already. A row with a version is tagged with it,
 * as If-Match wants it back; what has none, and lists, with a hash of the answer as
 * this caller got it. */
#define LOG_ROOM "model"
#include "model/internal.h"

static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide p = (wide)(a ^ UINT64_C(0x9e3779b97f4a7c15)) * (b ^ UINT64_C(0xe7037ed1a0b428db));
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* Sixteen bytes at a time: lists are long and asked for often. */
static uint64_t hash(sv v)
{
    uint64_t h = v.n, w[2];
    size_t at = 0;
    for (; at + sizeof w <= v.n; at += sizeof w) {
        memcpy(w, v.p + at, sizeof w);
        h = mix(w[0] ^ h, w[1]);
    }
    w[0] = w[1] = 0;
    if (v.n > at) memcpy(w, v.p + at, v.n - at);
    return mix(mix(w[0] ^ h, w[1]), v.n);
}

/* The first `,"version":` of a row that we wrote is its own: quotes inside of
 * strings are escaped. */
static sv version_of(sv row)
{
    static const char key[] = ",\"version\":";
    const char *at = row.n ? memmem(row.p, row.n, key, sizeof key - 1) : NULL;
    if (!at) return SV_NULL;
    at += sizeof key - 1;
    size_t n = 0;
    while (at + n < row.p + row.n && at[n] >= '0' && at[n] <= '9')
        n++;
    return n && n < 20 ? sv_make(at, n) : SV_NULL;
}

void tag_version(struct http_req *req, const struct model_resource *r, sv row)
{
    sv version = r->version ? version_of(row) : SV_NULL;
    if (version.p)
        http_add_header(req, "etag", arena_printf(http_arena(req), "\"%.*s\"", SVARG(version)));
}

/* Weak comparison, as If-None-Match is compared. */
static bool has(sv list, sv tag)
{
    if (sv_starts(tag, SV("W/"))) tag = sv_make(tag.p + 2, tag.n - 2);
    for (sv rest = list; rest.p;) {
        sv one = sv_trim(sv_cut(rest, ',', &rest));
        if (sv_starts(one, SV("W/"))) one = sv_make(one.p + 2, one.n - 2);
        if (sv_eq(one, tag)) return true;
    }
    return false;
}

void answer_tagged(struct http_req *req, bool by_version)
{
    struct arena *a = http_arena(req);
    sv body = buf_view(http_out(req)), version = by_version ? version_of(body) : SV_NULL;
    sv tag = version.p ? arena_printf(a, "\"%.*s\"", SVARG(version))
                       : arena_printf(a, "W/\"%016llx\"", (unsigned long long)hash(body));
    http_add_header(req, "etag", tag);
    /* What is expanded in a row has a life of its own, which the row's version does
     * not tell of. */
    if (version.p && http_query(req, "expand").n) return;
    if (!has(http_header(req, "if-none-match"), tag)) return;
    buf_clear(http_out(req));
    http_status(req, 304);
}
