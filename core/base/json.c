#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/panic.h"
#include "base/utf8.h"

#define MAX_DEPTH 64

/* ---- reading ------------------------------------------------------------ */

/* Deepest nesting allowed? jansson bounds its own recursion far higher, and
 * everything that walks the DOM later recurses too. Works on any bytes. */
static bool too_deep(sv text, size_t *at)
{
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > MAX_DEPTH) {
                *at = i;
                return true;
            }
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        }
    }
    return false;
}

static int bad_json(struct err *err, long line, long column, const char *why)
{
    char l[24], c[24];
    snprintf(l, sizeof l, "%ld", line);
    snprintf(c, sizeof c, "%ld", column);
    if (!err_is(err)) err_detail(err, "JSON line %ld column %ld: %s", line, column, why);
    return err_set(err, 400, "bad_json", l, c, NULL);
}

static void drop_json(void *v)
{
    json_decref(v);
}

int json_parse(struct arena *a, sv text, json_t **out, struct err *err)
{
    size_t at;
    if (too_deep(text, &at)) {
        long line = 1, column = 1;
        for (size_t i = 0; i < at; i++) {
            column++;
            if (text.p[i] == '\n') line++, column = 1;
        }
        return bad_json(err, line, column, "nested too deeply");
    }
    json_error_t je;
    json_t *v = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
                           &je);
    if (!v) return bad_json(err, je.line, je.column, je.text);
    arena_on_free(a, drop_json, v);
    *out = v;
    return 0;
}

sv json_get_sv(const json_t *obj, const char *key)
{
    const json_t *v = json_object_get(obj, key);
    if (!json_is_string(v)) return SV_NULL;
    return (sv){json_string_value(v), json_string_length(v)};
}

/* ---- writing ------------------------------------------------------------ */

/* What a byte asks for: 0 plain, 'u' \u00XX, 'm' a multi-byte character to be
 * checked, else the letter after the backslash. */
static const char escapes[256] = {
    [0x00] = 'u', [0x01] = 'u', [0x02] = 'u', [0x03] = 'u', [0x04] = 'u', [0x05] = 'u',
    [0x06] = 'u', [0x07] = 'u', [0x08] = 'b', [0x09] = 't', [0x0a] = 'n', [0x0b] = 'u',
    [0x0c] = 'f', [0x0d] = 'r', [0x0e] = 'u', [0x0f] = 'u', [0x10] = 'u', [0x11] = 'u',
    [0x12] = 'u', [0x13] = 'u', [0x14] = 'u', [0x15] = 'u', [0x16] = 'u', [0x17] = 'u',
    [0x18] = 'u', [0x19] = 'u', [0x1a] = 'u', [0x1b] = 'u', [0x1c] = 'u', [0x1d] = 'u',
    [0x1e] = 'u', [0x1f] = 'u', ['"'] = '"',  ['\\'] = '\\',
#define M8(x) [x] = 'm', [x + 1] = 'm', [x + 2] = 'm', [x + 3] = 'm', [x + 4] = 'm', \
              [x + 5] = 'm', [x + 6] = 'm', [x + 7] = 'm'
    M8(0x80), M8(0x88), M8(0x90), M8(0x98), M8(0xa0), M8(0xa8), M8(0xb0), M8(0xb8),
    M8(0xc0), M8(0xc8), M8(0xd0), M8(0xd8), M8(0xe0), M8(0xe8), M8(0xf0), M8(0xf8),
#undef M8
};

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

/* Do these eight bytes contain one that is not plain? (Exact for ASCII; any
 * byte of 0x80 or more says yes.) */
static bool any_special(uint64_t w)
{
    uint64_t quote = w ^ ONES * '"', back = w ^ ONES * '\\';
    return ((w | (w - ONES * 0x20) | (quote - ONES) | (back - ONES)) & HIGHS) != 0;
}

static void write_string(struct buf *b, sv v)
{
    const unsigned char *p = (const unsigned char *)v.p, *end = p + v.n, *run = p;
    buf_reserve(b, v.n + 2);
    buf_chr(b, '"');
    while (p < end) {
        uint64_t w;
        if (end - p >= 8 && (memcpy(&w, p, 8), !any_special(w))) {
            p += 8;
            continue;
        }
        char e = escapes[*p];
        size_t n;
        if (e == 0) {
            p++;
        } else if (e == 'm' && (n = utf8_step(p, end)) != 0) {
            p += n;
        } else {
            buf_add(b, run, (size_t)(p - run));
            if (e == 'm') {
                buf_add(b, "\xef\xbf\xbd", 3); /* U+FFFD: the output stays JSON whatever came in */
            } else if (e == 'u') {
                static const char hex[] = "0123456789abcdef";
                buf_add(b, (char[]){'\\', 'u', '0', '0', hex[*p >> 4], hex[*p & 15]}, 6);
            } else {
                buf_add(b, (char[]){'\\', e}, 2);
            }
            run = ++p;
        }
    }
    buf_add(b, run, (size_t)(end - run));
    buf_chr(b, '"');
}

/* Before each value: the comma that is owed, then this level owes the next. */
static void value(struct jsonw *w)
{
    uint64_t bit = UINT64_C(1) << w->depth;
    if (w->comma & bit) buf_chr(w->out, ',');
    w->comma |= bit;
}

static void open_level(struct jsonw *w, char c)
{
    value(w);
    buf_chr(w->out, c);
    if (w->depth == 63) panic("jsonw: nested too deeply");
    w->depth++;
    w->comma &= ~(UINT64_C(1) << w->depth);
}

static void close_level(struct jsonw *w, char c)
{
    if (w->depth == 0) panic("jsonw: end without begin");
    w->depth--;
    buf_chr(w->out, c);
}

void jsonw_obj(struct jsonw *w)
{
    open_level(w, '{');
}

void jsonw_end_obj(struct jsonw *w)
{
    close_level(w, '}');
}

void jsonw_arr(struct jsonw *w)
{
    open_level(w, '[');
}

void jsonw_end_arr(struct jsonw *w)
{
    close_level(w, ']');
}

void jsonw_key(struct jsonw *w, sv key)
{
    value(w);
    write_string(w->out, key);
    buf_chr(w->out, ':');
    w->comma &= ~(UINT64_C(1) << w->depth); /* none between key and value */
}

void jsonw_sv(struct jsonw *w, sv v)
{
    if (!v.p) {
        jsonw_null(w);
        return;
    }
    value(w);
    write_string(w->out, v);
}

void jsonw_cstr(struct jsonw *w, const char *s)
{
    jsonw_sv(w, sv_of(s));
}

void jsonw_i64(struct jsonw *w, int64_t v)
{
    value(w);
    buf_i64(w->out, v);
}

void jsonw_id(struct jsonw *w, int64_t v)
{
    value(w);
    buf_chr(w->out, '"');
    buf_i64(w->out, v);
    buf_chr(w->out, '"');
}

static void write_f64(struct buf *b, double v)
{
    if (!isfinite(v)) {
        buf_add(b, "null", 4); /* JSON has no such numbers */
    } else if (fabs(v) < 9007199254740992.0 && v == (double)(int64_t)v) {
        buf_i64(b, (int64_t)v);
    } else {
        /* The shortest text that reads back as the same number. */
        char text[32];
        int n = 0;
        for (int digits = 15; digits <= 17; digits++) {
            n = snprintf(text, sizeof text, "%.*g", digits, v);
            if (strtod(text, NULL) == v) break;
        }
        buf_add(b, text, (size_t)n);
    }
}

void jsonw_f64(struct jsonw *w, double v)
{
    value(w);
    write_f64(w->out, v);
}

void jsonw_bool(struct jsonw *w, bool v)
{
    value(w);
    buf_add(w->out, v ? "true" : "false", v ? 4 : 5);
}

void jsonw_null(struct jsonw *w)
{
    value(w);
    buf_add(w->out, "null", 4);
}

void jsonw_time(struct jsonw *w, int64_t us)
{
    char text[34] = "\"";
    size_t n = 1 + clock_rfc3339(us, text + 1);
    text[n++] = '"';
    value(w);
    buf_add(w->out, text, n);
}

void jsonw_raw(struct jsonw *w, sv json)
{
    value(w);
    if (json.n)
        buf_sv(w->out, json);
    else
        buf_add(w->out, "null", 4);
}

/* Recursion is bounded by what json_parse lets in; commas are kept on the C
 * stack, so that a caller's depth and the value's do not add up. */
static void write_json(struct buf *b, const json_t *v)
{
    switch (v ? json_typeof(v) : JSON_NULL) {
    case JSON_OBJECT: {
        char sep = '{';
        json_t *obj = (json_t *)(uintptr_t)v; /* the iterator's API knows no const */
        for (void *it = json_object_iter(obj); it; it = json_object_iter_next(obj, it)) {
            const char *key = json_object_iter_key(it);
            buf_chr(b, sep);
            write_string(b, sv_of(key));
            buf_chr(b, ':');
            write_json(b, json_object_iter_value(it));
            sep = ',';
        }
        if (sep == '{') buf_chr(b, '{');
        buf_chr(b, '}');
        break;
    }
    case JSON_ARRAY: {
        buf_chr(b, '[');
        for (size_t i = 0, n = json_array_size(v); i < n; i++) {
            if (i) buf_chr(b, ',');
            write_json(b, json_array_get(v, i));
        }
        buf_chr(b, ']');
        break;
    }
    case JSON_STRING:
        write_string(b, (sv){json_string_value(v), json_string_length(v)});
        break;
    case JSON_INTEGER:
        buf_i64(b, json_integer_value(v));
        break;
    case JSON_REAL:
        write_f64(b, json_real_value(v));
        break;
    case JSON_TRUE:
        buf_add(b, "true", 4);
        break;
    case JSON_FALSE:
        buf_add(b, "false", 5);
        break;
    case JSON_NULL:
        buf_add(b, "null", 4);
        break;
    }
}

void jsonw_json(struct jsonw *w, const json_t *v)
{
    value(w);
    write_json(w->out, v);
}

void jsonw_kv_sv(struct jsonw *w, const char *key, sv v)
{
    jsonw_key(w, sv_of(key));
    jsonw_sv(w, v);
}

void jsonw_kv_str(struct jsonw *w, const char *key, const char *s)
{
    jsonw_key(w, sv_of(key));
    jsonw_cstr(w, s);
}

void jsonw_kv_i64(struct jsonw *w, const char *key, int64_t v)
{
    jsonw_key(w, sv_of(key));
    jsonw_i64(w, v);
}

void jsonw_kv_id(struct jsonw *w, const char *key, int64_t v)
{
    jsonw_key(w, sv_of(key));
    jsonw_id(w, v);
}

void jsonw_kv_bool(struct jsonw *w, const char *key, bool v)
{
    jsonw_key(w, sv_of(key));
    jsonw_bool(w, v);
}

void jsonw_kv_time(struct jsonw *w, const char *key, int64_t us)
{
    jsonw_key(w, sv_of(key));
    jsonw_time(w, us);
}

void jsonw_kv_raw(struct jsonw *w, const char *key, sv json)
{
    jsonw_key(w, sv_of(key));
    jsonw_raw(w, json);
}
