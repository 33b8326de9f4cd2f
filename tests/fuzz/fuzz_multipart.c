/* multipart/form-data: the first line is the Content-Type, the rest the body. */
#include <stdlib.h>

#include "http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void touch(sv v)
{
    volatile char sink = 0;
    for (size_t i = 0; i < v.n; i++)
        sink = (char)(sink ^ v.p[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct err err;
    struct http_part *parts;
    size_t n;
    sv body, type = sv_cut(sv_make((const char *)data, size), '\n', &body);
    if (!body.p) body = SV("");
    /* A copy of its own, so that a view beyond the body is seen. */
    char *copy = malloc(body.n + 1);
    if (!copy) abort();
    memcpy(copy, body.p, body.n);
    sv exact = sv_make(copy, body.n);
    err_clear(&err);
    if (http_multipart_parse(a, type, exact, &parts, &n, &err) == 0) {
        for (size_t i = 0; i < n; i++) {
            touch(parts[i].name);
            touch(parts[i].filename);
            touch(parts[i].content_type);
            touch(parts[i].data);
            if (parts[i].data.p < copy || parts[i].data.p + parts[i].data.n > copy + body.n)
                abort();
            if (!parts[i].name.p || (parts[i].name.n && !sv_utf8_ok(parts[i].name))) abort();
        }
    } else if (err.status != 400 && err.status != 415) {
        abort();
    }
    free(copy);
    arena_free(a);
    return 0;
}
