/* Column types: how they are written, and whether the one that is there already
 * does, can be widened without loss, or cannot. */
#include <ctype.h>
#include <stdlib.h>

#include "store/schema.h"

int coltype_write(struct buf *b, const struct store_col *col)
{
    bool needs_size = col->type == STORE_COL_VARCHAR || col->type == STORE_COL_ASCII ||
                      col->type == STORE_COL_BINARY || col->type == STORE_COL_DECIMAL;
    if (needs_size && col->size == 0) return -1;
    switch (col->type) {
    case STORE_COL_ID:
        buf_str(b, "BIGINT UNSIGNED");
        return 0;
    case STORE_COL_I64:
        buf_str(b, "BIGINT");
        return 0;
    case STORE_COL_I32:
        buf_str(b, "INT");
        return 0;
    case STORE_COL_BOOL:
        buf_str(b, "TINYINT(1)");
        return 0;
    case STORE_COL_F64:
        buf_str(b, "DOUBLE");
        return 0;
    case STORE_COL_DECIMAL:
        buf_printf(b, "DECIMAL(%u,%u)", col->size, col->scale);
        return 0;
    case STORE_COL_VARCHAR:
    case STORE_COL_ASCII:
        buf_printf(b, "VARCHAR(%u)", col->size);
        return 0;
    case STORE_COL_TEXT:
    case STORE_COL_JSON:
        buf_str(b, "MEDIUMTEXT");
        return 0;
    case STORE_COL_BINARY:
        buf_printf(b, "VARBINARY(%u)", col->size);
        return 0;
    case STORE_COL_BLOB:
        buf_str(b, "MEDIUMBLOB");
        return 0;
    case STORE_COL_DATE:
        buf_str(b, "DATE");
        return 0;
    case STORE_COL_DATETIME:
        buf_str(b, "DATETIME(6)");
        return 0;
    case STORE_COL_TIME:
        buf_str(b, "TIME");
        return 0;
    }
    return -1;
}

int coltype_define(struct buf *b, const struct store_col *col, bool full)
{
    store_ident(b, col->name);
    buf_chr(b, ' ');
    if (coltype_write(b, col) != 0) return -1;
    if (col->type == STORE_COL_ASCII) {
        buf_str(b, " CHARACTER SET ascii COLLATE ascii_bin");
    } else if (full && (col->type == STORE_COL_VARCHAR || col->type == STORE_COL_TEXT ||
                        col->type == STORE_COL_JSON)) {
        buf_str(b, " CHARACTER SET utf8mb4 COLLATE " STORE_COLLATION);
    }
    buf_str(b, col->not_null ? " NOT NULL" : " NULL");
    if (col->dflt) {
        buf_str(b, " DEFAULT ");
        buf_str(b, col->dflt);
    }
    if (col->auto_inc) buf_str(b, " AUTO_INCREMENT");
    if (col->type == STORE_COL_JSON) {
        buf_str(b, " CHECK (JSON_VALID(");
        store_ident(b, col->name);
        buf_str(b, "))");
    }
    return 0;
}

/* ---- comparing types -------------------------------------------------------- */

struct int_type {
    const char *name;
    unsigned bytes, digits;
};

static const struct int_type *int_type(const struct live_col *live)
{
    static const struct int_type types[] = {
        {"tinyint", 1, 3}, {"smallint", 2, 5}, {"mediumint", 3, 8},
        {"int", 4, 10},    {"bigint", 8, 20},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (sv_ieq(live->data_type, sv_of(types[i].name))) return &types[i];
    return NULL;
}

static bool is_type(const struct live_col *live, const char *name)
{
    return sv_ieq(live->data_type, sv_of(name));
}

static enum col_change to_int(const struct live_col *live, unsigned bytes, bool is_unsigned)
{
    const struct int_type *t = int_type(live);
    if (!t) return COL_NARROW;
    if (t->bytes == bytes && live->is_unsigned == is_unsigned) return COL_SAME;
    if (live->is_unsigned == is_unsigned) return t->bytes < bytes ? COL_WIDEN : COL_NARROW;
    /* unsigned fits into a wider signed one; signed never into unsigned */
    return live->is_unsigned && t->bytes < bytes ? COL_WIDEN : COL_NARROW;
}

static enum col_change to_f64(const struct live_col *live)
{
    const struct int_type *t = int_type(live);
    if (is_type(live, "double")) return COL_SAME;
    return is_type(live, "float") || (t && t->bytes <= 4) ? COL_WIDEN : COL_NARROW;
}

static enum col_change to_decimal(const struct store_col *want, const struct live_col *live)
{
    int size = (int)want->size, scale = (int)want->scale;
    const struct int_type *t = int_type(live);
    if (t) return (int)t->digits <= size - scale ? COL_WIDEN : COL_NARROW;
    if (!is_type(live, "decimal")) return COL_NARROW;
    if (live->precision == size && live->scale == scale) return COL_SAME;
    bool fits = live->scale <= scale && live->precision - live->scale <= size - scale;
    return fits ? COL_WIDEN : COL_NARROW;
}

static enum col_change to_varchar(const struct store_col *want, const struct live_col *live)
{
    const char *charset = want->type == STORE_COL_ASCII ? "ascii" : "utf8mb4";
    bool is_varchar = is_type(live, "varchar");
    if (!is_varchar && !is_type(live, "char")) return COL_NARROW;
    if (live->length > want->size) return COL_NARROW;
    /* every character set goes into utf8mb4, only ascii into ascii */
    bool same_charset = sv_ieq(live->charset, sv_of(charset));
    if (!same_charset && want->type == STORE_COL_ASCII) return COL_NARROW;
    return is_varchar && same_charset && live->length == want->size ? COL_SAME : COL_WIDEN;
}

static enum col_change to_text(const struct store_col *want, const struct live_col *live)
{
    bool medium = is_type(live, "mediumtext") && sv_ieq(live->charset, SV("utf8mb4"));
    if (want->type == STORE_COL_JSON) {
        if (medium) return live->json ? COL_SAME : COL_WIDEN_IF_JSON;
        return COL_NARROW;
    }
    if (medium) return live->json ? COL_WIDEN : COL_SAME;
    static const char *const narrower[] = {"mediumtext", "text", "tinytext", "varchar", "char"};
    for (size_t i = 0; i < sizeof narrower / sizeof *narrower; i++)
        if (is_type(live, narrower[i])) return COL_WIDEN;
    return COL_NARROW;
}

static enum col_change to_binary(const struct store_col *want, const struct live_col *live)
{
    if (!is_type(live, "varbinary") && !is_type(live, "binary")) return COL_NARROW;
    if (live->length > want->size) return COL_NARROW;
    return is_type(live, "varbinary") && live->length == want->size ? COL_SAME : COL_WIDEN;
}

static enum col_change to_blob(const struct live_col *live)
{
    if (is_type(live, "mediumblob")) return COL_SAME;
    return is_type(live, "blob") || is_type(live, "tinyblob") || is_type(live, "varbinary") ||
                   is_type(live, "binary")
               ? COL_WIDEN
               : COL_NARROW;
}

static enum col_change to_datetime(const struct live_col *live)
{
    if (is_type(live, "datetime") && live->time_precision == 6) return COL_SAME;
    return is_type(live, "datetime") || is_type(live, "timestamp") || is_type(live, "date")
               ? COL_WIDEN
               : COL_NARROW;
}

enum col_change coltype_change(const struct store_col *want, const struct live_col *live)
{
    switch (want->type) {
    case STORE_COL_ID:
        return to_int(live, 8, true);
    case STORE_COL_I64:
        return to_int(live, 8, false);
    case STORE_COL_I32:
        return to_int(live, 4, false);
    case STORE_COL_BOOL:
        return to_int(live, 1, false);
    case STORE_COL_F64:
        return to_f64(live);
    case STORE_COL_DECIMAL:
        return to_decimal(want, live);
    case STORE_COL_VARCHAR:
    case STORE_COL_ASCII:
        return to_varchar(want, live);
    case STORE_COL_TEXT:
    case STORE_COL_JSON:
        return to_text(want, live);
    case STORE_COL_BINARY:
        return to_binary(want, live);
    case STORE_COL_BLOB:
        return to_blob(live);
    case STORE_COL_DATE:
        return is_type(live, "date") ? COL_SAME : COL_NARROW;
    case STORE_COL_DATETIME:
        return to_datetime(live);
    case STORE_COL_TIME:
        return is_type(live, "time") ? COL_SAME : COL_NARROW;
    }
    return COL_NARROW;
}

/* A longer VARCHAR is instant while its length takes as many bytes as before: one
 * up to 255 bytes, two above. Names and defaults are the dictionary's business. */
bool coltype_instant(const struct store_col *want, const struct live_col *live)
{
    enum col_change change = coltype_change(want, live);
    if (change == COL_SAME) return true;
    bool text = want->type == STORE_COL_VARCHAR || want->type == STORE_COL_ASCII;
    if (change != COL_WIDEN || !text || !is_type(live, "varchar")) return false;
    bool ascii = want->type == STORE_COL_ASCII;
    if (!sv_eqs(live->collation, ascii ? "ascii_bin" : STORE_COLLATION)) return false;
    uint64_t each = ascii ? 1 : 4;
    return (live->length * each > 255) == (want->size * each > 255);
}

/* ---- comparing defaults ------------------------------------------------------ */

/* The value of a quoted literal, or the text with blanks off and in lower case:
 * TRUE and NOW(6) and CURRENT_TIMESTAMP come in several spellings. */
static void plain(struct buf *b, sv text, bool *quoted)
{
    text = sv_trim(text);
    *quoted = text.n >= 2 && text.p[0] == '\'' && text.p[text.n - 1] == '\'';
    if (!*quoted) {
        for (size_t i = 0; i < text.n; i++) {
            unsigned char ch = (unsigned char)text.p[i];
            if (!isspace(ch)) buf_chr(b, (char)tolower(ch));
        }
        return;
    }
    for (size_t i = 1; i < text.n - 1; i++) {
        char ch = text.p[i];
        if (ch == '\\' && i + 1 < text.n - 1) {
            ch = text.p[++i];
            static const char from[] = "nrt0bZ", to[] = "\n\r\t\0\b\x1a";
            const char *at = ch ? strchr(from, ch) : NULL;
            if (at) ch = to[at - from];
        } else if (ch == '\'') {
            i++; /* '' is one quote */
        } else if (((unsigned char)ch & 0xf8) == 0xf0) {
            i += 3;   /* beyond what information_schema */
            ch = '?'; /* can say: it has a '?' there */
        }
        buf_chr(b, ch);
    }
}

/* "+007.500" and "7.5" are one number: sign, digits without idle zeros. False
 * when it is not plain decimal. */
static bool canonical_number(sv t, struct buf *b)
{
    size_t i = 0;
    bool negative = t.n && t.p[0] == '-';
    if (t.n && (t.p[0] == '-' || t.p[0] == '+')) i++;
    while (i < t.n && t.p[i] == '0')
        i++;
    size_t whole = i;
    while (i < t.n && isdigit((unsigned char)t.p[i]))
        i++;
    size_t whole_end = i, fraction = i, fraction_end = i;
    if (i < t.n && t.p[i] == '.') {
        fraction = ++i;
        while (i < t.n && isdigit((unsigned char)t.p[i]))
            i++;
        fraction_end = i;
        while (fraction_end > fraction && t.p[fraction_end - 1] == '0')
            fraction_end--;
    }
    if (i != t.n || t.n == 0) return false;
    bool zero = whole == whole_end && fraction == fraction_end;
    if (negative && !zero) buf_chr(b, '-');
    buf_add(b, t.p + whole, whole_end - whole);
    buf_chr(b, '.');
    buf_add(b, t.p + fraction, fraction_end - fraction);
    return true;
}

static bool same_number(sv a, sv b)
{
    if (sv_eqs(a, "true")) a = SV("1");
    if (sv_eqs(b, "true")) b = SV("1");
    if (sv_eqs(a, "false")) a = SV("0");
    if (sv_eqs(b, "false")) b = SV("0");
    struct buf x = BUF_HEAP, y = BUF_HEAP;
    bool exact = canonical_number(a, &x) && canonical_number(b, &y);
    bool same = exact && sv_eq(buf_view(&x), buf_view(&y));
    if (!exact && a.n && a.n < 60 && b.n && b.n < 60) { /* 1e9 */
        char s[64], t[64], *s_end, *t_end;
        snprintf(s, sizeof s, "%.*s", SVARG(a));
        snprintf(t, sizeof t, "%.*s", SVARG(b));
        double d = strtod(s, &s_end), f = strtod(t, &t_end);
        same = *s_end == '\0' && *t_end == '\0' && !(d < f) && !(d > f);
    }
    buf_free(&x);
    buf_free(&y);
    return same;
}

/* "2026-01-01" and "2026-01-01 00:00:00.000000" are one time. */
static sv short_time(sv t)
{
    if (t.n && memchr(t.p, '.', t.n)) {
        while (t.n && t.p[t.n - 1] == '0')
            t.n--;
        if (t.n && t.p[t.n - 1] == '.') t.n--;
    }
    if (sv_ends(t, SV(" 00:00:00"))) t.n -= 9;
    return t;
}

static sv same_function(sv t)
{
    if (sv_eqs(t, "now(6)") || sv_eqs(t, "current_timestamp(6)")) return SV("now(6)");
    if (sv_eqs(t, "now()") || sv_eqs(t, "current_timestamp()") || sv_eqs(t, "current_timestamp"))
        return SV("now()");
    return t;
}

bool coltype_same_default(const struct store_col *want, const struct live_col *live)
{
    sv w = sv_of(want->dflt), l = live->dflt;
    if (w.p && sv_ieq(sv_trim(w), SV("null"))) w = SV_NULL;
    if (l.p && sv_ieq(sv_trim(l), SV("null"))) l = SV_NULL;
    if (!w.p || !l.p) return !w.p && !l.p;
    struct buf x = BUF_HEAP, y = BUF_HEAP;
    bool w_quoted, l_quoted, same;
    plain(&x, w, &w_quoted);
    plain(&y, l, &l_quoted);
    w = buf_view(&x);
    l = buf_view(&y);
    switch (want->type) {
    case STORE_COL_ID:
    case STORE_COL_I64:
    case STORE_COL_I32:
    case STORE_COL_BOOL:
    case STORE_COL_F64:
    case STORE_COL_DECIMAL:
        same = same_number(w, l);
        break;
    case STORE_COL_DATE:
    case STORE_COL_DATETIME:
        if (!w_quoted || !l_quoted)
            same = w_quoted == l_quoted && sv_eq(same_function(w), same_function(l));
        else
            same = sv_eq(short_time(w), short_time(l));
        break;
    default:
        same = sv_eq(w, l); /* 0 and '0' are the same text */
        break;
    }
    buf_free(&x);
    buf_free(&y);
    return same;
}
