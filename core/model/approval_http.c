/* /api/core/approval/… */
#define LOG_ROOM "model"
#include "model/approval.h"

/* Approvals are between members of staff. */
static bool staff_only(struct http_req *req)
{
    const struct auth_principal *p = auth_of(req);
    if (auth_is_staff(p)) return true;
    http_fail_code(req, p->kind == AUTH_ANON ? 401 : 403,
                   p->kind == AUTH_ANON ? "unauthorized" : "forbidden");
    return false;
}

static int read_id(struct http_req *req, int64_t *id, struct err *err)
{
    if (sv_i64(http_param(req, "id"), id) && *id > 0) return 0;
    return err_set(err, 404, "not_found", NULL);
}

static void list(struct http_req *req, enum approval_list which)
{
    struct model_ctx c = request_ctx(req);
    struct err err = {0};
    uint64_t limit = 20;
    sv text = http_query(req, "limit");
    if (!staff_only(req)) return;
    if (text.p && (!sv_u64(text, &limit) || limit < 1 || limit > 200)) {
        err_set(&err, 400, "bad_limit", "200", NULL);
        err_field(&err, "limit", "bad_limit", "200", NULL);
    }
    if (err_is(&err) || approval_list(http_route_data(req), &c, which, http_query(req, "after"),
                                      (unsigned)limit, http_out(req), &err) < 0)
        http_fail(req, &err);
}

static void get_todo(struct http_req *req)
{
    list(req, LIST_TODO);
}

static void get_mine(struct http_req *req)
{
    list(req, LIST_MINE);
}

static void get_done(struct http_req *req)
{
    list(req, LIST_DONE);
}

static void get_one(struct http_req *req)
{
    struct model_ctx c = request_ctx(req);
    struct err err = {0};
    int64_t id;
    if (!staff_only(req)) return;
    if (read_id(req, &id, &err) < 0 ||
        approval_show(http_route_data(req), &c, id, http_out(req), &err) < 0)
        http_fail(req, &err);
}

/* ---- acts ------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum approval_what what;
    bool staff;
} acts[] = {{"approve", DO_APPROVE, false},   {"reject", DO_REJECT, false},
            {"withdraw", DO_WITHDRAW, false}, {"remind", DO_REMIND, false},
            {"comment", DO_COMMENT, false},   {"transfer", DO_TRANSFER, true},
            {"add_signer", DO_ADD_SIGNER, true}};
#define N_ACTS (sizeof acts / sizeof *acts)

static size_t characters(sv s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

static int read_comment(const json_t *body, bool required, sv *out, struct err *err)
{
    const json_t *v = json_object_get(body, "comment");
    *out = SV_NULL;
    if (v && !json_is_null(v) && !json_is_string(v)) return err_field(err, "comment", "not_string", NULL);
    if (json_is_string(v)) *out = sv_trim(json_get_sv(body, "comment"));
    if (required && !out->n) return err_field(err, "comment", "required", NULL);
    if (characters(*out) > APPR_MAX_COMMENT) return err_field(err, "comment", "too_long", "500", NULL);
    return 0;
}

static int read_staff(const json_t *body, struct approval_act *x, struct err *err)
{
    sv staff = json_get_sv(body, "staff"), place = json_get_sv(body, "place");
    if (!staff.p) return err_field(err, "staff", "required", NULL);
    if (!sv_i64(staff, &x->staff) || x->staff <= 0) return err_field(err, "staff", "not_id", NULL);
    if (x->what != DO_ADD_SIGNER) return 0;
    x->before = sv_eqs(place, "before");
    if (!x->before && !sv_eqs(place, "after"))
        return err_field(err, "place", "not_in_options", "before, after", NULL);
    return 0;
}

static int read_act(struct http_req *req, struct approval_act *x, struct err *err)
{
    sv name = http_param(req, "act");
    json_t *body = NULL;
    size_t i = 0;
    while (i < N_ACTS && !sv_eqs(name, acts[i].name))
        i++;
    if (i == N_ACTS) return err_set(err, 404, "not_found", NULL);
    x->what = acts[i].what;
    if (http_body(req).n && http_json(req, &body, err) < 0) return -1;
    /* A refusal without a reason helps nobody. */
    bool wanted = x->what == DO_REJECT || x->what == DO_COMMENT;
    if (read_comment(body, wanted, &x->comment, err) < 0) return -1;
    return acts[i].staff ? read_staff(body, x, err) : 0;
}

static void post_act(struct http_req *req)
{
    struct model_ctx c = request_ctx(req);
    struct approval_act x = {.m = http_route_data(req), .c = &c};
    struct err err = {0};
    if (!staff_only(req)) return;
    if (read_id(req, &x.id, &err) < 0 || read_act(req, &x, &err) < 0 || approval_act(&x, &err) < 0 ||
        approval_show(x.m, &c, x.id, http_out(req), &err) < 0)
        http_fail(req, &err);
}

int approval_routes(struct model *m, struct http_router *router, struct err *err)
{
    if (!model_find(m, SV("core.approval"))) return 0; /* a model of tests */
    const struct http_route routes[] = {
        {.method = HTTP_GET, .pattern = "/api/core/approval/todo", .handler = get_todo, .data = m},
        {.method = HTTP_GET, .pattern = "/api/core/approval/mine", .handler = get_mine, .data = m},
        {.method = HTTP_GET, .pattern = "/api/core/approval/done", .handler = get_done, .data = m},
        {.method = HTTP_GET, .pattern = "/api/core/approval/:id", .handler = get_one, .data = m},
        {.method = HTTP_POST,
         .pattern = "/api/core/approval/:id/:act",
         .handler = post_act,
         .data = m},
    };
    return http_router_add_all(router, routes, sizeof routes / sizeof *routes, err);
}
