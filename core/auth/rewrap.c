/* Everything that the master keys wrap, wrapped anew under the newest: rows of
 * the control database one by one, so that a rotation that was cut off is simply
 * run again, and nodes go on reading meanwhile. */
#define LOG_ROOM "auth"

#include "auth/room.h"

struct wrapped {                     /* a column of a row */
    int64_t id;
    sv about, text;
};

struct list {
    struct arena *a;
    struct wrapped *v;
    size_t n, cap;
    bool keys;
};

static void add(struct list *l, int64_t id, sv about, sv text)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        struct wrapped *more = ARENA_ARRAY(l->a, struct wrapped, cap);
        if (l->n) memcpy(more, l->v, l->n * sizeof *more);
        l->v = more;
        l->cap = cap;
    }
    l->v[l->n++] = (struct wrapped){id, about, arena_sv(l->a, text)};
}

static bool on_row(void *arg, const struct store_val *v, unsigned n)
{
    struct list *l = arg;
    (void)n;
    if (l->keys) {
        sv about = arena_printf(l->a, "tenant/%lld/key/%.*s/%lld", (long long)v[1].u.i,
                                SVARG(v[2].u.s), (long long)v[3].u.i);
        add(l, v[0].u.i, about, v[4].u.s);
    } else {
        add(l, v[0].u.i, control_about(l->a, v[0].u.i, "password"), v[1].u.s);
        add(l, v[0].u.i, control_about(l->a, v[0].u.i, "secret"), v[2].u.s);
    }
    return true;
}

/* The old text stands in the condition: whoever was quicker has done it. */
static int rewrap(struct auth *a, struct store_conn *c, struct arena *scratch, sv sql,
                  const struct wrapped *w, unsigned *rows, struct err *err)
{
    sv plain;
    uint64_t n = 0;
    if (master_number(w->text) == master_newest(a)) return 0;
    if (master_open(a, scratch, w->about, w->text, &plain) != 0)
        return err_internal(err, "%.*s is not wrapped by any of the master keys",
                            SVARG(w->about));
    struct store_val args[] = {STORE_S(master_seal(a, scratch, w->about, plain)), STORE_I(w->id),
                               STORE_S(w->text)};
    if (store_exec(c, sql, args, 3, &n, err) != 0) return -1;
    *rows += (unsigned)n;
    return 0;
}

static int rewrap_all(struct auth *a, struct store_conn *c, struct arena *scratch, unsigned *rows,
                      struct err *err)
{
    struct list tenants = {.a = scratch}, keys = {.a = scratch, .keys = true};
    if (store_run(c, SV("SELECT id, db_password, secret FROM tenant"), NULL, 0, on_row, &tenants,
                  err) != 0 ||
        store_run(c, SV("SELECT id, tenant, purpose, number, wrapped FROM tenant_key"), NULL, 0,
                  on_row, &keys, err) != 0)
        return -1;
    for (size_t i = 0; i < tenants.n; i++) {
        sv sql = i % 2 ? SV("UPDATE tenant SET secret = ? WHERE id = ? AND secret = ?")
                       : SV("UPDATE tenant SET db_password = ? WHERE id = ? AND db_password = ?");
        if (rewrap(a, c, scratch, sql, &tenants.v[i], rows, err) != 0) return -1;
    }
    for (size_t i = 0; i < keys.n; i++)
        if (rewrap(a, c, scratch, SV("UPDATE tenant_key SET wrapped = ? WHERE id = ?"
                                     " AND wrapped = ?"), &keys.v[i], rows, err) != 0)
            return -1;
    return 0;
}

int auth_master_rotate(struct auth *a, unsigned *number, unsigned *rows, struct err *err)
{
    struct store_conn *c;
    *rows = 0;
    if (!a->settings->master_key_file && master_add(a->settings->state_dir, err) != 0) return -1;
    if (master_reload(a, err) != 0 || store_get(a->control, &c, err) != 0) return -1;
    *number = master_newest(a);
    struct arena *scratch = arena_new(0);
    int rc = rewrap_all(a, c, scratch, rows, err);
    arena_free(scratch);
    store_put(c);
    if (rc == 0) log_info("%u texts are wrapped by master key %u", *rows, *number);
    return rc;
}
