/* From a subject at an outer log-in to a member of staff: linked before, matched where
 * the provider's row says so, made where it says so. */
#define LOG_ROOM "auth"

#include "auth/outer.h"

static int find_linked(struct store_conn *c, struct arena *a, const struct provider *p, sv subject,
                       int64_t *staff, struct err *err)
{
    struct store_val args[] = {STORE_I(p->id), STORE_S(subject)}, v[1];
    bool found;
    *staff = 0;
    if (store_one(c, a, SV("SELECT staff FROM core_identity WHERE provider = ?"
                           " AND BINARY subject = ?"), args, 2, v, 1, &found, err) != 0)
        return -1;
    if (found) *staff = v[0].u.i;
    return 0;
}

struct linking { const struct provider *p; const struct outer_who *o; int64_t staff; };

static int insert(struct store_conn *c, const struct linking *l, struct err *err)
{
    int64_t now = clock_now_us();
    sv name = l->o->name;
    if (name.n > 100) name = SV_NULL;
    struct store_val args[] = {STORE_I(id_next()), STORE_T(now), STORE_T(now), STORE_I(l->p->id),
                               STORE_S(l->o->subject), STORE_I(l->staff), store_text_or_null(name),
                               STORE_T(now)};
    return store_exec(c, SV("INSERT INTO core_identity (id, created_at, updated_at, provider,"
                            " subject, staff, name, last_used) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
                      args, 8, NULL, err);
}

static void told(struct http_req *req, const char *action, int64_t staff, const struct provider *p)
{
    struct arena *a = http_arena(req);
    struct auth_principal who = {.kind = AUTH_STAFF, .id = staff};
    struct auth_audit line = {
        .action = action, .ok = true,
        .target = arena_printf(a, "core.staff/%lld", (long long)staff),
        .detail = arena_printf(a, "{\"provider\":\"%.*s\"}", SVARG(p->code))};
    auth_audit(auth_tenant_of(req), &who, req, &line);
}

int linked_add(struct http_req *req, struct store_conn *c, const struct provider *p,
               const struct outer_who *o, int64_t staff, struct err *err)
{
    struct err e = {0};
    struct linking l = {p, o, staff};
    if (insert(c, &l, &e) != 0) {
        if (e.status == 409) return err_set(err, 409, "auth.outer_taken", NULL);
        err_copy(err, &e);
        return -1;
    }
    told(req, "identity_link", staff, p);
    return 0;
}

/* ---- by what they say ------------------------------------------------------------------------ */

/* Exactly one, active: an address that two share says nothing. */
static int match(struct tenant *t, struct store_conn *c, struct arena *a, const struct provider *p,
                 const struct outer_who *o, int64_t *staff, struct err *err)
{
    bool by_mail = sv_eqs(p->match, "email");
    sv value = by_mail ? o->email : sv_eqs(p->match, "login") ? o->login : SV_NULL;
    struct store_val args[AUTH_MAX_HASHES] = {STORE_S(value)}, v[2];
    bool found;
    if (!value.n) return 0;
    if (by_mail && people_email_hashes(t, a, value, args, err) != 0) return -1;
    sv sql = by_mail ? SV("SELECT COUNT(*), MIN(id) FROM core_staff WHERE email_hash IN " PEOPLE_HASHES
                          " AND deleted_at IS NULL AND state = 'active'")
                     : SV("SELECT COUNT(*), MIN(id) FROM core_staff WHERE login = ?"
                          " AND deleted_at IS NULL AND state = 'active'");
    if (store_one(c, a, sql, args, by_mail ? AUTH_MAX_HASHES : 1, v, 2, &found, err) != 0) return -1;
    if (v[0].u.i == 1) *staff = v[1].u.i;
    return 0;
}

/* ---- new ones ----------------------------------------------------------------------------------- */

struct newcomer { struct linking l; sv login, name; };

static sv login_from(struct arena *a, sv said)
{
    char *p = arena_zalloc(a, 41);
    size_t n = 0;
    for (size_t i = 0; i < said.n && n < 32 && said.p[i] != '@'; i++) {
        char ch = said.p[i];
        bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
        bool other = (ch >= '0' && ch <= '9') || ch == '.' || ch == '_' || ch == '-';
        if (letter || (n && other)) p[n++] = ch;
    }
    return n >= 2 ? sv_make(p, n) : SV_NULL;
}

static int make(void *arg, struct store_conn *c, struct err *err)
{
    struct newcomer *k = arg;
    int64_t now = clock_now_us(), id = k->l.staff;
    struct store_val args[] = {STORE_I(id), STORE_T(now), STORE_T(now), STORE_S(k->login),
                               STORE_S(k->name)};
    if (store_exec(c, SV("INSERT INTO core_staff (id, created_at, updated_at, login, name, state,"
                         " version) VALUES (?, ?, ?, ?, ?, 'active', 1)"), args, 5, NULL, err) != 0)
        return -1;
    struct store_val role[] = {STORE_I(id_next()), STORE_T(now), STORE_T(now), STORE_I(id),
                               STORE_I(k->l.p->role)};
    /* never the built-in administrator, whatever the row says */
    if (k->l.p->role &&
        store_exec(c, SV("INSERT INTO core_staff_role (id, created_at, updated_at, staff, role)"
                         " SELECT ?, ?, ?, ?, id FROM core_role WHERE id = ? AND code <> 'admin'"),
                   role, 5, NULL, err) != 0)
        return -1;
    return insert(c, &k->l, err);
}

static int create(struct http_req *req, struct store_conn *c, const struct provider *p,
                  const struct outer_who *o, int64_t *staff, struct err *err)
{
    struct arena *a = http_arena(req);
    struct newcomer k = {.l = {p, o, id_next()}};
    sv wish = login_from(a, o->login.n ? o->login : o->email);
    k.name = o->name.n && sv_utf8_len(o->name) <= 60 ? o->name : wish.n ? wish : SV("?");
    for (int i = 0; i < 3; i++) {
        struct err e = {0};
        char tail[9];
        rand_text(tail, 8);
        k.login = i == 0 && wish.n ? wish : arena_printf(a, "u.%s", tail);
        if (store_tx(c, make, &k, &e) == 0) {
            *staff = k.l.staff;
            told(req, "create", *staff, p);
            return 0;
        }
        if (e.status != 409 || i == 2) {
            err_copy(err, &e);
            return -1;
        }
    }
    return -1;
}

int linked_staff(struct http_req *req, struct store_conn *c, const struct provider *p,
                 const struct outer_who *o, struct person *who, struct err *err)
{
    struct arena *a = http_arena(req);
    int64_t staff;
    *who = (struct person){.kind = AUTH_STAFF, .name = SV(""), .phone = SV(""), .login = SV("")};
    if (find_linked(c, a, p, o->subject, &staff, err) != 0) return -1;
    if (staff) {
        struct store_val args[] = {STORE_T(clock_now_us()), STORE_I(p->id), STORE_S(o->subject)};
        if (store_exec(c, SV("UPDATE core_identity SET last_used = ? WHERE provider = ?"
                             " AND subject = ?"), args, 3, NULL, err) != 0)
            return -1;
        return login_staff_by_id(login_tenant(req), c, a, staff, who, err);
    }
    if (match(login_tenant(req), c, a, p, o, &staff, err) != 0) return -1;
    if (staff && linked_add(req, c, p, o, staff, err) != 0) return -1;
    if (!staff && p->create_staff && create(req, c, p, o, &staff, err) != 0) return -1;
    return staff ? login_staff_by_id(login_tenant(req), c, a, staff, who, err) : 0;
}
