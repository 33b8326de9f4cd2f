#include "model_db.h"

#include <ftw.h>
#include <unistd.h>

struct world w;

static void must(int rc, const struct err *e, const char *what)
{
    if (rc == 0) return;
    fprintf(stderr, "%s: %d %s %s\n", what, e->status, e->code ? e->code : "?", e->detail);
    exit(1);
}

int world_setup(void **state)
{
    (void)state;
    struct err e = {0};
    log_init(LOG_WARN, 2);
    w.maria = mariadb_start(NULL);
    fake_load(&w.f, NULL);
    struct store_db_opts o = mariadb_database(w.maria, "t_test");
    w.tenant = (struct auth_tenant){.id = 1,
                                    .slug = SV("test"),
                                    .name = SV("Test"),
                                    .utc_offset = 480,
                                    .db = store_db_new(&o),
                                    .secret = {7}};
    must(model_migrate(w.f.model, w.f.core, &w.tenant, &e), &e, "core");
    must(model_migrate(w.f.model, w.f.vote, &w.tenant, &e), &e, "vote");
    snprintf(w.state, sizeof w.state, "/tmp/atrium-model-XXXXXX");
    if (!mkdtemp(w.state)) exit(1);
    model_set_state_dir(w.state);
    return 0;
}

static int drop(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

int world_teardown(void **state)
{
    (void)state;
    nftw(w.state, drop, 8, FTW_DEPTH | FTW_PHYS);
    store_db_free(w.tenant.db);
    fake_free(&w.f);
    mariadb_stop(w.maria);
    return 0;
}

int world_begin(void **state)
{
    static const char *const tables[] = {"vote_poll",
                                         "vote_poll_history",
                                         "vote_option",
                                         "vote_ballot",
                                         "vote_tally",
                                         "core_file",
                                         "core_staff",
                                         "core_dept",
                                         "core_member",
                                         "core_idempotency",
                                         "core_setting",
                                         "core_dictionary",
                                         "core_dictionary_item",
                                         "core_sequence"};
    (void)state;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        run_sql("DELETE FROM %s", tables[i]);
    fake_reset();
    w.a = arena_new(0);
    static const int64_t depts[] = {31, 32};
    run_sql(
        "INSERT INTO core_dept (id,created_at,updated_at,version,name) VALUES "
        "(31,NOW(),NOW(),1,'Sales'),(32,NOW(),NOW(),1,'Sales East'),(33,NOW(),NOW(),1,'Other')");
    run_sql(
        "INSERT INTO core_staff (id,created_at,updated_at,version,state,login,name,department) "
        "VALUES (1,NOW(),NOW(),1,'active','root','管理员',NULL),"
        "(2,NOW(),NOW(),1,'active','li','李雷',31),(3,NOW(),NOW(),1,'active','han','韩梅梅',33)");
    w.admin =
        (struct auth_principal){.kind = AUTH_STAFF, .id = 1, .admin = true, .name = SV("管理员")};
    w.staff = (struct auth_principal){
        .kind = AUTH_STAFF, .id = 2, .dept = 31, .depts = depts, .n_depts = 2, .name = SV("李雷")};
    w.other = (struct auth_principal){.kind = AUTH_STAFF,
                                      .id = 3,
                                      .dept = 33,
                                      .depts = (const int64_t[]){33},
                                      .n_depts = 1,
                                      .name = SV("韩梅梅")};
    w.who = &w.admin;
    return 0;
}

int world_end(void **state)
{
    (void)state;
    arena_free(w.a);
    w.a = NULL;
    return 0;
}

struct model_ctx ctx(void)
{
    return (struct model_ctx){.tenant = &w.tenant, .who = w.who, .arena = w.a, .lang = "en"};
}

json_t *parse_sv(sv text)
{
    struct err e = {0};
    json_t *v = NULL;
    if (json_parse(w.a, text, &v, &e) < 0) fail_msg("not JSON: %.*s", SVARG(text));
    return v;
}

json_t *parse(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    sv text = arena_vprintf(w.a, fmt, ap);
    va_end(ap);
    return parse_sv(text);
}

void check_ok(int line, int rc, const struct err *e)
{
    if (rc == 0) return;
    fail_msg("line %d: %d %s (%s) %s %s %s", line, e->status, e->code ? e->code : "?",
             e->args[0] ? e->args[0] : "", e->n_fields ? e->fields[0].field : "",
             e->n_fields ? e->fields[0].code : "", e->detail);
}

void check_failed(int line, int rc, const struct err *e, int status, const char *code,
                  const char *field, const char *field_code)
{
    if (rc == 0) fail_msg("line %d: succeeded", line);
    if (e->status != status || strcmp(e->code, code) != 0)
        fail_msg("line %d: %d %s, not %d %s; %s %s %s", line, e->status, e->code, status, code,
                 e->n_fields ? e->fields[0].field : "", e->n_fields ? e->fields[0].code : "",
                 e->detail);
    if (!field) return;
    for (unsigned i = 0; i < e->n_fields; i++)
        if (strcmp(e->fields[i].field, field) == 0) {
            if (strcmp(e->fields[i].code, field_code) != 0)
                fail_msg("line %d: %s is %s, not %s", line, field, e->fields[i].code, field_code);
            return;
        }
    fail_msg("line %d: nothing about %s", line, field);
}

int64_t create(const struct model_resource *r, json_t *body)
{
    struct model_ctx c = ctx();
    int64_t id = 0;
    OK(model_create(r, &c, body, &id, err));
    return id;
}

json_t *get(const struct model_resource *r, int64_t id, const char *expand)
{
    struct model_ctx c = ctx();
    struct buf b = BUF_IN(w.a);
    OK(model_get(r, &c, id, sv_of(expand), &b, err));
    return parse_sv(buf_view(&b));
}

json_t *list(const struct model_resource *r, const struct model_list *l)
{
    struct model_ctx c = ctx();
    struct buf b = BUF_IN(w.a);
    OK(model_list(r, &c, l, &b, err));
    return parse_sv(buf_view(&b));
}

void update(const struct model_resource *r, int64_t id, json_t *body)
{
    struct model_ctx c = ctx();
    OK(model_update(r, &c, id, -1, body, err));
}

int64_t number(const char *sql)
{
    char *s = mariadb_sql(w.maria, "t_test", sql);
    int64_t n = s ? strtoll(s, NULL, 10) : -1;
    free(s);
    return n;
}

void run_sql(const char *fmt, ...)
{
    struct arena *a = arena_new(0);
    va_list ap;
    va_start(ap, fmt);
    free(mariadb_sql(w.maria, "t_test", arena_vprintf(a, fmt, ap).p));
    va_end(ap);
    arena_free(a);
}

json_t *poll_body(const char *name)
{
    return parse("{\"name\":\"%s\",\"title\":\"年会\",\"starts_at\":\"2026-01-01T00:00:00Z\","
                 "\"ends_at\":\"2026-01-02T00:00:00+08:00\",\"options\":[{\"title\":\"甲\"},"
                 "{\"title\":\"乙\"}]}",
                 name);
}

int64_t new_poll(const char *name)
{
    return create(w.f.poll, poll_body(name));
}

const char *text(const json_t *row, const char *key)
{
    const char *s = json_string_value(json_object_get(row, key));
    return s ? s : "(none)";
}

int64_t integer(const json_t *row, const char *key)
{
    const json_t *v = json_object_get(row, key);
    if (!json_is_integer(v)) fail_msg("%s is no integer", key);
    return json_integer_value(v);
}
