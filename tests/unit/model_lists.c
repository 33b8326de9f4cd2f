/* Lists, exports and the policy on every path, on a real database. */
#include "model_db.h"

static const json_t *items(const json_t *page)
{
    return json_object_get(page, "items");
}

static size_t count_of(const char *filter)
{
    return json_array_size(
        items(list(w.f.poll, &(struct model_list){.filter = sv_of(filter), .limit = 200})));
}

/* n polls: name p000.., limit_person i % 5, starts_at ties in groups of four. */
static void many_polls(int n)
{
    struct buf b = BUF_IN(w.a);
    buf_str(&b, "INSERT INTO vote_poll (id,created_at,updated_at,created_by,owner,dept,version,"
                "state,name,title,starts_at,ends_at,limit_person) VALUES ");
    for (int i = 0; i < n; i++)
        buf_printf(&b, "%s(%d,NOW(),NOW(),1,%d,%d,1,'%s','p%05d','t',%s,'2027-01-01',%d)",
                   i ? "," : "", 1000 + i, 2 + i % 2, 31 + i % 3, i % 3 ? "draft" : "published", i,
                   i % 7 == 0 ? "NULL" : arena_printf(w.a, "'2026-01-%02d'", 1 + i / 4 % 28).p,
                   i % 5);
    buf_chr(&b, '\0');
    run_sql("%s", b.p);
}

/* ---- pages ------------------------------------------------------------------------ */

/* Walks all pages; every row must come once, in order. */
static void walk(const char *sort, unsigned limit, size_t want)
{
    sv after = SV_NULL;
    int64_t *seen = ARENA_ARRAY(w.a, int64_t, want + limit);
    size_t n = 0;
    for (;;) {
        json_t *page = list(
            w.f.poll, &(struct model_list){.sort = sv_of(sort), .limit = limit, .after = after});
        for (size_t i = 0; i < json_array_size(items(page)); i++) {
            int64_t id = strtoll(text(json_array_get(items(page), i), "id"), NULL, 10);
            for (size_t k = 0; k < n; k++)
                if (seen[k] == id) fail_msg("%s: row %lld comes twice", sort, (long long)id);
            if (n == want) fail_msg("%s: too many rows", sort);
            seen[n++] = id;
        }
        if (json_is_null(json_object_get(page, "next"))) break;
        after = json_get_sv(page, "next");
    }
    assert_int_equal(n, want);
    /* and in the database's own order */
    bool desc = sort[0] == '-';
    const char *col = desc ? sort + 1 : sort;
    for (size_t i = 0; i < n; i += 13) {
        char *s = mariadb_sql(w.maria, "t_test",
                              arena_printf(w.a,
                                           "SELECT id FROM vote_poll ORDER BY %s %s, id %s "
                                           "LIMIT 1 OFFSET %zu",
                                           col, desc ? "DESC" : "", desc ? "DESC" : "", i)
                                  .p);
        if (strtoll(s, NULL, 10) != seen[i]) fail_msg("%s: row %zu is another", sort, i);
        free(s);
    }
}

static void test_pages(void **state)
{
    (void)state;
    many_polls(101);
    static const char *const sorts[] = {"starts_at", "-starts_at", "name", "-name", "id", "-id"};
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++) {
        walk(sorts[i], 7, 101); /* ties and NULLs across page borders */
        walk(sorts[i], 101, 101);
        walk(sorts[i], 50, 101);
    }
    walk("-created_at", 20, 101);
}

static void test_page_refused(void **state)
{
    (void)state;
    struct model_ctx c = ctx();
    struct buf b = BUF_IN(w.a);
    many_polls(30);
    FAILS(model_list(w.f.poll, &c, &(struct model_list){.limit = 201}, &b, err), 400, "bad_limit",
          "limit", "bad_limit");
    FAILS(model_list(w.f.poll, &c, &(struct model_list){.after = SV("garbage")}, &b, err), 400,
          "bad_cursor", NULL, NULL);
    json_t *page = list(w.f.poll, &(struct model_list){.sort = SV("name"), .limit = 5});
    sv next = json_get_sv(page, "next");
    /* a cursor belongs to its order */
    FAILS(
        model_list(w.f.poll, &c, &(struct model_list){.sort = SV("-name"), .after = next}, &b, err),
        400, "bad_cursor", NULL, NULL);
    FAILS(model_list(w.f.poll, &c, &(struct model_list){.sort = SV("intro")}, &b, err), 400,
          "bad_sort", "intro", "bad_sort");
    FAILS(model_list(w.f.poll, &c, &(struct model_list){.sort = SV("nothing")}, &b, err), 400,
          "bad_sort", "nothing", "unknown_field");
    FAILS(model_list(w.f.poll, &c, &(struct model_list){.filter = SV("limit_person = 1")}, &b, err),
          400, "bad_filter", "limit_person", "filter_no_index"); /* no index covers it */
    FAILS(model_list(w.f.poll, &c, &(struct model_list){.fields = SV("id,nothing")}, &b, err), 400,
          "bad_request", "nothing", "unknown_field");
    FAILS(model_list(w.f.poll, &c, &(struct model_list){.expand = SV("title")}, &b, err), 400,
          "bad_request", "title", "not_id");
    assert_int_equal(b.n, 0); /* nothing half-written is left */
}

static void test_counts(void **state)
{
    (void)state;
    many_polls(25);
    json_t *page = list(w.f.poll, &(struct model_list){.count = true});
    assert_int_equal(json_array_size(items(page)), 20);
    assert_int_equal(integer(page, "count"), 25);
    assert_true(json_is_false(json_object_get(page, "count_capped")));
    page = list(w.f.poll, &(struct model_list){.count = true, .limit = 30});
    assert_int_equal(integer(page, "count"), 25);
    page =
        list(w.f.poll,
             &(struct model_list){
                 .count = true,
                 .limit = 10,
                 .after = json_get_sv(list(w.f.poll, &(struct model_list){.limit = 20}), "next")});
    assert_int_equal(integer(page, "count"), 25);
    assert_int_equal(json_array_size(items(page)), 5);
    assert_null(json_object_get(list(w.f.poll, &(struct model_list){0}), "count"));
}

static void test_count_capped(void **state)
{
    (void)state;
    run_sql("INSERT INTO vote_ballot (id,created_at,updated_at,poll,options,client,request_key) "
            "SELECT seq,NOW(),NOW(),1,'[]','h5',seq FROM seq_1_to_10100");
    json_t *page = list(w.f.ballot, &(struct model_list){.count = true});
    assert_int_equal(integer(page, "count"), 10000);
    assert_true(json_is_true(json_object_get(page, "count_capped")));
    page = list(w.f.ballot, &(struct model_list){.count = true, .filter = SV("poll = 2")});
    assert_int_equal(integer(page, "count"), 0);
}

static void test_filters(void **state)
{
    (void)state;
    many_polls(60);
    assert_int_equal(count_of("state = \"published\""), 20);
    assert_int_equal(count_of("state in (published, closed)"), 20);
    assert_int_equal(count_of("state != published"), 40);
    assert_int_equal(count_of("name = p00007"), 1);
    assert_int_equal(count_of("name ~ \"p0001\""), 10);
    assert_int_equal(count_of("starts_at null"), 9);
    assert_int_equal(count_of("starts_at between (2026-01-01T00:00:00Z, 2026-01-02T00:00:00Z)"),
                     6); /* eight less two without a start */
    assert_int_equal(count_of("owner = 2 and (state = draft or name = p00000)"), 21);
    assert_int_equal(count_of("name ~ \"%\""), 0); /* a percent sign, not anything */
    json_t *page = list(w.f.poll, &(struct model_list){.search = SV("P0003"), .limit = 50});
    assert_int_equal(json_array_size(items(page)), 10);
}

static void test_fields_and_expand(void **state)
{
    (void)state;
    new_poll("a");
    new_poll("b");
    json_t *page = list(w.f.poll, &(struct model_list){.fields = SV("name, state")});
    const json_t *row = json_array_get(items(page), 0);
    assert_int_equal(json_object_size(row), 3);
    assert_string_equal(text(row, "name"), "b");
    page = list(w.f.poll, &(struct model_list){.fields = SV("name"), .sort = SV("starts_at")});
    assert_int_equal(json_object_size(json_array_get(items(page), 0)), 2); /* not the sort's */
    page = list(w.f.poll, &(struct model_list){.expand = SV("owner,options,options.picture,dept"),
                                               .sort = SV("name")});
    for (size_t i = 0; i < 2; i++) {
        row = json_array_get(items(page), i);
        assert_string_equal(text(json_object_get(row, "owner"), "label"), "管理员");
        assert_int_equal(json_array_size(json_object_get(row, "options")), 2);
        assert_true(json_is_null(json_object_get(row, "dept")));
    }
    page = list(w.f.poll, &(struct model_list){.fields = SV("name,options")});
    assert_int_equal(json_array_size(json_object_get(json_array_get(items(page), 1), "options")),
                     2);
}

/* The plan of a list or its count must go by an index, not through the table. */
static bool take_plan(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct buf *b = arg; /* key and extra of each line */
    for (unsigned i = 5; i < n_cols; i++)
        if (row[i].type == STORE_TEXT) buf_printf(b, "%.*s;", SVARG(row[i].u.s));
    return true;
}

static void plans(const struct model_list *l, bool count, const char *want, const char *never)
{
    struct model_ctx c = ctx();
    struct query q;
    struct sql s;
    struct buf b = BUF_IN(w.a);
    OK(query_prepare(w.f.poll, &c, l, &q, err));
    sql_start(&s, w.a);
    sql_text(&s, "EXPLAIN ");
    if (count)
        query_count(&q, 10000, &s);
    else
        query_select(&q, 21, &s);
    OK(store_get(w.tenant.db, &c.conn, err));
    OK(store_run(c.conn, buf_view(&s.text), s.args, s.n, take_plan, &b, err));
    store_put(c.conn);
    buf_chr(&b, '\0');
    if (!strstr(b.p, want) || (never && strstr(b.p, never)))
        fail_msg("%.*s:\n%s", SVARG(buf_view(&s.text)), b.p);
}

static void test_plans(void **state)
{
    (void)state;
    run_sql("INSERT INTO vote_poll (id,created_at,updated_at,created_by,owner,dept,version,state,"
            "name,title,starts_at,ends_at,deleted_at,live) SELECT seq,NOW(),NOW(),1,2+seq%%50,31,1,"
            "IF(seq%%3,'draft','published'),CONCAT('p',seq),'t','2026-01-01' + INTERVAL seq MINUTE,"
            "'2027-01-01',IF(seq%%20,NULL,NOW()),IF(seq%%20,1,NULL) FROM seq_1_to_20000");
    run_sql("ANALYZE TABLE vote_poll");
    plans(&(struct model_list){0}, false, "PRIMARY", "filesort");
    plans(&(struct model_list){.sort = SV("name")}, false, "i_name", "filesort");
    plans(&(struct model_list){.sort = SV("-starts_at")}, false, "i_starts_at", "filesort");
    plans(&(struct model_list){.filter = SV("name = p77")}, false, "i_name", "filesort");
    plans(&(struct model_list){0}, true, "Using index", NULL);
    plans(&(struct model_list){.filter = SV("state = draft")}, true, "Using index", NULL);
    plans(&(struct model_list){.filter = SV("owner = 7")}, true, "Using index", "intersect");
}

/* ---- policy ----------------------------------------------------------------------- */

static const sv all_rows[] = {{"all", 3}}, own_rows[] = {{"own", 3}},
                own_or_dept[] = {{"own", 3}, {"department", 10}};

static void grant(struct auth_grant g)
{
    g.resource = SV("vote.poll");
    fake_grants[0] = g;
    fake_n_grants = 1;
}

static void test_nobody(void **state)
{
    (void)state;
    struct auth_principal anon = {.kind = AUTH_ANON}, member = {.kind = AUTH_MEMBER, .id = 2};
    struct buf b = BUF_IN(w.a);
    int64_t id = new_poll("x"), none;
    struct model_ctx c = ctx();
    c.who = &anon;
    FAILS(model_get(w.f.poll, &c, id, SV_NULL, &b, err), 401, "unauthorized", NULL, NULL);
    FAILS(model_list(w.f.poll, &c, &(struct model_list){0}, &b, err), 401, "unauthorized", NULL,
          NULL);
    c.who = &member;
    FAILS(model_get(w.f.poll, &c, id, SV_NULL, &b, err), 403, "forbidden", NULL, NULL);
    FAILS(model_create(w.f.poll, &c, poll_body("y"), &none, err), 403, "forbidden", NULL, NULL);
    FAILS(model_delete(w.f.poll, &c, id, err), 403, "forbidden", NULL, NULL);
    FAILS(model_transition(w.f.poll, &c, id, SV("publish"), NULL, err), 403, "forbidden", NULL,
          NULL);
    FAILS(model_history(w.f.poll, &c, id, &b, err), 403, "forbidden", NULL, NULL);
}

static void test_scopes(void **state)
{
    (void)state;
    many_polls(60); /* owner 2 or 3; dept 31, 32, 33 */
    struct model_ctx c;
    struct buf b = BUF_IN(w.a);
    w.who = &w.staff;
    grant((struct auth_grant){.read = own_rows,
                              .n_read = 1,
                              .update = own_rows,
                              .n_update = 1,
                              .del = own_rows,
                              .n_del = 1});
    assert_int_equal(count_of(""), 30);
    assert_int_equal(count_of("owner = 3"), 0);
    assert_int_equal(count_of("name = p00001 or name = p00002"), 1);
    json_t *page = list(w.f.poll, &(struct model_list){.count = true, .limit = 5});
    assert_int_equal(integer(page, "count"), 30);
    c = ctx();
    OK(model_get(w.f.poll, &c, 1000, SV_NULL, &b, err));
    FAILS(model_get(w.f.poll, &c, 1001, SV_NULL, &b, err), 404, "not_found", NULL, NULL);
    FAILS(model_update(w.f.poll, &c, 1001, -1, parse("{\"name\":\"x\"}"), err), 404, "not_found",
          NULL, NULL);
    FAILS(model_delete(w.f.poll, &c, 1001, err), 404, "not_found", NULL, NULL);
    FAILS(model_history(w.f.poll, &c, 1001, &b, err), 404, "not_found", NULL, NULL);
    grant((struct auth_grant){.read = own_or_dept, .n_read = 2, .update = own_rows, .n_update = 1});
    assert_int_equal(count_of(""), 50); /* own 30, and of the others' 30 two thirds */
    assert_int_equal(count_of("dept = 33"), 10);
    OK(model_get(w.f.poll, &c, 1001, SV_NULL, &b, err)); /* another's, of the department */
    FAILS(model_update(w.f.poll, &c, 1001, -1, parse("{\"name\":\"x\"}"), err), 403, "forbidden",
          NULL, NULL);
    FAILS(model_delete(w.f.poll, &c, 1001, err), 403, "forbidden", NULL, NULL);
    OK(model_update(w.f.poll, &c, 1000, -1, parse("{\"name\":\"mine\"}"), err));
    /* a scope that the manifest does not have gives nothing */
    static const sv bogus[] = {{"bogus", 5}};
    grant((struct auth_grant){.read = bogus, .n_read = 1});
    FAILS(model_list(w.f.poll, &c, &(struct model_list){0}, &b, err), 403, "forbidden", NULL, NULL);
}

static void test_transition_right(void **state)
{
    (void)state;
    static const sv doing[] = {{"publish", 7}};
    int64_t id = new_poll("x");
    run_sql("UPDATE vote_poll SET owner=2");
    w.who = &w.staff;
    struct model_ctx c = ctx();
    grant((struct auth_grant){.read = own_rows, .n_read = 1, .doing = doing, .n_doing = 1});
    OK(model_transition(w.f.poll, &c, id, SV("publish"), NULL, err));
    FAILS(model_transition(w.f.poll, &c, id, SV("close"), NULL, err), 403, "forbidden", NULL, NULL);
    run_sql("UPDATE vote_poll SET owner=3,state='draft'");
    FAILS(model_transition(w.f.poll, &c, id, SV("publish"), NULL, err), 404, "not_found", NULL,
          NULL);
}

static bool collect(void *arg, sv data)
{
    buf_sv(arg, data);
    return true;
}

static sv exported(const struct model_resource *r, const struct model_list *l)
{
    struct model_ctx c = ctx();
    struct buf *b = ARENA_NEW(w.a, struct buf);
    *b = BUF_IN(w.a);
    OK(model_export(r, &c, l, SV("csv"), collect, b, err));
    return buf_view(b);
}

static bool contains(sv text_, const char *part)
{
    return text_.n && memmem(text_.p, text_.n, part, strlen(part)) != NULL;
}

/* A field that may not be read shows on no path and cannot be asked about. */
static void test_hidden_field_everywhere(void **state)
{
    (void)state;
    static const sv hidden[] = {{"title", 5}, {"options", 7}, {"cover", 5}};
    json_t *body = poll_body("x");
    json_object_set_new(body, "title", json_string("geheim"));
    int64_t id = create(w.f.poll, body);
    update(w.f.poll, id, parse("{\"title\":\"geheim2\",\"name\":\"y\"}"));
    run_sql("UPDATE vote_poll SET owner=2");
    w.who = &w.staff;
    struct model_ctx c = ctx();
    struct buf b = BUF_IN(w.a);
    grant((struct auth_grant){.read = all_rows,
                              .n_read = 1,
                              .update = all_rows,
                              .n_update = 1,
                              .create = true,
                              .export = true,
                              .hidden = hidden,
                              .n_hidden = 3});
    json_t *row = get(w.f.poll, id, NULL);
    assert_null(json_object_get(row, "title"));
    assert_null(json_object_get(row, "options"));
    assert_string_equal(text(row, "name"), "y");
    json_t *page = list(w.f.poll, &(struct model_list){0});
    assert_null(json_object_get(json_array_get(items(page), 0), "title"));
    page = list(w.f.poll, &(struct model_list){.search = SV("geheim")});
    assert_int_equal(json_array_size(items(page)), 0);
    assert_false(contains(exported(w.f.poll, &(struct model_list){0}), "geheim"));
    OK(model_history(w.f.poll, &c, id, &b, err));
    assert_false(contains(buf_view(&b), "geheim"));
    assert_true(contains(buf_view(&b), "\"name\""));
    FAILS(model_list(w.f.poll, &c, &(struct model_list){.filter = SV("title = \"geheim2\"")}, &b,
                     err),
          403, "forbidden", "title", "forbidden");
    FAILS(model_list(w.f.poll, &c, &(struct model_list){.filter = SV("name = y or title ~ \"g\"")},
                     &b, err),
          403, "forbidden", "title", "forbidden");
    FAILS(model_list(w.f.poll, &c, &(struct model_list){.sort = SV("title")}, &b, err), 403,
          "forbidden", "title", "forbidden");
    FAILS(model_list(w.f.poll, &c, &(struct model_list){.fields = SV("title")}, &b, err), 403,
          "forbidden", "title", "forbidden");
    FAILS(model_list(w.f.poll, &c, &(struct model_list){.expand = SV("cover")}, &b, err), 403,
          "forbidden", "cover", "forbidden");
    FAILS(model_get(w.f.poll, &c, id, SV("options"), &b, err), 403, "forbidden", "options",
          "forbidden");
    FAILS(model_update(w.f.poll, &c, id, -1, parse("{\"title\":\"z\"}"), err), 422, "invalid",
          "title", "forbidden");
    FAILS(model_export(w.f.poll, &c, &(struct model_list){.fields = SV("title")}, SV("csv"),
                       collect, &b, err),
          403, "forbidden", "title", "forbidden");
    /* The manifest's own hidden fields do not exist for anybody. */
    w.who = &w.admin;
    c = ctx();
    FAILS(model_list(w.f.ballot, &c, &(struct model_list){.filter = SV("request_key = \"k\"")}, &b,
                     err),
          400, "bad_filter", "request_key", "unknown_field");
}

static void test_read_only_field(void **state)
{
    (void)state;
    static const sv fixed[] = {{"name", 4}};
    int64_t id = new_poll("x");
    w.who = &w.staff;
    struct model_ctx c = ctx();
    grant((struct auth_grant){.read = all_rows,
                              .n_read = 1,
                              .update = all_rows,
                              .n_update = 1,
                              .read_only = fixed,
                              .n_read_only = 1});
    FAILS(model_update(w.f.poll, &c, id, -1, parse("{\"name\":\"y\"}"), err), 422, "invalid",
          "name", "read_only");
    OK(model_update(w.f.poll, &c, id, -1, parse("{\"name\":\"x\",\"title\":\"neu\"}"), err));
    assert_string_equal(text(get(w.f.poll, id, NULL), "title"), "neu");
}

/* Children without grants of their own are seen with their parents. */
static void test_children_policy(void **state)
{
    (void)state;
    int64_t mine = new_poll("mine"), other = new_poll("other");
    run_sql("UPDATE vote_poll SET owner=%s WHERE id=%lld", "2", (long long)mine);
    run_sql("UPDATE vote_poll SET owner=%s WHERE id=%lld", "3", (long long)other);
    w.who = &w.staff;
    grant((struct auth_grant){.read = own_rows, .n_read = 1, .update = own_rows, .n_update = 1});
    json_t *page = list(w.f.option, &(struct model_list){0});
    assert_int_equal(json_array_size(items(page)), 2);
    char want[24];
    snprintf(want, sizeof want, "%lld", (long long)mine);
    assert_string_equal(text(json_array_get(items(page), 0), "poll"), want);
    struct model_ctx c = ctx();
    int64_t id;
    FAILS(model_create(w.f.option, &c, parse("{\"title\":\"x\",\"poll\":\"%s\"}", want), &id, err),
          403, "forbidden", NULL, NULL);
    struct buf b = BUF_IN(w.a);
    static const sv hidden[] = {{"options", 7}};
    grant((struct auth_grant){
        .read = all_rows, .n_read = 1, .hidden = hidden, .n_hidden = 1, .export = true});
    FAILS(model_list(w.f.option, &c, &(struct model_list){0}, &b, err), 403, "forbidden", NULL,
          NULL);
    fake_n_grants = 0;
    FAILS(model_list(w.f.option, &c, &(struct model_list){0}, &b, err), 403, "forbidden", NULL,
          NULL);
}

/* Labels of rows that one may not see stay unseen. */
static void test_expand_respects_scope(void **state)
{
    (void)state;
    int64_t id = new_poll("secret name");
    run_sql("UPDATE vote_poll SET owner=3");
    run_sql("INSERT INTO vote_ballot (id,created_at,updated_at,poll,options,client,request_key) "
            "VALUES (60,NOW(),NOW(),%lld,'[]','h5','k')",
            (long long)id);
    w.who = &w.staff;
    fake_grants[0] =
        (struct auth_grant){.resource = SV("vote.poll"), .read = own_rows, .n_read = 1};
    fake_grants[1] =
        (struct auth_grant){.resource = SV("vote.ballot"), .read = all_rows, .n_read = 1};
    fake_n_grants = 2;
    json_t *row = get(w.f.ballot, 60, "poll");
    assert_true(json_is_null(json_object_get(json_object_get(row, "poll"), "label")));
    run_sql("UPDATE vote_poll SET owner=2");
    row = get(w.f.ballot, 60, "poll");
    assert_string_equal(text(json_object_get(row, "poll"), "label"), "secret name");
}

/* ---- exports ---------------------------------------------------------------------- */

static void test_export_csv(void **state)
{
    (void)state;
    json_t *body = poll_body("=1+1");
    json_object_set_new(body, "title", json_string("say \"hi\", you"));
    json_object_set_new(body, "limit_address", json_integer(7));
    create(w.f.poll, body);
    sv csv = exported(
        w.f.poll,
        &(struct model_list){.fields = SV("name,title,state,starts_at,login_required,limit_address,"
                                          "owner")});
    assert_memory_equal(csv.p, "\xef\xbb\xbf", 3);
    assert_true(contains(csv, "Name,Title,"));
    assert_true(contains(csv, "\"'=1+1\""));
    assert_true(contains(csv, "\"say \"\"hi\"\", you\""));
    assert_true(contains(csv, "2026-01-01 08:00:00")); /* the tenant's own time */
    assert_true(contains(csv, ",no,7,"));
    assert_true(contains(csv, "管理员"));
    assert_true(contains(csv, "Draft"));
    assert_string_equal(fake_last_audit, "export vote.poll");
}

static size_t lines_of(sv v)
{
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++)
        n += v.p[i] == '\n';
    return n;
}

static void test_export_many(void **state)
{
    (void)state;
    many_polls(1700); /* several chunks, ties and NULLs between them */
    assert_int_equal(lines_of(exported(w.f.poll, &(struct model_list){.fields = SV("name")})),
                     1701);
    assert_int_equal(lines_of(exported(w.f.poll, &(struct model_list){.fields = SV("name"),
                                                                      .sort = SV("-starts_at")})),
                     1701);
    assert_int_equal(
        lines_of(exported(w.f.poll, &(struct model_list){.fields = SV("name"),
                                                         .filter = SV("state = published")})),
        568);
    w.who = &w.staff;
    struct model_ctx c = ctx();
    struct buf b = BUF_IN(w.a);
    grant((struct auth_grant){.read = own_rows, .n_read = 1, .export = true});
    assert_int_equal(lines_of(exported(w.f.poll, &(struct model_list){.fields = SV("name")})), 851);
    grant((struct auth_grant){.read = own_rows, .n_read = 1});
    FAILS(model_export(w.f.poll, &c, &(struct model_list){0}, SV("csv"), collect, &b, err), 403,
          "forbidden", NULL, NULL);
    FAILS(model_export(w.f.poll, &c, &(struct model_list){0}, SV("pdf"), collect, &b, err), 400,
          "bad_request", "format", "not_in_options");
}

static void test_export_xlsx(void **state)
{
    (void)state;
    many_polls(1200);
    new_poll("=cmd|x");
    struct model_ctx c = ctx();
    struct buf b = BUF_IN(w.a);
    OK(model_export(w.f.poll, &c, &(struct model_list){0}, SV("xlsx"), collect, &b, err));
    assert_true(b.n > 10000);
    assert_memory_equal(b.p, "PK\x03\x04", 4);
    assert_true(contains(buf_view(&b), "xl/worksheets/sheet1.xml"));
    /* nothing is left behind */
    char cmd[200];
    snprintf(cmd, sizeof cmd, "test -z \"$(ls -A %s/exports)\"", w.state);
    assert_int_equal(system(cmd), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_begin, world_end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_pages),
        T(test_page_refused),
        T(test_counts),
        T(test_count_capped),
        T(test_filters),
        T(test_plans),
        T(test_fields_and_expand),
        T(test_nobody),
        T(test_scopes),
        T(test_transition_right),
        T(test_hidden_field_everywhere),
        T(test_read_only_field),
        T(test_children_policy),
        T(test_expand_respects_scope),
        T(test_export_csv),
        T(test_export_many),
        T(test_export_xlsx),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
