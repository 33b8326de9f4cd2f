/* A tenant's rules for log-in and log: settings of the core's own manifest, kept
 * as rows of core_setting like any plugin's, read here because the room below may
 * not ask the one above. Defaults here and in the manifest are the same; a test
 * compares them. */
#define LOG_ROOM "auth"

#include "auth/room.h"

#define FRESH_US 4000000

struct auth_rules rules_default(const struct auth *a)
{
    const struct cfg_settings *s = a ? a->settings : NULL;
    return (struct auth_rules){
        .password_min = 10,
        .password_kinds = 3,
        .password_history = 3,
        .captcha_after = 3,
        .audit_days = 400,
        .lock_after = s ? s->session.lock_after : 5,
        .lock_minutes = s ? s->session.lock_minutes : 15,
        .idle_minutes = s ? s->session.idle_minutes : 120,
        .session_hours = s ? s->session.absolute_hours : 24 * 7,
    };
}

static unsigned choice(sv text, const char *const *names, unsigned dflt)
{
    for (unsigned i = 0; names[i]; i++)
        if (sv_eqs(text, names[i])) return i;
    return dflt;
}

/* `value` is JSON as the settings mechanism checked and stored it. */
void rules_take(struct auth_rules *r, sv name, sv value)
{
    static const char *const totp[] = {"\"optional\"", "\"admins\"", "\"all\"", NULL};
    static const char *const devices[] = {"\"off\"", "\"roles\"", "\"all\"", NULL};
    const struct { const char *name; unsigned *at; } numbers[] = {
        {"password_min", &r->password_min},   {"password_kinds", &r->password_kinds},
        {"password_days", &r->password_days}, {"password_history", &r->password_history},
        {"captcha_after", &r->captcha_after}, {"lock_after", &r->lock_after},
        {"lock_minutes", &r->lock_minutes},   {"idle_minutes", &r->idle_minutes},
        {"audit_days", &r->audit_days},       {"session_hours", &r->session_hours},
    };
    int64_t n;
    if (sv_eqs(name, "totp")) r->totp = choice(value, totp, r->totp);
    if (sv_eqs(name, "devices")) r->devices = choice(value, devices, r->devices);
    if (sv_eqs(name, "password_first")) r->password_first = sv_eqs(value, "true");
    if (sv_eqs(name, "captcha_codes")) r->captcha_codes = sv_eqs(value, "true");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (sv_eqs(name, numbers[i].name) && sv_i64(value, &n) && n >= 0 && n < 1000000)
            *numbers[i].at = (unsigned)n;
}

static bool on_setting(void *arg, const struct store_val *v, unsigned n)
{
    if (n == 2 && v[0].type == STORE_TEXT && v[1].type == STORE_TEXT)
        rules_take(arg, v[0].u.s, v[1].u.s);
    return true;
}

/* What was known stays in force while the database is away. */
struct auth_rules auth_rules_of(struct auth_tenant *pub)
{
    struct tenant *t = tenant_full(pub);
    uint64_t gen = atomic_load(&t->gen);
    int64_t now = clock_mono_us();
    pthread_mutex_lock(&t->lock);
    struct auth_rules r = t->rules;
    bool fresh = t->rules_at && t->rules_gen == gen && now - t->rules_at < FRESH_US;
    bool never = !t->rules_at;
    pthread_mutex_unlock(&t->lock);
    if (fresh) return r;

    struct auth_rules found = rules_default(t->auth);
    struct store_conn *c;
    struct err e = {0};
    int rc = store_get(t->pub.db, &c, &e);
    if (rc == 0) {
        rc = store_run(c, SV("SELECT name, value FROM core_setting WHERE plugin = 'core'"), NULL, 0,
                       on_setting, &found, &e);
        store_put(c);
    }
    if (rc != 0) {
        log_warn("tenant %.*s: its rules cannot be read: %s", SVARG(t->pub.slug), e.detail);
        return never ? found : r;
    }
    pthread_mutex_lock(&t->lock);
    t->rules = found;
    t->rules_at = now;
    t->rules_gen = gen;
    pthread_mutex_unlock(&t->lock);
    return found;
}
