/* Idempotency-Key on POST. The key's row is written in the transaction of the
 * effect itself: a second request with the same key waits at the unique index
 * until the first has committed and then gets its answer; a crash takes effect
 * and key away together. Failures are not kept: nothing happened, so the same
 * request may be tried again. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include "auth/protect.h"

#include <openssl/evp.h>
#include <stdio.h>

#define KEEP_US (INT64_C(24) * 3600 * 1000000)
#define SWEEP_ONE_IN 200
#define MAX_KEPT (4u << 20)

struct claim {
    struct post *p;
    sv key, principal, route, hash;
    int64_t id;
    bool replayed;
};

static bool key_ok(sv key)
{
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '_' || c == '-'))
            return false;
    }
    return key.n >= 8 && key.n <= 64;
}

static sv hash_request(struct arena *a, struct http_req *req)
{
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    struct buf b = BUF_IN(a);
    EVP_MD_CTX *x = EVP_MD_CTX_new();
    char method = (char)http_method_of(req);
    sv path = http_path(req), query = http_query_raw(req), body = http_body(req);
    if (!x || !EVP_DigestInit_ex(x, EVP_sha256(), NULL) || !EVP_DigestUpdate(x, &method, 1) ||
        !EVP_DigestUpdate(x, path.p, path.n) || !EVP_DigestUpdate(x, "?", 1) ||
        !EVP_DigestUpdate(x, query.p, query.n) || !EVP_DigestUpdate(x, "\n", 1) ||
        !EVP_DigestUpdate(x, body.p, body.n) || !EVP_DigestFinal_ex(x, md, &n))
        panic("idempotency: SHA-256 failed");
    EVP_MD_CTX_free(x);
    buf_hex(&b, md, n);
    return buf_view(&b);
}

/* ---- the first answer ------------------------------------------------------------- */

struct first {
    struct arena *a;
    bool found;
    int64_t created, id;
    sv hash, body;
    int status;
};

static bool take_first(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct first *f = arg;
    if (n_cols < 5) return true;
    f->found = true;
    f->created = row[0].u.i;
    f->id = row[4].u.i;
    f->hash = arena_sv(f->a, row[1].u.s);
    f->status = row[2].type == STORE_I64 ? (int)row[2].u.i : 0;
    f->body = row[3].type == STORE_TEXT ? arena_sv(f->a, row[3].u.s) : SV("");
    return true;
}

static int insert(struct claim *c, struct store_conn *conn, struct err *err)
{
    struct store_val now = STORE_T(clock_now_us());
    c->id = id_next();
    struct store_val args[] = {
        STORE_I(c->id),  now, now, STORE_S(c->key), STORE_S(c->principal), STORE_S(c->route),
        STORE_S(c->hash)};
    return store_exec(conn,
                      SV("INSERT INTO `core_idempotency` (`id`,`created_at`,`updated_at`,"
                         "`request_key`,`principal`,`route`,`request_hash`) "
                         "VALUES (?,?,?,?,?,?,?)"),
                      args, 7, NULL, err);
}

/* 0: ours to do; 1: done before, and answered; -1: failed. */
static int claim(struct claim *c, struct store_conn *conn, struct err *err)
{
    for (int turn = 0; turn < 3; turn++) {
        struct err dup = {0};
        struct first f = {.a = c->p->c.arena};
        struct store_val args[] = {STORE_S(c->principal), STORE_S(c->key)};
        if (insert(c, conn, &dup) == 0) return 0;
        if (dup.status != 409 || !dup.code || strcmp(dup.code, "duplicate") != 0) {
            err_copy(err, &dup);
            return -1;
        }
        if (store_run(conn,
                      SV("SELECT `created_at`,`request_hash`,`status`,`body`,`id` FROM "
                         "`core_idempotency` WHERE `principal`=? AND `request_key`=?"),
                      args, 2, take_first, &f, err) < 0)
            return -1;
        if (f.found && clock_now_us() - f.created <= KEEP_US) {
            if (!sv_eq(f.hash, c->hash)) return err_set(err, 409, "idempotency_mismatch", NULL);
            c->p->status = f.status ? f.status : 200;
            struct auth_place at = {SV("core.idempotency"), SV("body"), f.id};
            if (auth_open_value(c->p->c.tenant, c->p->c.arena, &at, f.body, &f.body, err) < 0)
                return -1;
            buf_sv(http_out(c->p->req), f.body);
            c->replayed = true;
            return 1;
        }
        if (f.found && store_exec(conn,
                                  SV("DELETE FROM `core_idempotency` WHERE `principal`=? AND "
                                     "`request_key`=?"),
                                  args, 2, NULL, err) < 0)
            return -1;
    }
    return err_set(err, 409, "conflict", NULL);
}

/* An answer may show what the table keeps sealed: it is kept sealed as well. */
static int seal_answer(struct claim *c, sv *body, struct err *err)
{
    const struct model_resource *r = c->p->r;
    bool guarded = r && r->guarded;
    for (unsigned i = 0; r && i < r->n_kids; i++)
        guarded |= r->kids[i].res->guarded;
    if (!guarded) return 0;
    struct auth_place at = {SV("core.idempotency"), SV("body"), c->id};
    return auth_seal_value(c->p->c.tenant, c->p->c.arena, &at, *body, body, err);
}

static int keep_answer(struct claim *c, struct store_conn *conn, struct err *err)
{
    sv body = buf_view(http_out(c->p->req));
    if (body.n > MAX_KEPT) return err_internal(err, "an answer of %zu bytes", body.n);
    if (seal_answer(c, &body, err) < 0) return -1;
    struct store_val args[] = {STORE_I(c->p->status), STORE_S(body.p ? body : SV("")),
                               STORE_I(c->id)};
    return store_exec(conn, SV("UPDATE `core_idempotency` SET `status`=?,`body`=? WHERE `id`=?"),
                      args, 3, NULL, err);
}

/* ---- the request ------------------------------------------------------------------ */

static int attempt(void *arg, struct store_conn *conn, struct err *err)
{
    struct claim *c = arg;
    struct post *p = c->p;
    /* From the start, after a deadlock too. */
    buf_clear(http_out(p->req));
    p->c.conn = conn;
    p->c.done = NULL;
    p->c.approval = 0;
    p->status = 200;
    c->replayed = false;
    int rc = claim(c, conn, err);
    if (rc != 0) return rc < 0 ? -1 : 0;
    if (p->op(p, err) < 0) return -1;
    return keep_answer(c, conn, err);
}

static void sweep(struct store_conn *conn)
{
    struct err err = {0};
    struct store_val args[] = {STORE_T(clock_now_us() - KEEP_US)};
    if (rand_below(SWEEP_ONE_IN) != 0) return;
    if (store_exec(conn, SV("DELETE FROM `core_idempotency` WHERE `created_at`<? LIMIT 500"), args,
                   1, NULL, &err) < 0)
        log_warn("old idempotency keys stay: %s", err.detail);
}

static int run_claimed(struct post *p, sv key, struct err *err)
{
    static const char *const kinds[] = {"anon", "staff", "member", "key", "system"};
    struct arena *a = p->c.arena;
    const struct auth_principal *who = p->c.who;
    sv path = http_path(p->req);
    struct claim c = {.p = p, .key = key, .hash = hash_request(a, p->req)};
    c.principal = arena_printf(a, "%s:%lld", kinds[who->kind], (long long)who->id);
    c.route = sv_make(path.p, path.n < 200 ? path.n : 200);
    struct store_conn *conn;
    if (store_get(p->c.tenant->db, &conn, err) < 0) return -1;
    int rc = store_tx(conn, attempt, &c, err);
    p->c.conn = NULL;
    if (rc == 0) {
        sweep(conn);
        model_committed(&p->c);
    }
    store_put(conn);
    if (rc == 0 && c.replayed) http_add_header(p->req, "idempotent-replayed", SV("true"));
    return rc;
}

/* The row's id and version in the answer, for the headers. */
static void head(struct post *p)
{
    sv body = buf_view(http_out(p->req)), id;
    http_status(p->req, p->status);
    if (!p->r || p->aside) return;
    tag_version(p->req, p->r, body);
    if (p->status != 201 || !sv_starts(body, SV("{\"id\":\""))) return;
    id = sv_cut(sv_make(body.p + 7, body.n - 7), '"', &(sv){0});
    sv dot, plugin = sv_cut(p->r->name, '.', &dot), prefix = http_prefix(p->req);
    if (sv_eq(p->r->name, SV("core.file"))) return; /* its url is in the answer */
    http_add_header(p->req, "location",
                    arena_printf(p->c.arena, "%.*s/api/%.*s/%.*s/%.*s", SVARG(prefix),
                                 SVARG(plugin), SVARG(dot), SVARG(id)));
}

void post_run(struct post *p)
{
    struct err err = {0};
    sv key = http_header(p->req, "idempotency-key");
    int rc;
    p->status = 200;
    if (key.p && !key_ok(key)) {
        err_set(&err, 400, "bad_request", NULL);
        rc = err_field(&err, "Idempotency-Key", "pattern_mismatch", NULL);
    } else if (key.p && p->c.who->kind != AUTH_ANON) {
        rc = run_claimed(p, key, &err);
    } else {
        rc = p->op(p, &err);
    }
    /* A version that was demanded by If-Match fails as its precondition. */
    bool conflict = err.status == 409 && err.code && strcmp(err.code, "version_conflict") == 0;
    if (conflict && http_header(p->req, "if-match").n) err.status = 412;
    if (rc < 0)
        http_fail(p->req, &err);
    else
        head(p);
}
