/* Values of protected fields: sealed for the database under the tenant's data
 * key, found by a keyed hash. Keys lie in the control database, wrapped by the
 * master key (keys.c); this process re-reads them every two seconds, so that a new
 * key is used on all nodes soon after it was made.
 *
 *   sealed   v1.<number of the data key>.<base64url of nonce, text and tag>
 *   hash     <number of the hash key>.<base64url of HMAC> */
#ifndef ATRIUM_CORE_AUTH_PROTECT_H
#define ATRIUM_CORE_AUTH_PROTECT_H

#include "auth/auth.h"
#include "auth/suite.h"

#define AUTH_HASH_SIZE 60            /* characters of a hash column */
#define AUTH_MAX_HASHES 4            /* hash keys that are in use at once */
#define AUTH_KEYS_FRESH_US 2000000
/* Characters of a sealed value of n bytes, at most. */
#define AUTH_SEALED_SIZE(n) (((size_t)(n) + 48) * 4 / 3 + 16)

/* The place of a value, bound to its sealed text: rows and fields cannot be
 * exchanged, and equal values of two fields hash apart. */
struct auth_place {
    sv resource, field;              /* "core.staff", "phone" */
    int64_t row;
};

/* [worker] -1 only when the keys cannot be read (503). */
int auth_seal_value(struct auth_tenant *t, struct arena *a, const struct auth_place *at, sv plain,
              sv *out, struct err *err);
/* Is the text of a sealed value's form? Its key's number. [any] */
bool auth_sealed(sv text, unsigned *number);
/* A text that is not sealed opens as itself: rows from before the field was
 * protected. 500 when it was altered, moved, or sealed by another deployment. */
int auth_open_value(struct auth_tenant *t, struct arena *a, const struct auth_place *at, sv text,
                sv *plain, struct err *err);

/* The form of a value by which it is found: a phone without +86, an e-mail
 * address in small letters, an id number with a capital X. Pure. */
sv auth_normal(struct arena *a, enum mf_type type, sv plain);
/* What a write stores in the hash column. */
int auth_hash(struct auth_tenant *t, struct arena *a, const struct auth_place *at,
              enum mf_type type, sv plain, sv *out, struct err *err);
/* Everything the hash may be while a new hash key is being introduced. */
int auth_hashes(struct auth_tenant *t, struct arena *a, const struct auth_place *at,
                enum mf_type type, sv plain, sv out[AUTH_MAX_HASHES], unsigned *n,
                struct err *err);
bool auth_hash_number(sv hash, unsigned *number);

/* ---- keys ---------------------------------------------------------------------------------- */

enum auth_key_state {
    AUTH_KEY_NEXT,                   /* hashes: looked up everywhere, not yet written */
    AUTH_KEY_ACTIVE,                 /* what is written */
    AUTH_KEY_OLD,                    /* opens and is looked up */
    AUTH_KEY_RETIRED,                /* nothing uses it; opens what a backup brings back */
};
struct auth_key {                    /* without the key itself */
    unsigned number;
    enum suite suite;
    enum auth_key_state state;
    int64_t since;                   /* when it came into this state */
};
struct auth_keys {                   /* as known now; newest last */
    struct auth_key data[32], hash[32];
    unsigned n_data, n_hash;
    unsigned data_now, hash_now;     /* numbers of the active ones */
};
/* `fresh`: reads the control database now. [worker] */
int auth_keys(struct auth_tenant *t, bool fresh, struct auth_keys *out, struct err *err);
/* A new data key, which new writes use at once; the one before becomes old. */
int auth_key_rotate(struct auth_tenant *t, enum suite suite, unsigned *number, struct err *err);
/* A new hash key in state `next`, or the one that is there already. */
int auth_key_next_hash(struct auth_tenant *t, enum suite suite, unsigned *number,
                       struct err *err);
/* The next steps of a rotation: next becomes active; old becomes retired. */
int auth_key_activate_hash(struct auth_tenant *t, unsigned number, struct err *err);
int auth_key_retire(struct auth_tenant *t, bool hash, unsigned number, struct err *err);
const char *auth_key_state_name(enum auth_key_state s);

/* A new master key (unless the settings name a file, which the operator has
 * written), then everything wrapped anew under the newest. */
int auth_master_rotate(struct auth *a, unsigned *number, unsigned *rows, struct err *err);

#endif
