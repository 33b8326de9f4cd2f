/* Sealing, opening and hashing of field values. */
#define LOG_ROOM "auth"

#include "auth/room.h"

#define VERSION "v1."

/* ---- the form of a sealed text ------------------------------------------------------------ */

static bool base64url(sv v)
{
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_'))
            return false;
    }
    return true;
}

static bool key_number(sv text, unsigned *number)
{
    uint64_t n;
    if (text.n == 0 || text.n > 7 || text.p[0] == '0' || !sv_u64(text, &n)) return false;
    *number = (unsigned)n;
    return true;
}

static bool split(sv text, unsigned *number, sv *box)
{
    if (!sv_starts(text, SV(VERSION))) return false;
    sv head = sv_cut(sv_make(text.p + 3, text.n - 3), '.', box);
    /* nonce and tag alone are 28 bytes */
    return box->p && box->n >= 38 && key_number(head, number) && base64url(*box);
}

bool auth_sealed(sv text, unsigned *number)
{
    sv box;
    unsigned n;
    return split(text, number ? number : &n, &box);
}

bool auth_hash_number(sv hash, unsigned *number)
{
    sv rest, head = sv_cut(hash, '.', &rest);
    return rest.p && key_number(head, number);
}

/* ---- sealing ------------------------------------------------------------------------------ */

static sv place_text(struct arena *a, const struct tenant *t, const struct auth_place *at)
{
    return arena_printf(a, "%lld/%.*s/%.*s/%lld", (long long)t->pub.id, SVARG(at->resource),
                        SVARG(at->field), (long long)at->row);
}

int auth_seal_value(struct auth_tenant *tenant, struct arena *a, const struct auth_place *at, sv plain,
              sv *out, struct err *err)
{
    struct tenant *t = tenant_full(tenant);
    const struct keyring *r;
    if (keys_ring(t, false, &r, err) != 0) return -1;
    const struct key_slot *k = &r->data.k[r->data.now];
    struct buf box = BUF_IN(a), text = BUF_IN(a);
    suite_seal(k->pub.suite, k->key, place_text(a, t, at), plain, &box);
    buf_printf(&text, VERSION "%u.", k->pub.number);
    buf_base64url(&text, box.p, box.n);
    *out = buf_view(&text);
    return 0;
}

int auth_open_value(struct auth_tenant *tenant, struct arena *a, const struct auth_place *at, sv text,
                sv *plain, struct err *err)
{
    struct tenant *t = tenant_full(tenant);
    unsigned number;
    sv sealed;
    if (!split(text, &number, &sealed)) {
        *plain = text;
        return 0;
    }
    const struct key_slot *k = keys_data(t, number, err);
    if (!k) return -1;
    struct buf box = BUF_IN(a), out = BUF_IN(a);
    if (buf_unbase64url(&box, sealed) != 0 ||
        suite_open(k->pub.suite, k->key, place_text(a, t, at), buf_view(&box), &out) != 0)
        return err_internal(err, "%.*s/%lld: the sealed %.*s does not open here",
                            SVARG(at->resource), (long long)at->row, SVARG(at->field));
    *plain = out.n ? buf_view(&out) : SV("");
    return 0;
}

/* ---- hashing ------------------------------------------------------------------------------ */

static sv lower(struct arena *a, sv v)
{
    char *p = arena_str(a, v);
    for (size_t i = 0; i < v.n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z') p[i] = (char)(p[i] + 32);
    return sv_make(p, v.n);
}

sv auth_normal(struct arena *a, enum mf_type type, sv plain)
{
    sv v = sv_trim(plain), phone;
    switch (type) {
    case MF_PHONE:
        phone = phone_normal(a, v);
        return phone.p ? phone : v;
    case MF_ID_NUMBER:               /* its last sign may be an x */
    case MF_EMAIL:
    case MF_TEXT:                    /* as unique texts compare: capitals do not matter */
        return lower(a, v);
    default:
        return v;
    }
}

static sv hash_by(struct arena *a, const struct key_slot *k, const struct auth_place *at,
                  sv normal)
{
    unsigned char mac[SUITE_HASH];
    struct buf b = BUF_IN(a), out = BUF_IN(a);
    buf_printf(&b, "%.*s/%.*s/", SVARG(at->resource), SVARG(at->field));
    buf_sv(&b, normal);
    suite_hash(k->pub.suite, k->key, buf_view(&b), mac);
    buf_printf(&out, "%u.", k->pub.number);
    buf_base64url(&out, mac, sizeof mac);
    return buf_view(&out);
}

int auth_hash(struct auth_tenant *t, struct arena *a, const struct auth_place *at,
              enum mf_type type, sv plain, sv *out, struct err *err)
{
    const struct keyring *r;
    if (keys_ring(tenant_full(t), false, &r, err) != 0) return -1;
    *out = hash_by(a, &r->hash.k[r->hash.now], at, auth_normal(a, type, plain));
    return 0;
}

int auth_hashes(struct auth_tenant *t, struct arena *a, const struct auth_place *at,
                enum mf_type type, sv plain, sv out[AUTH_MAX_HASHES], unsigned *n,
                struct err *err)
{
    const struct keyring *r;
    if (keys_ring(tenant_full(t), false, &r, err) != 0) return -1;
    sv normal = auth_normal(a, type, plain);
    *n = 0;
    for (unsigned i = r->hash.n; i > 0 && *n < AUTH_MAX_HASHES; i--) {
        const struct key_slot *k = &r->hash.k[i - 1];
        if (k->pub.state != AUTH_KEY_RETIRED) out[(*n)++] = hash_by(a, k, at, normal);
    }
    return 0;
}

/* ---- secrets that lie in a tenant's rows -------------------------------------------------- */

sv auth_seal(const struct auth_tenant *t, struct arena *a, const char *what, sv plain)
{
    struct auth_place at = {SV("secret"), sv_of(what), 0};
    struct err e = {0};
    sv out;
    if (auth_seal_value(&tenant_full(t)->pub, a, &at, plain, &out, &e) == 0) return out;
    log_error("a secret cannot be sealed: %s", e.detail);
    return SV_NULL;
}

/* What was sealed before tenants had keys of their own is under a master key. */
int auth_unseal(const struct auth_tenant *t, struct arena *a, const char *what, sv sealed,
                sv *plain)
{
    struct auth_place at = {SV("secret"), sv_of(what), 0};
    struct err e = {0};
    if (auth_sealed(sealed, NULL))
        return auth_open_value(&tenant_full(t)->pub, a, &at, sealed, plain, &e);
    return master_open(tenant_full(t)->auth, a, control_about(a, t->id, what), sealed, plain);
}
