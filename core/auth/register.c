/* The device register: where a rule asks for it, staff come in only from devices that
 * an administrator has let in. The first log-in from a device registers it. What a
 * client says of itself lets nobody in: the one exception is a browser at the web
 * console, whose session lives by its cookie alone. */
#define LOG_ROOM "auth"

#include "auth/login.h"

#define MAX_NAME 60

const char *device_client(const struct http_req *req)
{
    static const char *const known[] = {"mini", "h5", "app", "pc", "api"};
    sv said = http_header(req, "x-atrium-client");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (sv_eqs(said, known[i])) return known[i];
    return "";
}

static bool is_mobile(const char *client)
{
    return strcmp(client, "mini") == 0 || strcmp(client, "h5") == 0 || strcmp(client, "app") == 0;
}

static bool is_console(const struct http_req *req, const char *client)
{
    struct err none = {0};
    return (!client[0] || strcmp(client, "pc") == 0) && session_same_origin(req, true, &none) == 0;
}

static int is_wanted(struct http_req *req, struct store_conn *c, int64_t staff, bool *yes,
                     struct err *err)
{
    struct auth_rules rules = auth_rules_of(auth_tenant_of(req));
    struct store_val args[] = {STORE_I(staff)}, v[1];
    *yes = rules.devices == AUTH_DEVICES_ALL;
    if (rules.devices != AUTH_DEVICES_ROLES) return 0;
    return store_one(c, http_arena(req),
                     SV("SELECT r.id FROM core_staff_role s JOIN core_role r ON r.id = s.role"
                        " WHERE s.staff = ? AND r.device_required = 1 LIMIT 1"), args, 1, v, 1, yes,
                     err);
}

static bool id_ok(sv id)
{
    if (id.n < 8 || id.n > 64) return false;
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!plain && c != '.' && c != '_' && c != '-') return false;
    }
    return true;
}

/* What the browser says of itself, until somebody gives it a name. */
static sv first_name(struct http_req *req)
{
    sv agent = http_header(req, "user-agent");
    if (!agent.n || !sv_utf8_ok(agent)) return SV("?");
    size_t n = agent.n < MAX_NAME ? agent.n : MAX_NAME;
    while (n && n < agent.n && ((unsigned char)agent.p[n] & 0xc0) == 0x80) n--;
    return sv_make(agent.p, n);
}

static sv kind_of(const struct http_req *req)
{
    const char *client = device_client(req);
    return client[0] ? sv_of(client) : SV("api");
}

static int register_one(struct http_req *req, struct store_conn *c, const struct person *who,
                        sv device, struct err *err)
{
    int64_t now = clock_now_us(), id = id_next(), staff = who->id;
    struct store_val args[] = {STORE_I(id), STORE_T(now), STORE_T(now), STORE_I(staff),
                               STORE_I(staff), STORE_S(device), STORE_S(first_name(req)),
                               STORE_S(kind_of(req)), STORE_S(http_remote(req))};
    uint64_t n = 0;
    if (store_exec(c, SV("INSERT IGNORE INTO core_device (id, created_at, updated_at, created_by,"
                         " staff, device_id, name, kind, address, state, version)"
                         " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', 1)"), args, 9, &n, err) !=
        0)
        return -1;
    struct auth_principal p = {.kind = AUTH_STAFF, .id = staff, .name = who->name};
    struct auth_audit line = {.action = "device_register", .ok = true,
                              .target = arena_printf(http_arena(req), "core.device/%lld",
                                                     (long long)id)};
    if (n) auth_audit(auth_tenant_of(req), &p, req, &line);
    return 0;
}

int device_admit(struct http_req *req, struct store_conn *c, const struct person *who,
                 bool redirect, struct admitted *out, struct err *err)
{
    const char *client = device_client(req);
    struct store_val args[] = {STORE_I(who->id), STORE_S(http_header(req, "x-atrium-device"))}, v[2];
    bool wanted = false, found, named = id_ok(args[1].u.s);
    *out = (struct admitted){0};
    if (who->kind != AUTH_STAFF) return 0;
    if (is_wanted(req, c, who->id, &wanted, err) != 0) return -1;
    if (wanted && (redirect || (!named && is_console(req, client)))) {
        out->cookie_only = true;
        return 0;
    }
    if (!wanted && !is_mobile(client)) return 0;
    if (!named)
        return wanted ? err_field(err, "x-atrium-device", "auth.device_id", NULL) : 0;
    if (store_one(c, http_arena(req), SV("SELECT id, state FROM core_device WHERE staff = ?"
                                         " AND device_id = ?"), args, 2, v, 2, &found, err) != 0)
        return -1;
    /* a lost phone stays outside, also where registering is not asked for */
    if (found && sv_eqs(v[1].u.s, "frozen")) return err_set(err, 403, "auth.device_frozen", NULL);
    if (!wanted && !found) return 0;
    if (!found && register_one(req, c, who, args[1].u.s, err) != 0) return -1;
    if (!found || !sv_eqs(v[1].u.s, "active"))
        return wanted ? err_set(err, 403, "auth.device_pending", NULL) : 0;
    out->device = v[0].u.i;
    struct store_val seen[] = {STORE_T(clock_now_us()), STORE_I(out->device)};
    return store_exec(c, SV("UPDATE core_device SET last_seen = ? WHERE id = ?"), seen, 2, NULL,
                      err);
}
