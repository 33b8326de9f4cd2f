/* Agreements: a published version stands for ever; who accepts one is written down. */
#define LOG_ROOM "link"

#include "link/room.h"

/* ---- hooks ----------------------------------------------------------------------------- */

static int published(const json_t *row, struct err *err)
{
    if (!sv_eqs(json_get_sv(row, "state"), "published")) return 0;
    return err_set(err, 409, "not_allowed_in_state", "published", NULL);
}

/* Before: a change of, or the end of, what people have accepted. */
int agreement_version_check(struct model_hook_call *call, struct err *err)
{
    return call->before ? published(call->before, err) : 0;
}

/* An agreement whose versions people may have accepted keeps its name. */
int agreement_check(struct model_hook_call *call, struct err *err)
{
    const json_t *old = call->before ? json_object_get(call->before, "code") : NULL;
    if (old && call->after && !json_is_null(json_object_get(call->before, "current")) &&
        !json_equal(old, json_object_get(call->after, "code")))
        return err_field(err, "code", "read_only", NULL);
    return 0;
}

int agreement_publish(struct model_hook_call *call, struct err *err)
{
    int64_t agreement;
    struct store_val n;
    bool found;
    char at[32];
    if (!sv_i64(json_get_sv(call->after, "agreement"), &agreement))
        return err_field(err, "agreement", "required", NULL);
    /* the agreement's row is locked first: two versions get two numbers */
    struct store_val key[] = {STORE_I(agreement)};
    if (store_one(call->conn, call->arena, SV("SELECT id FROM core_agreement WHERE id = ? FOR UPDATE"),
                  key, 1, &n, 1, &found, err) != 0 ||
        store_one(call->conn, call->arena,
                  SV("SELECT CAST(COALESCE(MAX(number), 0) AS SIGNED) FROM core_agreement_version"
                     " WHERE agreement = ?"),
                  key, 1, &n, 1, &found, err) != 0)
        return -1;
    json_object_set_new(call->after, "number", json_integer(n.u.i + 1));
    size_t len = clock_rfc3339(clock_now_us(), at);
    json_object_set_new(call->after, "published_at", json_stringn(at, len));
    struct store_val args[] = {STORE_I(call->id), STORE_T(clock_now_us()), STORE_I(agreement)};
    return store_exec(call->conn, SV("UPDATE core_agreement SET current = ?, updated_at = ?,"
                                     " version = version + 1 WHERE id = ?"),
                      args, 3, NULL, err);
}

/* ---- GET /api/core/public/agreements?at=member_login ------------------------------------- */

void agreement_list(struct http_req *req)
{
    const struct auth_principal *who = auth_of(req);
    struct store_conn *c;
    struct err err = {0};
    struct jsonw w = jsonw_on(http_out(req));
    int rc = store_get(auth_tenant_of(req)->db, &c, &err);
    if (rc == 0) {
        sv at = http_query(req, "at");
        jsonw_obj(&w);
        jsonw_key(&w, SV("items"));
        rc = auth_agreements(c, who->kind, who->id, at.n ? at : SV("member_login"), true, &w, &err);
        jsonw_end_obj(&w);
        store_put(c);
    }
    if (rc != 0) http_fail(req, &err);
    http_add_header(req, "cache-control", SV("no-store"));
}

/* ---- GET /api/core/public/agreements/:code ------------------------------------------------ */

static int read_current(struct http_req *req, struct store_conn *c, sv code, struct err *err)
{
    struct store_val key[] = {STORE_S(code)}, v[8];
    bool found;
    if (store_one(c, http_arena(req),
                  SV("SELECT v.id, v.number, v.published_at, v.body_zh, v.body_en, a.title_zh,"
                     " a.title_en, a.kind FROM core_agreement a JOIN core_agreement_version v"
                     " ON v.id = a.current WHERE a.code = ?"),
                  key, 1, v, 8, &found, err) != 0)
        return -1;
    if (!found) return err_set(err, 404, "not_found", NULL);
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_id(&w, "version", v[0].u.i);
    jsonw_kv_sv(&w, "code", code);
    jsonw_kv_sv(&w, "kind", v[7].u.s);
    jsonw_kv_i64(&w, "number", v[1].u.i);
    jsonw_kv_time(&w, "published_at", v[2].u.i);
    static const struct { const char *key; unsigned zh, en; } texts[] = {{"title", 5, 6},
                                                                         {"body", 3, 4}};
    for (size_t i = 0; i < 2; i++) {
        const struct store_val *en = &v[texts[i].en];
        jsonw_key(&w, sv_of(texts[i].key));
        jsonw_obj(&w);
        jsonw_kv_sv(&w, "zh", v[texts[i].zh].u.s);
        jsonw_kv_sv(&w, "en", en->type == STORE_NULL ? SV_NULL : en->u.s);
        jsonw_end_obj(&w);
    }
    jsonw_end_obj(&w);
    return 0;
}

void agreement_get(struct http_req *req)
{
    struct store_conn *c;
    struct err err = {0};
    int rc = store_get(auth_tenant_of(req)->db, &c, &err);
    if (rc == 0) {
        rc = read_current(req, c, http_param(req, "code"), &err);
        store_put(c);
    }
    if (rc != 0) http_fail(req, &err);
}

/* ---- POST /api/core/public/agreements/accept ---------------------------------------------- */

struct accepting {
    struct http_req *req;
    const json_t *versions;
    int64_t n;
};

/* Only what is current is accepted: nobody agrees to words that were replaced. */
static int accept_one(struct accepting *x, struct store_conn *c, int64_t version, struct err *err)
{
    const struct auth_principal *who = auth_of(x->req);
    struct store_val key[] = {STORE_I(version)}, v;
    uint64_t made = 0;
    bool found;
    if (store_one(c, http_arena(x->req),
                  SV("SELECT id FROM core_agreement WHERE current = ? FOR UPDATE"), key, 1, &v, 1,
                  &found, err) != 0)
        return -1;
    if (!found) return err_set(err, 409, "agreement_replaced", NULL);
    int64_t now = clock_now_us();
    sv client = http_header(x->req, "user-agent");
    if (client.n > 190) client.n = 190;
    bool member = who->kind == AUTH_MEMBER;
    struct store_val args[] = {STORE_I(id_next()),
                               STORE_T(now),
                               STORE_T(now),
                               STORE_I(version),
                               member ? STORE_I(who->id) : STORE_N,
                               member ? STORE_N : STORE_I(who->id),
                               STORE_S(http_remote(x->req)),
                               sv_utf8_ok(client) ? STORE_S(client) : STORE_N};
    if (store_exec(c, SV("INSERT IGNORE INTO core_agreement_acceptance (id, created_at, updated_at,"
                         " version_of, member, staff, address, client)"
                         " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
                   args, sizeof args / sizeof *args, &made, err) != 0)
        return -1;
    x->n += (int64_t)made;
    return made ? store_exec(c, SV("UPDATE core_agreement_version SET accepted = accepted + 1"
                                   " WHERE id = ?"),
                             key, 1, NULL, err)
                : 0;
}

static int accept_all(void *arg, struct store_conn *c, struct err *err)
{
    struct accepting *x = arg;
    x->n = 0;
    for (size_t i = 0; i < json_array_size(x->versions); i++) {
        int64_t id;
        const json_t *v = json_array_get(x->versions, i);
        if (!json_is_string(v) || !sv_i64(sv_of(json_string_value(v)), &id))
            return err_field(err, "versions", "not_id", NULL);
        if (accept_one(x, c, id, err) != 0) return -1;
    }
    return 0;
}

void agreement_accept(struct http_req *req)
{
    const struct auth_principal *who = auth_of(req);
    struct accepting x = {.req = req};
    struct err err = {0};
    json_t *body;
    int rc = 0;
    if (who->kind != AUTH_MEMBER && who->kind != AUTH_STAFF)
        rc = err_set(&err, who->kind == AUTH_ANON ? 401 : 403,
                     who->kind == AUTH_ANON ? "unauthorized" : "forbidden", NULL);
    if (rc == 0) rc = http_json(req, &body, &err);
    if (rc == 0) {
        x.versions = json_object_get(body, "versions");
        if (json_array_size(x.versions) == 0 || json_array_size(x.versions) > 50)
            rc = err_field(&err, "versions", "required", NULL);
    }
    if (rc == 0) rc = link_tx(auth_tenant_of(req), accept_all, &x, &err);
    if (rc != 0) {
        http_fail(req, &err);
        return;
    }
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_i64(&w, "accepted", x.n);
    jsonw_end_obj(&w);
}
