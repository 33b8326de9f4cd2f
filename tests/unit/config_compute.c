/* Unit tests of computed fields and conditions in manifests: what the language of
 * `compute` takes, each way to get it wrong, and that what is protected stays so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/manifest.h"

#define N(a) (sizeof(a) / sizeof *(a))

static struct arena *a;
static char dir[] = "/tmp/atrium-compute-XXXXXX";
static struct cfg_errors errors;

static const char *at(const char *name)
{
    return arena_printf(a, "%s/%s", dir, name).p;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(at(name), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int setup(void **state)
{
    (void)state;
    a = arena_new(0);
    assert_non_null(mkdtemp(dir));
    mkdir(at("resources"), 0700);
    write_file("plugin.yaml", "manifest: 1\nplugin: {id: sums, version: 1.0.0, abi: 1, "
                              "title: {zh: 算, en: Sums}}\n");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(at("resources/sum.yaml"));
    unlink(at("plugin.yaml"));
    rmdir(at("resources"));
    rmdir(dir);
    arena_free(a);
    return 0;
}

#define T(zh, en) "title: {zh: " zh ", en: " en "}"
#define FIELDS                                                                                     \
    T("算", "Sum")                                                                                 \
    "\nlabel: name\nfields:\n"                                                                     \
    "  name: {type: text, " T(                                                                     \
        "名",                                                                                      \
        "Name") "}\n"                                                                              \
                "  n: {type: int, " T(                                                             \
                    "数",                                                                          \
                    "N") "}\n"                                                                     \
                         "  price: {type: money, " T(                                              \
                             "价",                                                                 \
                             "Price") "}\n"                                                        \
                                      "  on: {type: bool, " T(                                     \
                                          "开",                                                    \
                                          "On") "}\n"                                              \
                                                "  day: {type: date, " T(                          \
                                                    "日",                                          \
                                                    "Day") "}\n"                                   \
                                                           "  body: {type: richtext, " T(          \
                                                               "文",                               \
                                                               "Body") "}\n"                       \
                                                                       "  phone: {type: phone, "   \
                                                                       "protect: {store: "         \
                                                                       "encrypted, find: "         \
                                                                       "exact}, " T(               \
                                                                           "话",                   \
                                                                           "Phone") "}\n"          \
                                                                                    "  card: "     \
                                                                                    "{type: "      \
                                                                                    "id_number, "  \
                                                                                    "protect: "    \
                                                                                    "{show: "      \
                                                                                    "masked}, " T( \
                                                                                        "证",      \
                                                                                        "Card") "}\n"

/* Loads the fields above and what is written behind them; the complaints. */
static const char *load(const char *rest)
{
    struct mf_manifest *m = NULL;
    write_file("resources/sum.yaml", arena_printf(a, FIELDS "%s", rest).p);
    errors = (struct cfg_errors){.a = a, .text = BUF_IN(a)};
    int rc = cfg_load_manifest(a, dir, &m, &errors);
    const char *said = arena_str(a, buf_view(&errors.text));
    if ((rc == 0) != (said[0] == '\0')) fail_msg("%d, but: %s", rc, said);
    return said;
}

static const char *compute(const char *type, const char *text)
{
    return load(
        arena_printf(a, "  x: {type: %s, compute: \"%s\", " T("果", "X") "}\n", type, text).p);
}

static void test_good(void **state)
{
    static const struct {
        const char *type, *text;
    } good[] = {
        {"int", "1"},
        {"int", "-n"},
        {"money", "price * n / 100 - (n + 1.5) * -2"},
        {"decimal", "round(price / 3, 2)"},
        {"percent", "if(n > 0 and not (on) or n = 3, price, coalesce(n, 0))"},
        {"text", "concat(name, ' / ', n, on, day)"},
        {"longtext", "coalesce(name, '-')"},
        {"bool", "on = true and name != 'x' and day <= day"},
        {"int", "days(day, day)"},
        {"date", "if(on, day, day)"},
        {"text, protect: {store: encrypted}", "concat(name, phone)"},
        {"text, protect: {show: masked}", "card"},
    };
    (void)state;
    for (size_t i = 0; i < N(good); i++) {
        const char *said = compute(good[i].type, good[i].text);
        if (said[0]) fail_msg("%s: %s", good[i].text, said);
    }
}

static void test_bad(void **state)
{
    static const struct {
        const char *type, *text, *want;
    } bad[] = {
        {"int", "", "a value is missing"},
        {"int", "1 +", "a value is missing"},
        {"int", "1 2", "unexpected at '2'"},
        {"int", "(1", "')' is missing"},
        {"int", "round(1", "')' is missing"},
        {"int", "1)", "unexpected at ')'"},
        {"int", "1 ; n", "unexpected at ';'"},
        {"int", "1.2.3", "not a number at '1.2.3'"},
        {"int", "1.1234567", "not a number at '1.1234567'"},
        {"text", "'x", "a value is missing at ''x'"},
        {"int", "nn", "no such field 'nn'"},
        {"int", "x", "a computed field may only use those that stand before it at 'x'"},
        {"text", "body", "a field of this type cannot be computed with at 'body'"},
        {"int", "sum(1, 2)", "there are if, concat, round, coalesce and days, and no at 'sum'"},
        {"int", "if(n, 1, 2)", "wrong arguments at 'if'"},
        {"int", "if(on, 1, 'a')", "wrong arguments at 'if'"},
        {"int", "if(on, 1)", "wrong arguments at 'if'"},
        {"int", "round('a')", "wrong arguments at 'round'"},
        {"int", "round(1, 7)", "wrong arguments at 'round'"},
        {"int", "round(1, n)", "wrong arguments at 'round'"},
        {"int", "days(day, n)", "wrong arguments at 'days'"},
        {"int", "coalesce(n, name)", "wrong arguments at 'coalesce'"},
        {"int", "name + 1", "numbers are wanted"},
        {"int", "-name", "numbers are wanted"},
        {"bool", "not n", "conditions are wanted"},
        {"bool", "on and n", "conditions are wanted"},
        {"int", "on", "the result is none of this type"},
        {"text", "n", "the result is none of this type"},
        {"date", "n", "the result is none of this type"},
        {"int", "((((((((((((((((((1))))))))))))))))))", "nested too deeply"},
        {"text", "concat(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)", "too many arguments"},
        {"ref, to: core.staff", "n", "'compute' has no meaning for type ref"},
        {"int, required: true", "n", "a computed field is neither required nor has it a default"},
        {"int, default: 3", "n", "a computed field is neither required nor has it a default"},
        {"text", "concat('+', phone)", "what is made of a protected field must be protected alike"},
        {"text, protect: {show: masked}", "phone", "must be protected alike at 'phone'"},
        {"text", "card", "must be protected alike at 'card'"},
        {"text, protect: {store: encrypted}", "card", "must be protected alike at 'card'"},
        {"bool", "phone = '13800138000'", "must be protected alike at 'phone'"},
    };
    (void)state;
    unsigned failed = 0;
    for (size_t i = 0; i < N(bad); i++) {
        const char *said = compute(bad[i].type, bad[i].text);
        if (strstr(said, bad[i].want) && strstr(said, "/sum.yaml:12:")) continue;
        print_error("%s: %s\nis not told as: %s\n", bad[i].text, said, bad[i].want);
        failed++;
    }
    assert_int_equal(failed, 0);
}

static void test_too_long(void **state)
{
    struct buf b = BUF_IN(a);
    (void)state;
    buf_str(&b, "1");
    for (int i = 0; i < 500; i++)
        buf_str(&b, " + 1");
    assert_non_null(strstr(compute("int", arena_str(a, buf_view(&b))), "too long"));
}

/* What may be asked of a masked field by guessing is not asked. */
static void test_masked_conditions(void **state)
{
    static const char *const bad[] = {"[\"==\", card, x]", "[\"in\", card, [x]]",
                                      "[\"or\", [\"filled\", n], [\"!=\", card, x]]",
                                      "[\"==\", twin, {field: card}]"};
    (void)state;
    for (size_t i = 0; i < N(bad); i++) {
        const char *said = load(
            arena_printf(
                a,
                "  twin: {type: id_number, " T(
                    "双",
                    "Twin") "}\n"
                            "rules:\n  - {that: %s, message: {zh: 错, en: Wrong}, fields: [n]}\n",
                bad[i])
                .p);
        if (!strstr(said, "'card' is masked: a condition may only ask whether it is filled"))
            fail_msg("%s: %s", bad[i], said);
    }
    assert_string_equal(load("rules:\n  - {that: [\"filled\", card], message: {zh: 错, en: Wrong}, "
                             "fields: [n]}\n"),
                        "");
    assert_string_equal(load("rules:\n  - {that: [\"!=\", phone, \"+8613\"], message: {zh: 错, en: "
                             "Wrong}, fields: [n]}\n"),
                        "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_masked_conditions),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
