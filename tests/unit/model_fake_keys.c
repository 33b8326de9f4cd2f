/* The keys of the auth room as the model's tests need them: one key that seals by
 * writing the place before the value. Real ciphers are auth's tests' matter. */
#include "auth/protect.h"
#include "model_fake.h"

static sv place_of(struct arena *a, const struct auth_place *at)
{
    return arena_printf(a, "%.*s/%.*s/%lld:", SVARG(at->resource), SVARG(at->field),
                        (long long)at->row);
}

int auth_seal_value(struct auth_tenant *t, struct arena *a, const struct auth_place *at, sv plain,
              sv *out, struct err *err)
{
    (void)t;
    (void)err;
    struct buf b = BUF_IN(a), text = BUF_IN(a);
    buf_sv(&b, place_of(a, at));
    buf_sv(&b, plain);
    buf_str(&text, "v1.1.");
    buf_base64url(&text, b.p, b.n);
    *out = buf_view(&text);
    return 0;
}

bool auth_sealed(sv text, unsigned *number)
{
    if (number) *number = 1;
    return sv_starts(text, SV("v1.1."));
}

int auth_open_value(struct auth_tenant *t, struct arena *a, const struct auth_place *at, sv text,
                sv *plain, struct err *err)
{
    (void)t;
    struct buf b = BUF_IN(a);
    sv place = place_of(a, at);
    *plain = text;
    if (!auth_sealed(text, NULL)) return 0;
    if (buf_unbase64url(&b, sv_make(text.p + 5, text.n - 5)) != 0 ||
        !sv_starts(buf_view(&b), place))
        return err_internal(err, "of another place");
    *plain = sv_make(b.p + place.n, b.n - place.n);
    return 0;
}

sv auth_normal(struct arena *a, enum mf_type type, sv plain)
{
    (void)a;
    (void)type;
    return plain;
}

int auth_hash(struct auth_tenant *t, struct arena *a, const struct auth_place *at,
              enum mf_type type, sv plain, sv *out, struct err *err)
{
    (void)t;
    (void)type;
    (void)err;
    *out = arena_printf(a, "1.%016llx", (unsigned long long)sv_hash(arena_printf(
                                            a, "%.*s:%.*s", SVARG(at->field), SVARG(plain))));
    return 0;
}

int auth_hashes(struct auth_tenant *t, struct arena *a, const struct auth_place *at,
                enum mf_type type, sv plain, sv out[AUTH_MAX_HASHES], unsigned *n,
                struct err *err)
{
    *n = 1;
    return auth_hash(t, a, at, type, plain, out, err);
}

bool auth_hash_number(sv hash, unsigned *number)
{
    *number = 1;
    return sv_starts(hash, SV("1."));
}

int auth_keys(struct auth_tenant *t, bool fresh, struct auth_keys *out, struct err *err)
{
    (void)t;
    (void)fresh;
    (void)err;
    *out = (struct auth_keys){.n_data = 1, .n_hash = 1, .data_now = 1, .hash_now = 1};
    out->data[0] = out->hash[0] = (struct auth_key){.number = 1, .state = AUTH_KEY_ACTIVE};
    return 0;
}

int auth_key_activate_hash(struct auth_tenant *t, unsigned number, struct err *err)
{
    (void)t;
    (void)number;
    (void)err;
    return 0;
}

int auth_key_retire(struct auth_tenant *t, bool hash, unsigned number, struct err *err)
{
    (void)t;
    (void)hash;
    (void)number;
    (void)err;
    return 0;
}
