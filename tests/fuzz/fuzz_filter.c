/* Any text to the language of filters and scopes: what is taken compiles to a
 * statement with as many marks as values, and holds none of the text. */
#include "base/panic.h"
#include "model/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct mf_field fields[] = {
    {.name = "id", .type = MF_REF},    {.name = "name", .type = MF_TEXT},
    {.name = "n", .type = MF_INT},     {.name = "owner", .type = MF_USER},
    {.name = "dept", .type = MF_DEPT}, {.name = "at", .type = MF_DATETIME},
    {.name = "day", .type = MF_DATE},  {.name = "on", .type = MF_BOOL},
    {.name = "note", .type = MF_TEXT}, {.name = "extra", .type = MF_JSON},
};
static const enum col_kind kinds[] = {COL_ID,   COL_TEXT, COL_INT,  COL_ID,   COL_ID,
                                      COL_TIME, COL_DATE, COL_BOOL, COL_TEXT, COL_JSON};
static const char *const idents[] = {"`id`", "`name`", "`n`",  "`owner`", "`dept`",
                                     "`at`", "`day`",  "`on`", "`note`",  "`extra`"};
#define N_COLS (sizeof fields / sizeof *fields)
static struct model_col cols[N_COLS];

const struct model_col *col_find(const struct model_resource *r, sv name)
{
    for (unsigned i = 0; i < r->n_cols; i++)
        if (sv_eq(r->cols[i].name, name)) return &r->cols[i];
    return NULL;
}

static void check(const struct frag *f, const struct auth_principal *who, struct arena *a)
{
    struct sql s;
    size_t marks = 0;
    sql_start(&s, a);
    frag_render(f, who, &s);
    sv text = buf_view(&s.text);
    for (size_t i = 0; i < text.n; i++) {
        marks += text.p[i] == '?';
        if (text.p[i] == '"' || text.p[i] == '\1') panic("text of the filter in the statement");
    }
    if (marks != s.n) panic("marks and values differ");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t depts[] = {3, 4, 5};
    static const struct auth_principal staff = {
        .kind = AUTH_STAFF, .id = 7, .dept = 3, .depts = depts, .n_depts = 3, .utc_offset = 480};
    struct arena *a = arena_new(0);
    struct model_resource r = {.cols = cols, .n_cols = N_COLS};
    struct err e = {0};
    struct cond *c = NULL;
    struct frag f = {0};
    for (unsigned i = 0; i < N_COLS; i++)
        cols[i] = (struct model_col){.f = &fields[i],
                                     .at = i,
                                     .kind = kinds[i],
                                     .name = sv_of(fields[i].name),
                                     .ident = sv_of(idents[i])};
    bool scope = size && data[0] & 1;
    if (cond_parse(&r, a, sv_make((const char *)data, size), scope, &c, &e) == 0 &&
        cond_compile(c, a, &f, &e) == 0)
        check(&f, &staff, a);
    else if (e.status != 400 || !e.n_fields)
        panic("refused without saying why");
    arena_free(a);
    return 0;
}
