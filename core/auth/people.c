/* Phones of staff and members, which the manifest declares as encrypted: the
 * room's own SQL seals, opens and finds them as the resource engine does. */
#define LOG_ROOM "auth"

#include "auth/room.h"

static struct auth_place place(enum auth_kind kind, int64_t id)
{
    return (struct auth_place){kind == AUTH_MEMBER ? SV("core.member") : SV("core.staff"),
                               SV("phone"), id};
}

int people_email(struct tenant *t, struct arena *a, int64_t staff, const struct store_val *v,
                 sv *out, struct err *err)
{
    struct auth_place at = {SV("core.staff"), SV("email"), staff};
    *out = SV_NULL;
    return v->type == STORE_TEXT ? auth_open_value(&t->pub, a, &at, v->u.s, out, err) : 0;
}

int people_phone(struct tenant *t, struct arena *a, enum auth_kind kind, int64_t id,
                 const struct store_val *v, sv *out, struct err *err)
{
    struct auth_place at = place(kind, id);
    *out = SV("");
    return v->type == STORE_TEXT ? auth_open_value(&t->pub, a, &at, v->u.s, out, err) : 0;
}

int people_seal_phone(struct tenant *t, struct arena *a, enum auth_kind kind, int64_t id, sv phone,
                      struct store_val out[2], struct err *err)
{
    struct auth_place at = place(kind, id);
    sv sealed, hash;
    out[0] = out[1] = STORE_N;
    if (!phone.n) return 0;
    if (auth_seal_value(&t->pub, a, &at, phone, &sealed, err) != 0 ||
        auth_hash(&t->pub, a, &at, MF_PHONE, phone, &hash, err) != 0)
        return -1;
    out[0] = STORE_S(sealed);
    out[1] = STORE_S(hash);
    return 0;
}

static int hashes(struct tenant *t, struct arena *a, const struct auth_place *at,
                  enum mf_type type, sv plain, struct store_val out[AUTH_MAX_HASHES],
                  struct err *err)
{
    sv all[AUTH_MAX_HASHES];
    unsigned n;
    if (auth_hashes(&t->pub, a, at, type, plain, all, &n, err) != 0) return -1;
    for (unsigned i = 0; i < AUTH_MAX_HASHES; i++) out[i] = STORE_S(all[i < n ? i : 0]);
    return 0;
}

int people_hashes(struct tenant *t, struct arena *a, enum auth_kind kind, sv phone,
                  struct store_val out[AUTH_MAX_HASHES], struct err *err)
{
    struct auth_place at = place(kind, 0);
    return hashes(t, a, &at, MF_PHONE, phone, out, err);
}

int people_email_hashes(struct tenant *t, struct arena *a, sv email,
                        struct store_val out[AUTH_MAX_HASHES], struct err *err)
{
    struct auth_place at = {SV("core.staff"), SV("email"), 0};
    return hashes(t, a, &at, MF_EMAIL, email, out, err);
}
