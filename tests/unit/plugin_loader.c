/* The loader against one tiny plugin per way to fail (tests/plugins). Each test
 * writes a manifest, puts the library beside it and asks what became of it. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugin/internal.h"

#define ROUTE "routes: [{method: GET, path: \"/hello\", hook: hello, auth: public, " \
              "title: {zh: 好, en: Hello}}]\n"

static char top[64];                 /* of this run, removed at the end */
static struct work_hub *hub;

/* ---- one plugin directory per test ----------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* <top>/<set>/<id>/plugin.yaml and, when `library`, its library. */
static void install(const char *set, const char *id, const char *library, const char *interfaces,
                    const char *requires, const char *rest)
{
    char dir[160], path[400], target[400], text[2000];
    snprintf(dir, sizeof dir, "%s/%s", top, set);
    mkdir(dir, 0700);
    snprintf(dir, sizeof dir, "%s/%s/%s", top, set, id);
    assert_int_equal(mkdir(dir, 0700), 0);
    snprintf(text, sizeof text,
             "manifest: 1\nplugin:\n  id: %s\n  version: 1.0.0\n  abi: 1\n"
             "  title: {zh: 小, en: Tiny}\n%s%s%s  interfaces: [%s]\n  requires: [%s]\n%s",
             id, library ? "  library: " : "", library ? library : "", library ? ".so\n" : "",
             interfaces, requires, rest);
    snprintf(path, sizeof path, "%s/plugin.yaml", dir);
    write_file(path, text);
    if (!library) return;
    snprintf(target, sizeof target, TINY_DIR "/%s.so", library);
    snprintf(path, sizeof path, "%s/%s.so", dir, library);
    if (access(target, F_OK) == 0) assert_int_equal(symlink(target, path), 0);
}

static struct plug_registry *load_set(const char *set, const struct plug_opts *more)
{
    static char dir[128];
    static const char *dirs[1];
    snprintf(dir, sizeof dir, "%s/%s", top, set);
    dirs[0] = dir;
    struct plug_opts o = more ? *more : (struct plug_opts){0};
    o.hub = hub;
    o.dirs = dirs;
    o.n_dirs = 1;
    struct plug_registry *r = plug_new(&o);
    plug_load(r);
    return r;
}

static struct plug_info info(struct plug_registry *r, const char *id)
{
    struct plug_info i;
    if (!plug_find(r, sv_of(id), &i)) fail_msg("there is no plugin %s", id);
    return i;
}

static void end(struct plug_registry *r)
{
    plug_stop(r);
    plug_free(r);
}

/* One plugin "tiny" with this library must fail with these words. */
static void fails(const char *library, const char *interfaces, const char *rest, const char *words)
{
    static int round;
    char set[64];
    snprintf(set, sizeof set, "fails_%d_%s", round++, library);
    install(set, "tiny", library, interfaces, "", rest);
    install(set, "zz_bystander", NULL, "", "", "");
    struct plug_registry *r = load_set(set, NULL);
    struct plug_info i = info(r, "tiny");
    if (i.state != PLUG_FAILED || !strstr(i.error, words))
        fail_msg("%s is %s: \"%s\", not \"%s\"", library, plug_state_name(i.state), i.error, words);
    /* One plugin's fault is its own. */
    assert_int_equal(info(r, "zz_bystander").state, PLUG_READY);
    plug_start(r, NULL);
    assert_int_equal(info(r, "tiny").state, PLUG_FAILED);
    assert_int_equal(info(r, "zz_bystander").state, PLUG_RUNNING);
    end(r);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void a_good_plugin_lives_its_life(void **state)
{
    (void)state;
    char log[128], seen[200] = "";
    snprintf(log, sizeof log, "%s/life", top);
    setenv("TINY_LOG", log, 1);
    install("good", "tiny", "good", "atrium.http/1, atrium.json/1, atrium.jobs/1, atrium.hooks/1",
            "",
            ROUTE "jobs: [{id: sweep, cron: \"0 3 * * *\", hook: sweep, title: {zh: 扫, en: Sweep}}]\n"
                  "hooks: [{on: core.member.created, hook: heard}]\n");
    struct plug_registry *r = load_set("good", NULL);
    struct plug_info i = info(r, "tiny");
    assert_string_equal(i.error, "");
    assert_int_equal(i.state, PLUG_READY);
    assert_string_equal(i.manifest->id, "tiny");

    struct http_router *router = http_router_new();
    struct err err = {0};
    assert_int_equal(plug_routes(r, router, &err), 0);
    struct http_match m;
    sv allow;
    assert_true(http_router_find(router, HTTP_GET, SV("/api/tiny/hello"), &m, &allow));
    assert_true(plug_owns_job(r, SV("tiny.sweep")));
    assert_false(plug_owns_job(r, SV("core.sweep")));
    assert_int_equal(r->n_events, 1);

    plug_start(r, NULL);
    assert_int_equal(info(r, "tiny").state, PLUG_RUNNING);
    plug_drain(r);
    assert_int_equal(info(r, "tiny").state, PLUG_DRAINING);
    plug_stop(r);
    assert_int_equal(info(r, "tiny").state, PLUG_STOPPED);
    http_router_free(router);
    plug_free(r);
    FILE *f = fopen(log, "r");
    assert_non_null(f);
    assert_true(fread(seen, 1, sizeof seen - 1, f) > 0);
    fclose(f);
    assert_string_equal(seen, "load\ninit\nstart\ndrain\nstop\ndestroy\n");
    unsetenv("TINY_LOG");
}

static void nothing_runs_before_the_head_is_checked(void **state)
{
    (void)state;
    unsetenv("TINY_RAN");
    fails("wrong_magic", "", "", "wrong magic 0x4b524f57");
    fails("wrong_abi", "", "", "built for ABI 2, this host serves ABI 1");
    assert_null(getenv("TINY_RAN"));
}

static void entries_of_other_sizes(void **state)
{
    (void)state;
    fails("short_entry", "", "", "at least");
    fails("oversized", "", "", "entry says");
    fails("newer_used", "", "", "this host knows");

    install("newer_entry", "tiny", "newer_entry", "", "", "");
    struct plug_registry *r = load_set("newer_entry", NULL);
    assert_string_equal(info(r, "tiny").error, "");
    end(r);
    /* Steps that an older header did not have are not called. */
    install("older_entry", "tiny", "older_entry", "", "", "");
    r = load_set("older_entry", NULL);
    assert_string_equal(info(r, "tiny").error, "");
    plug_start(r, NULL);
    end(r);
}

static void one_symbol_and_none_of_the_hosts(void **state)
{
    (void)state;
    fails("extra_symbol", "", "", "exports helper_for_everybody besides atrium_plugin_entry");
    fails("no_entry", "", "", "exports no atrium_plugin_entry");
    fails("missing_symbol", "", "", "arena_of_the_host");
}

static void identity_must_match_the_manifest(void **state)
{
    (void)state;
    fails("wrong_id", "", "", "is the plugin \"other\", the manifest is of \"tiny\"");
    fails("wrong_version", "", "", "is version 0.9.0, the manifest is of version 1.0.0");
    fails("null_init", "", "", "entry.init is NULL");
}

static void names_are_bound_all_or_none(void **state)
{
    (void)state;
    fails("unbound", "", ROUTE, "did not bind the route hello");
    fails("undeclared", "atrium.http/1", ROUTE, "route goodbye is not in the manifest");
    fails("bound_twice", "atrium.http/1", ROUTE, "route hello is bound twice");
}

static void steps_that_fail(void **state)
{
    (void)state;
    fails("load_fails", "", "", "load failed: tiny.no_licence: no licence on this machine");
    unsetenv("TINY_DESTROYED");
    fails("init_fails", "", "", "init failed");
    assert_non_null(getenv("TINY_DESTROYED"));

    install("start_fails", "tiny", "start_fails", "", "", "");
    struct plug_registry *r = load_set("start_fails", NULL);
    assert_int_equal(info(r, "tiny").state, PLUG_READY);
    plug_start(r, NULL);
    assert_int_equal(info(r, "tiny").state, PLUG_FAILED);
    assert_non_null(strstr(info(r, "tiny").error, "start failed"));
    end(r);
}

static void a_step_that_hangs_is_left_behind(void **state)
{
    (void)state;
    install("init_hangs", "tiny", "init_hangs", "", "", "");
    install("init_hangs", "zz_bystander", NULL, "", "", "");
    struct plug_opts o = {.step_ms = 200};
    int64_t before = clock_mono_us();
    struct plug_registry *r = load_set("init_hangs", &o);
    assert_in_range(clock_mono_us() - before, 200000, 3000000);
    assert_non_null(strstr(info(r, "tiny").error, "init did not return within 200 ms"));
    assert_int_equal(info(r, "zz_bystander").state, PLUG_READY);
    end(r);
}

static void interfaces_and_requirements(void **state)
{
    (void)state;
    fails("good", "atrium.teleport/7", "", "needs the interface atrium.teleport/7");

    install("needs", "aa_first", NULL, "", "bb_second", "");
    install("needs", "bb_second", NULL, "", "", "");
    install("needs", "cc_lonely", NULL, "", "not_there", "");
    install("needs", "dd_follower", NULL, "", "cc_lonely", "");
    install("needs", "ee_round", NULL, "", "ff_round", "");
    install("needs", "ff_round", NULL, "", "ee_round", "");
    struct plug_registry *r = load_set("needs", NULL);
    assert_int_equal(info(r, "aa_first").state, PLUG_READY);
    assert_int_equal(info(r, "bb_second").state, PLUG_READY);
    assert_non_null(strstr(info(r, "cc_lonely").error, "not_there, which is not installed"));
    assert_non_null(strstr(info(r, "dd_follower").error, "cc_lonely, which is not running"));
    assert_int_equal(info(r, "ee_round").state, PLUG_FAILED);
    assert_int_equal(info(r, "ff_round").state, PLUG_FAILED);
    end(r);
}

static void manifests_and_libraries_that_are_not_there(void **state)
{
    (void)state;
    fails("nowhere", "", "", "is neither beside the manifest nor in the plugin directories");
    install("hook_only", "tiny", NULL, "", "", ROUTE);
    struct plug_registry *r = load_set("hook_only", NULL);
    assert_int_equal(info(r, "tiny").state, PLUG_FAILED);
    end(r);

    char path[200];
    install("bad_yaml", "tiny", NULL, "", "", "");
    snprintf(path, sizeof path, "%s/bad_yaml/tiny/plugin.yaml", top);
    write_file(path, "manifest: 1\nplugin: {id: tiny, colour: red}\n");
    r = load_set("bad_yaml", NULL);
    assert_int_equal(info(r, "tiny").state, PLUG_FAILED);
    assert_non_null(strstr(info(r, "tiny").error, "plugin.yaml:2:"));
    end(r);
}

/* Bytes that are no library, or the beginning of one, are refused by the check of
 * the file, each with a reason; nothing is read outside it. */
static void files_that_are_no_library(void **state)
{
    (void)state;
    char path[200];
    snprintf(path, sizeof path, "%s/junk.so", top);
    struct err err = {0};
    write_file(path, "#!/bin/sh\necho hello\n");
    assert_int_equal(plug_elf_check(path, &err), -1);
    assert_non_null(strstr(err.detail, "not a shared library"));

    FILE *f = fopen(TINY_DIR "/good.so", "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    size_t n = (size_t)ftell(f);
    rewind(f);
    char *all = malloc(n);
    assert_int_equal(fread(all, 1, n, f), n);
    fclose(f);
    for (size_t cut = 1; cut < n; cut += cut < 4096 ? 7 : 1009) {
        f = fopen(path, "wb");
        assert_int_equal(fwrite(all, 1, cut, f), cut);
        fclose(f);
        err_clear(&err);
        if (plug_elf_check(path, &err) == 0) fail_msg("%zu bytes of %zu were accepted", cut, n);
        assert_true(err.detail[0] != '\0');
    }
    /* Damage in head and tables must not be followed outside the file. */
    srand(7);
    for (int round = 0; round < 2000; round++) {
        f = fopen(path, "wb");
        char *copy = malloc(n);
        memcpy(copy, all, n);
        for (int k = 0; k < 4; k++)
            copy[(size_t)rand() % (round % 2 ? 512 : n)] = (char)rand();
        assert_int_equal(fwrite(copy, 1, n, f), n);
        fclose(f);
        free(copy);
        err_clear(&err);
        plug_elf_check(path, &err);
    }
    free(all);
}

static void two_plugins_of_one_id_both_fail(void **state)
{
    (void)state;
    install("double", "tiny", NULL, "", "", "");
    install("double", "other", NULL, "", "", "");
    char path[200];
    snprintf(path, sizeof path, "%s/double/other/plugin.yaml", top);
    write_file(path, "manifest: 1\nplugin: {id: tiny, version: 2.0.0, title: {zh: 小, en: Tiny}}\n");
    struct plug_registry *r = load_set("double", NULL);
    assert_int_equal(r->n_plugs, 2);
    for (unsigned i = 0; i < 2; i++)
        assert_non_null(strstr(atomic_load(&r->plugs[i]->error), "two plugins have the id tiny"));
    end(r);
}

static void quarantine_and_safe_mode_run_nothing(void **state)
{
    (void)state;
    install("locked", "tiny", "crashes", "", "", "");
    const char *ids[] = {"tiny"};
    struct plug_opts o = {.quarantine = ids, .n_quarantine = 1};
    struct plug_registry *r = load_set("locked", &o);
    plug_start(r, NULL);             /* would end this program */
    assert_int_equal(info(r, "tiny").state, PLUG_QUARANTINED);
    end(r);
    r = load_set("locked", &(struct plug_opts){.safe_mode = true});
    plug_start(r, NULL);
    assert_int_equal(info(r, "tiny").state, PLUG_READ);
    end(r);
}

/* ---- the crash page, in processes of their own -------------------------------------------------- */

/* Runs before any thread is made here. */
static void child(int fd, bool plugin)
{
    struct err err = {0};
    struct plug_page *page = plug_page_open(fd, &err);
    if (!page) _exit(3);
    setenv("TINY_ABORT", "1", 1);
    if (!plugin) abort();            /* the core's own fault */
    hub = work_hub_new(4);
    struct plug_registry *r = load_set("crashes", &(struct plug_opts){.page = page});
    plug_start(r, NULL);
    _exit(4);
}

static void the_page_names_who_died(void)
{
    struct err err = {0};
    sv plugin, call;
    int fd;
    install("crashes", "tiny", "crashes", "", "", "");
    for (int by_plugin = 0; by_plugin < 2; by_plugin++) {
        struct plug_page *page = plug_page_new(&fd, &err);
        if (!page) abort();
        pid_t pid = fork();
        if (pid == 0) child(fd, by_plugin);
        int status;
        waitpid(pid, &status, 0);
        close(fd);
        bool named = plug_page_culprit(page, &plugin, &call);
        bool right = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && named == by_plugin &&
                     (!named || (sv_eqs(plugin, "tiny") && sv_eqs(call, "lifecycle")));
        if (!right) {
            fprintf(stderr, "crash page: status %x, named %d\n", (unsigned)status, named);
            exit(1);
        }
        plug_page_free(page);
    }
}

/* ---- thread tags ----------------------------------------------------------------------------------- */

#ifdef ATRIUM_DEBUG_HOST
static void *use_elsewhere(void *ctx)
{
    plug_memory_1.alloc(ctx, 1);
    return NULL;
}

/* A debug host ends the process when a [worker] call breaks its promise. Before
 * any thread is made here, since it forks. */
static void broken_tags_end_a_debug_host(void)
{
    for (int way = 0; way < 3; way++) {
        pid_t pid = fork();
        if (pid == 0) {
            struct plug_registry reg = {0};
            struct plug plug = {.reg = &reg, .id = "tiny"};
            struct arena *a = arena_new(0);
            struct atrium_ctx *c = ctx_begin(CTX_TENANT, &plug, NULL, NULL, NULL, a);
            pthread_t t;
            plug_memory_1.alloc(c, 1);       /* as it should be */
            if (close(2) != 0) _exit(5);
            if (way == 0) {
                ctx_end(c);
                plug_memory_1.alloc(c, 1);   /* after the callback */
            } else if (way == 1) {
                pthread_create(&t, NULL, use_elsewhere, c);
                pthread_join(t, NULL);
            } else {
                plug_memory_1.alloc(NULL, 1);
            }
            _exit(0);
        }
        int status;
        waitpid(pid, &status, 0);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) {
            fprintf(stderr, "broken thread tag %d: status %x\n", way, (unsigned)status);
            exit(1);
        }
    }
}
#endif

/* ---- frame ------------------------------------------------------------------------------------------ */

static int setup(void **state)
{
    (void)state;
    hub = work_hub_new(4);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    work_hub_free(hub);
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", top);
    return system(command);
}

int main(void)
{
    log_init(LOG_ERROR, open("/dev/null", O_WRONLY));
    snprintf(top, sizeof top, "/tmp/atrium-plugin-XXXXXX");
    if (!mkdtemp(top)) return 1;
    the_page_names_who_died();
#ifdef ATRIUM_DEBUG_HOST
    broken_tags_end_a_debug_host();
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_plugin_lives_its_life),
        cmocka_unit_test(nothing_runs_before_the_head_is_checked),
        cmocka_unit_test(entries_of_other_sizes),
        cmocka_unit_test(one_symbol_and_none_of_the_hosts),
        cmocka_unit_test(identity_must_match_the_manifest),
        cmocka_unit_test(names_are_bound_all_or_none),
        cmocka_unit_test(steps_that_fail),
        cmocka_unit_test(a_step_that_hangs_is_left_behind),
        cmocka_unit_test(interfaces_and_requirements),
        cmocka_unit_test(manifests_and_libraries_that_are_not_there),
        cmocka_unit_test(files_that_are_no_library),
        cmocka_unit_test(two_plugins_of_one_id_both_fail),
        cmocka_unit_test(quarantine_and_safe_mode_run_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
