/* Types and rules that vote does not use, sequences, references under
 * concurrency, and manifests that must not stand. */
#include "model_db.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fake zoo;
static const struct model_resource *animal;

static int setup(void **state)
{
    struct err e = {0};
    world_setup(state);
    fake_load(&zoo, TEST_TOP "/tests/unit/model_manifest");
    animal = model_find(zoo.model, SV("zoo.animal"));
    if (!animal || model_migrate(zoo.model, zoo.extra, &w.tenant, &e) != 0) {
        fprintf(stderr, "zoo: %s\n", e.detail);
        return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    fake_free(&zoo);
    return world_teardown(state);
}

static int begin(void **state)
{
    run_sql("DELETE FROM zoo_animal");
    return world_begin(state);
}

static void test_all_types(void **state)
{
    (void)state;
    run_sql("DELETE FROM core_sequence");
    int64_t id =
        create(animal, parse("{\"name\":\"虎\",\"price\":1050,\"share\":-1234,"
                             "\"born\":\"2020-02-29\",\"food\":[\"meat\",\"fish\"],"
                             "\"mail\":\"a@b.cn\",\"tint\":\"#00ff00\","
                             "\"page\":\"https://a.cn/\",\"extra\":{\"x\":[1,null,\"年\"]},"
                             "\"keeper\":\"2\"}"));
    json_t *row = get(animal, id, "keeper");
    assert_int_equal(integer(row, "price"), 1050);
    assert_int_equal(integer(row, "share"), -1234);
    assert_string_equal(text(row, "born"), "2020-02-29");
    assert_int_equal(json_array_size(json_object_get(row, "food")), 2);
    assert_true(json_equal(json_object_get(row, "extra"), parse("{\"x\":[1,null,\"年\"]}")));
    assert_string_equal(text(json_object_get(row, "keeper"), "label"), "李雷");
    assert_true(json_is_null(json_object_get(row, "left")));
    char month[32], want[32];
    clock_rfc3339(clock_now_us() + INT64_C(480) * 60000000, month);
    snprintf(want, sizeof want, "A%.4s%.2s-0001", month, month + 5);
    assert_string_equal(text(row, "no"), want);

    struct model_ctx c = ctx();
    struct buf b = BUF_IN(w.a);
    json_t *page =
        list(animal,
             &(struct model_list){.filter = SV("born = 2020-02-29 and price between (1000,1100)"),
                                  .sort = SV("-born")});
    assert_int_equal(json_array_size(json_object_get(page, "items")), 1);
    FAILS(model_list(animal, &c, &(struct model_list){.filter = SV("born = 2020-02-30")}, &b, err),
          400, "bad_filter", NULL, NULL);
    FAILS(model_update(animal, &c, id, -1, parse("{\"left\":\"2020-02-29\"}"), err), 422, "invalid",
          "left", "end_before_start");
    FAILS(model_update(animal, &c, id, -1, parse("{\"no\":\"A1\"}"), err), 422, "invalid", "no",
          "read_only");
    FAILS(model_update(animal, &c, id, -1, parse("{\"food\":[\"meat\",\"hay\",\"fish\"]}"), err),
          422, "invalid", "food", "too_many_items");
}

static bool collect(void *arg, sv data)
{
    buf_sv(arg, data);
    return true;
}

static void test_export_of_types(void **state)
{
    (void)state;
    create(animal, parse("{\"name\":\"-2\",\"price\":-0,\"share\":1234,\"born\":\"2020-02-29\","
                         "\"food\":[\"meat\",\"fish\"],\"wild\":true,\"permit\":\"p\"}"));
    create(animal, parse("{\"name\":\"b\",\"price\":123456789}"));
    struct model_ctx c = ctx();
    struct buf b = BUF_IN(w.a);
    OK(model_export(animal, &c,
                    &(struct model_list){.fields = SV("name,price,share,born,food,wild,mother"),
                                         .sort = SV("price")},
                    SV("csv"), collect, &b, err));
    assert_true(sv_eq(buf_view(&b), SV("\xef\xbb\xbfName,Price,Share,Born,Food,Wild,Mother\r\n"
                                       "\"'-2\",0.00,12.34%,2020-02-29,Meat; Fish,yes,\r\n"
                                       "b,1234567.89,,,,no,\r\n")));
}

static void test_rules_of_the_manifest(void **state)
{
    (void)state;
    struct model_ctx c = ctx();
    int64_t id;
    FAILS(model_create(animal, &c, parse("{\"name\":\"a\",\"wild\":true}"), &id, err), 422,
          "invalid", "permit", "required");
    id = create(animal, parse("{\"name\":\"a\",\"wild\":true,\"permit\":\"P1\"}"));
    /* the stored row counts, not only what is sent */
    FAILS(model_update(animal, &c, id, -1, parse("{\"permit\":null}"), err), 422, "invalid",
          "permit", "required");
    int64_t tame = create(animal, parse("{\"name\":\"b\"}"));
    FAILS(model_update(animal, &c, tame, -1, parse("{\"wild\":true}"), err), 422, "invalid",
          "permit", "required");
    /* read_only_if looks at what is there */
    OK(model_update(animal, &c, tame, -1, parse("{\"chip\":\"c1\"}"), err));
    FAILS(model_update(animal, &c, tame, -1, parse("{\"chip\":\"c2\"}"), err), 422, "invalid",
          "chip", "read_only");
}

static void test_unique_among_the_living(void **state)
{
    (void)state;
    struct model_ctx c = ctx();
    int64_t again, id = create(animal, parse("{\"name\":\"a\"}"));
    FAILS(model_create(animal, &c, parse("{\"name\":\"a\"}"), &again, err), 422, "invalid", "name",
          "not_unique");
    for (int i = 0; i < 3; i++) { /* any number of dead ones */
        OK(model_delete(animal, &c, id, err));
        id = create(animal, parse("{\"name\":\"a\"}"));
    }
}

static void test_reference_to_itself(void **state)
{
    (void)state;
    struct model_ctx c = ctx();
    int64_t mother = create(animal, parse("{\"name\":\"m\"}"));
    int64_t child =
        create(animal, parse("{\"name\":\"c\",\"mother\":\"%lld\"}", (long long)mother));
    assert_string_equal(text(json_object_get(get(animal, child, "mother"), "mother"), "label"),
                        "m");
    FAILS(model_delete(animal, &c, mother, err), 409, "in_use", NULL, NULL);
    OK(model_delete(animal, &c, child, err));
    OK(model_delete(animal, &c, mother, err));
    /* the child cannot come back before its mother */
    FAILS(model_restore(animal, &c, child, err), 422, "invalid", "mother", "ref_not_found");
    OK(model_restore(animal, &c, mother, err));
    OK(model_restore(animal, &c, child, err));
}

/* ---- many at once ----------------------------------------------------------------- */

#define THREADS 6
#define EACH 15

static void *create_many(void *arg)
{
    intptr_t n = (intptr_t)arg;
    for (int i = 0; i < EACH; i++) {
        struct arena *a = arena_new(0);
        struct model_ctx c = {.tenant = &w.tenant, .who = &w.admin, .arena = a, .lang = "en"};
        struct err e = {0};
        json_t *body = NULL;
        int64_t id;
        if (json_parse(a, arena_printf(a, "{\"name\":\"t%d-%d\"}", (int)n, i), &body, &e) < 0 ||
            model_create(animal, &c, body, &id, &e) < 0) {
            fprintf(stderr, "create: %d %s %s\n", e.status, e.code, e.detail);
            arena_free(a);
            return (void *)1;
        }
        arena_free(a);
    }
    return NULL;
}

static void test_sequence_has_no_gaps(void **state)
{
    (void)state;
    pthread_t t[THREADS];
    void *failed;
    run_sql("DELETE FROM core_sequence");
    for (intptr_t i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, create_many, (void *)i);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(number("SELECT COUNT(DISTINCT no) FROM zoo_animal"), THREADS * EACH);
    assert_int_equal(number("SELECT MAX(CAST(SUBSTRING_INDEX(no,'-',-1) AS UNSIGNED)) FROM "
                            "zoo_animal"),
                     THREADS * EACH);
    /* a refused row takes no number */
    struct model_ctx c = ctx();
    int64_t id;
    FAILS(model_create(animal, &c, parse("{\"name\":\"t0-0\"}"), &id, err), 422, "invalid", "name",
          "not_unique");
    id = create(animal, parse("{\"name\":\"last\"}"));
    assert_int_equal(number("SELECT MAX(CAST(SUBSTRING_INDEX(no,'-',-1) AS UNSIGNED)) FROM "
                            "zoo_animal"),
                     THREADS * EACH + 1);
}

static int64_t the_mother;

static void *delete_mother(void *arg)
{
    struct arena *a = arena_new(0);
    struct model_ctx c = {.tenant = &w.tenant, .who = &w.admin, .arena = a, .lang = "en"};
    struct err e = {0};
    (void)arg;
    intptr_t rc = model_delete(animal, &c, the_mother, &e);
    arena_free(a);
    return (void *)rc;
}

static void *bear_child(void *arg)
{
    struct arena *a = arena_new(0);
    struct model_ctx c = {.tenant = &w.tenant, .who = &w.admin, .arena = a, .lang = "en"};
    struct err e = {0};
    json_t *body = NULL;
    int64_t id;
    intptr_t rc = json_parse(a,
                             arena_printf(a, "{\"name\":\"child%d\",\"mother\":\"%lld\"}",
                                          (int)(intptr_t)arg, (long long)the_mother),
                             &body, &e);
    if (rc == 0) rc = model_create(animal, &c, body, &id, &e);
    arena_free(a);
    return (void *)rc;
}

/* Whoever comes first wins; never does a living row refer to a dead one. */
static void test_delete_against_reference(void **state)
{
    (void)state;
    int both = 0;
    for (int i = 0; i < 25; i++) {
        pthread_t a, b;
        void *deleted, *born;
        the_mother = create(animal, parse("{\"name\":\"mother%d\"}", i));
        pthread_create(&a, NULL, i % 2 ? delete_mother : bear_child, (void *)(intptr_t)i);
        pthread_create(&b, NULL, i % 2 ? bear_child : delete_mother, (void *)(intptr_t)i);
        pthread_join(a, i % 2 ? &deleted : &born);
        pthread_join(b, i % 2 ? &born : &deleted);
        both += deleted == NULL && born == NULL;
    }
    assert_int_equal(both, 0);
    assert_int_equal(number("SELECT COUNT(*) FROM zoo_animal c JOIN zoo_animal m ON c.mother=m.id "
                            "WHERE c.deleted_at IS NULL AND m.deleted_at IS NOT NULL"),
                     0);
}

static void *rename_it(void *arg)
{
    for (int i = 0; i < EACH; i++) {
        struct arena *a = arena_new(0);
        struct model_ctx c = {.tenant = &w.tenant, .who = &w.admin, .arena = a, .lang = "en"};
        struct err e = {0};
        json_t *body = NULL;
        int rc = json_parse(a, arena_printf(a, "{\"permit\":\"%d-%d\"}", (int)(intptr_t)arg, i),
                            &body, &e);
        if (rc == 0) rc = model_update(animal, &c, the_mother, -1, body, &e);
        arena_free(a);
        if (rc < 0) return (void *)1;
    }
    return NULL;
}

static void test_updates_at_once(void **state)
{
    (void)state;
    pthread_t t[THREADS];
    void *failed;
    the_mother = create(animal, parse("{\"name\":\"m\"}"));
    for (intptr_t i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, rename_it, (void *)i);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(integer(get(animal, the_mother, NULL), "version"), 1 + THREADS * EACH);
    run_sql("DELETE FROM zoo_animal_history WHERE action<>'update'");
    assert_int_equal(number(arena_printf(w.a,
                                         "SELECT COUNT(*) FROM zoo_animal_history WHERE "
                                         "row_id=%lld",
                                         (long long)the_mother)
                                .p),
                     THREADS * EACH);
}

/* ---- what must not stand ---------------------------------------------------------- */

static void write_file(const char *dir, const char *name, const char *text_)
{
    FILE *f = fopen(arena_printf(w.a, "%s/%s", dir, name).p, "w");
    assert_non_null(f);
    fputs(text_, f);
    fclose(f);
}

/* Loads a plugin "bad" with this resource beside core; the complaints of sealing. */
static sv sealed_with(const char *resource, bool want_dropped)
{
    char dir[] = "/tmp/atrium-manifest-XXXXXX";
    assert_non_null(mkdtemp(dir));
    mkdir(arena_printf(w.a, "%s/resources", dir).p, 0700);
    write_file(dir, "plugin.yaml",
               "manifest: 1\nplugin: {id: bad, version: 1.0.0, abi: 1, title: {zh: 坏, en: Bad}, "
               "requires: [], interfaces: []}\n");
    write_file(dir, "resources/thing.yaml", resource);
    struct arena *a = arena_new(0);
    struct cfg_errors e = {.a = a, .text = BUF_IN(a)};
    struct mf_manifest *core, *bad;
    struct model *m = model_new(NULL);
    const char *const *dropped = NULL;
    assert_int_equal(cfg_load_manifest(a, TEST_TOP "/core/auth/manifest", &core, &e), 0);
    int rc = cfg_load_manifest(a, dir, &bad, &e);
    if (rc < 0) fail_msg("does not load: %.*s", SVARG(buf_view(&e.text)));
    assert_int_equal(model_add(m, core, &e), 0);
    model_add(m, bad, &e);
    rc = model_seal(m, NULL, &e, &dropped);
    assert_int_equal(rc, want_dropped ? -1 : 0);
    if (want_dropped) {
        assert_string_equal(dropped[0], "bad");
        assert_null(dropped[1]);
        assert_null(model_find(m, SV("bad.thing")));
    }
    assert_non_null(model_find(m, SV("core.staff"))); /* the others stand */
    sv out = arena_sv(w.a, buf_view(&e.text));
    model_free(m);
    arena_free(a);
    unlink(arena_printf(w.a, "%s/resources/thing.yaml", dir).p);
    unlink(arena_printf(w.a, "%s/plugin.yaml", dir).p);
    rmdir(arena_printf(w.a, "%s/resources", dir).p);
    rmdir(dir);
    return out;
}

#define THING(rest)                                                                                \
    "title: {zh: 物, en: Thing}\nlabel: name\ntraits: [soft_delete]\nfields:\n"                   \
    "  name: {type: text, max: 40, title: {zh: 名, en: Name}}\n" rest

static void complains(const char *resource, const char *of)
{
    sv text_ = sealed_with(resource, true);
    if (!memmem(text_.p, text_.n, of, strlen(of)))
        fail_msg("nothing about %s in:\n%.*s", of, SVARG(text_));
    if (!memmem(text_.p, text_.n, "thing.yaml:", 11)) fail_msg("no place in:\n%.*s", SVARG(text_));
}

static void test_manifests_that_fall(void **state)
{
    (void)state;
    sealed_with(THING(""), false);
    complains(
        THING("  to: {type: ref, to: other.thing, on_delete: restrict, title: {zh: a, en: A}}\n"),
        "other.thing");
    complains(THING("views: {list: {columns: [name], filters: [name], sort: [-created_at]}}\n"),
              "no index covers \"name\"");
    complains(THING("views: {list: {columns: [name], filters: [], sort: [name]}}\n"),
              "no index begins with \"name\"");
    /* By what a scope compares for equality the engine makes its own index. */
    sealed_with(THING("scopes:\n  some: {title: {zh: a, en: A}, where: \"name == \\\"x\\\"\"}\n"),
                false);
    complains(THING("scopes:\n  some: {title: {zh: a, en: A}, where: \"name != \\\"x\\\"\"}\n"),
              "no index covers \"name\"");
    complains(THING("scopes:\n  some: {title: {zh: a, en: A}, where: \"nothing == $user\"}\n"),
              "scopes.some");
    complains(THING("  long: {type: text, max: 2000, unique: true, title: {zh: a, en: A}}\n"),
              "too long to be unique");
    complains(THING("  live: {type: bool, title: {zh: a, en: A}}\n"), "live");
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, world_end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_all_types),
        T(test_export_of_types),
        T(test_rules_of_the_manifest),
        T(test_unique_among_the_living),
        T(test_reference_to_itself),
        T(test_sequence_has_no_gaps),
        T(test_delete_against_reference),
        T(test_updates_at_once),
        T(test_manifests_that_fall),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
