/* The router: precedence, parameters, methods, refusals. */
#define LOG_ROOM "test"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/http.h"

static void handler(struct http_req *r)
{
    (void)r;
}

static int add(struct http_router *r, enum http_method m, const char *pattern, struct err *err)
{
    struct http_route route = {.method = m, .pattern = pattern, .handler = handler};
    err_clear(err);
    return http_router_add(r, &route, err);
}

static void must_add(struct http_router *r, enum http_method m, const char *pattern)
{
    struct err err;
    if (add(r, m, pattern, &err) != 0) fail_msg("%s: %s", pattern, err.detail);
}

static struct http_match found;
static sv allow;

static const char *find(const struct http_router *r, enum http_method m, const char *path)
{
    return http_router_find(r, m, sv_of(path), &found, &allow) ? found.route->pattern : NULL;
}

static void assert_param(unsigned i, const char *name, const char *value)
{
    assert_true(i < found.n_params);
    assert_true(sv_eqs(found.params[i].name, name));
    if (!sv_eqs(found.params[i].value, value))
        fail_msg("%s is \"%.*s\", not \"%s\"", name, SVARG(found.params[i].value), value);
}

static void literal_and_parameters(void **state)
{
    (void)state;
    struct http_router *r = http_router_new();
    must_add(r, HTTP_GET, "/");
    must_add(r, HTTP_GET, "/api/vote/poll");
    must_add(r, HTTP_GET, "/api/vote/poll/:id");
    must_add(r, HTTP_POST, "/api/vote/poll/:id/do/:transition");
    assert_string_equal(find(r, HTTP_GET, "/"), "/");
    assert_int_equal(found.n_params, 0);
    assert_string_equal(find(r, HTTP_GET, "/api/vote/poll"), "/api/vote/poll");
    assert_string_equal(find(r, HTTP_GET, "/api/vote/poll/42"), "/api/vote/poll/:id");
    assert_param(0, "id", "42");
    assert_string_equal(find(r, HTTP_POST, "/api/vote/poll/a%20b/do/open"),
                        "/api/vote/poll/:id/do/:transition");
    assert_param(0, "id", "a%20b");
    assert_param(1, "transition", "open");
    assert_null(find(r, HTTP_GET, "/api/vote/poll/"));
    assert_null(find(r, HTTP_GET, "/api/vote"));
    assert_null(find(r, HTTP_GET, "/api/vote/poll/42/do"));
    assert_null(find(r, HTTP_GET, ""));
    assert_null(find(r, HTTP_GET, "api"));
    assert_null(find(r, HTTP_GET, "//"));
    http_router_free(r);
}

static void literal_goes_before_parameter_before_rest(void **state)
{
    (void)state;
    struct http_router *r = http_router_new();
    must_add(r, HTTP_GET, "/a/*rest");
    must_add(r, HTTP_GET, "/a/:x");
    must_add(r, HTTP_GET, "/a/b");
    must_add(r, HTTP_GET, "/a/b/c");
    must_add(r, HTTP_GET, "/a/:x/d");
    assert_string_equal(find(r, HTTP_GET, "/a/b"), "/a/b");
    assert_string_equal(find(r, HTTP_GET, "/a/z"), "/a/:x");
    assert_string_equal(find(r, HTTP_GET, "/a/b/c"), "/a/b/c");
    /* backs up: "/a/b" has no "d", "/a/:x" has */
    assert_string_equal(find(r, HTTP_GET, "/a/b/d"), "/a/:x/d");
    assert_param(0, "x", "b");
    assert_int_equal(found.n_params, 1);
    assert_string_equal(find(r, HTTP_GET, "/a/b/e"), "/a/*rest");
    assert_param(0, "rest", "b/e");
    assert_int_equal(found.n_params, 1);
    assert_string_equal(find(r, HTTP_GET, "/a/"), "/a/*rest");
    assert_param(0, "rest", "");
    assert_null(find(r, HTTP_GET, "/a"));
    http_router_free(r);
}

static void names_belong_to_the_pattern(void **state)
{
    (void)state;
    struct http_router *r = http_router_new();
    must_add(r, HTTP_GET, "/p/:id");
    must_add(r, HTTP_PUT, "/p/:key");
    must_add(r, HTTP_GET, "/p/:owner/files/*path");
    find(r, HTTP_GET, "/p/1");
    assert_param(0, "id", "1");
    find(r, HTTP_PUT, "/p/1");
    assert_param(0, "key", "1");
    find(r, HTTP_GET, "/p/me/files/x/y.png");
    assert_param(0, "owner", "me");
    assert_param(1, "path", "x/y.png");
    http_router_free(r);
}

static void methods(void **state)
{
    (void)state;
    struct http_router *r = http_router_new();
    must_add(r, HTTP_GET, "/x/:id");
    must_add(r, HTTP_DELETE, "/x/:id");
    must_add(r, HTTP_POST, "/x/y");
    assert_non_null(find(r, HTTP_HEAD, "/x/1"));
    assert_null(find(r, HTTP_PUT, "/x/1"));
    assert_true(sv_eq(allow, SV("GET, HEAD, DELETE")));
    /* a literal without the method does not hide the parameter */
    assert_string_equal(find(r, HTTP_GET, "/x/y"), "/x/:id");
    assert_null(find(r, HTTP_PUT, "/x/y"));
    assert_true(sv_eq(allow, SV("GET, HEAD, POST, DELETE")));
    assert_null(find(r, HTTP_PUT, "/nowhere"));
    assert_null(allow.p);
    http_router_free(r);
}

static void head_may_be_its_own(void **state)
{
    (void)state;
    struct http_router *r = http_router_new();
    must_add(r, HTTP_GET, "/x");
    must_add(r, HTTP_HEAD, "/x");
    find(r, HTTP_HEAD, "/x");
    assert_int_equal(found.route->method, HTTP_HEAD);
    http_router_free(r);
}

static void refusals(void **state)
{
    (void)state;
    struct http_router *r = http_router_new();
    struct err err;
    must_add(r, HTTP_GET, "/a/:id");
    assert_int_equal(add(r, HTTP_GET, "/a/:other", &err), -1);
    assert_string_equal(err.code, "duplicate");
    assert_non_null(strstr(err.detail, "/a/:id"));
    assert_int_equal(add(r, HTTP_GET, "relative", &err), -1);
    assert_int_equal(add(r, HTTP_GET, "", &err), -1);
    assert_int_equal(add(r, HTTP_GET, "/a/:", &err), -1);
    assert_int_equal(add(r, HTTP_GET, "/a/*rest/b", &err), -1);
    assert_int_equal(add(r, HTTP_GET, "/:1/:2/:3/:4/:5/:6/:7/:8/:9", &err), -1);
    must_add(r, HTTP_GET, "/:1/:2/:3/:4/:5/:6/:7/*8");
    find(r, HTTP_GET, "/a/b/c/d/e/f/g/h/i");
    assert_int_equal(found.n_params, 8);
    assert_param(7, "8", "h/i");
    http_router_free(r);
}

static void many_routes(void **state)
{
    (void)state;
    struct http_router *r = http_router_new();
    char pattern[64];
    for (int i = 0; i < 500; i++) {
        snprintf(pattern, sizeof(pattern), "/api/p%d/thing/:id", i);
        must_add(r, HTTP_GET, pattern);
    }
    for (int i = 0; i < 500; i++) {
        snprintf(pattern, sizeof(pattern), "/api/p%d/thing/7", i);
        assert_non_null(find(r, HTTP_GET, pattern));
        char want[64];
        snprintf(want, sizeof(want), "/api/p%d/thing/:id", i);
        assert_string_equal(found.route->pattern, want);
    }
    assert_null(find(r, HTTP_GET, "/api/p500/thing/7"));
    http_router_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literal_and_parameters),
        cmocka_unit_test(literal_goes_before_parameter_before_rest),
        cmocka_unit_test(names_belong_to_the_pattern),
        cmocka_unit_test(methods),
        cmocka_unit_test(head_may_be_its_own),
        cmocka_unit_test(refusals),
        cmocka_unit_test(many_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
