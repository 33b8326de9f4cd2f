/* Passwords: argon2id and the policy.
 *
 * 19 MiB, two passes, one lane: OWASP's first minimum for argon2id. RFC 9106's
 * second recommendation (64 MiB, three passes, four lanes) costs four times the
 * memory and would make a burst of log-ins wait for it; what is saved in memory
 * here is spent on lock-out, which a guesser on line meets first. A stored hash
 * names its parameters, so raising them is a change of the three lines below:
 * older ones are made anew at the next log-in. */
#define LOG_ROOM "auth"

#include <argon2.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>

#include "auth/room.h"

#define COST_PASSES 2
#define COST_KIB (19 * 1024)
#define COST_LANES 1
#define SALT 16
#define SUM 32
#define MAX_ENCODED 160
#define MAX_BYTES 200

#define AT_ONCE 4                    /* 76 MiB at most, however many log in */
#define WAIT_US 2000000

/* ---- how many hash at once --------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t freed;            /* monotonic clock */
    unsigned busy;
    char nobody[MAX_ENCODED];        /* hash of a password that nobody knows */
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER};
static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool hash_into(sv password, char out[MAX_ENCODED])
{
    unsigned char salt[SALT];
    rand_bytes(salt, sizeof salt);
    int rc = argon2id_hash_encoded(COST_PASSES, COST_KIB, COST_LANES, password.p, password.n, salt,
                                   sizeof salt, SUM, out, MAX_ENCODED);
    if (rc != ARGON2_OK) log_error("argon2: %s", argon2_error_message(rc));
    return rc == ARGON2_OK;
}

static void init(void)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&gate.freed, &attr);
    pthread_condattr_destroy(&attr);
    char secret[33];
    rand_text(secret, 32);
    if (!hash_into(sv_of(secret), gate.nobody)) panic("auth: argon2 does not work");
}

static int enter(struct err *err)
{
    pthread_once(&once, init);
    int64_t until = clock_mono_us() + WAIT_US;
    struct timespec ts = {.tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000};
    int rc = 0;
    pthread_mutex_lock(&gate.lock);
    while (gate.busy == AT_ONCE && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&gate.freed, &gate.lock, &ts);
    bool in = gate.busy < AT_ONCE;
    if (in) gate.busy++;
    pthread_mutex_unlock(&gate.lock);
    if (in) return 0;
    err_detail(err, "%d passwords are being hashed already", AT_ONCE);
    err_set(err, 503, "overloaded", NULL);
    err->retry_after = 2;
    return -1;
}

static void leave(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.busy--;
    pthread_cond_signal(&gate.freed);
    pthread_mutex_unlock(&gate.lock);
}

/* ---- hashing ----------------------------------------------------------------------------- */

int auth_password_hash(struct arena *a, sv password, sv *out, struct err *err)
{
    char text[MAX_ENCODED];
    if (enter(err) != 0) return -1;
    bool ok = hash_into(password, text);
    leave();
    if (!ok) return err_internal(err, "argon2 failed");
    *out = arena_sv(a, sv_of(text));
    return 0;
}

int password_verify(sv hash, sv password, bool *ok, struct err *err)
{
    char text[MAX_ENCODED];
    *ok = false;
    if (hash.n >= sizeof text) return err_internal(err, "a stored password hash is too long");
    memcpy(text, hash.p, hash.n);
    text[hash.n] = 0;
    if (enter(err) != 0) return -1;
    *ok = argon2id_verify(text, password.p, password.n) == ARGON2_OK;
    leave();
    return 0;
}

int password_verify_nobody(sv password, struct err *err)
{
    bool ok;
    pthread_once(&once, init);
    return password_verify(sv_of(gate.nobody), password, &ok, err);
}

bool auth_password_verify(sv hash, sv password)
{
    struct err e = {0};
    bool ok;
    while (password_verify(hash, password, &ok, &e) != 0 && e.status == 503) err_clear(&e);
    return ok;
}

bool password_outdated(sv hash)
{
    char now[64];
    int n = snprintf(now, sizeof now, "$argon2id$v=19$m=%d,t=%d,p=%d$", COST_KIB, COST_PASSES,
                     COST_LANES);
    return !sv_starts(hash, sv_make(now, (size_t)n));
}

/* ---- policy ------------------------------------------------------------------------------ */

/* Words that people decorate with a capital, digits and a sign to satisfy rules
 * like ours. Compared after the decoration is taken off. */
static const char *const common_words[] = {
    "a",       "aa",      "ab",      "abc",      "abcd",     "abcde",    "abcdef",   "abcdefg",
    "abcdefgh",
    "admin",   "administrator",      "asdf",     "asdfgh",   "asdfghjkl", "asd",     "atrium",
    "azerty",  "baseball", "changeme", "china",  "computer", "company",  "default",  "demo",
    "dragon",  "football", "guest",  "hello",    "iloveyou", "letmein",  "login",    "manager",
    "master",  "monkey",  "nihao",   "office",   "pa",       "pass",     "passwd",   "password",
    "princess", "qaz",    "qazwsx",  "qazwsxedc", "qwe",     "qweasd",   "qweasdzxc", "qwer",
    "qwert",   "qwerty",  "qwertyuiop", "root",  "secret",   "shadow",   "staff",    "summer",
    "sunshine", "superman", "system", "temp",    "test",     "testing",  "trustno",  "user",
    "wang",    "welcome", "winter",  "woaini",   "wsx",      "xiaoming", "zaq",      "zhang",
    "zxc",     "zxcvbn",  "zxcvbnm", "spring",   "autumn",   "huanying", "mima",     "gongsi",
};

static char plain_letter(char c)
{
    if (c >= 'A' && c <= 'Z') return (char)(c + 32);
    switch (c) {
    case '@': case '4': return 'a';
    case '$': case '5': return 's';
    case '0': return 'o';
    case '1': case '!': return 'i';
    case '3': return 'e';
    case '7': return 't';
    default: return c;
    }
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

/* "Passw0rd123!" -> "password": what follows the last letter goes, and signs that
 * stand for letters become them. */
static size_t undecorate(sv p, char *out)
{
    size_t to = p.n, n = 0;
    while (to > 0 && !is_letter(p.p[to - 1])) to--;
    for (size_t i = 0; i < to; i++) out[n++] = plain_letter(p.p[i]);
    return n;
}

/* "1qaz@WSX" -> "qazwsx" */
static size_t letters_only(sv p, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < p.n; i++)
        if (is_letter(p.p[i])) out[n++] = plain_letter(p.p[i]);
    return n;
}

static bool is_common(sv password)
{
    char one[MAX_BYTES], two[MAX_BYTES];
    sv bare = sv_make(one, undecorate(password, one));
    sv letters = sv_make(two, letters_only(password, two));
    for (size_t i = 0; i < sizeof common_words / sizeof common_words[0]; i++) {
        sv word = sv_of(common_words[i]);
        if (sv_eq(bare, word) || sv_eq(letters, word)) return true;
    }
    return false;
}

static bool contains_ignoring_case(sv text, sv part)
{
    for (size_t i = 0; part.n && i + part.n <= text.n; i++)
        if (sv_ieq(sv_make(text.p + i, part.n), part)) return true;
    return false;
}

static unsigned distinct_bytes(sv text)
{
    bool seen[256] = {false};
    unsigned n = 0;
    for (size_t i = 0; i < text.n; i++) {
        n += !seen[(unsigned char)text.p[i]];
        seen[(unsigned char)text.p[i]] = true;
    }
    return n;
}

static unsigned kinds(sv text)
{
    bool lower = false, upper = false, digit = false, other = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c >= 'a' && c <= 'z') lower = true;
        else if (c >= 'A' && c <= 'Z') upper = true;
        else if (c >= '0' && c <= '9') digit = true;
        else other = true;
    }
    return (unsigned)lower + upper + digit + other;
}

int password_rules_check(const struct auth_rules *r, sv password, sv login, const char *field,
                         struct err *err)
{
    char least[16];
    snprintf(least, sizeof least, "%u", r->password_min);
    if (password.n == 0) return err_field(err, field, "required", NULL);
    if (!sv_utf8_ok(password)) return err_field(err, field, "not_string", NULL);
    if (password.n > MAX_BYTES) return err_field(err, field, "too_long", "200", NULL);
    if (sv_utf8_len(password) < r->password_min)
        return err_field(err, field, "too_short", least, NULL);
    if (kinds(password) < r->password_kinds) {
        char need[16];
        snprintf(need, sizeof need, "%u", r->password_kinds);
        return err_field(err, field, "auth.password_kinds", need, NULL);
    }
    if (login.n >= 3 && contains_ignoring_case(password, login))
        return err_field(err, field, "auth.password_login", NULL);
    if (distinct_bytes(password) < 5 || is_common(password))
        return err_field(err, field, "password_weak", least, NULL);
    return 0;
}

int auth_password_check(sv password, sv login, const char *field, struct err *err)
{
    struct auth_rules r = rules_default(NULL);
    return password_rules_check(&r, password, login, field, err);
}

bool password_due(const struct auth_rules *r, bool must_change, int64_t changed_at, int64_t now)
{
    return must_change ||
           (r->password_days && now - changed_at > (int64_t)r->password_days * 86400 * 1000000);
}

/* ---- earlier ones ------------------------------------------------------------------------ */

struct earlier { struct arena *a; sv hash[16]; unsigned n; };

static bool on_earlier(void *arg, const struct store_val *v, unsigned n)
{
    struct earlier *e = arg;
    (void)n;
    if (e->n < sizeof e->hash / sizeof e->hash[0] && v[0].type == STORE_TEXT)
        e->hash[e->n++] = arena_sv(e->a, v[0].u.s);
    return true;
}

int password_fresh(const struct auth_rules *r, struct store_conn *c, int64_t staff, sv password,
                   const char *field, struct err *err)
{
    if (!r->password_history) return 0;
    struct earlier e = {.a = arena_new(0)};
    struct store_val args[] = {STORE_I(staff), STORE_I(staff), STORE_I(r->password_history)};
    bool same = false;
    int rc = store_run(c, SV("(SELECT password_hash FROM core_staff_secret WHERE staff = ?)"
                             " UNION ALL (SELECT password_hash FROM core_password_history"
                             " WHERE staff = ? ORDER BY created_at DESC LIMIT ?)"),
                       args, 3, on_earlier, &e, err);
    for (unsigned i = 0; rc == 0 && !same && i < e.n && i < r->password_history; i++)
        rc = password_verify(e.hash[i], password, &same, err);
    arena_free(e.a);
    if (rc != 0) return -1;
    char n[16];
    snprintf(n, sizeof n, "%u", r->password_history);
    return same ? err_field(err, field, "auth.password_used", n, NULL) : 0;
}

/* As long as the rules ask, sixteen at least; all four kinds where they ask for
 * them. The login is not looked at: it would have to be in there by chance. */
sv password_generate(struct arena *a, const struct auth_rules *r)
{
    struct auth_rules within = *r;   /* what a table may hold is not what can be met */
    if (within.password_min > MAX_BYTES) within.password_min = MAX_BYTES;
    if (within.password_kinds > 4) within.password_kinds = 4;
    size_t n = within.password_min > 16 ? within.password_min : 16;
    char *p = arena_zalloc(a, n + 1);
    struct err e;
    do {
        err_clear(&e);
        rand_text(p, n);
        if (within.password_kinds == 4) p[4] = p[11] = '-';
    } while (password_rules_check(&within, sv_make(p, n), SV_NULL, "password", &e) != 0);
    return sv_make(p, n);
}
