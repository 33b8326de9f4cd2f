/* Rows on a real database: create, read, change, delete, children, states,
 * versions, history. */
#include "model_db.h"

static const json_t *option(const json_t *poll, size_t i)
{
    return json_array_get(json_object_get(poll, "options"), i);
}

static void test_migrate_again(void **state)
{
    (void)state;
    struct err e = {0};
    int64_t before = number("SELECT COUNT(*) FROM atrium_journal");
    assert_int_equal(model_migrate(w.f.model, w.f.core, &w.tenant, &e), 0);
    assert_int_equal(model_migrate(w.f.model, w.f.vote, &w.tenant, &e), 0);
    assert_int_equal(number("SELECT COUNT(*) FROM atrium_journal"), before);
}

static void test_create_and_get(void **state)
{
    (void)state;
    int64_t id = new_poll("first");
    json_t *row = get(w.f.poll, id, NULL);
    char want[24];
    snprintf(want, sizeof want, "%lld", (long long)id);
    assert_string_equal(text(row, "id"), want);
    assert_string_equal(text(row, "name"), "first");
    assert_string_equal(text(row, "title"), "年会");
    assert_string_equal(text(row, "state"), "draft");
    assert_string_equal(text(row, "owner"), "1");
    assert_string_equal(text(row, "created_by"), "1");
    assert_string_equal(text(row, "starts_at"), "2026-01-01T00:00:00Z");
    assert_string_equal(text(row, "ends_at"), "2026-01-01T16:00:00Z");
    assert_string_equal(text(row, "choice"), "single"); /* the default */
    assert_int_equal(integer(row, "limit_person"), 1);
    assert_int_equal(integer(row, "version"), 1);
    assert_true(json_is_false(json_object_get(row, "login_required")));
    assert_true(json_is_null(json_object_get(row, "intro")));
    assert_null(json_object_get(row, "live"));
    assert_null(json_object_get(row, "deleted_at"));
    assert_int_equal(json_array_size(json_object_get(row, "options")), 2);
    assert_string_equal(text(option(row, 0), "title"), "甲");
    assert_string_equal(text(option(row, 1), "title"), "乙");
    assert_null(json_object_get(option(row, 0), "position")); /* hidden */
    assert_int_equal(number("SELECT position FROM vote_option WHERE title='乙'"), 1);
    assert_int_equal(fake_events, 1);
    assert_int_equal(fake_audits, 1);
    snprintf(want, sizeof want, "vote.poll.created");
    assert_memory_equal(fake_last_event, want, strlen(want));
}

static void test_create_refused(void **state)
{
    (void)state;
    struct model_ctx c = ctx();
    int64_t id;
    FAILS(model_create(w.f.poll, &c, parse("{}"), &id, err), 422, "invalid", "name", "required");
    json_t *body = poll_body("x");
    json_object_set_new(body, "cover", json_string("99"));
    FAILS(model_create(w.f.poll, &c, body, &id, err), 422, "invalid", "cover", "ref_not_found");
    body = poll_body("x");
    json_object_set_new(json_array_get(json_object_get(body, "options"), 1), "picture",
                        json_string("99"));
    FAILS(model_create(w.f.poll, &c, body, &id, err), 422, "invalid", "options.1.picture",
          "ref_not_found");
    body = poll_body("x");
    json_object_set_new(body, "owner", json_string("77"));
    FAILS(model_create(w.f.poll, &c, body, &id, err), 422, "invalid", "owner", "ref_not_found");
    body = poll_body("x");
    json_object_set_new(json_array_get(json_object_get(body, "options"), 0), "id",
                        json_string("5"));
    FAILS(model_create(w.f.poll, &c, body, &id, err), 422, "invalid", "options.0.id",
          "ref_not_found");
    assert_int_equal(number("SELECT COUNT(*) FROM vote_poll"), 0);
    assert_int_equal(number("SELECT COUNT(*) FROM vote_option"), 0);
    assert_int_equal(fake_events, 0);
}

static void test_file_type_of_field(void **state)
{
    (void)state;
    struct model_ctx c = ctx();
    int64_t id;
    run_sql("INSERT INTO core_file (id,created_at,updated_at,name,type,size,sha256,path) VALUES "
            "(10,NOW(),NOW(),'a.pdf','application/pdf',1,'x','p'),"
            "(11,NOW(),NOW(),'年.png','image/png',1,'x','p')");
    json_t *body = poll_body("x");
    json_object_set_new(body, "cover", json_string("10"));
    FAILS(model_create(w.f.poll, &c, body, &id, err), 422, "invalid", "cover", "file_type_refused");
    json_object_set_new(body, "cover", json_string("11"));
    id = create(w.f.poll, body);
    json_t *row = get(w.f.poll, id, "cover,owner");
    const json_t *cover = json_object_get(row, "cover");
    assert_string_equal(text(cover, "label"), "年.png");
    assert_string_equal(text(cover, "type"), "image/png");
    assert_string_equal(text(cover, "url"), "/files/11/%E5%B9%B4.png");
    assert_string_equal(text(json_object_get(row, "owner"), "label"), "管理员");
}

static void test_update(void **state)
{
    (void)state;
    int64_t id = new_poll("before");
    fake_events = 0;
    update(w.f.poll, id, parse("{\"name\":\"after\",\"intro\":\"<b onclick=x>hi</b>\"}"));
    json_t *row = get(w.f.poll, id, NULL);
    assert_string_equal(text(row, "name"), "after");
    assert_string_equal(text(row, "title"), "年会");
    assert_string_equal(text(row, "intro"), "<b>hi</b>");
    assert_int_equal(integer(row, "version"), 2);
    assert_int_equal(json_array_size(json_object_get(row, "options")), 2);
    assert_int_equal(fake_events, 1);
    /* nothing changes: nothing is written, nobody is told */
    update(w.f.poll, id, parse("{\"name\":\"after\"}"));
    assert_int_equal(integer(get(w.f.poll, id, NULL), "version"), 2);
    assert_int_equal(fake_events, 1);
    struct model_ctx c = ctx();
    FAILS(model_update(w.f.poll, &c, id + 1, -1, parse("{\"name\":\"x\"}"), err), 404, "not_found",
          NULL, NULL);
    FAILS(model_update(w.f.poll, &c, id, -1, parse("{\"ballots\":5}"), err), 422, "invalid",
          "ballots", "read_only");
    FAILS(model_update(w.f.poll, &c, id, -1, parse("{\"state\":\"published\"}"), err), 422,
          "invalid", "state", "read_only");
    /* the end against the stored start */
    FAILS(model_update(w.f.poll, &c, id, -1, parse("{\"ends_at\":\"2025-01-01T00:00:00Z\"}"), err),
          422, "invalid", "ends_at", "end_before_start");
}

static void test_whole_row_back(void **state)
{
    (void)state;
    int64_t id = new_poll("whole");
    json_t *row = get(w.f.poll, id, NULL);
    json_object_set_new(row, "name", json_string("changed"));
    update(w.f.poll, id, row); /* as it was read, with one change */
    assert_string_equal(text(get(w.f.poll, id, NULL), "name"), "changed");
    json_object_set_new(row, "created_at", json_string("2020-01-01T00:00:00Z"));
    struct model_ctx c = ctx();
    json_object_del(row, "version");
    FAILS(model_update(w.f.poll, &c, id, -1, row, err), 422, "invalid", "created_at", "read_only");
}

static void test_versions(void **state)
{
    (void)state;
    struct model_ctx c = ctx();
    int64_t id = new_poll("v");
    OK(model_update(w.f.poll, &c, id, 1, parse("{\"name\":\"v2\"}"), err));
    FAILS(model_update(w.f.poll, &c, id, 1, parse("{\"name\":\"v3\"}"), err), 409,
          "version_conflict", NULL, NULL);
    FAILS(model_update(w.f.poll, &c, id, -1, parse("{\"name\":\"v3\",\"version\":1}"), err), 409,
          "version_conflict", NULL, NULL);
    OK(model_update(w.f.poll, &c, id, -1, parse("{\"name\":\"v3\",\"version\":2}"), err));
    FAILS(delete_versioned(w.f.poll, &c, id, 2, err), 409, "version_conflict", NULL, NULL);
    OK(delete_versioned(w.f.poll, &c, id, 3, err));
}

static void test_children(void **state)
{
    (void)state;
    int64_t id = new_poll("kids");
    json_t *row = get(w.f.poll, id, NULL);
    const char *first = text(option(row, 0), "id"), *second = text(option(row, 1), "id");
    /* swap, rename one, add one */
    update(w.f.poll, id,
           parse("{\"options\":[{\"id\":\"%s\",\"title\":\"丙\"},{\"id\":\"%s\"},"
                 "{\"title\":\"新\"}]}",
                 second, first));
    row = get(w.f.poll, id, NULL);
    assert_int_equal(json_array_size(json_object_get(row, "options")), 3);
    assert_string_equal(text(option(row, 0), "title"), "丙");
    assert_string_equal(text(option(row, 0), "id"), second);
    assert_string_equal(text(option(row, 1), "title"), "甲");
    assert_string_equal(text(option(row, 2), "title"), "新");
    assert_int_equal(integer(row, "version"), 2);
    /* leave two out */
    const char *last = text(option(row, 2), "id");
    update(w.f.poll, id, parse("{\"options\":[{\"id\":\"%s\"},{\"id\":\"%s\"}]}", last, second));
    row = get(w.f.poll, id, NULL);
    assert_int_equal(json_array_size(json_object_get(row, "options")), 2);
    assert_string_equal(text(option(row, 0), "title"), "新");
    assert_int_equal(number("SELECT COUNT(*) FROM vote_option"), 2);

    struct model_ctx c = ctx();
    FAILS(model_update(w.f.poll, &c, id, -1,
                       parse("{\"options\":[{\"id\":\"%s\"},{\"id\":\"%s\"}]}", last, last), err),
          422, "invalid", "options.1.id", "duplicate");
    int64_t other = new_poll("other");
    FAILS(model_update(w.f.poll, &c, other, -1,
                       parse("{\"options\":[{\"id\":\"%s\"},{\"title\":\"x\"}]}", last), err),
          422, "invalid", "options.0.id", "ref_not_found");
}

/* What plugins write to children meanwhile must survive an edit. */
static void test_children_keep_counts(void **state)
{
    (void)state;
    int64_t id = new_poll("counts");
    run_sql("UPDATE vote_option SET `count`=7");
    json_t *row = get(w.f.poll, id, NULL);
    update(w.f.poll, id,
           parse("{\"options\":[{\"id\":\"%s\",\"title\":\"A\",\"count\":7},"
                 "{\"id\":\"%s\"}]}",
                 text(option(row, 0), "id"), text(option(row, 1), "id")));
    assert_int_equal(number("SELECT SUM(`count`) FROM vote_option"), 14);
    struct model_ctx c = ctx();
    FAILS(model_update(w.f.poll, &c, id, -1,
                       parse("{\"options\":[{\"id\":\"%s\",\"count\":8},{\"id\":\"%s\"}]}",
                             text(option(row, 0), "id"), text(option(row, 1), "id")),
                       err),
          422, "invalid", "options.0.count", "read_only");
}

static void test_delete_restore(void **state)
{
    (void)state;
    struct model_ctx c = ctx();
    struct buf b = BUF_IN(w.a);
    int64_t id = new_poll("gone");
    OK(model_delete(w.f.poll, &c, id, err));
    FAILS(model_get(w.f.poll, &c, id, SV_NULL, &b, err), 404, "not_found", NULL, NULL);
    FAILS(model_delete(w.f.poll, &c, id, err), 404, "not_found", NULL, NULL);
    FAILS(model_update(w.f.poll, &c, id, -1, parse("{}"), err), 404, "not_found", NULL, NULL);
    assert_int_equal(
        json_array_size(json_object_get(list(w.f.poll, &(struct model_list){0}), "items")), 0);
    json_t *bin = list(w.f.poll, &(struct model_list){.filter = SV("deleted_at !null")});
    assert_int_equal(json_array_size(json_object_get(bin, "items")), 1);
    assert_true(json_is_string(
        json_object_get(json_array_get(json_object_get(bin, "items"), 0), "deleted_at")));
    OK(model_restore(w.f.poll, &c, id, err));
    FAILS(model_restore(w.f.poll, &c, id, err), 404, "not_found", NULL, NULL);
    assert_int_equal(json_array_size(json_object_get(get(w.f.poll, id, NULL), "options")), 2);
}

static void test_unique_and_soft_delete(void **state)
{
    (void)state;
    const struct model_resource *staff = model_find(w.f.model, SV("core.staff"));
    struct model_ctx c = ctx();
    int64_t id, again;
    id = create(staff, parse("{\"login\":\"wang\",\"name\":\"王\"}"));
    FAILS(model_create(staff, &c, parse("{\"login\":\"wang\",\"name\":\"二\"}"), &again, err), 422,
          "invalid", "login", "not_unique");
    FAILS(model_update(staff, &c, 2, -1, parse("{\"login\":\"wang\"}"), err), 422, "invalid",
          "login", "not_unique");
    /* a phone that nobody has is not the same as another's */
    create(staff, parse("{\"login\":\"zhao\",\"name\":\"赵\",\"phone\":\"\"}"));
    OK(model_delete(staff, &c, id, err));
    again = create(staff, parse("{\"login\":\"wang\",\"name\":\"二\"}"));
    FAILS(model_restore(staff, &c, id, err), 422, "invalid", "login", "not_unique");
    OK(model_delete(staff, &c, again, err));
    OK(model_restore(staff, &c, id, err));
}

static void test_unique_in_children(void **state)
{
    (void)state;
    const struct model_resource *d = model_find(w.f.model, SV("core.dictionary"));
    struct model_ctx c = ctx();
    int64_t id;
    FAILS(model_create(d, &c,
                       parse("{\"code\":\"a.b\",\"name\":\"x\",\"items\":[{\"code\":\"1\","
                             "\"title\":\"a\"},{\"code\":\"1\",\"title\":\"b\"}]}"),
                       &id, err),
          422, "invalid", "items.1.code", "not_unique");
    assert_int_equal(number("SELECT COUNT(*) FROM core_dictionary"), 0); /* rolled back whole */
}

static void test_restrict_clear_cascade(void **state)
{
    (void)state;
    struct model_ctx c = ctx();
    const struct model_resource *dept = model_find(w.f.model, SV("core.dept"));
    const struct model_resource *member = model_find(w.f.model, SV("core.member"));
    int64_t id = new_poll("used");
    run_sql("INSERT INTO core_member (id,created_at,updated_at,version,state,phone) VALUES "
            "(50,NOW(),NOW(),1,'active','13900000000')");
    run_sql("INSERT INTO vote_ballot (id,created_at,updated_at,poll,options,member,client,"
            "request_key) VALUES (60,NOW(),NOW(),%lld,'[]',50,'h5','k')",
            (long long)id);
    FAILS(model_delete(w.f.poll, &c, id, err), 409, "in_use", NULL, NULL);
    OK(model_delete(member, &c, 50, err));
    assert_int_equal(number("SELECT COUNT(*) FROM vote_ballot WHERE member IS NULL"), 1);
    run_sql("UPDATE core_dept SET parent=31 WHERE id=32");
    FAILS(model_delete(dept, &c, 31, err), 409, "in_use", NULL, NULL);
    OK(model_delete(dept, &c, 32, err));
    FAILS(model_delete(dept, &c, 33, err), 409, "in_use", NULL, NULL); /* somebody works there */
    const struct model_resource *d = model_find(w.f.model, SV("core.dictionary"));
    int64_t dict = create(d, parse("{\"code\":\"a.b\",\"name\":\"x\",\"items\":[{\"code\":\"1\","
                                   "\"title\":\"a\"}]}"));
    OK(model_delete(d, &c, dict, err));
    assert_int_equal(number("SELECT COUNT(*) FROM core_dictionary_item"), 0);
}

static void test_transitions(void **state)
{
    (void)state;
    struct model_ctx c = ctx();
    int64_t id = new_poll("states");
    fake_events = 0;
    FAILS(model_transition(w.f.poll, &c, id, SV("close"), NULL, err), 409, "not_allowed_in_state",
          "state", "not_allowed_in_state");
    FAILS(model_transition(w.f.poll, &c, id, SV("explode"), NULL, err), 404, "not_found", NULL,
          NULL);
    FAILS(model_transition(w.f.poll, &c, id, SV("publish"), parse("{\"name\":\"x\"}"), err), 422,
          "invalid", "name", "unknown_field");
    OK(model_transition(w.f.poll, &c, id, SV("publish"), NULL, err));
    json_t *row = get(w.f.poll, id, NULL);
    assert_string_equal(text(row, "state"), "published");
    assert_int_equal(integer(row, "version"), 2);
    assert_non_null(strstr(fake_last_event, "vote.poll.publish "));
    OK(model_transition(w.f.poll, &c, id, SV("close"), NULL, err));
    OK(model_transition(w.f.poll, &c, id, SV("reopen"), NULL, err));
    assert_int_equal(fake_events, 3);
}

static void test_transition_requires(void **state)
{
    (void)state;
    struct model_ctx c = ctx();
    int64_t id = new_poll("bare");
    run_sql("DELETE FROM vote_option");
    FAILS(model_transition(w.f.poll, &c, id, SV("publish"), NULL, err), 422, "invalid", "options",
          "required");
    OK(model_transition(w.f.poll, &c, id, SV("publish"),
                        parse("{\"options\":[{\"title\":\"a\"},{\"title\":\"b\"}]}"), err));
    assert_int_equal(number("SELECT COUNT(*) FROM vote_option"), 2);
}

static const char *hook_seen;
static bool hook_had_before;
static int64_t hook_id;

static int hook(const char *name, struct model_hook_call *call, struct err *err)
{
    hook_seen = strcmp(call->event, "check") == 0 ? "check" : "transition";
    hook_had_before = call->before != NULL;
    hook_id = call->id;
    if (strcmp(text(call->after, "name"), "refuse") == 0)
        return err_field(err, "name", "pattern_mismatch", NULL);
    if (strcmp(name, "poll_check") == 0)
        json_object_set_new(call->after, "max_choices", json_integer(5));
    if (strcmp(name, "poll_publish") == 0)
        json_object_set_new(call->after, "state", json_string("closed")); /* has no say */
    return store_in_tx(call->conn) ? 0 : err_internal(err, "no transaction");
}

static void test_hooks(void **state)
{
    (void)state;
    struct model_ctx c = ctx();
    fake_hook = hook;
    int64_t id = new_poll("hooked"), none;
    assert_string_equal(hook_seen, "check");
    assert_false(hook_had_before);
    assert_int_equal(hook_id, 0);
    assert_int_equal(integer(get(w.f.poll, id, NULL), "max_choices"), 5);
    FAILS(model_create(w.f.poll, &c, poll_body("refuse"), &none, err), 422, "invalid", "name",
          "pattern_mismatch");
    FAILS(model_update(w.f.poll, &c, id, -1, parse("{\"name\":\"refuse\"}"), err), 422, "invalid",
          "name", "pattern_mismatch");
    assert_true(hook_had_before);
    assert_int_equal(hook_id, id);
    OK(model_transition(w.f.poll, &c, id, SV("publish"), NULL, err));
    assert_string_equal(hook_seen, "transition");
    assert_string_equal(text(get(w.f.poll, id, NULL), "state"), "published");
}

/* A hook that writes through the engine: told with the write it belongs to. */
static int writing_hook(const char *name, struct model_hook_call *call, struct err *err)
{
    struct model_ctx c = {.tenant = call->tenant,
                          .who = &auth_system,
                          .arena = call->arena,
                          .conn = call->conn,
                          .lang = "en"};
    const struct model_resource *d = model_find(w.f.model, SV("core.dictionary"));
    int64_t id;
    (void)name;
    if (model_create(d, &c, parse("{\"code\":\"by.hook\",\"name\":\"x\"}"), &id, err) < 0)
        return -1;
    call->done = c.done;
    return 0;
}

static void test_hook_that_writes(void **state)
{
    (void)state;
    struct model_ctx c = ctx();
    int64_t id;
    fake_hook = writing_hook;
    new_poll("outer");
    assert_int_equal(fake_events, 2);
    assert_int_equal(fake_audits, 2);
    assert_non_null(strstr(fake_last_event, "vote.poll.created"));
    assert_int_equal(number("SELECT COUNT(*) FROM core_dictionary_history WHERE "
                            "who_kind='system'"),
                     1);
    /* its failure is the whole write's, and nothing of either stays */
    FAILS(model_create(w.f.poll, &c, poll_body("again"), &id, err), 422, "invalid", "code",
          "not_unique");
    assert_int_equal(number("SELECT COUNT(*) FROM vote_poll"), 1);
    assert_int_equal(fake_events, 2);
}

static void test_people_are_forgotten(void **state)
{
    (void)state;
    const struct model_resource *staff = model_find(w.f.model, SV("core.staff"));
    struct model_ctx c = ctx();
    OK(model_transition(staff, &c, 2, SV("suspend"), NULL, err));
    assert_int_equal(fake_forgets, 1);
    new_poll("x");
    assert_int_equal(fake_forgets, 1);
}

static void test_history(void **state)
{
    (void)state;
    struct model_ctx c = ctx();
    struct buf b = BUF_IN(w.a);
    int64_t id = new_poll("h1");
    update(w.f.poll, id, parse("{\"name\":\"h2\",\"limit_person\":3}"));
    OK(model_transition(w.f.poll, &c, id, SV("publish"), NULL, err));
    OK(model_delete(w.f.poll, &c, id, err));
    OK(model_history(w.f.poll, &c, id, &b, err));
    const json_t *items = json_object_get(parse_sv(buf_view(&b)), "items");
    assert_int_equal(json_array_size(items), 4);
    assert_string_equal(text(json_array_get(items, 0), "action"), "delete");
    assert_string_equal(text(json_array_get(items, 1), "action"), "publish");
    const json_t *changed = json_array_get(items, 2);
    assert_string_equal(text(changed, "action"), "update");
    assert_string_equal(text(json_object_get(changed, "who"), "name"), "管理员");
    const json_t *list = json_object_get(changed, "changes");
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(text(json_array_get(list, 0), "field"), "name");
    assert_string_equal(text(json_array_get(list, 0), "before"), "h1");
    assert_string_equal(text(json_array_get(list, 0), "after"), "h2");
    assert_int_equal(integer(json_array_get(list, 1), "before"), 1);
    assert_string_equal(text(json_array_get(items, 3), "action"), "create");
    /* one may be there for a row, and none for another */
    FAILS(model_history(w.f.poll, &c, id + 1, &b, err), 404, "not_found", NULL, NULL);
    FAILS(model_history(w.f.ballot, &c, id, &b, err), 404, "not_found", NULL, NULL);
}

static void test_joined_transaction(void **state)
{
    (void)state;
    struct model_ctx c = ctx();
    int64_t id;
    struct err e = {0};
    assert_int_equal(store_get(w.tenant.db, &c.conn, &e), 0);
    assert_int_equal(store_begin(c.conn, &e), 0);
    OK(model_create(w.f.poll, &c, poll_body("tx"), &id, err));
    assert_int_equal(fake_events, 0); /* not before the commit */
    store_rollback(c.conn);
    assert_int_equal(number("SELECT COUNT(*) FROM vote_poll"), 0);
    c.done = NULL;
    assert_int_equal(store_begin(c.conn, &e), 0);
    OK(model_create(w.f.poll, &c, poll_body("tx"), &id, err));
    assert_int_equal(store_commit(c.conn, &e), 0);
    model_committed(&c);
    assert_int_equal(fake_events, 1);
    assert_int_equal(fake_audits, 1);
    store_put(c.conn);
}

static void test_append_only(void **state)
{
    (void)state;
    struct model_ctx c = ctx();
    int64_t id;
    json_t *body = parse("{\"poll\":\"1\"}");
    FAILS(model_create(w.f.ballot, &c, body, &id, err), 403, "forbidden", NULL, NULL);
    run_sql("INSERT INTO vote_ballot (id,created_at,updated_at,poll,options,client,request_key) "
            "VALUES (60,NOW(),NOW(),1,'[\"5\"]','h5','k')");
    FAILS(model_update(w.f.ballot, &c, 60, -1, parse("{\"device\":\"x\"}"), err), 403, "forbidden",
          NULL, NULL);
    FAILS(model_delete(w.f.ballot, &c, 60, err), 403, "forbidden", NULL, NULL);
    json_t *row = get(w.f.ballot, 60, NULL);
    assert_null(json_object_get(row, "request_key")); /* hidden, from administrators too */
    assert_string_equal(json_string_value(json_array_get(json_object_get(row, "options"), 0)), "5");
    w.who = (struct auth_principal *)(uintptr_t)&auth_system;
    assert_string_equal(text(get(w.f.ballot, 60, NULL), "request_key"), "k");
}

static void test_sql_defaults(void **state)
{
    (void)state;
    run_sql("INSERT INTO vote_option (id,created_at,updated_at,poll,title) VALUES "
            "(5,NOW(),NOW(),1,'x')");
    run_sql("UPDATE vote_option SET `count`=`count`+1 WHERE id=5");
    assert_int_equal(number("SELECT `count` FROM vote_option WHERE id=5"), 1);
    /* a number that a reader of JSON could not hold comes as text */
    run_sql("UPDATE vote_option SET `count`=9007199254740993 WHERE id=5");
    assert_string_equal(text(get(w.f.option, 5, NULL), "count"), "9007199254740993");
}

static int set(const char *json, struct err *err)
{
    json_t *values = json_keep(w.a, json_loads(json, 0, NULL));
    assert_non_null(values);
    return model_settings_set(&w.tenant, w.f.vote, values, 1, err);
}

static void test_settings(void **state)
{
    (void)state;
    sv name = SV("publish_interval_ms");
    struct err e = {0};
    /* forget what an earlier test left */
    assert_int_equal(set("{\"publish_interval_ms\": null}", &e), 0);
    assert_true(sv_eqs(model_setting(&w.tenant, w.a, w.f.vote, name), "250"));
    assert_int_equal(set("{\"publish_interval_ms\": 90}", &e), 0);
    assert_true(sv_eqs(model_setting(&w.tenant, w.a, w.f.vote, name), "90"));
    FAILS(set("{\"publish_interval_ms\": 1}", err), 422, "invalid", "publish_interval_ms",
          "too_small");
    FAILS(set("{\"nope\": null}", err), 422, "invalid", "nope", "unknown_field");
    /* all or nothing */
    FAILS(set("{\"publish_interval_ms\": 100, \"address_window_minutes\": 0}", err), 422, "invalid",
          "address_window_minutes", "too_small");
    assert_true(sv_eqs(model_setting(&w.tenant, w.a, w.f.vote, name), "90"));
    assert_null(model_setting(&w.tenant, w.a, w.f.vote, SV("nope")).p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_begin, world_end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_migrate_again),
        T(test_create_and_get),
        T(test_create_refused),
        T(test_file_type_of_field),
        T(test_update),
        T(test_whole_row_back),
        T(test_versions),
        T(test_children),
        T(test_children_keep_counts),
        T(test_delete_restore),
        T(test_unique_and_soft_delete),
        T(test_unique_in_children),
        T(test_restrict_clear_cascade),
        T(test_transitions),
        T(test_transition_requires),
        T(test_hooks),
        T(test_hook_that_writes),
        T(test_people_are_forgotten),
        T(test_history),
        T(test_joined_transaction),
        T(test_append_only),
        T(test_sql_defaults),
        T(test_settings),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
