/* Pure rules of values with a form of their own: decimals, phones, identity
 * numbers, times, regions, polygons, the subset of JSON Schema. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/geo.h"
#include "model/value.h"

static void test_decimal(void **state)
{
    static const struct {
        const char *text;
        unsigned scale;
        int64_t units;
        const char *shown;
    } good[] = {{"12.5", 2, 1250, "12.50"},
                {"-0.05", 2, -5, "-0.05"},
                {"7", 0, 7, "7"},
                {"7.000", 0, 7, "7"},
                {"1.10", 1, 11, "1.1"},
                {"999999999999.999999", 6, INT64_C(999999999999999999), "999999999999.999999"},
                {"-0", 2, 0, "0.00"}};
    static const char *const bad[] = {"",      "-",   ".",   "1.",  ".5",
                                      "1.234", "1e3", "+1",  " 1",  "1 ",
                                      "0x1",   "1,5", "--1", "1.-", "99999999999999999"};
    char out[32];
    int64_t v;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(decimal_parse(sv_of(good[i].text), good[i].scale, &v));
        assert_int_equal(v, good[i].units);
        decimal_format(v, good[i].scale, out);
        assert_string_equal(out, good[i].shown);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (decimal_parse(sv_of(bad[i]), 2, &v)) fail_msg("%s is no decimal", bad[i]);
}

static void form(bool (*fn)(sv, char[TEXT_FORM], size_t *), const char *text, const char *kept)
{
    char out[TEXT_FORM];
    size_t n = 0;
    bool ok = fn(sv_of(text), out, &n);
    if (ok != (kept != NULL)) fail_msg("\"%s\": %s", text, ok ? "taken" : "refused");
    if (ok && !sv_eqs(sv_make(out, n), kept))
        fail_msg("\"%s\" became \"%.*s\", not \"%s\"", text, (int)n, out, kept);
}

static void test_forms(void **state)
{
    (void)state;
    form(text_phone, "13800138000", "13800138000");
    form(text_phone, " +86 (138) 0013-8000 ", "13800138000");
    form(text_phone, "8613800138000", "13800138000");
    form(text_phone, "008613800138000", "13800138000");
    form(text_phone, "+852 2123 4567", "+85221234567");
    form(text_phone, "+86 010 1234", NULL);
    form(text_phone, "12345678901", NULL);
    form(text_phone, "+0123456789", NULL);
    form(text_phone, "138001380001", NULL);
    form(text_phone, "1380013800a", NULL);
    form(text_phone, "", NULL);
    form(text_phone, "+123456789012345678901234567890", NULL);

    form(text_id_number, "11010519491231002X", "11010519491231002X");
    form(text_id_number, "11010519491231002x", "11010519491231002X");
    form(text_id_number, "440524188001010014", "440524188001010014");
    form(text_id_number, "110101199003070134", "110101199003070134");
    form(text_id_number, "110101199003070135", NULL); /* check digit */
    form(text_id_number, "11010119900307013", NULL);
    form(text_id_number, "110101199013070134", NULL);
    form(text_id_number, "X10101199003070134", NULL);

    form(text_clock, "08:30", "08:30:00");
    form(text_clock, "23:59:59", "23:59:59");
    form(text_clock, "24:00", NULL);
    form(text_clock, "08:60", NULL);
    form(text_clock, "08:30:60", NULL);
    form(text_clock, "8:30", NULL);
    form(text_clock, "08-30", NULL);
    form(text_clock, "+1:30", NULL);
}

static void test_regions(void **state)
{
    (void)state;
    assert_true(text_region(SV("440305")));
    assert_true(text_region(SV("110000")));
    assert_false(text_region(SV("990000")));
    assert_false(text_region(SV("44030")));
    assert_false(text_region(SV("44030a")));
    assert_true(sv_eqs(text_region_prefix(SV("440000")), "44"));
    assert_true(sv_eqs(text_region_prefix(SV("440300")), "4403"));
    assert_true(sv_eqs(text_region_prefix(SV("440305")), "440305"));
}

/* ---- polygons --------------------------------------------------------------------- */

static json_t *polygon(const char *rings)
{
    char text[2000];
    snprintf(text, sizeof text, "{\"type\":\"Polygon\",\"coordinates\":%s}", rings);
    json_t *v = json_loads(text, 0, NULL);
    if (!v) fail_msg("bad JSON in the test: %s", text);
    return v;
}

static void shape(const char *rings, const char *wrong)
{
    json_t *v = polygon(rings);
    const char *got = geo_polygon_wrong(v);
    if (!wrong ? got != NULL : !got || strcmp(got, wrong) != 0)
        fail_msg("%s: %s, not %s", rings, got ? got : "right", wrong ? wrong : "right");
    json_decref(v);
}

#define SQUARE "[[0,0],[10,0],[10,10],[0,10],[0,0]]"

static void test_polygons(void **state)
{
    (void)state;
    shape("[" SQUARE "]", NULL);
    shape("[[[0,0],[1,0],[0,1],[0,0]]]", NULL);
    shape("[" SQUARE ",[[2,2],[4,2],[4,4],[2,4],[2,2]]]", NULL);
    shape("[]", "polygon_shape");
    shape("[[[0,0],[1,0],[0,0]]]", "polygon_points");
    shape("[[[0,0],[1,0],[1,1],[0,1]]]", "polygon_open");
    shape("[[[0,0],[10,10],[10,0],[0,10],[0,0]]]", "polygon_crossed");
    shape("[[[0,0],[5,0],[10,0],[5,0],[0,0]]]", "polygon_crossed"); /* a fold */
    shape("[[[0,0],[0,0],[1,0],[1,1],[0,0]]]", "polygon_crossed");  /* a corner twice */
    shape("[" SQUARE ",[[8,8],[12,8],[12,12],[8,12],[8,8]]]", "polygon_crossed");
    shape("[" SQUARE ",[[20,20],[22,20],[22,22],[20,22],[20,20]]]", "polygon_crossed");
    shape("[[[0,0],[181,0],[1,1],[0,0]]]", "polygon_range");
    shape("[[[0,0],[1,\"0\"],[1,1],[0,0]]]", "polygon_range");
}

static void test_inside(void **state)
{
    (void)state;
    json_t *v = polygon("[" SQUARE ",[[2,2],[4,2],[4,4],[2,4],[2,2]]]");
    assert_true(geo_polygon_holds(v, 1, 1));
    assert_true(geo_polygon_holds(v, 0, 5)); /* on the border */
    assert_true(geo_polygon_holds(v, 10, 10));
    assert_true(geo_polygon_holds(v, 2, 3)); /* the hole's border */
    assert_false(geo_polygon_holds(v, 3, 3));
    assert_false(geo_polygon_holds(v, 11, 5));
    assert_false(geo_polygon_holds(v, -1, 0));
    struct geo_box b = geo_polygon_box(v);
    assert_true(b.min_lng == 0 && b.min_lat == 0 && b.max_lng == 10 && b.max_lat == 10);
    json_decref(v);
    v = polygon("[[[0,0],[10,0],[10,10],[5,5],[0,10],[0,0]]]"); /* a notch */
    assert_false(geo_polygon_holds(v, 5, 8));
    assert_true(geo_polygon_holds(v, 1, 8));
    assert_true(geo_polygon_holds(v, 5, 5));
    json_decref(v);
}

/* The bound on points is checked first, and the largest polygon quickly. */
static void test_many_points(void **state)
{
    (void)state;
    for (int n = 5000; n <= 5001; n++) {
        json_t *ring = json_array();
        for (int i = 0; i < n - 1; i++) { /* a comb that rises and falls */
            double x = i < n / 2 ? i : n - 2 - i,
                   y = i < n / 2 ? (i % 2) * 0.01 : 1 + (i % 2) * 0.01;
            json_array_append_new(ring, json_pack("[ff]", x / 100, y));
        }
        json_array_append(ring, json_array_get(ring, 0));
        json_t *v = json_pack("{s:s,s:[o]}", "type", "Polygon", "coordinates", ring);
        const char *wrong = geo_polygon_wrong(v);
        if (n == 5000 && wrong) fail_msg("5000 points: %s", wrong);
        if (n == 5001) assert_string_equal(wrong, "polygon_points");
        json_decref(v);
    }
}

/* ---- JSON Schema ------------------------------------------------------------------ */

static void fits(const char *schema, const char *value, const char *path, const char *code)
{
    struct err e = {0};
    json_t *v = json_loads(value, JSON_DECODE_ANY, NULL);
    json_schema_check(sv_of(schema), v, "f", &e);
    bool right = path ? e.n_fields == 1 && strcmp(e.fields[0].field, path) == 0 &&
                            strcmp(e.fields[0].code, code) == 0
                      : e.n_fields == 0;
    if (!right)
        fail_msg("%s: %s %s", value, e.n_fields ? e.fields[0].field : "fine",
                 e.n_fields ? e.fields[0].code : "");
    json_decref(v);
}

static void test_json_schema(void **state)
{
    static const char s[] =
        "{\"type\":\"object\",\"required\":[\"a\"],\"additionalProperties\":false,\"properties\":{"
        "\"a\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9},"
        "\"b\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":2,\"items\":{\"type\":\"string\","
        "\"minLength\":2,\"maxLength\":3,\"pattern\":\"^[a-z]+$\"}},"
        "\"c\":{\"enum\":[1,\"x\",null]},\"d\":{\"type\":\"null\"},\"e\":{\"type\":\"boolean\"},"
        "\"f\":{\"type\":\"number\"}}}";
    (void)state;
    fits(s, "{\"a\":1,\"b\":[\"ab\"],\"c\":null,\"d\":null,\"e\":true,\"f\":1.5}", NULL, NULL);
    fits(s, "{}", "f.a", "required");
    fits(s, "[]", "f", "not_object");
    fits(s, "{\"a\":1.5}", "f.a", "not_integer");
    fits(s, "{\"a\":0}", "f.a", "too_small");
    fits(s, "{\"a\":10}", "f.a", "too_large_value");
    fits(s, "{\"a\":1,\"z\":1}", "f.z", "unknown_field");
    fits(s, "{\"a\":1,\"b\":[]}", "f.b", "too_few_items");
    fits(s, "{\"a\":1,\"b\":[\"ab\",\"ab\",\"ab\"]}", "f.b", "too_many_items");
    fits(s, "{\"a\":1,\"b\":[\"ab\",\"a\"]}", "f.b.1", "too_short");
    fits(s, "{\"a\":1,\"b\":[\"abcd\"]}", "f.b.0", "too_long");
    fits(s, "{\"a\":1,\"b\":[\"AB\"]}", "f.b.0", "pattern_mismatch");
    fits(s, "{\"a\":1,\"b\":[1]}", "f.b.0", "not_string");
    fits(s, "{\"a\":1,\"c\":2}", "f.c", "not_in_options");
    fits(s, "{\"a\":1,\"d\":0}", "f.d", "not_null");
    fits(s, "{\"a\":1,\"e\":0}", "f.e", "not_boolean");
    fits(s, "{\"a\":1,\"f\":\"1\"}", "f.f", "not_number");
}

/* ---- masks -------------------------------------------------------------------------- */

static void mask(enum mf_type type, const char *value, const char *want)
{
    struct arena *a = arena_new(0);
    sv have = mask_text(a, type, sv_of(value));
    if (!sv_eqs(have, want)) fail_msg("%s: %.*s, not %s", value, SVARG(have), want);
    arena_free(a);
}

static void test_masks(void **state)
{
    (void)state;
    mask(MF_PHONE, "13912345678", "139****5678");
    mask(MF_PHONE, "110", "****");
    mask(MF_PHONE, "", "");
    mask(MF_ID_NUMBER, "11010519491231002X", "1101**********002X");
    mask(MF_EMAIL, "lena@example.com", "l***@example.com");
    mask(MF_EMAIL, "李@x.cn", "李***@x.cn");
    mask(MF_EMAIL, "nothing", "n***");
    mask(MF_TEXT, "王", "*");
    mask(MF_TEXT, "王明", "王*");
    mask(MF_TEXT, "王小明", "王**");
    mask(MF_TEXT, "欧阳娜娜", "欧***");
    mask(MF_TEXT, "杭州市余杭区", "杭****区");
    mask(MF_LONGTEXT, "一二三四五六七八", "一****八");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimal),     cmocka_unit_test(test_forms),
        cmocka_unit_test(test_regions),     cmocka_unit_test(test_polygons),
        cmocka_unit_test(test_inside),      cmocka_unit_test(test_many_points),
        cmocka_unit_test(test_json_schema), cmocka_unit_test(test_masks),
    };
    return cmocka_run_group_tests_name("model_values", tests, NULL, NULL);
}
