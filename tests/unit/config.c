/* Unit tests of core/config: the YAML tree, its readers, the settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/manifest.h"

#define N(a) (sizeof(a) / sizeof *(a))

static struct arena *arena;
static struct cfg_errors errors;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(0);
    errors = (struct cfg_errors){.a = arena, .file = "t.yaml", .text = BUF_IN(arena)};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void forget(void)
{
    buf_clear(&errors.text);
    errors.n = 0;
    errors.file = "t.yaml";
}

static void expect(const char *text, const char *want)
{
    sv got = buf_view(&errors.text);
    if (!sv_eqs(got, want))
        fail_msg("for:\n%s\ngot:\n%.*swant:\n%s", text, SVARG(got), want);
}

static struct cfg_node *parse(const char *text)
{
    forget();
    return cfg_parse(arena, sv_of(text), &errors);
}

/* ---- the tree ------------------------------------------------------------ */

static void test_tree(void **state)
{
    (void)state;
    struct cfg_node *root = parse("# head\na: 1\nb:\n  - x\n  - {k: \"q\", 键: '投 票'}\nc: |\n  two\n  lines\n");
    expect("", "");
    assert_non_null(root);
    assert_int_equal(root->kind, CFG_MAP);
    assert_int_equal(root->n, 3);
    struct cfg_node *a = root->first, *b = a->next, *c = b->next;
    assert_true(sv_eqs(a->key, "a") && sv_eqs(a->scalar, "1") && a->plain);
    assert_int_equal(a->line, 2);
    assert_int_equal(a->column, 4);
    assert_int_equal(a->key_column, 1);
    assert_int_equal(b->kind, CFG_LIST);
    assert_int_equal(b->n, 2);
    struct cfg_node *m = b->first->next;
    assert_int_equal(m->kind, CFG_MAP);
    assert_int_equal(m->line, 5);
    assert_int_equal(m->column, 5);
    assert_false(m->first->plain);
    assert_true(sv_eqs(m->first->next->key, "键") && sv_eqs(m->first->next->scalar, "投 票"));
    assert_int_equal(m->first->next->key_column, 14); /* characters, not bytes */
    assert_true(sv_eqs(c->scalar, "two\nlines\n"));
    assert_null(c->next);

    const char *empty[] = {"", "\n\n", "# nothing\n", "---\n...\n"};
    for (size_t i = 0; i < N(empty); i++) {
        root = parse(empty[i]);
        /* "---" alone holds a null value */
        assert_non_null(root);
        assert_int_equal(root->kind, i < 3 ? CFG_MAP : CFG_SCALAR);
    }
}

static void test_refused_yaml(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n", "t.yaml:3:1: duplicate key 'a' (first on line 1)\n"},
        {"a: {x: 1, x: 2}\nb: {y: 1, y: 2}\n",
         "t.yaml:1:11: duplicate key 'x' (first on line 1)\n"
         "t.yaml:2:11: duplicate key 'y' (first on line 2)\n"},
        {"a: &x 1\n", "t.yaml:1:4: anchors (&name) are not allowed\n"},
        {"a: &x [1]\n", "t.yaml:1:4: anchors (&name) are not allowed\n"},
        {"a: &x {b: 1}\n", "t.yaml:1:4: anchors (&name) are not allowed\n"},
        {"a: *x\n", "t.yaml:1:4: aliases (*name) are not allowed\n"},
        {"a: !!str 1\n", "t.yaml:1:4: tags (!name) are not allowed\n"},
        {"a: !x [1]\n", "t.yaml:1:4: tags (!name) are not allowed\n"},
        {"a: 1\n---\nb: 2\n", "t.yaml:2:1: a file holds one document only\n"},
        {"%YAML 1.1\n---\na: 1\n", "t.yaml:1:1: directives (%...) are not allowed\n"},
        {"? [a]\n: 1\n", "t.yaml:1:3: a key must be plain text, not a list or map\n"},
        {"{a: 1}: 2\n", "t.yaml:1:1: a key must be plain text, not a list or map\n"},
        {"'': 2\n", "t.yaml:1:1: a key is empty\n"},
        {"a: \"x\\0y\"\n", "t.yaml:1:4: NUL characters are not allowed\n"},
        {"a:\n\tb: 1\n", "t.yaml:2:1: a tab cannot indent YAML; use spaces\n"},
        {"a: [1, 2\n", "t.yaml:2:1: did not find expected ',' or ']' while parsing a flow sequence "
                       "that begins on line 1\n"},
        {"a: b: c\n", "t.yaml:1:5: mapping values are not allowed in this context\n"},
        {"a: \"x\n", "t.yaml:2:1: found unexpected end of stream while scanning a quoted scalar that "
                     "begins on line 1\n"},
        {"a: 1\nb: \xff\n", "t.yaml:2:4: not valid UTF-8 text: invalid leading UTF-8 octet\n"},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n",
         "t.yaml:1:33: nested more than 32 deep\n"},
    };
    for (size_t i = 0; i < N(cases); i++) {
        struct cfg_node *root = parse(cases[i].text);
        expect(cases[i].text, cases[i].want);
        assert_null(root);
    }
}

static void test_bounds(void **state)
{
    (void)state;
    struct buf b = BUF_IN(arena);
    for (size_t i = 0; i < 60000; i++)
        buf_str(&b, "- a\n");
    forget();
    assert_null(cfg_parse(arena, buf_view(&b), &errors));
    expect("60000 entries", "t.yaml:50000:3: more than 50000 values in one file\n");

    buf_clear(&b);
    while (b.n <= 1 << 20)
        buf_str(&b, "# a comment that fills the file with nothing at all\n");
    forget();
    assert_null(cfg_parse(arena, buf_view(&b), &errors));
    expect("1 MiB", "t.yaml: larger than 1024 KiB\n");

    buf_clear(&b);
    for (int i = 0; i < 70; i++)
        buf_str(&b, "a: 1\n");
    forget();
    assert_null(cfg_parse(arena, buf_view(&b), &errors));
    assert_int_equal(errors.n, 69);
    assert_true(sv_ends(buf_view(&errors.text), SV("t.yaml: and more errors\n")));

    /* many keys: duplicates are still found, and in good time */
    buf_clear(&b);
    for (int i = 0; i < 40000; i++)
        buf_printf(&b, "k%d: 1\n", i);
    buf_str(&b, "k17: 1\n");
    forget();
    assert_null(cfg_parse(arena, buf_view(&b), &errors));
    expect("40000 keys", "t.yaml:40001:1: duplicate key 'k17' (first on line 18)\n");
}

static void test_file(void **state)
{
    (void)state;
    forget();
    assert_null(cfg_parse_file(arena, "/nonexistent/x.yaml", &errors));
    expect("", "/nonexistent/x.yaml: cannot open: No such file or directory\n");
    forget();
    assert_null(cfg_parse_file(arena, "/", &errors));
    expect("", "/: not a regular file\n");
}

/* ---- readers ---------------------------------------------------------------- */

static void test_readers(void **state)
{
    (void)state;
    static const char *const colors[] = {"red", "green", NULL};
    struct cfg_node *root = parse("s: text\nn: -12\nt: true\nc: green\nm: {a: 1}\nl: [1]\nq: \"7\"\n");
    assert_true(sv_eqs(cfg_str(root, "s", SV_NULL, &errors), "text"));
    assert_string_equal(cfg_cstr(root, "q", NULL, &errors), "7");
    assert_int_equal(cfg_int(root, "n", 0, -100, 100, &errors), -12);
    assert_true(cfg_bool(root, "t", false, &errors));
    assert_int_equal(cfg_choice(root, "c", colors, 0, &errors), 1);
    assert_non_null(cfg_map(root, "m", &errors));
    assert_non_null(cfg_list(root, "l", &errors));
    /* absent: the default and no complaint */
    assert_int_equal(cfg_int(root, "none", 5, 0, 9, &errors), 5);
    assert_true(cfg_bool(root, "none", true, &errors));
    assert_null(cfg_map(root, "none", &errors));
    assert_string_equal(cfg_cstr(root, "none", "d", &errors), "d");
    /* an absent map reads as an empty one */
    assert_int_equal(cfg_int(NULL, "x", 5, 0, 9, &errors), 5);
    expect("", "");
    cfg_no_unknown(root, &errors);
    expect("", "");
}

static void test_reader_complaints(void **state)
{
    (void)state;
    static const char *const colors[] = {"red", "green", NULL};
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"int: x", "t.yaml:1:6: 'int' must be a whole number\n"},
        {"int: \"1\"", "t.yaml:1:6: 'int' must be a whole number\n"},
        {"int: 1.0", "t.yaml:1:6: 'int' must be a whole number\n"},
        {"int: 010", "t.yaml:1:6: 'int' must be a whole number\n"},
        {"int: 0x1f", "t.yaml:1:6: 'int' must be a whole number\n"},
        {"int: 11", "t.yaml:1:6: 'int' must be between 0 and 10\n"},
        {"int: -1", "t.yaml:1:6: 'int' must be between 0 and 10\n"},
        {"int:", "t.yaml:1:5: 'int' has no value; give it one or remove it\n"},
        {"int: [1]", "t.yaml:1:6: 'int' must be text\n"},
        {"bool: yes", "t.yaml:1:7: 'bool' must be true or false\n"},
        {"bool: \"true\"", "t.yaml:1:7: 'bool' must be true or false\n"},
        {"str: {a: 1}", "t.yaml:1:6: 'str' must be text\n"},
        {"map: x", "t.yaml:1:6: 'map' must be a map of keys and values\n"},
        {"map: ~", "t.yaml:1:6: 'map' has no value; give it one or remove it\n"},
        {"list: {a: 1}", "t.yaml:1:7: 'list' must be a list\n"},
        {"choice: gren", "t.yaml:1:9: 'choice' cannot be 'gren'; did you mean 'green'?\n"},
        {"choice: x", "t.yaml:1:9: 'choice' must be one of: red, green\n"},
        {"itn: 1", "t.yaml:1:1: unknown key 'itn'; did you mean 'int'?\n"},
        {"Bool: true", "t.yaml:1:1: unknown key 'Bool'; did you mean 'bool'?\n"},
        {"something: 1", "t.yaml:1:1: unknown key 'something'\n"},
        {"<<: {}", "t.yaml:1:1: unknown key '<<'\n"},
        {"\"\\e[31mx\": 1", "t.yaml:1:1: unknown key '?[31mx'\n"},
        {"int: 99\nbool: 3\nother: 1",
         "t.yaml:1:6: 'int' must be between 0 and 10\nt.yaml:2:7: 'bool' must be true or false\n"
         "t.yaml:3:1: unknown key 'other'\n"},
    };
    for (size_t i = 0; i < N(cases); i++) {
        struct cfg_node *root = parse(cases[i].text);
        assert_non_null(root);
        assert_int_equal(cfg_int(root, "int", 4, 0, 10, &errors), 4);
        assert_false(cfg_bool(root, "bool", false, &errors));
        cfg_str(root, "str", SV_NULL, &errors);
        cfg_map(root, "map", &errors);
        cfg_list(root, "list", &errors);
        cfg_choice(root, "choice", colors, 0, &errors);
        cfg_no_unknown(root, &errors);
        expect(cases[i].text, cases[i].want);
    }
}

static void test_to_json(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"{a: 1, b: [true, false, null, ~, ''], c: \"1\", d: 'true'}",
         "{\"a\":1,\"b\":[true,false,null,null,\"\"],\"c\":\"1\",\"d\":\"true\"}"},
        {"[1.5, -0.25e3, 1e999, 010, 1., .5, +1, 0x1f, 1.0.0, yes, '']",
         "[1.5,-0.25e3,\"1e999\",\"010\",\"1.\",\".5\",\"+1\",\"0x1f\",\"1.0.0\",\"yes\",\"\"]"},
        {"[9223372036854775807, 9223372036854775808, -, 1e]",
         "[9223372036854775807,\"9223372036854775808\",\"-\",\"1e\"]"},
        {"a: {}\nb: []\nc:", "{\"a\":{},\"b\":[],\"c\":null}"},
        {"a: \"q\\\"\\n投\"", "{\"a\":\"q\\\"\\n投\"}"},
    };
    for (size_t i = 0; i < N(pairs); i++) {
        struct cfg_node *root = parse(pairs[i][0]);
        if (!root) fail_msg("%s: %.*s", pairs[i][0], SVARG(buf_view(&errors.text)));
        struct buf b = BUF_IN(arena);
        struct jsonw w = jsonw_on(&b);
        cfg_to_json(root, &w);
        if (!sv_eqs(buf_view(&b), pairs[i][1]))
            fail_msg("%s\ngave %.*s", pairs[i][0], SVARG(buf_view(&b)));
        struct err e = {0};
        json_t *v;
        assert_int_equal(json_parse(arena, buf_view(&b), &v, &e), 0);
        cfg_no_unknown(root, &errors); /* all of it counts as used */
        expect(pairs[i][0], "");
    }
}

/* ---- conditions ---------------------------------------------------------------- */

static void test_conditions(void **state)
{
    (void)state;
    struct mf_option options[] = {{.code = "single"}, {.code = "multiple"}};
    struct mf_field fields[] = {
        {.name = "choice", .type = MF_ENUM, .options = options, .n_options = 2},
        {.name = "limit", .type = MF_INT},
        {.name = "open", .type = MF_BOOL},
        {.name = "name", .type = MF_TEXT},
    };
    struct mf_state states[] = {{.name = "draft"}, {.name = "published"}};
    struct mf_resource r = {.name = "poll", .fields = fields, .n_fields = N(fields),
                            .states = states, .n_states = 2, .traits = MF_OWNED};
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"[\"==\", choice, multiple]", ""},
        {"[in, choice, [single, multiple]]", ""},
        {"[and, [filled, name], [not, [\"!=\", limit, 3]], [or, [\"==\", open, true]]]", ""},
        {"[\"==\", state, draft]", ""},
        {"[filled, owner]", ""},
        {"[\"==\", state, draff]", "t.yaml:1:15: no such option 'draff'; did you mean 'draft'?\n"},
        {"[\"==\", choice, many]", "t.yaml:1:16: no such option 'many'; there are: single, multiple\n"},
        {"[in, choice, [single, mutliple]]",
         "t.yaml:1:23: no such option 'mutliple'; did you mean 'multiple'?\n"},
        {"[\"==\", chioce, single]", "t.yaml:1:8: no such field 'chioce'; did you mean 'choice'?\n"},
        {"[filled, version]", "t.yaml:1:10: no such field 'version'; there are: choice, limit, open, "
                              "name, id, created_at, updated_at, created_by, owner, state\n"},
        {"[\"==\", limit, x]", "t.yaml:1:15: 'limit' is compared with a whole number\n"},
        {"[\"==\", open, yes]", "t.yaml:1:14: 'open' is compared with true or false\n"},
        {"[\"==\", name, [a]]", "t.yaml:1:14: a condition compares with a single value\n"},
        {"[\"==\", name]", "t.yaml:1:1: write [\"==\", field, value]\n"},
        {"[filled]", "t.yaml:1:1: write [\"filled\", field]\n"},
        {"[in, choice, single]", "t.yaml:1:1: write [\"in\", field, [value, ...]]\n"},
        {"[in, choice, []]", "t.yaml:1:1: write [\"in\", field, [value, ...]]\n"},
        {"[and]", "t.yaml:1:1: write [\"and\", condition, ...]\n"},
        {"[not, [filled, name], [filled, name]]", "t.yaml:1:1: write [\"not\", condition]\n"},
        {"[fille, name]", "t.yaml:1:2: no such operator 'fille'; did you mean 'filled'?\n"},
        {"choice == single",
         "t.yaml:1:1: a condition is a list that begins with an operator, such as "
         "[\"==\", field, value]\n"},
        {"[and, [filled, x1], [filled, y1]]",
         "t.yaml:1:16: no such field 'x1'; there are: choice, limit, open, name, id, created_at, "
         "updated_at, created_by, owner, state\n"
         "t.yaml:1:30: no such field 'y1'; there are: choice, limit, open, name, id, created_at, "
         "updated_at, created_by, owner, state\n"},
    };
    for (size_t i = 0; i < N(cases); i++) {
        struct cfg_node *root = parse(cases[i].text);
        assert_non_null(root);
        int rc = cfg_cond_check(&r, root, &errors);
        expect(cases[i].text, cases[i].want);
        assert_int_equal(rc, *cases[i].want ? -1 : 0);
    }
}

/* ---- settings --------------------------------------------------------------------- */

static char dir[] = "/tmp/atrium-config-XXXXXX";
static char path[sizeof dir + 32];

static int make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir)) return -1;
    snprintf(path, sizeof path, "%s/atrium.yaml", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static int load(sv text, struct cfg_settings *s)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    assert_int_equal(fclose(f), 0);
    forget();
    return cfg_load_settings(arena, path, NULL, s, &errors);
}

static void test_default_settings(void **state)
{
    (void)state;
    struct cfg_settings s;
    forget();
    assert_int_equal(cfg_load_settings(arena, NULL, "/tmp/st", &s, &errors), 0);
    assert_string_equal(s.state_dir, "/tmp/st");
    assert_int_equal(s.n_listen, 1);
    assert_string_equal(s.listen[0].address, "127.0.0.1");
    assert_null(s.listen[0].cert);
    assert_true(s.loops >= 1 && s.workers >= s.loops && s.queue > 0);
    assert_true(s.database.embedded && s.database.max_conns > 0);
    assert_string_equal(s.database.buffer_pool, "256M");
    assert_null(s.default_tenant);
    assert_int_equal(s.n_plugin_dirs, 1);
    assert_int_equal(s.log.level, LOG_INFO);
    assert_null(s.log.file);
    assert_int_equal(s.utc_offset, 480);
    assert_true(s.limits.header && s.limits.body && s.limits.upload && s.limits.spill);
    assert_true(s.quarantine.deaths && s.quarantine.window_s && s.drain_seconds);
}

static void test_full_settings(void **state)
{
    (void)state;
    struct cfg_settings s;
    const char *text =
        "state_dir: state\n"
        "listen:\n"
        "  - {address: 0.0.0.0, port: 80}\n"
        "  - {address: \"::\", port: 443, tls: {cert: c.pem, key: /k.pem}}\n"
        "  - {address: unix:/run/a.sock, operator: true}\n"
        "threads: {loops: 3, workers: 5, queue: 7}\n"
        "limits: {header: 8K, body: 2M, upload: 1G, spill: 65536, connections: 1,\n"
        "  connections_per_ip: 2, rate_per_ip: 3, header_timeout: 4, idle_timeout: 5,\n"
        "  trusted_proxies: 6}\n"
        "database: {host: db, port: 3307, user: u, password_file: pw, max_conns: 9}\n"
        "default_tenant: demo\n"
        "plugin_dirs: [plugins, /opt/p]\n"
        "www_dir: www\n"
        "log: {level: debug, file: a.log, access: /b.log}\n"
        "session: {idle_minutes: 1, absolute_hours: 2, lock_after: 3, lock_minutes: 4}\n"
        "quarantine: {deaths: 2, window_seconds: 60}\n"
        "node: 1023\ndrain_seconds: 12\nutc_offset: -300\n";
    int rc = load(sv_of(text), &s);
    expect(text, "");
    assert_int_equal(rc, 0);
    char want[128];
    snprintf(want, sizeof want, "%s/state", dir);
    assert_string_equal(s.state_dir, want);
    assert_int_equal(s.n_listen, 3);
    snprintf(want, sizeof want, "%s/c.pem", dir);
    assert_string_equal(s.listen[1].cert, want);
    assert_string_equal(s.listen[1].key, "/k.pem");
    assert_int_equal(s.listen[1].port, 443);
    assert_string_equal(s.listen[2].address, "unix:/run/a.sock");
    assert_true(s.listen[2].operator_side && !s.listen[0].operator_side);
    assert_true(s.loops == 3 && s.workers == 5 && s.queue == 7);
    assert_int_equal(s.limits.header, 8192);
    assert_int_equal(s.limits.body, 2 << 20);
    assert_int_equal(s.limits.upload, 1 << 30);
    assert_int_equal(s.limits.spill, 65536);
    assert_true(s.limits.connections == 1 && s.limits.connections_per_ip == 2 &&
                s.limits.rate_per_ip == 3 && s.limits.header_timeout == 4 &&
                s.limits.idle_timeout == 5 && s.limits.trusted_proxies == 6);
    assert_false(s.database.embedded);
    assert_string_equal(s.database.host, "db");
    assert_int_equal(s.database.port, 3307);
    assert_int_equal(s.database.max_conns, 9);
    assert_string_equal(s.default_tenant, "demo");
    assert_int_equal(s.n_plugin_dirs, 2);
    snprintf(want, sizeof want, "%s/plugins", dir);
    assert_string_equal(s.plugin_dirs[0], want);
    assert_string_equal(s.plugin_dirs[1], "/opt/p");
    assert_int_equal(s.log.level, LOG_DEBUG);
    assert_string_equal(s.log.access, "/b.log");
    assert_true(s.session.idle_minutes == 1 && s.session.absolute_hours == 2 &&
                s.session.lock_after == 3 && s.session.lock_minutes == 4);
    assert_true(s.quarantine.deaths == 2 && s.quarantine.window_s == 60);
    assert_true(s.node == 1023 && s.drain_seconds == 12 && s.utc_offset == -300);
    /* the command line goes before the file */
    assert_int_equal(cfg_load_settings(arena, path, "/s", &s, &errors), 0);
    assert_string_equal(s.state_dir, "/s");
}

static void test_bad_settings(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"- a", "1:1: the entry must be a map of keys and values"},
        {"lisen: []", "1:1: unknown key 'lisen'; did you mean 'listen'?"},
        {"listen: []", "1:9: 'listen' is empty: nobody could reach Atrium"},
        {"listen: [{port: 1}]", "1:10: 'address' is missing"},
        {"listen: [{address: a}]", "1:10: 'port' is missing"},
        {"listen: [{address: '', port: 1}]", "1:20: 'address' is empty"},
        {"listen: [{address: a, port: 70000}]", "1:29: 'port' must be between 0 and 65535"},
        {"listen: [{address: a, port: 1}, {address: a, port: 1}]",
         "1:33: the same address and port twice"},
        {"listen: [{address: unix:/a, port: 1}]", "1:35: a unix socket has no port"},
        {"listen: [{address: unix:a}]",
         "1:20: a unix socket needs an absolute path: unix:/run/atrium.sock"},
        {"listen: [{address: a, port: 1, tls: {cert: x}}]", "1:37: 'key' is missing"},
        {"listen: [{address: a, port: 1, tls: {cert: x, key: y, ca: z}}]",
         "1:55: unknown key 'ca'"},
        {"threads: {loops: 0}", "1:18: 'loops' must be between 1 and 256"},
        {"limits: {body: 2X}", "1:16: 'body' must be a size such as 4096, 64K, 8M or 2G"},
        {"limits: {body: 1}", "1:16: 'body' must be between 1024 and 1073741824 bytes"},
        {"limits: {body: 99999999999G}", "1:16: 'body' must be a size such as 4096, 64K, 8M or 2G"},
        {"database: {host: a, socket: b, user: u}", "1:29: 'host' and 'socket' exclude each other"},
        {"database: {host: a}", "1:11: 'user' is missing"},
        {"database: {user: a}", "1:18: 'user' needs a 'host' or a 'socket' beside it"},
        {"database: {host: a, user: u, buffer_pool: 1G}",
         "1:43: 'buffer_pool' is for the private database only"},
        {"database: {buffer_pool: big}",
         "1:25: 'buffer_pool' must be a size such as 4096, 64K, 8M or 2G"},
        {"database: {password: x}", "1:12: unknown key 'password'; did you mean 'password_file'?"},
        {"log: {level: warning}", "1:14: 'level' must be one of: error, warn, info, debug"},
        {"log: {level: wran}", "1:14: 'level' cannot be 'wran'; did you mean 'warn'?"},
        {"state_dir: ''", "1:12: 'state_dir' must be a path of 1 to 1024 bytes"},
        {"plugin_dirs: x", "1:14: 'plugin_dirs' must be a list"},
        {"plugin_dirs: [[x]]", "1:15: the entry must be text"},
        {"node: 1024", "1:7: 'node' must be between 0 and 1023"},
        {"utc_offset: +08:00", "1:13: 'utc_offset' must be a whole number"},
    };
    for (size_t i = 0; i < N(cases); i++) {
        struct cfg_settings s;
        char want[300];
        snprintf(want, sizeof want, "%s:%s\n", path, cases[i].want);
        int rc = load(sv_of(cases[i].text), &s);
        expect(cases[i].text, want);
        assert_int_equal(rc, -1);
    }
    struct cfg_settings s;
    load(SV("node: x\nlog: {levle: info}\nsession: 5\n"), &s);
    assert_int_equal(errors.n, 3); /* all are said, not only the first */
}

/* The example: as shipped, and with every commented setting taken in. Prose has a
 * space after '#', settings have none, or two when they are indented. */
static void test_example(void **state)
{
    (void)state;
    const char *shipped = TEST_TOP "/conf/atrium.yaml";
    struct cfg_settings s;
    forget();
    int rc = cfg_load_settings(arena, shipped, NULL, &s, &errors);
    expect(shipped, "");
    assert_int_equal(rc, 0);
    assert_int_equal(s.n_listen, 1);
    assert_true(s.database.embedded);

    FILE *f = fopen(shipped, "r");
    assert_non_null(f);
    struct buf all = BUF_IN(arena);
    char line[512];
    while (fgets(line, sizeof line, f)) {
        bool setting = line[0] == '#' && line[1] != '\n' &&
                       (line[1] != ' ' || (line[2] == ' ' && line[3] != ' '));
        buf_str(&all, setting ? line + 1 : line);
    }
    fclose(f);
    rc = load(buf_view(&all), &s);
    expect("all settings", "");
    assert_int_equal(rc, 0);
    assert_int_equal(s.n_listen, 3);
    assert_false(s.database.embedded);
    assert_string_equal(s.log.access, "/var/log/atrium/access.log");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tree, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_yaml, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_readers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reader_complaints, setup, teardown),
        cmocka_unit_test_setup_teardown(test_to_json, setup, teardown),
        cmocka_unit_test_setup_teardown(test_conditions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_default_settings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_settings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_settings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_example, setup, teardown),
    };
    return cmocka_run_group_tests_name("config", tests, make_dir, remove_dir);
}
