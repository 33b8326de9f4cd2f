/* What the files of this room share. Nobody else includes it. */
#ifndef ATRIUM_CORE_AUTH_ROOM_H
#define ATRIUM_CORE_AUTH_ROOM_H

#include <pthread.h>
#include <stdatomic.h>

#include "auth/auth.h"
#include "auth/protect.h"

#define AUTH_TOKEN_CHARS 43          /* 32 random bytes in base64url */
#define AUTH_HASH_CHARS 64           /* SHA-256 in hex */

/* ---- state ------------------------------------------------------------------------------- */

struct session_cache;
struct tenant_table;
struct plugin_set;
struct role_cache;

struct tenant {
    struct auth_tenant pub;          /* first: the public pointer is this one */
    struct auth *auth;
    struct arena *arena;             /* owns the texts of `pub` */
    struct tenant *next;             /* all that this process has seen */
    _Atomic uint64_t gen;            /* auth_forget counts it up */
    struct plugin_set *_Atomic on;   /* plugins switched on; NULL: not read yet */
    _Atomic int64_t on_at;           /* monotonic, when it was read */
    pthread_mutex_t lock;            /* guards the two below */
    struct plugin_set *old_sets;     /* replaced ones; readers may still look */
    struct role_cache *roles;
    struct calendar *_Atomic calendar;   /* NULL: nobody has asked yet */
    struct audit_tail { int64_t id; char hash[AUTH_HASH_CHARS]; } tail, tail_next, anchored;
    int64_t purge_at;                /* monotonic */
    struct auth_rules rules;         /* as read at rules_at; 0: never */
    int64_t rules_at;
    uint64_t rules_gen;
    struct keyring *_Atomic keys;    /* NULL: not read yet */
    _Atomic int64_t keys_at;         /* monotonic, when they were read */
    pthread_mutex_t keys_lock;       /* readers of the control database */
};

#define MASTER_MAX 16
struct master_keys {
    struct { unsigned number; unsigned char b[32]; } k[MASTER_MAX];   /* newest last */
    unsigned n;
};

struct auth {
    const struct cfg_settings *settings;
    struct store_db *control;        /* our pool on the control database */
    struct store_db *admin;          /* main's: may create databases and accounts */
    struct arena *arena;             /* owns the strings of `server` */
    struct store_db_opts server;
    struct master_keys master;
    pthread_mutex_t master_lock;
    pthread_mutex_t lock;            /* writers of the table */
    struct tenant *tenants;
    struct tenant_table *_Atomic table;
    struct session_cache *cache;
    auth_manage_fn *manage;
    void *manage_arg;
    const sv *for_partners;          /* resources with the trait `partner` */
    unsigned n_for_partners;
    struct work_pool *logins;        /* log-ins hash here, not on the request workers */
    struct auth_delivery delivery;
    struct auth_events events;
    struct keeper *keeper;
    struct {                         /* outer log-ins */
        struct work_reactor *reactor;
        bool allow_private, allow_http;
        struct work_pool *pool;
        pthread_mutex_t lock;
        struct cached *cache;
    } outer;
    int outbox_fd;
};

static inline struct tenant *tenant_full(const struct auth_tenant *t)
{
    return (struct tenant *)t;
}

/* ---- master.c: the master keys ----------------------------------------------------------- */

bool master_parse(sv text, struct master_keys *out);
/* Reads `file`, or <state_dir>/master.key, which is made (0600) at the first start. */
int master_load(const char *state_dir, const char *file, struct master_keys *out,
                struct err *err);
/* Adds a key to <state_dir>/master.key. */
int master_add(const char *state_dir, struct err *err);
int master_reload(struct auth *a, struct err *err);
unsigned master_newest(struct auth *a);
/* Number of the key under which a text was sealed; 0: none of ours. */
unsigned master_number(sv sealed);
sv master_seal(struct auth *a, struct arena *arena, sv about, sv plain);
/* -1: the key is not there, or the text was altered or is of another place. */
int master_open(struct auth *a, struct arena *arena, sv about, sv sealed, sv *plain);

/* ---- keys.c: data and hash keys of tenants ----------------------------------------------- */

#define KEYS_MAX 32                  /* of one purpose; a rotation a year lasts long */
struct key_slot { struct auth_key pub; unsigned char key[SUITE_KEY]; };
struct key_set { struct key_slot k[KEYS_MAX]; unsigned n, now; bool has_now; };
struct keyring {
    struct keyring *older;
    struct key_set data, hash;
};
/* The ring, at most two seconds old; `fresh`: read now. */
int keys_ring(struct tenant *t, bool fresh, const struct keyring **out, struct err *err);
/* The ring of any age: to read, an old one does. */
int keys_known(struct tenant *t, const struct keyring **out, struct err *err);
const struct key_slot *keys_find(const struct key_set *set, unsigned number);
/* A data key by number; one that is not known is looked for. NULL with err. */
const struct key_slot *keys_data(struct tenant *t, unsigned number, struct err *err);
void keys_free(struct tenant *t);

/* ---- seal.c: digests --------------------------------------------------------------------- */

/* AES-256-GCM; `about` is bound to the text, so that rows cannot be exchanged. */
sv seal_text(struct arena *a, const unsigned char key[32], sv about, sv plain);
/* -1: another key, or altered. */
int seal_open(struct arena *a, const unsigned char key[32], sv about, sv sealed, sv *plain);
void seal_sha256(sv data, unsigned char out[32]);
void seal_sha256_hex(sv data, char out[AUTH_HASH_CHARS]);
void seal_hex(const unsigned char *p, size_t n, char *out);       /* 2n characters, no NUL */
void seal_hmac(const unsigned char key[32], sv data, unsigned char out[32]);
/* SipHash-2-4 with 128 bits of output: a keyed hash for tables in memory whose
 * keys a stranger chooses. */
struct hash128 { uint64_t a, b; };
struct hash128 seal_siphash(const uint64_t key[2], sv data);

/* ---- control.c: the control database ----------------------------------------------------- */

int control_migrate(struct auth *a, struct err *err);
/* Reads all tenants and publishes a new table. Takes a->lock. */
int control_load(struct auth *a, struct err *err);
/* The text that a tenant's sealed columns are bound to. */
sv control_about(struct arena *a, int64_t tenant, const char *what);

/* ---- tenants.c: the table in memory ------------------------------------------------------ */

struct tenant_row {                  /* a row of the control database, opened */
    int64_t id;
    sv slug, name, db_name, db_user, db_password;
    int utc_offset;
    unsigned char secret[32];
    sv host, socket;                 /* of its placement; p NULL: that of auth_opts */
    int64_t port;
};
struct tenant_host { sv host; int64_t tenant; };

/* A tenant object with its pool; not in any table yet. */
struct tenant *tenant_make(struct auth *a, const struct tenant_row *row);
void tenant_free(struct tenant *t);
/* Replaces the table. Under a->lock. */
void tenants_publish(struct auth *a, struct tenant *const *active, size_t n,
                     const struct tenant_host *hosts, size_t n_hosts);
void tenants_free(struct auth *a);
bool tenant_slug_ok(sv slug);
bool tenant_host_ok(sv host);

/* plugins.c */
int plugins_load(struct tenant *t, struct err *err);
/* Reads again what another node may have changed. [worker] */
void plugins_refresh(struct tenant *t);
void plugins_free(struct tenant *t);

/* ---- roles.c, grants.c ------------------------------------------------------------------- */

struct auth_roles {
    _Atomic int refs;
    struct arena *arena;             /* owns everything, this struct too */
    bool admin;
    const sv *codes;
    unsigned n_codes;
    const struct auth_grant *grants;
    unsigned n_grants;
    const struct auth_grant **slots; /* open addressing by resource name */
    unsigned mask;
    bool picks_menus;                /* some role says which menus are shown */
    const sv *menus, *hidden_menus;
    unsigned n_menus, n_hidden_menus;
};
struct role_row {
    sv code, grants;
    bool builtin;
    int64_t partner;                 /* whose role it is; 0: the host's */
    unsigned hat;                    /* 0: one's own; else by that delegation */
};
struct role_edge { int64_t ancestor, descendant; };
struct role_input {
    const struct role_row *rows;     /* a row whose grants cannot be read allows nothing */
    size_t n;
    const struct role_edge *below;   /* departments below those that scopes name */
    size_t n_below;
    int64_t partner;                 /* of a partner's person */
    const struct role_row *limit;    /* then: what bounds everything he has */
    size_t n_limit;
    const sv *for_partners;          /* resources whose rows know their partner */
    unsigned n_for_partners;
};
struct auth_roles *roles_compile_all(const struct role_input *in);
/* The union of a host's roles. */
struct auth_roles *roles_compile(const struct role_row *rows, size_t n);
/* Grants that are not within those of `limit` go. */
unsigned roles_bound(struct auth_grant *grants, unsigned n, const struct auth_roles *limit);
int roles_edges(struct store_conn *c, struct arena *a, const struct role_edge **out, size_t *n,
                struct err *err);
/* Does a role's document name the scope "custom" anywhere? */
bool role_is_custom(sv grants);
/* What a session says of one person, beside the session itself. */
struct role_person { int64_t id, partner; };
/* People whom somebody acts for now: at most AUTH_HATS - 1. */
struct role_hat { int64_t delegation, id, dept; bool all; sv name; };
struct auth_roles *roles_ref(struct auth_roles *r);
void roles_unref(struct auth_roles *r);
/* Roles of one member of staff (his own, of his posts, of those he acts for),
 * compiled or shared from the tenant's cache. */
int roles_of_staff(struct tenant *t, struct store_conn *c, const struct role_person *who,
                   const struct role_hat *hats, unsigned n_hats, struct auth_roles **out,
                   struct err *err);
/* Roles of a key, with its own grants as one more. */
int roles_of_key(struct tenant *t, struct store_conn *c, int64_t key, sv grants,
                 struct auth_roles **out, struct err *err);
/* hats.c: the delegations in force for somebody. */
int hats_of_staff(struct store_conn *c, struct arena *a, const struct role_person *who,
                  struct role_hat hats[AUTH_HATS - 1], unsigned *n, struct err *err);
void roles_cache_free(struct role_cache *rc);
/* The JSON of one role template's grants over a manifest. */
void roles_template(const struct mf_manifest *m, const char *role, struct buf *out);

/* ---- cache.c, session.c ------------------------------------------------------------------ */

struct session {                     /* what requests share; counted */
    _Atomic int refs;
    _Atomic int64_t seen_us;         /* last use on this node, wall clock */
    int64_t expires_us, idle_us;
    struct auth_principal p;         /* points into `tail` and `roles` */
    struct auth_roles *roles;
    struct key_rule *rule;           /* of an API key, else NULL */
    bool cookie_only;                /* of a browser that is no registered device */
    char tail[];
};
void session_ref(struct session *s);
void session_unref(struct session *s);

/* principal.c: the one function that makes principals. *out is the caller's, its
 * times are for him to set; what `who` names is copied. */
struct auth_person {
    enum auth_kind kind;
    int64_t id, session, dept, partner;  /* 0: none */
    bool active;
    sv name, phone;
};
/* Columns of a person `u` and of his partner `o`, in the order of person_take. */
#define PERSON_COLUMNS " u.name, u.phone, u.state, u.department, u.partner, o.state"
#define PERSON_PARTNER " LEFT JOIN core_partner o ON o.id = u.partner"
struct store_val;
int person_take(struct tenant *t, struct arena *a, struct auth_person *who,
                const struct store_val *v, struct err *err);
int principal_make(struct tenant *t, struct store_conn *c, struct arena *scratch,
                   const struct auth_person *who, struct session **out, struct err *err);

enum scache_answer {
    CACHE_MISS,                      /* look it up */
    CACHE_HIT,                       /* *out is counted up for the caller */
    CACHE_CHECK,                     /* look it up; *out is the one known till now */
    CACHE_BAD,                       /* known to be no session */
};
struct session_cache *scache_new(unsigned capacity);
void scache_free(struct session_cache *c);
struct hash128 scache_key(const struct session_cache *c, int64_t tenant, sv token);
enum scache_answer scache_get(struct session_cache *c, struct hash128 key, uint64_t gen,
                            int64_t now_mono, struct session **out);
/* `gen` is that of the tenant before the database was asked. s NULL: a bad one. */
void scache_put(struct session_cache *c, struct hash128 key, uint64_t gen, int64_t now_mono,
               struct session *s);
/* The session was ended here: whatever a reader still brings is not taken. */
void scache_kill(struct session_cache *c, struct hash128 key, int64_t now_mono);

struct session_new {
    enum auth_kind kind;             /* AUTH_STAFF or AUTH_MEMBER */
    int64_t who;
    sv address, agent, client;       /* client: what X-Atrium-Client says */
    int64_t device;                  /* of the register, or 0 */
    bool cookie_only;                /* the token is no bearer token */
};
struct session_made { int64_t id; char token[AUTH_TOKEN_CHARS + 1]; int64_t expires_us; };
int session_create(struct tenant *t, struct store_conn *c, const struct session_new *n,
                   struct session_made *out, struct err *err);
/* Ends the session that the request came with. */
int session_end(struct tenant *t, struct http_req *req, const struct auth_principal *p,
                struct err *err);
/* Token of the request: bearer, else the cookie; p NULL: none. */
sv session_token(const struct http_req *req, enum auth_kind want, bool *by_cookie);
const char *session_cookie(enum auth_kind kind);
/* "/t/demo/" or "/", in the request's arena. */
const char *session_cookie_path(struct http_req *req);
/* Refuses a browser's request from another site; `always`: also when there is
 * nothing to tell by. */
int session_same_origin(const struct http_req *req, bool always, struct err *err);

/* ---- token.c: what tokens look like ------------------------------------------------------- */

/* Of an Authorization header; p NULL: it is not of that kind. */
sv token_bearer(sv header);
bool token_session_ok(sv token);
bool token_key_ok(sv token);

/* ---- calendar.c -------------------------------------------------------------------------- */

void calendar_free(struct calendar *c);

/* ---- key.c, cidr.c, rate.c: API keys ----------------------------------------------------- */

#define AUTH_KEY_MARK "atk_"
#define KEY_MAX_ADDRESSES 32

struct cidr { unsigned char ip[16]; unsigned bits; };
bool cidr_parse(sv text, struct cidr *out);
bool cidr_has(const struct cidr *c, sv address);
/* Those of a list that can be read; *good is false when one cannot. */
size_t cidr_list(sv text, struct cidr *out, size_t cap, bool *good);

struct rate_answer { bool ok; unsigned limit, remaining; int reset_s, retry_s; };
/* One token from the bucket that is full at *full_at. Pure. */
struct rate_answer rate_take(int64_t *full_at, unsigned per_minute, int64_t now);
struct rate_answer rate_of_key(int64_t key, unsigned per_minute, int64_t now);

struct key_rule {                    /* what a key must keep to */
    unsigned rate;
    bool closed;
    size_t n;
    struct cidr from[];
};
/* The key of a token from the database; *out NULL when it is no good. */
int key_look_up(struct tenant *t, sv token, struct session **out, struct err *err);
/* 403 "key_address" or 429, and the RateLimit headers. */
int key_admit(struct http_req *req, const struct session *s, struct err *err);

/* ---- device.c ---------------------------------------------------------------------------- */

sv device_sign(struct arena *a, const unsigned char secret[32], sv id);   /* id.signature */
/* The id when the signature is good, else SV_NULL. */
sv device_verify(const unsigned char secret[32], sv cookie);

/* ---- lockout.c --------------------------------------------------------------------------- */

struct lockout_rule { unsigned after; int64_t base_us, cap_us, forget_us; };
struct lockout_state { int64_t failures, last_at, locked_until; };
/* The arithmetic: one more failure at `now`. */
struct lockout_state lockout_next(struct lockout_state s, const struct lockout_rule *rule,
                                  int64_t now);
struct lockout {                     /* the two subjects of one attempt */
    char name[128], address[64];
    struct lockout_rule name_rule, address_rule;
};
/* kind: "login" or "phone"; name "" leaves only the address. */
void lockout_init(struct lockout *l, const struct auth_rules *r, const char *kind, sv name,
                  sv address);
/* Failures that stand now, without those that are forgotten. */
int lockout_failures(const struct lockout *l, struct store_conn *c, int64_t *name,
                     int64_t *address, struct err *err);
/* 423 (the name) or 429 (the address) "locked_out" while locked. */
int lockout_check(const struct lockout *l, struct store_conn *c, struct err *err);
int lockout_fail(const struct lockout *l, struct store_conn *c, struct err *err);
int lockout_clear(const struct lockout *l, struct store_conn *c, struct err *err);

/* ---- password.c -------------------------------------------------------------------------- */

/* Like auth_password_verify, but says 503 when too many hash already. */
int password_verify(sv hash, sv password, bool *ok, struct err *err);
/* For a name that nobody has: costs the same, is never true. */
int password_verify_nobody(sv password, struct err *err);
bool password_outdated(sv hash);     /* made with other parameters */
/* One that the rules take. */
sv password_generate(struct arena *a, const struct auth_rules *r);

/* The policy alone, by a tenant's rules. */
int password_rules_check(const struct auth_rules *r, sv password, sv login, const char *field,
                         struct err *err);
/* ... and not one of the person's last ones. */
int password_fresh(const struct auth_rules *r, struct store_conn *c, int64_t staff, sv password,
                   const char *field, struct err *err);
/* Days are over, or an administrator set it. */
bool password_due(const struct auth_rules *r, bool must_change, int64_t changed_at, int64_t now);

/* ---- rules.c ----------------------------------------------------------------------------- */

struct auth_rules rules_default(const struct auth *a);
void rules_take(struct auth_rules *r, sv name, sv value);

/* ---- phone.c ----------------------------------------------------------------------------- */

/* "+86 138-0013-8000" -> "13800138000"; others stay "+E.164". SV_NULL: no phone. */
sv phone_normal(struct arena *a, sv text);
sv phone_mask(struct arena *a, sv phone);      /* "138****8000" */
/* A phone as counters of attempts and codes know it: a keyed hash, so that the
 * database does not tell whose they are. */
sv phone_pseudonym(struct arena *a, const struct tenant *t, sv phone);

/* ---- people.c: protected columns of staff and members ------------------------------------ */

/* The phone of a row of core_staff or core_member, opened; "" when it is NULL. */
int people_phone(struct tenant *t, struct arena *a, enum auth_kind kind, int64_t id,
                 const struct store_val *v, sv *out, struct err *err);
/* The e-mail address of a member of staff; SV_NULL: none. */
int people_email(struct tenant *t, struct arena *a, int64_t staff, const struct store_val *v,
                 sv *out, struct err *err);
/* What a write stores: the sealed phone and its hash; both NULL for none. */
int people_seal_phone(struct tenant *t, struct arena *a, enum auth_kind kind, int64_t id, sv phone,
                      struct store_val out[2], struct err *err);
#define PEOPLE_HASHES "(?, ?, ?, ?)" /* AUTH_MAX_HASHES of them */
/* Everything that `phone_hash` may be for this phone, repeated to fill the list. */
int people_email_hashes(struct tenant *t, struct arena *a, sv email,
                        struct store_val out[AUTH_MAX_HASHES], struct err *err);
int people_hashes(struct tenant *t, struct arena *a, enum auth_kind kind, sv phone,
                  struct store_val out[AUTH_MAX_HASHES], struct err *err);

/* ---- code.c: one-time codes -------------------------------------------------------------- */

void code_hash(const unsigned char secret[32], sv phone, sv purpose, sv code,
              char out[AUTH_HASH_CHARS]);
/* Seconds that the next code has to wait: once a minute, ten a day, sixty an
 * hour by address. */
struct code_usage { int64_t last_at, day_first, by_phone_day, by_address_hour; };
int64_t code_wait(const struct code_usage *u, int64_t now);
struct code_ask { sv phone, purpose, address; const char *lang; };
struct code_job;                     /* a code on its way to its owner */
/* Makes a code; *wait says when the next may be asked for. *job NULL: nobody may
 * use it, or it is too early; the caller's answer does not tell. */
int code_request(struct tenant *t, struct store_conn *c, const struct code_ask *k,
                 struct code_job **job, int64_t *wait, struct err *err);
/* Takes the job over; holds no connection meanwhile. */
int code_deliver(struct code_job *job, struct err *err);
/* 401 "code_invalid" unless it is right; a code works once. */
int code_use(struct tenant *t, struct store_conn *c, sv phone, sv purpose, sv code,
             struct err *err);
int outbox_open(struct auth *a, struct err *err);
int outbox_send(void *arg, struct auth_tenant *t, sv phone, sv purpose, sv code, sv text,
                struct err *err);

/* ---- staff.c ----------------------------------------------------------------------------- */

#define ROLE_ADMIN "admin"
#define ROLE_EVERYONE "core.everyone"
#define ROLE_PARTNERS "core.partner_everyone"
/* The built-in administrator's row; there after the call. */
int staff_admin_role(struct store_conn *c, struct err *err);
/* Keeps the one before among the earlier ones. `must_change`: at the next log-in. */
int staff_set_password(struct store_conn *c, int64_t staff, sv hash, bool must_change,
                       struct err *err);
/* The same password, hashed anew. */
int staff_rehash(struct store_conn *c, int64_t staff, sv hash, struct err *err);

/* ---- login.c, account.c ------------------------------------------------------------------ */

void login_staff(struct http_req *req);
void login_member(struct http_req *req);
void login_code(struct http_req *req);
/* Ends the session of that kind, if the request has one, and drops its cookie. */
void login_end(struct http_req *req, enum auth_kind kind);
/* Runs a handler that hashes on the log-in threads; 503 when they have too much. */
void login_defer(struct http_req *req, void (*run)(struct http_req *));
/* ... on another pool. */
void login_defer_to(struct http_req *req, struct work_pool *pool, void (*run)(struct http_req *));
/* The JSON body, unless another site's page sent it. */
int login_body(struct http_req *req, json_t **body, struct err *err);
/* A text member of at most `max` bytes; absent: SV_NULL. */
int login_text(json_t *body, const char *name, bool required, size_t max, sv *out,
               struct err *err);
int login_phone(struct http_req *req, json_t *body, sv *phone, struct err *err);
/* Sends a one-time code and answers 202; asks for a captcha where the rules do. */
int login_send_code(struct http_req *req, const json_t *body, sv phone, sv purpose,
                    struct err *err);
void account_password(struct http_req *req);
void account_reset(struct http_req *req);
void account_session(struct http_req *req);

/* proof.c: /api/auth/reauth */
int proof_routes(struct http_router *r, struct err *err);

/* ---- audit.c ----------------------------------------------------------------------------- */

struct audit_line {
    int64_t id, at_us, who;
    sv who_kind, who_name, action, target, address, request_id, detail;
    bool ok;
    sv agent, client, result;
    int64_t on_behalf;
};
#define AUDIT_GENESIS "0000000000000000000000000000000000000000000000000000000000000000"
/* Hex of SHA-256(prev || every field with its length). */
void audit_hash(sv prev, const struct audit_line *l, char out[AUTH_HASH_CHARS]);
void audit_stop(struct tenant *t);

/* ---- keep.c: anchors and retention ---------------------------------------------------------- */

/* A thread that anchors every few seconds and purges every hour. */
struct keeper;
struct keeper *keeper_start(struct auth *a);
void keeper_stop(struct keeper *k);
/* Notes the tenant's last line in the control database, when it is not there yet. */
int keep_anchor(struct tenant *t, struct err *err);
struct audit_mark { int64_t id; sv hash; uint64_t lines; };
/* The cut and the anchors behind it, in the order of the chain; *forged: the id of one
 * that this deployment did not write. */
int keep_read(struct tenant *t, struct arena *a, struct audit_mark *cut,
              struct audit_mark **anchors, size_t *n, int64_t *forged, struct err *err);
/* One of verifying and purging at a time. */
int keep_lock(struct tenant *t, struct store_conn *c, struct err *err);
void keep_unlock(struct tenant *t, struct store_conn *c);

#endif
