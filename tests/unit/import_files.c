/* Files that people send: CSV in its machine and from disk, workbooks of any make,
 * cells by type, headings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include <minizip/zip.h>

#include "model/import.h"

/* ---- rows as text: cells with | between, lines with their number ----------------------- */

struct told {
    struct buf b;
    unsigned rows, stop_after;
};

static bool tell(void *arg, const struct sheet_row *row)
{
    struct told *t = arg;
    buf_printf(&t->b, "%u:", row->line);
    for (unsigned i = 0; i < row->n; i++) {
        if (i) buf_chr(&t->b, '|');
        buf_sv(&t->b, row->cells[i]);
    }
    buf_chr(&t->b, '/');
    return ++t->rows != t->stop_after;
}

static void assert_told(struct told *t, const char *want)
{
    buf_chr(&t->b, '\0');
    assert_string_equal(t->b.p, want);
    buf_free(&t->b);
}

/* ---- CSV ---------------------------------------------------------------------------------- */

static void csv_says(const char *text, char delimiter, const char *want)
{
    size_t n = strlen(text);
    for (size_t piece = 1; piece <= n + 1; piece = piece * 3 + 1) { /* cut anywhere */
        struct told t = {.b = BUF_HEAP};
        struct csv c;
        struct err err = {0};
        csv_init(&c, delimiter, tell, &t);
        for (size_t at = 0; at < n; at += piece)
            assert_int_equal(0, csv_feed(&c, sv_make(text + at, n - at < piece ? n - at : piece),
                                         &err));
        assert_int_equal(0, csv_end(&c, &err));
        csv_free(&c);
        assert_told(&t, want);
    }
}

static void test_csv_machine(void **state)
{
    (void)state;
    csv_says("a,b\r\nc,d\r\n", ',', "1:a|b/2:c|d/");
    csv_says("a,b\nc,d", ',', "1:a|b/2:c|d/");
    csv_says("a\rb\r", ',', "1:a/2:b/");
    csv_says("\"a,\"\"b\"\"\",c\n", ',', "1:a,\"b\"|c/");
    csv_says("\"two\r\nlines\",x\nnext\n", ',', "1:two\r\nlines|x/3:next/");
    csv_says("a;b;;\n;;\n  \nc\n\n\n", ';', "1:a|b/4:c/");
    csv_says("sep=;\na;b\n", ';', "2:a|b/");
    csv_says("say \"hi\",x\n", ',', "1:say \"hi\"|x/");
    csv_says("\"open\nto the end", ',', "1:open\nto the end/");
    csv_says("", ',', "");
    csv_says(",,,\n", ',', "");
}

static void test_csv_bounds(void **state)
{
    (void)state;
    struct told t = {.b = BUF_HEAP};
    struct csv c;
    struct err err = {0};
    char *mega = malloc(1 << 20);
    assert_non_null(mega);
    memset(mega, 'x', 1 << 20);
    csv_init(&c, ',', tell, &t);
    assert_int_equal(-1, csv_feed(&c, sv_make(mega, 1 << 20), &err));
    assert_string_equal(err.code, "import_cell_too_long");
    assert_int_equal(err.status, 422);
    csv_free(&c);
    memset(mega, ',', 1 << 20);
    err_clear(&err);
    csv_init(&c, ',', tell, &t);
    assert_int_equal(-1, csv_feed(&c, sv_make(mega, 1 << 20), &err));
    assert_string_equal(err.code, "import_too_many_columns");
    csv_free(&c);
    free(mega);

    t = (struct told){.b = BUF_HEAP, .stop_after = 1};
    err_clear(&err);
    csv_init(&c, ',', tell, &t);
    assert_int_equal(0, csv_feed(&c, SV("a\nb\nc\n"), &err));
    assert_int_equal(0, csv_end(&c, &err));
    csv_free(&c);
    assert_told(&t, "1:a/");
}

static void test_csv_delimiter(void **state)
{
    (void)state;
    assert_int_equal(csv_delimiter(SV("a,b;c,d\n")), ',');
    assert_int_equal(csv_delimiter(SV("a;b\n1,2,3,4,5\n")), ';');
    assert_int_equal(csv_delimiter(SV("a\tb\tc\n")), '\t');
    assert_int_equal(csv_delimiter(SV("\"a,b,c\";d\n")), ';');
    assert_int_equal(csv_delimiter(SV("sep=;\na,b,c\n")), ';');
    assert_int_equal(csv_delimiter(SV("one\n")), ',');
}

/* ---- files ---------------------------------------------------------------------------------- */

static char dir[] = "/tmp/atrium-import-XXXXXX";
static char file_path_[64];

static int make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir)) return -1;
    snprintf(file_path_, sizeof file_path_, "%s/file", dir);
    return 0;
}

static int drop_dir(void **state)
{
    (void)state;
    unlink(file_path_);
    return rmdir(dir);
}

static void put_file(const void *p, size_t n)
{
    FILE *f = fopen(file_path_, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    fclose(f);
}

/* Detected and read; NULL: refused with `code`. */
static void file_says(const char *want, const char *code)
{
    struct told t = {.b = BUF_HEAP};
    struct sheet_spec spec;
    struct err err = {0};
    int rc = sheet_detect(file_path_, &spec, &err);
    if (rc == 0) rc = sheet_read(file_path_, &spec, dir, tell, &t, &err);
    if (want) {
        if (rc < 0) print_error("%s %s\n", err.code, err.detail);
        assert_int_equal(rc, 0);
        assert_told(&t, want);
        return;
    }
    assert_int_equal(rc, -1);
    assert_string_equal(err.code, code);
    buf_free(&t.b);
}

#define BYTES(s) put_file(s, sizeof(s) - 1)

static void test_csv_encodings(void **state)
{
    (void)state;
    BYTES("\xef\xbb\xbf姓名,甲\r\n王,乙\r\n\r\n\r\n");
    file_says("1:姓名|甲/2:王|乙/", NULL);
    BYTES("\xd0\xd5\xc3\xfb,x\n\xcd\xf5\xce\xe5,y\n"); /* 姓名, 王五 in GB18030 */
    file_says("1:姓名|x/2:王五|y/", NULL);
    BYTES("\xff\xfe" "a\0\t\0\x53\x73\n\0b\0\t\0c\0\n\0");
    file_says("1:a|\xe7\x8d\x93/2:b|c/", NULL);
    BYTES("\xfe\xff\0a\0\t\0b\0\n");
    file_says("1:a|b/", NULL);
    BYTES("a,b\0c\n"); /* neither text nor a workbook */
    file_says(NULL, "import_bad_file");
}

/* ---- workbooks ------------------------------------------------------------------------------ */

static zipFile book;

static void book_new(void)
{
    book = zipOpen(file_path_, APPEND_STATUS_CREATE);
    assert_non_null(book);
}

static void part(const char *name, const char *text, size_t n)
{
    zip_fileinfo info = {0};
    assert_int_equal(ZIP_OK, zipOpenNewFileInZip(book, name, &info, NULL, 0, NULL, 0, NULL,
                                                 Z_DEFLATED, 9));
    assert_int_equal(ZIP_OK, zipWriteInFileInZip(book, text, (unsigned)n));
    assert_int_equal(ZIP_OK, zipCloseFileInZip(book));
}

static void part_text(const char *name, const char *text)
{
    part(name, text, strlen(text));
}

#define WORKBOOK "<workbook><sheets><sheet name=\"A\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
#define RELS \
    "<Relationships><Relationship Id=\"rId1\" Target=\"worksheets/sheet1.xml\"/></Relationships>"

static void book_of(const char *workbook, const char *sheet)
{
    book_new();
    part_text("[Content_Types].xml", "<Types/>");
    part_text("xl/workbook.xml", workbook);
    part_text("xl/_rels/workbook.xml.rels", RELS);
    part_text("xl/worksheets/sheet1.xml", sheet);
}

static void book_end(void)
{
    assert_int_equal(ZIP_OK, zipClose(book, NULL));
}

static void test_xlsx_cells(void **state)
{
    (void)state;
    book_of(WORKBOOK, "<worksheet><sheetData>"
                      "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"C1\" t=\"inlineStr\"><is>"
                      "<t>in</t></is></c></row>"
                      "<row r=\"4\"><c r=\"A4\"><v>12.50</v></c><c r=\"B4\" s=\"1\"><v>46346</v></c>"
                      "<c r=\"C4\" t=\"b\"><v>1</v></c><c r=\"D4\" t=\"s\"><v>99</v></c>"
                      "<c r=\"E4\" t=\"s\"><v>1</v></c></row>"
                      "<row r=\"5\"><c r=\"A5\"/></row></sheetData></worksheet>");
    part_text("xl/sharedStrings.xml", "<sst><si><t>甲</t></si><si><r><t>两</t></r><r><t>段</t></r>"
                                      "<rPh><t>x</t></rPh></si></sst>");
    part_text("xl/styles.xml", "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs>"
                               "</styleSheet>");
    book_end();
    /* what points beyond the shared texts is blank */
    file_says("1:甲||in/4:12.5|2026-11-20|TRUE||两段/", NULL);
}

static void test_xlsx_1904(void **state)
{
    (void)state;
    book_of("<workbook><workbookPr date1904=\"1\"/><sheets><sheet name=\"A\" sheetId=\"1\" "
            "r:id=\"rId1\"/></sheets></workbook>",
            "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" s=\"0\"><v>44884</v></c></row>"
            "</sheetData></worksheet>");
    part_text("xl/styles.xml", "<styleSheet><cellXfs><xf numFmtId=\"14\"/></cellXfs></styleSheet>");
    book_end();
    file_says("1:2026-11-20/", NULL);
}

static void test_xlsx_hostile(void **state)
{
    (void)state;
    book_of(WORKBOOK, "<!DOCTYPE x [<!ENTITY e \"eeeeeeeeee\">]><worksheet><sheetData><row r=\"1\">"
                      "<c r=\"A1\" t=\"inlineStr\"><is><t>&e;</t></is></c></row></sheetData>"
                      "</worksheet>");
    book_end();
    file_says(NULL, "import_bad_file");

    book_new(); /* no workbook in it */
    part_text("word/document.xml", "<x/>");
    book_end();
    file_says(NULL, "import_bad_file");

    book_new(); /* a workbook without its sheet */
    part_text("[Content_Types].xml", "<Types/>");
    part_text("xl/workbook.xml", WORKBOOK);
    part_text("xl/_rels/workbook.xml.rels", RELS);
    book_end();
    file_says(NULL, "import_bad_file");

    book_of(WORKBOOK, "<worksheet><sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c>");
    book_end(); /* XML that breaks off */
    file_says(NULL, "import_bad_file");

    BYTES("PK\x03\x04 nothing of a zip");
    file_says(NULL, "import_bad_file");
}

/* Blanks pack by a thousand: what a bomb is made of. */
static void test_xlsx_bomb(void **state)
{
    (void)state;
    size_t n = 64u << 20;
    char *blanks = malloc(n);
    assert_non_null(blanks);
    memset(blanks, ' ', n);
    memcpy(blanks, "<sst>", 5);
    book_of(WORKBOOK, "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c></row>"
                      "</sheetData></worksheet>");
    part("xl/sharedStrings.xml", blanks, n);
    book_end();
    free(blanks);
    file_says(NULL, "import_bomb");
}

/* ---- cells ------------------------------------------------------------------------------------ */

/* What the API would get; a complaint's code when it is one. */
static void cell_is(struct mf_field f, const char *text, const char *want)
{
    struct arena *a = arena_new(0);
    struct err err = {0};
    json_t *v = NULL;
    f.name = "x";
    int rc = import_cell(&f, sv_of(text), 480, a, &v, &err);
    char *got = v ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    assert_string_equal(rc < 0 ? err.fields[0].code : got ? got : "none", want);
    free(got);
    json_decref(v);
    arena_free(a);
}

static void test_cells(void **state)
{
    (void)state;
    static struct mf_option options[] = {{"first", {"初步", "First"}, NULL},
                                         {"won", {"成交", "Won"}, NULL}};
    struct mf_field text = {.type = MF_TEXT}, integer = {.type = MF_INT}, money = {.type = MF_MONEY},
                    percent = {.type = MF_PERCENT}, date = {.type = MF_DATE},
                    moment = {.type = MF_DATETIME}, flag = {.type = MF_BOOL},
                    choice = {.type = MF_ENUM, .options = options, .n_options = 2},
                    several = {.type = MF_MULTI_ENUM, .options = options, .n_options = 2};
    cell_is(text, "　 x ", "\"x\"");
    cell_is(text, "  ", "none");
    cell_is(integer, "1,234", "1234");
    cell_is(integer, "１２", "12");
    cell_is(integer, "1.5", "not_integer");
    cell_is(integer, "99999999999999999999", "not_integer");
    cell_is(money, "¥1,234.5", "123450");
    cell_is(money, "-3元", "-300");
    cell_is(money, "1.234", "not_money");
    cell_is(percent, "12.5%", "1250");
    cell_is(date, "2026/11/5", "\"2026-11-05\"");
    cell_is(date, "2026年11月5日", "\"2026-11-05\"");
    cell_is(date, "20261105", "\"2026-11-05\"");
    cell_is(date, "2026-02-30", "not_date");
    cell_is(date, "5/11/2026", "not_date");
    cell_is(moment, "2026-11-05 08:30", "\"2026-11-05T00:30:00Z\"");
    cell_is(moment, "2026-11-05 25:00", "not_time");
    cell_is(flag, "是", "true");
    cell_is(flag, "No", "false");
    cell_is(flag, "maybe", "not_boolean");
    cell_is(choice, "成交", "\"won\"");
    cell_is(choice, "first", "\"first\"");
    cell_is(several, "成交；初步", "[\"won\",\"first\"]");
}

static void test_headings(void **state)
{
    (void)state;
    const struct mf_field phone = {.name = "phone", .title = {"手机号", "Phone"}},
                          home = {.name = "home_phone", .title = {"住宅电话", "Home phone"}};
    const struct import_field fields[] = {{.f = &phone}, {.f = &home}};
    assert_int_equal(import_match(fields, 2, SV("手机号 *（必填）")), 0);
    assert_int_equal(import_match(fields, 2, SV(" home PHONE ")), 1);
    assert_int_equal(import_match(fields, 2, SV("home_phone")), 1);
    assert_int_equal(import_match(fields, 2, SV("电话")), -1);
    assert_int_equal(import_match(fields, 2, SV("")), -1);
    assert_int_equal(import_match(fields, 2, SV("（）")), -1);
}

static void test_split(void **state)
{
    (void)state;
    sv out[4];
    assert_int_equal(import_split(SV("a；b、 c |"), false, out, 4), 3);
    assert_true(sv_eqs(out[2], "c"));
    assert_int_equal(import_split(SV("a,b"), false, out, 4), 1);
    assert_int_equal(import_split(SV("a,b，c"), true, out, 4), 3);
    assert_int_equal(import_split(SV("a;b;c;d;e;f"), true, out, 4), 4);
}

static void test_numbers(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    assert_int_equal(sheet_number_kind(14, NULL), NUM_DATE);
    assert_int_equal(sheet_number_kind(164, "yyyy\"年\"m\"月\""), NUM_DATE);
    assert_int_equal(sheet_number_kind(164, "[h]:mm:ss"), NUM_TIME);
    assert_int_equal(sheet_number_kind(164, "#,##0.00"), NUM_PLAIN);
    assert_true(sv_eqs(sheet_number_text(a, SV("0.125"), NUM_PERCENT, false), "12.5%"));
    assert_true(sv_eqs(sheet_number_text(a, SV("13800000001"), NUM_PLAIN, false), "13800000001"));
    assert_true(sv_eqs(sheet_number_text(a, SV("46346.5"), NUM_DATE, false), "2026-11-20 12:00:00"));
    assert_true(sv_eqs(sheet_number_text(a, SV("1e999"), NUM_DATE, false), "1e999"));
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_machine),   cmocka_unit_test(test_csv_bounds),
        cmocka_unit_test(test_csv_delimiter), cmocka_unit_test(test_csv_encodings),
        cmocka_unit_test(test_xlsx_cells),    cmocka_unit_test(test_xlsx_1904),
        cmocka_unit_test(test_xlsx_hostile),  cmocka_unit_test(test_xlsx_bomb),
        cmocka_unit_test(test_cells),         cmocka_unit_test(test_headings),
        cmocka_unit_test(test_split),         cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
