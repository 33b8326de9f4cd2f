/* Fields of the tenant's own in an export: a column each, as people read them. */
#define LOG_ROOM "model"
#include "model/custom.h"
#include "model/export.h"

void custom_titles(const struct custom_defs *d, const char *lang, struct cell *out)
{
    for (size_t i = 0; i < d->n; i++)
        out[i] = (struct cell){.kind = CELL_TEXT, .text = sv_of(title_of(&d->v[i].f.title, lang))};
}

static sv option(const struct mf_field *f, const json_t *code, const char *lang)
{
    sv c = {json_string_value(code), json_string_length(code)};
    for (size_t i = 0; i < f->n_options; i++)
        if (sv_eqs(c, f->options[i].code)) return sv_of(title_of(&f->options[i].title, lang));
    return c;
}

static sv options(struct arena *a, const struct mf_field *f, const json_t *list, const char *lang)
{
    struct buf b = BUF_IN(a);
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (i) buf_str(&b, "; ");
        buf_sv(&b, option(f, json_array_get(list, i), lang));
    }
    return buf_view(&b);
}

static sv moment(struct arena *a, sv text, int utc_offset)
{
    char local[32];
    int64_t us;
    if (!clock_parse(text, &us)) return text;
    clock_rfc3339(us + (int64_t)utc_offset * 60000000, local);
    return arena_printf(a, "%.10s %.8s", local, local + 11);
}

static struct cell cell_of(const struct mf_field *f, const char *lang, int utc_offset,
                           struct arena *a, const json_t *v)
{
    bool zh = lang && lang[0] == 'z';
    sv text = {json_string_value(v), json_string_length(v)};
    int64_t n = json_integer_value(v), u = n < 0 ? -n : n;
    struct cell out = {.kind = CELL_PLAIN, .text = text, .n = n};
    if (!v || json_is_null(v)) return (struct cell){.kind = CELL_EMPTY};
    switch (f->type) {
    case MF_BOOL:
        out.text = json_is_true(v) ? (zh ? SV("是") : SV("yes")) : (zh ? SV("否") : SV("no"));
        break;
    case MF_INT:
        out.kind = CELL_INT;
        break;
    case MF_MONEY:
        out.kind = CELL_MONEY;
        break;
    case MF_PERCENT:
        out.text = arena_printf(a, "%s%lld.%02lld%%", n < 0 ? "-" : "", (long long)(u / 100),
                                (long long)(u % 100));
        break;
    case MF_DECIMAL:
        out.kind = CELL_DECIMAL;
        out.text = arena_sv(a, text);
        break;
    case MF_DATE:
        out.text = arena_sv(a, text);
        break;
    case MF_DATETIME:
        out.text = moment(a, arena_sv(a, text), utc_offset);
        break;
    case MF_ENUM:
        out.text = arena_sv(a, option(f, v, lang));
        break;
    case MF_MULTI_ENUM:
        out = (struct cell){.kind = CELL_TEXT, .text = options(a, f, v, lang)};
        break;
    default:
        out = (struct cell){.kind = CELL_TEXT, .text = arena_sv(a, text)};
    }
    return out;
}

void custom_cells(const struct custom_defs *d, const char *lang, int utc_offset, struct arena *a,
                  sv json, struct cell *out)
{
    json_t *row = json.n ? json_loadb(json.p, json.n, 0, NULL) : NULL;
    for (size_t i = 0; i < d->n; i++) {
        const struct mf_field *f = &d->v[i].f;
        out[i] = cell_of(f, lang, utc_offset, a, json_object_get(row, f->name));
    }
    json_decref(row);
}
