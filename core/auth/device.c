/* The public's device id: a random id in a cookie, signed with the tenant's
 * secret so that nobody can choose one. It says "the same browser as before",
 * not who; whoever deletes the cookie is a new device. */
#define LOG_ROOM "auth"

#include "auth/room.h"

#define COOKIE "atrium_d"
#define ID_BYTES 16
#define ID_CHARS 22
#define SIGNATURE_CHARS 32           /* 128 bits of the MAC in hex */
#define TWO_YEARS_S (2 * 365 * 86400)

static void sign(const unsigned char secret[32], sv id, char out[SIGNATURE_CHARS])
{
    char text[8 + ID_CHARS];
    unsigned char mac[32];
    memcpy(text, "device:", 7);      /* the secret signs other things too */
    memcpy(text + 7, id.p, ID_CHARS);
    seal_hmac(secret, sv_make(text, 7 + ID_CHARS), mac);
    seal_hex(mac, SIGNATURE_CHARS / 2, out);
}

sv device_sign(struct arena *a, const unsigned char secret[32], sv id)
{
    char signature[SIGNATURE_CHARS];
    sign(secret, id, signature);
    return arena_printf(a, "%.*s.%.*s", SVARG(id), SIGNATURE_CHARS, signature);
}

sv device_verify(const unsigned char secret[32], sv cookie)
{
    if (cookie.n != ID_CHARS + 1 + SIGNATURE_CHARS || cookie.p[ID_CHARS] != '.') return SV_NULL;
    char signature[SIGNATURE_CHARS];
    sv id = sv_make(cookie.p, ID_CHARS);
    sign(secret, id, signature);
    return sv_eq_const_time(sv_make(signature, SIGNATURE_CHARS),
                            sv_make(cookie.p + ID_CHARS + 1, SIGNATURE_CHARS))
               ? id
               : SV_NULL;
}

sv auth_device(struct http_req *req, struct auth_tenant *t)
{
    struct arena *a = http_arena(req);
    struct auth_principal *p = http_user(req);
    if (p && p->device.n) return p->device;
    sv id = p ? SV_NULL : device_verify(t->secret, http_cookie(req, COOKIE));
    if (id.p) return id;
    unsigned char random[ID_BYTES];
    struct buf b = BUF_IN(a);
    rand_bytes(random, sizeof random);
    buf_base64url(&b, random, sizeof random);
    id = buf_view(&b);
    struct http_cookie_opts o = {.max_age_s = TWO_YEARS_S,
                                 .http_only = true,
                                 .secure = sv_eqs(http_scheme(req), "https"),
                                 .path = session_cookie_path(req)};
    http_add_cookie(req, COOKIE, device_sign(a, t->secret, id), &o);
    if (p) p->device = id;           /* ours, of this request: asked again it is the same */
    return id;
}
