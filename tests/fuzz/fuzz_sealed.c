/* Sealed values of fields as a table may hold them after somebody has been at it: any text
 * is clear text, or is refused; a sealed one that was altered anywhere never opens. The
 * first byte says where. Keys are given; the control database is not here. */
#include "auth/room.h"
#include "base/panic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tenant tenant;
static struct keyring ring;

int keys_ring(struct tenant *t, bool fresh, const struct keyring **out, struct err *err)
{
    (void)t, (void)fresh, (void)err;
    *out = &ring;
    return 0;
}

const struct key_slot *keys_data(struct tenant *t, unsigned number, struct err *err)
{
    (void)t;
    for (unsigned i = 0; i < ring.data.n; i++)
        if (ring.data.k[i].pub.number == number) return &ring.data.k[i];
    err_internal(err, "no key %u", number);
    return NULL;
}

/* For secrets from before tenants had keys: not asked for here. */
sv control_about(struct arena *a, int64_t id, const char *what)
{
    return arena_printf(a, "%lld/%s", (long long)id, what);
}

int master_open(struct auth *auth, struct arena *a, sv about, sv text, sv *plain)
{
    (void)auth, (void)a, (void)about, (void)text, (void)plain;
    return -1;
}

static void start(void)
{
    static const enum suite suites[] = {SUITE_AES, SUITE_SM4_CTR};
    tenant.pub.id = 4711;
    for (unsigned i = 0; i < 2; i++) {
        struct key_slot *k = &ring.data.k[i];
        k->pub = (struct auth_key){.number = i + 1, .suite = suites[i], .state = AUTH_KEY_ACTIVE};
        memset(k->key, (int)i + 1, sizeof k->key);
        ring.hash.k[i] = *k;
    }
    ring.data.n = ring.hash.n = 2;
}

/* Whatever stands there: taken as clear text, or an error; never opened. */
static void any_text(struct arena *a, sv text)
{
    struct auth_place at = {SV("crm.person"), SV("phone"), 7};
    struct err e = {0};
    unsigned number = 0;
    sv plain;
    bool sealed = auth_sealed(text, &number);
    int rc = auth_open_value(&tenant.pub, a, &at, text, &plain, &e);
    if (sealed && (rc == 0 || e.status != 500 || number == 0)) panic("opened what nobody sealed");
    if (!sealed && (rc != 0 || !sv_eq(plain, text))) panic("clear text was not itself");
    auth_hash_number(text, &number);
}

/* Sealed well, then one byte of it is another. */
static void altered(struct arena *a, sv text, size_t at_byte, char flip)
{
    struct auth_place at = {SV("crm.person"), SV("note"), 9};
    struct err e = {0};
    sv sealed, plain;
    if (auth_seal_value(&tenant.pub, a, &at, text, &sealed, &e) != 0) panic("not sealed");
    if (auth_open_value(&tenant.pub, a, &at, sealed, &plain, &e) != 0 || !sv_eq(plain, text))
        panic("does not open");
    char *copy = arena_str(a, sealed);
    at_byte %= sealed.n;
    copy[at_byte] = (char)(copy[at_byte] ^ flip);
    sv other = sv_make(copy, sealed.n);
    bool still = auth_sealed(other, NULL) && !sv_eq(other, sealed);
    if (still && auth_open_value(&tenant.pub, a, &at, other, &plain, &e) == 0)
        panic("opened what was altered");
    at.row = 10;
    if (auth_open_value(&tenant.pub, a, &at, sealed, &plain, &e) == 0) panic("opened elsewhere");
}

static void hashed(struct arena *a, sv text)
{
    static const enum mf_type types[] = {MF_PHONE, MF_EMAIL, MF_TEXT, MF_LINK};
    struct auth_place at = {SV("crm.person"), SV("phone"), 0};
    struct err e = {0};
    sv all[AUTH_MAX_HASHES], now;
    unsigned n, number;
    for (unsigned i = 0; i < 4; i++) {
        sv normal = auth_normal(a, types[i], text);
        if (!sv_eq(auth_normal(a, types[i], normal), normal)) panic("a value with two forms");
        if (auth_hash(&tenant.pub, a, &at, types[i], text, &now, &e) != 0 ||
            auth_hashes(&tenant.pub, a, &at, types[i], normal, all, &n, &e) != 0 || n != 2)
            panic("no hash");
        if (!sv_eq(now, all[0]) && !sv_eq(now, all[1])) panic("another hash");
        if (now.n > AUTH_HASH_SIZE || !auth_hash_number(now, &number)) panic("no such form");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!ring.data.n) start();
    if (size < 4 || size > 20000) return 0;
    struct arena *a = arena_new(0);
    sv text = sv_make((const char *)data + 4, size - 4);
    ring.data.now = ring.hash.now = data[1] & 1;
    switch (data[0]) {
    case 'a': altered(a, text, (size_t)data[2] << 1, (char)data[3]); break;
    case 'h': hashed(a, text); break;
    default: any_text(a, text);
    }
    arena_free(a);
    return 0;
}
