/* What people type into cells, as the API takes it. */
#define LOG_ROOM "model"
#include "model/import.h"

#include <stdio.h>

/* ---- texts -------------------------------------------------------------------------- */

/* Blanks that ASCII does not know: no-break, ideographic, zero-width, byte order mark. */
static size_t odd_blank(sv v, bool at_end)
{
    static const char *const blanks[] = {"\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\x8b",
                                         "\xef\xbb\xbf"};
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
        sv b = sv_of(blanks[i]);
        if (at_end ? sv_ends(v, b) : sv_starts(v, b)) return b.n;
    }
    return 0;
}

sv import_trim(sv v)
{
    for (size_t n; v = sv_trim(v), (n = odd_blank(v, false)) > 0;)
        v = sv_make(v.p + n, v.n - n);
    for (size_t n; v = sv_trim(v), (n = odd_blank(v, true)) > 0;)
        v.n -= n;
    return v;
}

uint64_t import_hash(uint64_t h, sv v)
{
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        h = (h ^ (c >= 'A' && c <= 'Z' ? c | 0x20u : c)) * 0x100000001b3u;
    }
    h = (h ^ 0x1f) * 0x100000001b3u;
    return (h ^ h >> 31) * 0x9e3779b97f4a7c15u;
}

/* Full-width ASCII (１２３，．％) as plain; other characters stay. */
static sv narrow(struct arena *a, sv v)
{
    struct buf b = BUF_IN(a);
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if (c == 0xef && i + 2 < v.n) {
            unsigned code = 0xf000u | (((unsigned char)v.p[i + 1] & 0x3fu) << 6) |
                            ((unsigned char)v.p[i + 2] & 0x3fu);
            if (code >= 0xff01 && code <= 0xff5e) {
                buf_chr(&b, (char)(code - 0xfee0));
                i += 2;
                continue;
            }
        }
        buf_chr(&b, (char)c);
    }
    buf_chr(&b, '\0');
    return sv_make(b.p, b.n - 1);
}

unsigned import_split(sv v, bool comma, sv *out, unsigned max)
{
    static const char *const marks[] = {";", "|", "\n", "；", "、", ",", "，"};
    unsigned n_marks = comma ? 7 : 5, n = 0;
    size_t from = 0;
    for (size_t i = 0; i <= v.n && n < max;) {
        size_t step = i == v.n;
        sv rest = sv_make(v.p + i, v.n - i);
        for (unsigned k = 0; k < n_marks && !step; k++)
            if (sv_starts(rest, sv_of(marks[k]))) step = strlen(marks[k]);
        if (!step) {
            i++;
            continue;
        }
        sv part = import_trim(sv_make(v.p + from, i - from));
        if (part.n) out[n++] = part;
        i += step;
        from = i;
    }
    return n;
}

static json_t *text_json(sv v)
{
    return json_stringn(v.p ? v.p : "", v.n);
}

static bool one_of(sv v, const char *const *list)
{
    for (; *list; list++)
        if (sv_ieq(v, sv_of(*list))) return true;
    return false;
}

/* ---- numbers ------------------------------------------------------------------------ */

/* A decimal text as an integer of 10^-places, with grouping commas, a sign and blanks
 * allowed. False: not a number, more places than that, or too large. */
static bool decimal(sv v, unsigned places, int64_t *out)
{
    bool minus = false, point = false, digit = false;
    unsigned after = 0;
    int64_t n = 0;
    v = sv_trim(v);
    if (v.n && (v.p[0] == '-' || v.p[0] == '+')) {
        minus = v.p[0] == '-';
        v = sv_make(v.p + 1, v.n - 1);
    }
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        if (c == '.' && !point) {
            point = true;
        } else if ((c == ',' || c == ' ') && !point && digit) {
            continue;
        } else if (c >= '0' && c <= '9') {
            digit = true;
            if (point && after == places) {
                if (c != '0') return false;
                continue;
            }
            after += point;
            if (n > (INT64_MAX - 9) / 10) return false;
            n = n * 10 + (c - '0');
        } else {
            return false;
        }
    }
    for (; after < places; after++) {
        if (n > INT64_MAX / 10) return false;
        n *= 10;
    }
    *out = minus ? -n : n;
    return digit;
}

/* Without one of the marks at its beginning or end. */
static sv without(sv v, const char *const *marks)
{
    for (; *marks; marks++) {
        sv m = sv_of(*marks);
        if (sv_starts(v, m)) return sv_trim(sv_make(v.p + m.n, v.n - m.n));
        if (sv_ends(v, m)) return sv_trim(sv_make(v.p, v.n - m.n));
    }
    return v;
}

static json_t *number_json(const struct mf_field *f, sv v, struct err *err)
{
    static const char *const yuan[] = {"¥", "￥", "CNY", "RMB", "元", NULL};
    static const char *const percent[] = {"%", NULL};
    int64_t n;
    bool ok;
    const char *code = "not_integer";
    if (f->type == MF_MONEY) {
        ok = decimal(without(v, yuan), 2, &n);
        code = "not_money";
    } else if (f->type == MF_PERCENT) {
        ok = decimal(without(v, percent), 2, &n);
        code = "not_percent";
    } else {
        ok = decimal(v, 0, &n);
    }
    if (ok) return json_integer(n);
    err_field(err, f->name, code, NULL);
    return NULL;
}

static json_t *bool_json(const struct mf_field *f, sv v, struct err *err)
{
    static const char *const yes[] = {"是", "对", "有", "√", "yes", "y", "true", "1", "on", NULL};
    static const char *const no[] = {"否", "错", "无", "×", "no", "n", "false", "0", "off", NULL};
    if (one_of(v, yes)) return json_true();
    if (one_of(v, no)) return json_false();
    err_field(err, f->name, "not_boolean", NULL);
    return NULL;
}

/* ---- times -------------------------------------------------------------------------- */

/* Up to `max` numbers with anything but digits between them; *end: what follows. */
static unsigned numbers(sv v, int *out, unsigned max, size_t *digits)
{
    unsigned n = 0;
    *digits = 0;
    for (size_t i = 0; i < v.n && n < max;) {
        if (v.p[i] < '0' || v.p[i] > '9') {
            i++;
            continue;
        }
        int x = 0;
        size_t from = i;
        for (; i < v.n && v.p[i] >= '0' && v.p[i] <= '9' && i - from < 9; i++)
            x = x * 10 + (v.p[i] - '0');
        if (n == 0) *digits = i - from;
        out[n++] = x;
    }
    return n;
}

/* Dates as people and spreadsheets write them: year first. */
static bool date_shaped(sv v)
{
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if ((c >= '0' && c <= '9') || (c && strchr("-/.: ,TZ+", c)) || c >= 0x80) continue;
        return false;
    }
    return true;
}

/* A moment that a zone moves out of what the tables hold is none. */
static json_t *in_range(const struct mf_field *f, json_t *v, struct err *err)
{
    if (value_check(f, v, f->name, err) == 0) return v;
    json_decref(v);
    return NULL;
}

static json_t *time_json(const struct mf_field *f, sv v, int utc_offset, struct arena *a,
                         struct err *err)
{
    int n[6] = {0};
    size_t digits = 0;
    int64_t us;
    char text[32];
    bool date = f->type == MF_DATE;
    const char *code = date ? "not_date" : "not_time";
    if (!date && clock_parse(v, &us)) return in_range(f, text_json(v), err); /* its own zone */
    unsigned count = date_shaped(v) ? numbers(v, n, 6, &digits) : 0;
    if (count == 1 && digits == 8) { /* 20261120 */
        n[2] = n[0] % 100;
        n[1] = n[0] / 100 % 100;
        n[0] /= 10000;
        count = 3;
        digits = 4;
    }
    sv day = arena_printf(a, "%04d-%02d-%02d", n[0], n[1], n[2]);
    bool midnight = !n[3] && !n[4] && !n[5];
    if (count < 3 || digits != 4 || !value_date_ok(day) || n[3] > 23 || n[4] > 59 || n[5] > 59 ||
        (date && !midnight)) {
        err_field(err, f->name, code, NULL);
        return NULL;
    }
    if (date) return text_json(day);
    sv whole = arena_printf(a, "%.*sT%02d:%02d:%02dZ", SVARG(day), n[3], n[4], n[5]);
    if (!clock_parse(whole, &us)) {
        err_field(err, f->name, code, NULL);
        return NULL;
    }
    size_t n_text = clock_rfc3339(us - (int64_t)utc_offset * 60000000, text);
    return in_range(f, json_stringn(text, n_text), err);
}

/* ---- choices ------------------------------------------------------------------------ */

/* Of a dictionary every code passes here: the write asks whether it is offered. */
static const char *option_code(const struct mf_field *f, sv v)
{
    for (size_t i = 0; i < f->n_options; i++) {
        const struct mf_option *o = &f->options[i];
        if (sv_ieq(v, sv_of(o->code)) || (o->title.zh && sv_eqs(v, o->title.zh)) ||
            (o->title.en && sv_ieq(v, sv_of(o->title.en))))
            return o->code;
    }
    return NULL;
}

static int no_option(const struct mf_field *f, struct err *err)
{
    char all[200] = "";
    size_t used = 0;
    for (size_t i = 0; i < f->n_options && used < sizeof all - 40; i++)
        used += (size_t)snprintf(all + used, 40, "%s%s", i ? ", " : "", f->options[i].title.zh);
    return err_field(err, f->name, "not_in_options", all, NULL);
}

static json_t *list_json(sv v)
{
    sv parts[64];
    unsigned n = import_split(v, true, parts, 64);
    json_t *list = json_array();
    for (unsigned i = 0; i < n; i++)
        json_array_append_new(list, text_json(parts[i]));
    return list;
}

static json_t *choice_json(const struct mf_field *f, sv v, struct err *err)
{
    const char *code;
    if (f->dictionary) return f->type == MF_ENUM ? text_json(v) : list_json(v);
    if (f->type == MF_ENUM) {
        if ((code = option_code(f, v)) != NULL) return json_string(code);
        no_option(f, err);
        return NULL;
    }
    sv parts[64];
    unsigned n = import_split(v, true, parts, 64);
    json_t *list = json_array();
    for (unsigned i = 0; i < n; i++) {
        if (!(code = option_code(f, parts[i]))) {
            no_option(f, err);
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, json_string(code));
    }
    return list;
}

/* ---- the rest ----------------------------------------------------------------------- */

/* 138 0000-0001, +86 13800000001: without what only separates. */
static json_t *phone_json(struct arena *a, sv v)
{
    struct buf b = BUF_IN(a);
    for (size_t i = 0; i < v.n; i++)
        if (!strchr(" -()", v.p[i])) buf_chr(&b, v.p[i]);
    sv t = buf_view(&b);
    bool own = t.n == 14 && sv_starts(t, SV("+86"));
    return own ? text_json(sv_make(t.p + 3, t.n - 3)) : text_json(t);
}

static json_t *rich_json(struct arena *a, sv v)
{
    struct buf b = BUF_IN(a);
    if (memchr(v.p, '<', v.n)) return text_json(v); /* HTML, sanitised on write */
    buf_str(&b, "<p>");
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] == '&')
            buf_str(&b, "&amp;");
        else if (v.p[i] == '\n')
            buf_str(&b, "<br>");
        else
            buf_chr(&b, v.p[i]);
    }
    buf_str(&b, "</p>");
    return text_json(buf_view(&b));
}

static json_t *any_json(const struct mf_field *f, sv v, struct err *err)
{
    json_t *out = json_loadb(v.p, v.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    if (!out) err_field(err, f->name, "not_json", NULL);
    return out;
}

/* What people read of an address; as JSON also its other parts. */
static json_t *address_json(const struct mf_field *f, sv v, struct err *err)
{
    if (v.p[0] == '{') return any_json(f, v, err);
    json_t *out = json_object();
    json_object_set_new(out, "text", text_json(v));
    return out;
}

static json_t *decimal_json(const struct mf_field *f, sv v, struct arena *a, struct err *err)
{
    int64_t n;
    if (!decimal(v, f->scale, &n)) {
        err_field(err, f->name, "not_decimal", NULL);
        return NULL;
    }
    uint64_t u = n < 0 ? 0 - (uint64_t)n : (uint64_t)n, unit = 1;
    for (unsigned i = 0; i < f->scale; i++)
        unit *= 10;
    sv text = f->scale ? arena_printf(a, "%s%llu.%0*llu", n < 0 ? "-" : "",
                                      (unsigned long long)(u / unit), (int)f->scale,
                                      (unsigned long long)(u % unit))
                       : arena_printf(a, "%lld", (long long)n);
    return text_json(text);
}

static json_t *value(const struct mf_field *f, sv v, int utc_offset, struct arena *a,
                     struct err *err)
{
    switch (f->type) {
    case MF_INT:
    case MF_MONEY:
    case MF_PERCENT:
        return number_json(f, narrow(a, v), err);
    case MF_BOOL:
        return bool_json(f, v, err);
    case MF_DATE:
    case MF_DATETIME:
        return time_json(f, narrow(a, v), utc_offset, a, err);
    case MF_ENUM:
    case MF_MULTI_ENUM:
        return choice_json(f, v, err);
    case MF_PHONE:
        return phone_json(a, narrow(a, v));
    case MF_RICHTEXT:
        return rich_json(a, v);
    case MF_JSON:
    case MF_POINT:
    case MF_POLYGON:
        return any_json(f, v, err);
    case MF_TAGS:
        return list_json(v);
    case MF_ADDRESS:
        return address_json(f, v, err);
    case MF_DECIMAL:
        return decimal_json(f, narrow(a, v), a, err);
    case MF_ID_NUMBER:
    case MF_TIME:
        return text_json(narrow(a, v));
    default:
        return text_json(v);
    }
}

int import_cell(const struct mf_field *f, sv text, int utc_offset, struct arena *a, json_t **out,
                struct err *err)
{
    sv v = import_trim(text);
    *out = NULL;
    if (!v.n) return 0;
    if (!sv_utf8_ok(v)) return err_field(err, f->name, "pattern_mismatch", NULL);
    json_t *j = value(f, v, utc_offset, a, err);
    if (!j) return -1;
    *out = j;
    return 0;
}
