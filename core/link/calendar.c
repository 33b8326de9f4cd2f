/* The working-day calendar by the year: shown, initialised, days set one by one or
 * by a range. */
#define LOG_ROOM "link"

#include "base/workday.h"
#include "link/room.h"

#define DAY_US INT64_C(86400000000)
#define MIN_YEAR 2000
#define MAX_YEAR 2199
#define MAX_DAYS 366

static int may(struct http_req *req, bool write, struct err *err)
{
    const struct auth_principal *who = auth_of(req);
    const struct auth_grant *g = auth_grant_of(who, SV("core.calendar_day"));
    bool yes = g && auth_scope_all(g->read, g->n_read);
    if (yes && write)
        yes = g->create && auth_scope_all(g->update, g->n_update) && !g->n_hidden && !g->n_read_only;
    if (yes) return 0;
    return err_set(err, who->kind == AUTH_ANON ? 401 : 403,
                   who->kind == AUTH_ANON ? "unauthorized" : "forbidden", NULL);
}

static int year_of(struct http_req *req, int *year, struct err *err)
{
    int64_t n;
    if (!sv_i64(http_param(req, "year"), &n) || n < MIN_YEAR || n > MAX_YEAR)
        return err_set(err, 404, "not_found", NULL);
    *year = (int)n;
    return 0;
}

/* ---- a year as one answer -------------------------------------------------------------- */

struct shown {
    int64_t first;
    size_t n, stored;
    char kinds[MAX_DAYS]; /* w, h, a; capitals for what is stored */
    struct jsonw notes;
};

static bool on_day(void *arg, const struct store_val *v, unsigned n)
{
    struct shown *s = arg;
    int64_t at = v[0].u.i / DAY_US - s->first;
    (void)n;
    if (at < 0 || at >= (int64_t)s->n) return true;
    s->kinds[at] = (char)(v[1].u.s.p[0] - 'a' + 'A');
    s->stored++;
    if (v[2].type == STORE_NULL || !v[2].u.s.n) return true;
    int y, m, d;
    char date[64];
    workday_civil(s->first + at, &y, &m, &d);
    int len = snprintf(date, sizeof date, "%04d-%02d-%02d", y, m, d);
    jsonw_key(&s->notes, sv_make(date, (size_t)len));
    jsonw_sv(&s->notes, v[2].u.s);
    return true;
}

static int show(struct http_req *req, int year, struct err *err)
{
    struct buf notes = BUF_IN(http_arena(req));
    struct shown s = {.first = workday_of(year, 1, 1), .notes = jsonw_on(&notes)};
    s.n = (size_t)(workday_of(year + 1, 1, 1) - s.first);
    for (size_t i = 0; i < s.n; i++)
        s.kinds[i] = workday_plain(s.first + (int64_t)i) ? 'w' : 'h';
    struct store_val args[] = {STORE_T(s.first * DAY_US), STORE_T((s.first + (int64_t)s.n) * DAY_US)};
    struct store_conn *c;
    jsonw_obj(&s.notes);
    if (store_get(auth_tenant_of(req)->db, &c, err) != 0) return -1;
    int rc = store_run(c, SV("SELECT date, kind, note FROM core_calendar_day WHERE date >= ?"
                             " AND date < ? ORDER BY date"),
                       args, 2, on_day, &s, err);
    store_put(c);
    if (rc != 0) return -1;
    jsonw_end_obj(&s.notes);
    int64_t worked = 0;
    for (size_t i = 0; i < s.n; i++)
        worked += s.kinds[i] != 'h' && s.kinds[i] != 'H';
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_i64(&w, "year", year);
    jsonw_kv_bool(&w, "initialised", s.stored == s.n);
    jsonw_kv_i64(&w, "workdays", worked);
    jsonw_kv_sv(&w, "days", sv_make(s.kinds, s.n));
    jsonw_kv_raw(&w, "notes", buf_view(&notes));
    jsonw_kv_bool(&w, "writable", may(req, true, &(struct err){0}) == 0);
    jsonw_end_obj(&w);
    return 0;
}

void calendar_get(struct http_req *req)
{
    struct err err = {0};
    int year;
    if (year_of(req, &year, &err) != 0 || may(req, false, &err) != 0 || show(req, year, &err) != 0)
        http_fail(req, &err);
}

/* ---- writing --------------------------------------------------------------------------- */

struct setting {
    struct http_req *req;
    int64_t from, to; /* days, `to` too */
    sv kind, note;    /* kind SV_NULL: by the day of the week */
    bool keep;        /* what is stored stays */
};

#define COLUMNS 7

static int store_days(void *arg, struct store_conn *c, struct err *err)
{
    struct setting *x = arg;
    const struct auth_principal *who = auth_of(x->req);
    int64_t now = clock_now_us(), n = x->to - x->from + 1;
    struct store_val *v = ARENA_ARRAY(http_arena(x->req), struct store_val, (size_t)n * COLUMNS);
    for (int64_t i = 0; i < n; i++) {
        int64_t day = x->from + i;
        sv kind = x->kind.p ? x->kind : workday_plain(day) ? SV("workday") : SV("holiday");
        const struct store_val row[COLUMNS] = {
            STORE_I(id_next()), STORE_T(now), STORE_T(now),
            who->kind == AUTH_STAFF ? STORE_I(who->id) : STORE_N, STORE_T(day * DAY_US),
            STORE_S(kind), x->note.n ? STORE_S(x->note) : STORE_N};
        memcpy(v + i * COLUMNS, row, sizeof row);
    }
    return store_insert(c, SV("INSERT INTO core_calendar_day (id, created_at, updated_at, created_by,"
                              " date, kind, note) VALUES "),
                        x->keep ? SV(" ON DUPLICATE KEY UPDATE id = id")
                                : SV(" ON DUPLICATE KEY UPDATE kind = VALUES(kind),"
                                     " note = VALUES(note), updated_at = VALUES(updated_at),"
                                     " version = version + 1"),
                        v, COLUMNS, (size_t)n, NULL, err);
}

static int apply(struct setting *x, const char *action, int year, struct err *err)
{
    struct auth_tenant *t = auth_tenant_of(x->req);
    if (link_tx(t, store_days, x, err) != 0) return -1;
    auth_calendar_forget(t);
    struct buf detail = BUF_IN(http_arena(x->req));
    int fy, fm, fd, ty, tm, td;
    workday_civil(x->from, &fy, &fm, &fd);
    workday_civil(x->to, &ty, &tm, &td);
    buf_printf(&detail, "{\"from\":\"%04d-%02d-%02d\",\"to\":\"%04d-%02d-%02d\",\"kind\":\"%.*s\"}", fy,
               fm, fd, ty, tm, td, SVARG(x->kind));
    auth_audit(t, auth_of(x->req), x->req,
               &(struct auth_audit){.action = action,
                                    .target = SV("core.calendar_day"),
                                    .detail = buf_view(&detail),
                                    .ok = true});
    return show(x->req, year, err);
}

void calendar_init(struct http_req *req)
{
    struct setting x = {.req = req, .keep = true};
    struct err err = {0};
    int year;
    if (year_of(req, &year, &err) == 0 && may(req, true, &err) == 0) {
        x.from = workday_of(year, 1, 1);
        x.to = workday_of(year + 1, 1, 1) - 1;
        apply(&x, "calendar_init", year, &err);
    }
    if (err_is(&err)) http_fail(req, &err);
}

/* "2026-10-01" as a day. */
static int date_of(const json_t *body, const char *name, int64_t *day, struct err *err)
{
    sv text = json_get_sv(body, name);
    char full[32];
    int64_t us;
    int n = snprintf(full, sizeof full, "%.*sT00:00:00Z", text.n == 10 ? 10 : 0, text.n ? text.p : "");
    if (text.n != 10 || !clock_parse(sv_make(full, (size_t)n), &us))
        return err_field(err, name, text.n ? "not_date" : "required", NULL);
    *day = us / DAY_US;
    return 0;
}

static int read_setting(struct http_req *req, struct setting *x, int *year, struct err *err)
{
    static const char *const kinds[] = {"workday", "holiday", "adjusted"};
    json_t *body;
    int month, mday;
    if (http_json(req, &body, err) != 0) return -1;
    if (date_of(body, "from", &x->from, err) != 0) return -1;
    x->to = x->from;
    if (json_object_get(body, "to") && date_of(body, "to", &x->to, err) != 0) return -1;
    if (x->to < x->from) return err_field(err, "to", "end_before_start", NULL);
    if (x->to - x->from >= MAX_DAYS) return err_field(err, "to", "too_many_items", "366", NULL);
    workday_civil(x->from, year, &month, &mday);
    if (*year < MIN_YEAR || *year > MAX_YEAR) return err_field(err, "from", "not_date", NULL);
    x->kind = json_get_sv(body, "kind");
    x->note = json_get_sv(body, "note");
    if (x->note.n && sv_utf8_len(x->note) > 100) return err_field(err, "note", "too_long", "100", NULL);
    for (size_t i = 0; i < 3; i++)
        if (sv_eqs(x->kind, kinds[i])) return 0;
    if (json_is_null(json_object_get(body, "kind"))) return 0;
    return err_field(err, "kind", "not_in_options", "workday, holiday, adjusted", NULL);
}

void calendar_set(struct http_req *req)
{
    struct setting x = {.req = req};
    struct err err = {0};
    int year;
    if (may(req, true, &err) != 0 || read_setting(req, &x, &year, &err) != 0 ||
        apply(&x, "calendar_set", year, &err) != 0)
        http_fail(req, &err);
}
