/* Page cursors: the place after the last row shown, opaque and signed with the
 * tenant's secret, so that they can only be what we gave out.
 *
 *   shape of the sort (8) | type (1) | id (8) | value | HMAC-SHA256 (12)   base64url
 */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <openssl/hmac.h>

#define HEAD 17
#define TAG 12
#define MAX_VALUE 4096

static void sign(const unsigned char secret[32], const void *p, size_t n, unsigned char tag[TAG])
{
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!HMAC(EVP_sha256(), secret, 32, p, n, md, &len)) panic("cursor: HMAC failed");
    memcpy(tag, md, TAG);
}

static void put64(struct buf *b, uint64_t v)
{
    char t[8];
    for (int i = 0; i < 8; i++)
        t[i] = (char)(v >> (8 * i));
    buf_add(b, t, 8);
}

static uint64_t get64(const char *p)
{
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

void cursor_write(const unsigned char secret[32], uint64_t shape, const struct store_val *v,
                  int64_t id, struct buf *out)
{
    struct buf b = BUF_HEAP;
    unsigned char tag[TAG];
    put64(&b, shape);
    buf_chr(&b, (char)v->type);
    put64(&b, (uint64_t)id);
    if (v->type == STORE_TEXT || v->type == STORE_BLOB) {
        buf_sv(&b, v->u.s);
    } else if (v->type != STORE_NULL) {
        uint64_t bits;
        memcpy(&bits, &v->u, sizeof bits);
        put64(&b, bits);
    }
    sign(secret, b.p, b.n, tag);
    buf_add(&b, tag, TAG);
    buf_base64url(out, b.p, b.n);
    buf_free(&b);
}

static bool decode(sv raw, uint64_t shape, struct store_val *v, int64_t *id)
{
    if (get64(raw.p) != shape) return false;
    *id = (int64_t)get64(raw.p + 9);
    v->type = (enum store_type)(unsigned char)raw.p[8];
    sv rest = {raw.p + HEAD, raw.n - HEAD};
    switch (v->type) {
    case STORE_NULL:
        return rest.n == 0;
    case STORE_TEXT:
    case STORE_BLOB:
        v->u.s = rest;
        return true;
    case STORE_I64:
    case STORE_F64:
    case STORE_TIME: {
        if (rest.n != 8) return false;
        uint64_t bits = get64(rest.p);
        memcpy(&v->u, &bits, sizeof bits);
        return true;
    }
    }
    return false;
}

int cursor_read(const unsigned char secret[32], uint64_t shape, struct arena *a, sv text,
                struct store_val *v, int64_t *id, struct err *err)
{
    struct buf b = BUF_IN(a);
    unsigned char tag[TAG];
    bool ok = text.n <= MAX_VALUE * 2 && buf_unbase64url(&b, text) == 0 && b.n >= HEAD + TAG;
    if (ok) {
        b.n -= TAG;
        sign(secret, b.p, b.n, tag);
        ok = sv_eq_const_time(sv_make(b.p + b.n, TAG), sv_make((const char *)tag, TAG)) &&
             decode(buf_view(&b), shape, v, id);
    }
    return ok ? 0 : err_set(err, 400, "bad_cursor", NULL);
}
