/* The room's beginning and end, and its routes. */
#define LOG_ROOM "auth"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/outer.h"

#define SESSIONS 50000               /* kept in memory; about 400 bytes each */
#define LOGIN_THREADS 4
#define LOGIN_QUEUE 1024
#define OUTER_THREADS 4              /* wait for foreign servers, hash nothing */
#define OUTER_QUEUE 128

static void add_messages(void)
{
    static const struct { const char *id, *zh, *en; } texts[] = {
        {"auth.password_kinds", "须包含大写字母、小写字母、数字、符号中的至少 {0} 种。",
         "Use at least {0} of: capital letters, small letters, digits, signs."},
        {"auth.password_used", "不能与最近 {0} 次使用过的密码相同。",
         "It must differ from the last {0} passwords."},
        {"auth.password_login", "密码不能包含登录名。", "It must not contain the login."},
        {"auth.password_same", "新密码不能与旧密码相同。", "It must differ from the old one."},
        {"auth.old_password", "原密码不正确。", "The old password is not correct."},
        {"auth.ticket", "登录已超时或验证次数过多，请重新登录。",
         "This log-in has timed out or was tried too often; please start again."},
        {"auth.factor", "动态口令不正确或已使用过。", "The code is not right or was used already."},
        {"auth.factor_there", "已启用动态口令，请先停用。",
         "There is a second factor already; remove it first."},
        {"auth.factor_rule", "管理员要求您使用动态口令，不能停用。",
         "A second factor is required of you; it cannot be removed."},
        {"auth.captcha_required", "请输入图形验证码。", "Please type the signs of the picture."},
        {"auth.captcha_wrong", "图形验证码不正确或已过期，请重新输入。",
         "That was not what the picture said, or it is too old."},
        {"auth.outer", "外部登录未通过验证，请重试。", "The outer log-in was not accepted; please try again."},
        {"auth.outer_away", "外部登录服务暂时没有响应。", "The outer log-in does not answer at the moment."},
        {"auth.outer_unknown", "此外部账号尚未绑定员工，请先用密码登录后在「我的」中绑定，或联系管理员。",
         "That account is linked to nobody here: sign in by password and link it, or ask an "
         "administrator."},
        {"auth.outer_taken", "此外部账号已绑定，或您已绑定过。", "That account is linked already."},
        {"auth.device_id", "客户端没有提供设备标识（8 至 64 个字母、数字或 . _ -）。",
         "The client names no device id (8 to 64 letters, digits or . _ -)."},
        {"auth.device_pending", "此设备已登记，待管理员批准后即可使用。",
         "This device is registered and waits for an administrator."},
        {"auth.device_frozen", "此设备已被冻结，请联系管理员。",
         "This device is frozen; please ask an administrator."},
        {"auth.code_text", "您的验证码是 {0}，5 分钟内有效。请勿告诉他人。",
         "Your code is {0}. It is valid for 5 minutes; tell it to nobody."},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        msg_add(texts[i].id, texts[i].zh, texts[i].en);
}

static const char *copy(struct arena *a, const char *s)
{
    return s ? arena_str(a, sv_of(s)) : NULL;
}

int auth_start(const struct auth_opts *o, struct auth **out, struct err *err)
{
    struct arena *arena = arena_new(0);
    struct auth *a = ARENA_NEW(arena, struct auth);
    a->arena = arena;
    a->settings = o->settings;
    a->admin = o->control;
    a->server = *o->server;
    a->server.host = copy(arena, o->server->host);
    a->server.socket = copy(arena, o->server->socket);
    a->server.user = copy(arena, o->server->user);
    a->server.password = copy(arena, o->server->password);
    a->server.database = NULL;
    a->outbox_fd = -1;
    a->delivery = (struct auth_delivery){.arg = a, .send = outbox_send};
    pthread_mutex_init(&a->lock, NULL);
    pthread_mutex_init(&a->outer.lock, NULL);
    pthread_mutex_init(&a->master_lock, NULL);
    add_messages();
    if (master_reload(a, err) != 0 || outbox_open(a, err) != 0 ||
        control_migrate(a, err) != 0) {
        auth_stop(a);
        return -1;
    }
    a->cache = scache_new(SESSIONS);
    a->logins = work_pool_start(LOGIN_THREADS, LOGIN_QUEUE);
    a->outer.pool = work_pool_start(OUTER_THREADS, OUTER_QUEUE);
    if (control_load(a, err) != 0) {
        auth_stop(a);
        return -1;
    }
    a->keeper = keeper_start(a);
    *out = a;
    return 0;
}

void auth_drain(struct auth *a, unsigned timeout_ms)
{
    if (a->logins) work_pool_stop(a->logins, timeout_ms);
    a->logins = NULL;
    if (a->outer.pool) work_pool_stop(a->outer.pool, timeout_ms);
    a->outer.pool = NULL;
}

void auth_stop(struct auth *a)
{
    if (!a) return;
    auth_drain(a, 5000);
    keeper_stop(a->keeper);
    tenants_free(a);
    outer_cache_free(a);
    scache_free(a->cache);
    if (a->control) store_db_free(a->control);
    if (a->outbox_fd >= 0) close(a->outbox_fd);
    pthread_mutex_destroy(&a->lock);
    pthread_mutex_destroy(&a->master_lock);
    OPENSSL_cleanse(&a->master, sizeof a->master);
    arena_free(a->arena);
}

void auth_set_partner_resources(struct auth *a, const sv *names, unsigned n)
{
    a->for_partners = names;
    a->n_for_partners = n;
}

void auth_set_manage(struct auth *a, auth_manage_fn *fn, void *arg)
{
    a->manage = fn;
    a->manage_arg = arg;
}

void auth_set_delivery(struct auth *a, const struct auth_delivery *d)
{
    a->delivery = *d;
}

void auth_set_outer(struct auth *a, struct work_reactor *r, bool allow_private, bool allow_http)
{
    a->outer.reactor = r;
    a->outer.allow_private = allow_private;
    a->outer.allow_http = allow_http;
}

void auth_set_events(struct auth *a, const struct auth_events *e)
{
    a->events = *e;
}

/* ---- routes ------------------------------------------------------------------------------ */

static void staff_logout(struct http_req *req)
{
    login_end(req, AUTH_STAFF);
}

static void member_logout(struct http_req *req)
{
    login_end(req, AUTH_MEMBER);
}

int auth_routes(struct auth *a, struct http_router *r, struct err *err)
{
    const struct http_route routes[] = {
        {.method = HTTP_POST, .pattern = "/api/auth/login", .handler = login_staff},
        {.method = HTTP_POST, .pattern = "/api/auth/code", .handler = login_code},
        {.method = HTTP_POST, .pattern = "/api/auth/logout", .handler = staff_logout},
        {.method = HTTP_POST, .pattern = "/api/auth/password", .handler = account_password},
        {.method = HTTP_POST, .pattern = "/api/auth/staff/:id/password", .handler = account_reset},
        {.method = HTTP_POST, .pattern = "/api/auth/member/login", .handler = login_member},
        {.method = HTTP_POST, .pattern = "/api/auth/member/logout", .handler = member_logout},
        {.method = HTTP_POST, .pattern = "/api/auth/login/step", .handler = login_step},
        {.method = HTTP_POST, .pattern = "/api/auth/login/totp", .handler = login_step_factor},
        {.method = HTTP_POST, .pattern = "/api/auth/login/password",
         .handler = login_step_password},
        {.method = HTTP_GET, .pattern = "/api/auth/captcha", .handler = captcha_get},
        {.method = HTTP_GET, .pattern = "/api/auth/me", .handler = me_get},
        {.method = HTTP_GET, .pattern = "/api/auth/me/sessions", .handler = sessions_own},
        {.method = HTTP_DELETE, .pattern = "/api/auth/me/sessions/:id",
         .handler = sessions_end_own},
        {.method = HTTP_GET, .pattern = "/api/auth/sessions", .handler = sessions_all},
        {.method = HTTP_DELETE, .pattern = "/api/auth/sessions/:id", .handler = sessions_end_any},
        {.method = HTTP_POST, .pattern = "/api/auth/totp/begin", .handler = factor_routes_begin},
        {.method = HTTP_POST, .pattern = "/api/auth/totp/confirm",
         .handler = factor_routes_confirm},
        {.method = HTTP_POST, .pattern = "/api/auth/totp/codes", .handler = factor_routes_codes},
        {.method = HTTP_POST, .pattern = "/api/auth/totp/remove", .handler = factor_routes_remove},
        {.method = HTTP_POST, .pattern = "/api/auth/staff/:id/totp/reset",
         .handler = factor_routes_reset},
        {.method = HTTP_GET, .pattern = "/api/auth/member/session", .handler = account_session},
        {.method = HTTP_GET, .pattern = "/api/core/session", .handler = account_session},
    };
    if (proof_routes(r, err) != 0 || outer_routes(a, r, err) != 0) return -1;
    return http_router_add_all(r, routes, sizeof routes / sizeof routes[0], err);
}
