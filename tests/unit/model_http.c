/* The routes over a real server and a real database: what clients see. */
#include "model_web.h"

#include <dirent.h>
#include <pthread.h>
#include <unistd.h>

#define POLL(name)                                                                                 \
    "{\"name\":\"" name "\",\"title\":\"t\",\"starts_at\":\"2026-01-01T00:00:00Z\","               \
    "\"ends_at\":\"2026-01-02T00:00:00Z\",\"options\":[{\"title\":\"a\"},{\"title\":\"b\"}]}"

static const char *post_poll(const char *extra, struct answer *out)
{
    *out = ask("POST", "/api/vote/poll", extra, POLL("p"));
    answered(out, 201);
    return text(parse_sv(out->body), "id");
}

static const char *at(const char *fmt, const char *id)
{
    return arena_printf(w.a, fmt, id).p;
}

/* ---- tests ------------------------------------------------------------------------ */

static void test_life_of_a_row(void **state)
{
    (void)state;
    struct answer a;
    const char *id = post_poll(NULL, &a);
    assert_true(sv_eqs(answer_header(&a, "location"), at("/api/vote/poll/%s", id)));
    assert_true(sv_eqs(answer_header(&a, "etag"), "\"1\""));
    assert_true(sv_starts(answer_header(&a, "content-type"), SV("application/json")));
    a = ask("GET", at("/api/vote/poll/%s", id), NULL, NULL);
    answered(&a, 200);
    assert_int_equal(json_array_size(json_object_get(parse_sv(a.body), "options")), 2);
    a = ask("PATCH", at("/api/vote/poll/%s", id), "If-Match: \"1\"\r\n", "{\"name\":\"q\"}");
    answered(&a, 200);
    assert_true(sv_eqs(answer_header(&a, "etag"), "\"2\""));
    a = ask("PATCH", at("/api/vote/poll/%s", id), "If-Match: \"1\"\r\n", "{\"name\":\"r\"}");
    answered(&a, 412);
    assert_string_equal(text(parse_sv(a.body), "code"), "version_conflict");
    a = ask("PATCH", at("/api/vote/poll/%s", id), NULL, "{\"name\":\"r\",\"version\":1}");
    answered(&a, 409);
    a = ask("POST", at("/api/vote/poll/%s/do/publish", id), NULL, "");
    answered(&a, 200);
    assert_string_equal(text(parse_sv(a.body), "state"), "published");
    a = ask("POST", at("/api/vote/poll/%s/do/publish", id), NULL, NULL);
    answered(&a, 409);
    json_t *problem = parse_sv(a.body);
    assert_string_equal(text(problem, "code"), "not_allowed_in_state");
    assert_non_null(json_object_get(json_object_get(problem, "fields"), "state"));
    a = ask("GET", at("/api/vote/poll/%s/history", id), NULL, NULL);
    answered(&a, 200);
    a = ask("DELETE", at("/api/vote/poll/%s", id), "If-Match: \"9\"\r\n", NULL);
    answered(&a, 412);
    a = ask("DELETE", at("/api/vote/poll/%s", id), NULL, NULL);
    answered(&a, 204);
    a = ask("GET", at("/api/vote/poll/%s", id), NULL, NULL);
    answered(&a, 404);
    a = ask("POST", at("/api/vote/poll/%s/restore", id), NULL, NULL);
    answered(&a, 200);
}

static void test_bad_requests(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *body;
        int status;
        const char *code;
    } c[] = {
        {"GET", "/api/vote/poll?limit=0", NULL, 400, "bad_limit"},
        {"GET", "/api/vote/poll?limit=201", NULL, 400, "bad_limit"},
        {"GET", "/api/vote/poll?limit=ten", NULL, 400, "bad_limit"},
        {"GET", "/api/vote/poll?filter=nome%20=%20x", NULL, 400, "bad_filter"},
        {"GET", "/api/vote/poll?sort=intro", NULL, 400, "bad_sort"},
        {"GET", "/api/vote/poll?after=xyz", NULL, 400, "bad_cursor"},
        {"GET", "/api/vote/poll/abc", NULL, 404, "not_found"},
        {"GET", "/api/vote/poll/-5", NULL, 404, "not_found"},
        {"GET", "/api/vote/poll/99999999999999999999", NULL, 404, "not_found"},
        {"GET", "/api/vote/nothing", NULL, 404, "not_found"},
        {"GET", "/api/vote/tally", NULL, 404, "not_found"},
        {"POST", "/api/vote/poll", "{", 400, "bad_json"},
        {"POST", "/api/vote/poll", "[]", 400, NULL},
        {"POST", "/api/vote/poll", "{\"x\":1}", 422, "invalid"},
        {"POST", "/api/vote/option", "{}", 405, "method_not_allowed"},
        {"POST", "/api/vote/ballot", "{}", 405, "method_not_allowed"},
        {"POST", "/api/core/file", "{}", 405, "method_not_allowed"},
        {"PUT", "/api/vote/poll", "{}", 405, "method_not_allowed"},
        {"PATCH", "/api/vote/poll/5", "{}", 404, "not_found"},
        {"POST", "/api/vote/poll/5/do/publish", "{}", 404, "not_found"},
        {"POST", "/api/vote/poll/5/do/explode", "{}", 404, "not_found"},
        {"PATCH", "/api/vote/ballot/5", "{}", 405, "method_not_allowed"},
        {"GET", "/api/vote/poll/export?format=pdf", NULL, 400, "bad_request"},
        {"GET", "/api/console/schema/vote/tally", NULL, 404, "not_found"},
        {"GET", "/files/5/x", NULL, 404, "not_found"},
    };
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        struct answer a = ask(c[i].method, c[i].path, NULL, c[i].body);
        if (a.status != c[i].status) fail_msg("%s %s:\n%s", c[i].method, c[i].path, a.all);
        if (c[i].code && strcmp(text(parse_sv(a.body), "code"), c[i].code) != 0)
            fail_msg("%s %s:\n%s", c[i].method, c[i].path, a.all);
        assert_true(sv_starts(answer_header(&a, "content-type"), SV("application/problem+json")));
    }
    struct answer a = ask("GET", "/api/vote/poll", "X-Who: anon\r\n", NULL);
    answered(&a, 401);
    a = ask("GET", "/api/vote/poll", "X-Who: staff\r\n", NULL);
    answered(&a, 403);
}

static void test_lists(void **state)
{
    (void)state;
    struct answer a;
    for (int i = 0; i < 3; i++)
        post_poll(NULL, &a);
    a = ask("GET", "/api/vote/poll?limit=2&expand=owner&filter=state%20%3D%20%22draft%22", NULL,
            NULL);
    answered(&a, 200);
    json_t *page = parse_sv(a.body);
    assert_int_equal(json_array_size(json_object_get(page, "items")), 2);
    assert_int_equal(integer(page, "count"), 3);
    a = ask("GET",
            at("/t/test/api/vote/poll?limit=2&count=0&filter=state%%20%%3D%%20draft&after=%s",
               text(page, "next")),
            NULL, NULL);
    answered(&a, 200);
    page = parse_sv(a.body);
    assert_int_equal(json_array_size(json_object_get(page, "items")), 1);
    assert_null(json_object_get(page, "count"));
    assert_true(json_is_null(json_object_get(page, "next")));
}

/* ---- idempotency ------------------------------------------------------------------ */

static void test_idempotency(void **state)
{
    (void)state;
    struct answer a, b;
    const char *key = "Idempotency-Key: order-0001\r\n";
    const char *id = post_poll(key, &a);
    b = ask("POST", "/api/vote/poll", key, POLL("p"));
    answered(&b, 201);
    assert_true(sv_eq(a.body, b.body));
    assert_true(sv_eqs(answer_header(&b, "location"), at("/api/vote/poll/%s", id)));
    assert_true(sv_eqs(answer_header(&b, "idempotent-replayed"), "true"));
    assert_int_equal(number("SELECT COUNT(*) FROM vote_poll"), 1);
    assert_int_equal(fake_events, 1);
    b = ask("POST", "/api/vote/poll", key, POLL("q"));
    answered(&b, 409);
    assert_string_equal(text(parse_sv(b.body), "code"), "idempotency_mismatch");
    b = ask("POST", "/api/vote/poll", "Idempotency-Key: short\r\n", POLL("q"));
    answered(&b, 400);
    /* another's key is another key */
    b = ask("POST", "/api/vote/poll", "Idempotency-Key: order-0001\r\nX-Who: staff\r\n", POLL("p"));
    answered(&b, 403);
    /* a failure is not kept: the same key may succeed later */
    b = ask("POST", at("/api/vote/poll/%s/do/close", id), "Idempotency-Key: close-01\r\n", NULL);
    answered(&b, 409);
    b = ask("POST", at("/api/vote/poll/%s/do/publish", id), "Idempotency-Key: publish1\r\n", NULL);
    answered(&b, 200);
    b = ask("POST", at("/api/vote/poll/%s/do/publish", id), "Idempotency-Key: publish1\r\n", NULL);
    answered(&b, 200); /* again, though the state would forbid it */
    b = ask("POST", at("/api/vote/poll/%s/do/close", id), "Idempotency-Key: close-01\r\n", NULL);
    answered(&b, 200);
    /* after a day a key is new */
    run_sql("UPDATE core_idempotency SET created_at=created_at - INTERVAL 25 HOUR");
    b = ask("POST", "/api/vote/poll", key, POLL("q"));
    answered(&b, 201);
    assert_int_equal(number("SELECT COUNT(*) FROM vote_poll"), 2);
}

static void *post_same(void *arg)
{
    struct arena *a = arena_new(0);
    static const char body[] = POLL("race");
    sv req = arena_printf(a,
                          "POST /api/vote/poll HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                          "Idempotency-Key: race-0001\r\nContent-Type: application/json\r\n"
                          "Content-Length: %zu\r\n\r\n%s",
                          sizeof body - 1, body);
    struct answer r = ask_raw(a, req.p, req.n);
    *(int *)arg = r.status;
    arena_free(a);
    return NULL;
}

static void test_idempotency_race(void **state)
{
    (void)state;
    pthread_t threads[8];
    int status[8];
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, post_same, &status[i]);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 8; i++)
        assert_int_equal(status[i], 201);
    assert_int_equal(number("SELECT COUNT(*) FROM vote_poll"), 1);
    assert_int_equal(number("SELECT COUNT(*) FROM vote_option"), 2);
}

/* ---- files ------------------------------------------------------------------------ */

static const unsigned char png[] = "\x89PNG\r\n\x1a\nnot a real picture, but nobody looks further";

static struct answer upload(const char *use, const char *name, const void *data, size_t n,
                            const char *extra)
{
    struct buf body = BUF_IN(w.a), b = BUF_IN(w.a);
    if (use)
        buf_printf(&body, "--XX\r\nContent-Disposition: form-data; name=\"use\"\r\n\r\n%s\r\n",
                   use);
    buf_printf(&body,
               "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\n"
               "Content-Type: text/html\r\n\r\n",
               name);
    buf_add(&body, data, n);
    buf_str(&body, "\r\n--XX--\r\n");
    buf_printf(&b,
               "POST /t/test/api/core/files HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
               "%sContent-Type: multipart/form-data; boundary=XX\r\nContent-Length: %zu\r\n\r\n",
               extra ? extra : "", body.n);
    buf_add(&b, body.p, body.n);
    return ask_raw(w.a, b.p, b.n);
}

static void test_files(void **state)
{
    (void)state;
    struct answer a = upload("vote.poll.cover", "..\\..\\a/年 会.png", png, sizeof png - 1, NULL);
    answered(&a, 201);
    json_t *file = parse_sv(a.body);
    const char *id = text(file, "id"), *url = at("/t/test%s", text(file, "url"));
    assert_string_equal(text(file, "type"), "image/png"); /* not what the client said */
    assert_string_equal(text(file, "name"), "年 会.png");
    assert_int_equal(integer(file, "size"), sizeof png - 1);
    assert_string_equal(url, at("/t/test/files/%s/%%E5%%B9%%B4%%20%%E4%%BC%%9A.png", id));
    a = ask("GET", url, NULL, NULL);
    answered(&a, 200);
    assert_true(sv_eqs(answer_header(&a, "content-type"), "image/png"));
    assert_true(sv_eq(a.body, sv_make((const char *)png, sizeof png - 1)));
    a = ask("GET", url, "Range: bytes=1-3\r\n", NULL);
    answered(&a, 206);
    assert_true(sv_eqs(a.body, "PNG"));
    /* the public sees it only when it is public */
    a = ask("GET", url, "X-Who: anon\r\n", NULL);
    answered(&a, 404);
    struct model_ctx c = ctx();
    OK(model_file_set_public(&c, strtoll(id, NULL, 10), true, err));
    a = ask("GET", url, "X-Who: anon\r\n", NULL);
    answered(&a, 200);
    OK(model_file_set_public(&c, strtoll(id, NULL, 10), false, err));
    a = ask("GET", url, "X-Who: anon\r\n", NULL);
    answered(&a, 404);

    struct model_file found = {0};
    OK(model_file_find(&c, strtoll(id, NULL, 10), &found, err));
    assert_int_equal(found.size, sizeof png - 1);
    assert_int_equal(access(found.path.p, R_OK), 0);
    /* deleting the row takes the bytes */
    a = ask("DELETE", at("/api/core/file/%s", id), NULL, NULL);
    answered(&a, 204);
    assert_int_equal(access(found.path.p, R_OK), -1);
}

static void test_file_in_use_stays(void **state)
{
    (void)state;
    struct answer a = upload("vote.poll.cover", "a.png", png, sizeof png - 1, NULL);
    answered(&a, 201);
    const char *id = text(parse_sv(a.body), "id");
    json_t *body = poll_body("covered");
    json_object_set_new(body, "cover", json_string(id));
    create(w.f.poll, body);
    a = ask("DELETE", at("/api/core/file/%s", id), NULL, NULL);
    answered(&a, 409);
    assert_string_equal(text(parse_sv(a.body), "code"), "in_use");
}

static void test_uploads_refused(void **state)
{
    (void)state;
    static const char html[] = "<html><script>alert(1)</script>";
    struct answer a = upload("vote.poll.cover", "a.png", html, sizeof html - 1, NULL);
    answered(&a, 422);
    assert_non_null(json_object_get(json_object_get(parse_sv(a.body), "fields"), "file"));
    a = upload("vote.poll.title", "a.png", png, sizeof png - 1, NULL);
    answered(&a, 422);
    assert_non_null(json_object_get(json_object_get(parse_sv(a.body), "fields"), "use"));
    a = upload(NULL, "a.png", "", 0, NULL);
    answered(&a, 422);
    a = upload(NULL, "a.png", png, sizeof png - 1, "X-Who: anon\r\n");
    answered(&a, 401);
    a = upload("vote.poll.cover", "a.png", png, sizeof png - 1, "X-Who: staff\r\n");
    answered(&a, 403);
    assert_int_equal(number("SELECT COUNT(*) FROM core_file"), 0);
    /* a page is text, and only ever downloaded */
    a = upload(NULL, "a.html", html, sizeof html - 1, NULL);
    answered(&a, 201);
    json_t *file = parse_sv(a.body);
    assert_string_equal(text(file, "type"), "text/plain");
    a = ask("GET", at("/t/test%s", text(file, "url")), NULL, NULL);
    answered(&a, 200);
    assert_true(sv_starts(answer_header(&a, "content-disposition"), SV("attachment")));
}

static void test_sniff(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *name, *type;
    } c[] = {{"\xff\xd8\xff\xe0", 4, "x", "image/jpeg"},
             {"GIF89a...", 9, "x", "image/gif"},
             {"RIFF....WEBPVP8 ", 16, "x", "image/webp"},
             {"....ftypisom....", 16, "x", "video/mp4"},
             {"....ftypqt  ....", 16, "x", "video/quicktime"},
             {"%PDF-1.7", 8, "x", "application/pdf"},
             {"PK\x03\x04....", 8, "a.bin", "application/zip"},
             {"PK\x03\x04....", 8, "a.XLSX",
              "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
             {"a,b\r\n1,2", 8, "t.csv", "text/csv"},
             {"\xe5\xb9\xb4", 3, "t", "text/plain"},
             {"\x00\x01\x02", 3, "t.png", "application/octet-stream"},
             {"<svg xmlns=''>", 14, "x.svg", "text/plain"}};
    for (size_t i = 0; i < sizeof c / sizeof *c; i++)
        assert_string_equal(file_sniff(sv_make(c[i].bytes, c[i].n), sv_of(c[i].name)), c[i].type);
}

/* ---- documents -------------------------------------------------------------------- */

static void test_export_over_http(void **state)
{
    (void)state;
    struct answer a;
    post_poll(NULL, &a);
    a = ask("GET", "/api/vote/poll/export?fields=name,state", "Accept-Language: en\r\n", NULL);
    answered(&a, 200);
    assert_true(sv_starts(answer_header(&a, "content-type"), SV("text/csv")));
    assert_true(sv_starts(answer_header(&a, "content-disposition"), SV("attachment")));
    assert_true(sv_starts(a.body, SV("\xef\xbb\xbfName,State\r\np,Draft\r\n")));
    a = ask("GET", "/api/vote/poll/export?format=xlsx", NULL, NULL);
    answered(&a, 200);
    assert_memory_equal(a.body.p, "PK", 2);
    a = ask("GET", "/api/vote/poll/export", "X-Who: anon\r\n", NULL);
    answered(&a, 401);
    /* what was sent is removed with its request */
    char dir[100];
    snprintf(dir, sizeof dir, "%s/exports", w.state);
    for (int turn = 0; turn < 50; turn++) {
        DIR *d = opendir(dir);
        int n = 0;
        for (struct dirent *e; d && (e = readdir(d)) != NULL;)
            n += e->d_name[0] != '.';
        if (d) closedir(d);
        if (n == 0) return;
        usleep(20000);
    }
    fail_msg("exports are left behind");
}

static const json_t *field(const json_t *schema, const char *name)
{
    const json_t *list = json_object_get(schema, "fields");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(text(json_array_get(list, i), "name"), name) == 0)
            return json_array_get(list, i);
    return NULL;
}

static void test_console_schema(void **state)
{
    (void)state;
    struct answer a = ask("GET", "/api/console/schema/vote/poll", NULL, NULL);
    answered(&a, 200);
    json_t *s = parse_sv(a.body);
    assert_string_equal(text(s, "name"), "vote.poll");
    assert_string_equal(text(s, "initial"), "draft");
    assert_int_equal(json_array_size(json_object_get(s, "transitions")), 4);
    assert_int_equal(json_array_size(json_object_get(s, "states")), 3);
    assert_string_equal(text(field(s, "choice"), "type"), "enum");
    assert_int_equal(json_array_size(json_object_get(field(s, "choice"), "options")), 2);
    assert_true(json_is_array(json_object_get(field(s, "max_choices"), "visible_if")));
    assert_true(json_is_true(json_object_get(field(s, "ballots"), "read_only")));
    const json_t *child = json_object_get(field(s, "options"), "child");
    assert_non_null(field(child, "picture"));
    assert_null(field(child, "position"));
    assert_true(json_is_object(json_object_get(s, "views")));

    static const sv all[] = {{"all", 3}}, hidden[] = {{"title", 5}}, fixed[] = {{"name", 4}},
                    doing[] = {{"close", 5}};
    fake_grants[0] = (struct auth_grant){.resource = SV("vote.poll"),
                                         .read = all,
                                         .n_read = 1,
                                         .hidden = hidden,
                                         .n_hidden = 1,
                                         .read_only = fixed,
                                         .n_read_only = 1,
                                         .doing = doing,
                                         .n_doing = 1};
    fake_n_grants = 1;
    a = ask("GET", "/api/console/schema/vote/poll", "X-Who: staff\r\n", NULL);
    answered(&a, 200);
    s = parse_sv(a.body);
    assert_null(field(s, "title"));
    assert_true(json_is_true(json_object_get(field(s, "name"), "read_only")));
    assert_int_equal(json_array_size(json_object_get(s, "transitions")), 1);
    fake_n_grants = 0;
    a = ask("GET", "/api/console/schema/vote/poll", "X-Who: staff\r\n", NULL);
    answered(&a, 403);
}

static void refs_resolve(const json_t *doc, const json_t *v)
{
    const char *key;
    json_t *one;
    size_t i;
    if (json_is_object(v)) {
        json_object_foreach((json_t *)(uintptr_t)v, key, one)
        {
            if (strcmp(key, "$ref") == 0 && json_is_string(one)) {
                const json_t *at_ = doc;
                sv rest = sv_of(json_string_value(one) + 2), part;
                while (rest.p && at_) {
                    part = sv_cut(rest, '/', &rest);
                    at_ = json_object_get(at_, arena_str(w.a, part));
                }
                if (!at_) fail_msg("%s leads nowhere", json_string_value(one));
            }
            refs_resolve(doc, one);
        }
    } else if (json_is_array(v)) {
        json_array_foreach((json_t *)(uintptr_t)v, i, one) refs_resolve(doc, one);
    }
}

static void test_openapi(void **state)
{
    (void)state;
    struct answer a = ask("GET", "/t/test/api/openapi.json", NULL, NULL);
    answered(&a, 200);
    json_t *doc = parse_sv(a.body);                  /* duplicate keys are refused in there */
    const char *out = getenv("ATRIUM_TEST_OPENAPI"); /* for a look by a public validator */
    FILE *f = out ? fopen(out, "w") : NULL;
    if (f) {
        fwrite(a.body.p, 1, a.body.n, f);
        fclose(f);
    }
    assert_string_equal(text(doc, "openapi"), "3.1.0");
    refs_resolve(doc, doc);
    const json_t *paths = json_object_get(doc, "paths");
    assert_non_null(json_object_get(paths, "/api/vote/poll/{id}/do/publish"));
    assert_non_null(json_object_get(paths, "/api/vote/public/poll/{id}/ballots"));
    assert_non_null(json_object_get(paths, "/api/auth/login"));
    assert_null(json_object_get(paths, "/api/vote/tally"));
    assert_null(json_object_get(json_object_get(paths, "/api/vote/option"), "post"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_begin, world_end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_life_of_a_row),     T(test_bad_requests),     T(test_lists),
        T(test_idempotency),       T(test_idempotency_race), T(test_files),
        T(test_file_in_use_stays), T(test_uploads_refused),  T(test_sniff),
        T(test_export_over_http),  T(test_console_schema),   T(test_openapi),
    };
    return cmocka_run_group_tests(tests, web_setup, web_teardown);
}
