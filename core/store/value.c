/* Values on their way in (parameters) and out (the binary row format). */
#include <stdlib.h>

#include "store/internal.h"

#define LOG_ROOM "store"

#define DAY_US (86400 * 1000000LL)
#define BINARY_CHARSET 63

enum kind {
    K_I8,
    K_U8,
    K_I16,
    K_U16,
    K_I32,
    K_U32,
    K_I64,
    K_F32,
    K_F64,
    K_DATETIME,
    K_DURATION,
    K_TEXT,
    K_BLOB,
};

/* ---- calendar ------------------------------------------------------------ */

/* Days since 1970-01-01 in the proleptic Gregorian calendar. Years begin in
 * March, so that the leap day is the last of its year. */
static int64_t days_from_date(int64_t y, unsigned m, unsigned d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year = y - era * 400;
    int64_t day = (153 * (int64_t)(m > 2 ? m - 3 : m + 9) + 2) / 5 + (int64_t)d - 1;
    return era * 146097 + year * 365 + year / 4 - year / 100 + day - 719468;
}

static bool date_from_us(int64_t us, MYSQL_TIME *t)
{
    int64_t days = us / DAY_US, rest = us % DAY_US;
    if (rest < 0) {
        rest += DAY_US;
        days--;
    }
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t n = days - era * 146097;                           /* day of the era */
    int64_t y = (n - n / 1460 + n / 36524 - n / 146096) / 365; /* year of the era */
    int64_t day = n - (365 * y + y / 4 - y / 100);
    int64_t month = (5 * day + 2) / 153;
    y += era * 400 + (month >= 10);
    if (y < 0 || y > 9999) return false;
    *t = (MYSQL_TIME){.year = (unsigned)y,
                      .month = (unsigned)(month < 10 ? month + 3 : month - 9),
                      .day = (unsigned)(day - (153 * month + 2) / 5 + 1),
                      .hour = (unsigned)(rest / 3600000000LL),
                      .minute = (unsigned)(rest / 60000000 % 60),
                      .second = (unsigned)(rest / 1000000 % 60),
                      .second_part = (unsigned long)(rest % 1000000),
                      .time_type = MYSQL_TIMESTAMP_DATETIME};
    return true;
}

/* ---- in ------------------------------------------------------------------- */

static void reserve_binds(struct store_conn *c, unsigned n)
{
    if (n <= c->cap_binds) return;
    unsigned cap = c->cap_binds ? c->cap_binds : 32;
    while (cap < n)
        cap *= 2;
    c->binds = xrealloc(c->binds, cap * sizeof *c->binds);
    c->times = xrealloc(c->times, cap * sizeof *c->times);
    c->cap_binds = cap;
}

int value_bind(struct store_conn *c, const struct store_val *args, unsigned n, struct err *err)
{
    reserve_binds(c, n);
    memset(c->binds, 0, n * sizeof *c->binds);
    for (unsigned i = 0; i < n; i++) {
        MYSQL_BIND *b = &c->binds[i];
        const struct store_val *v = &args[i];
        switch (v->type) {
        case STORE_NULL:
            b->buffer_type = MYSQL_TYPE_NULL;
            break;
        case STORE_I64:
            b->buffer_type = MYSQL_TYPE_LONGLONG;
            b->buffer = (void *)&v->u.i;
            break;
        case STORE_F64:
            b->buffer_type = MYSQL_TYPE_DOUBLE;
            b->buffer = (void *)&v->u.f;
            break;
        case STORE_TEXT:
        case STORE_BLOB:
            b->buffer_type = v->type == STORE_TEXT ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
            b->buffer = (void *)(v->u.s.p ? v->u.s.p : "");
            b->buffer_length = (unsigned long)v->u.s.n;
            break;
        case STORE_TIME:
            if (!date_from_us(v->u.i, &c->times[i]))
                return err_internal(err, "parameter %u: no such date (%lld us)", i + 1,
                                    (long long)v->u.i);
            b->buffer_type = MYSQL_TYPE_DATETIME;
            b->buffer = &c->times[i];
            break;
        default:
            return err_internal(err, "parameter %u has no type", i + 1);
        }
    }
    return 0;
}

/* ---- out ------------------------------------------------------------------- */

static uint8_t kind_of(const MYSQL_FIELD *f)
{
    bool is_unsigned = (f->flags & UNSIGNED_FLAG) != 0;
    switch (f->type) {
    case MYSQL_TYPE_TINY:
        return is_unsigned ? K_U8 : K_I8;
    case MYSQL_TYPE_YEAR:
        return K_U16;
    case MYSQL_TYPE_SHORT:
        return is_unsigned ? K_U16 : K_I16;
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
        return is_unsigned ? K_U32 : K_I32;
    case MYSQL_TYPE_LONGLONG:
        return K_I64;
    case MYSQL_TYPE_FLOAT:
        return K_F32;
    case MYSQL_TYPE_DOUBLE:
        return K_F64;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
        return K_DATETIME;
    case MYSQL_TYPE_TIME:
        return K_DURATION;
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL:
    case MYSQL_TYPE_JSON:
        return K_TEXT;
    default:
        return f->charsetnr == BINARY_CHARSET ? K_BLOB : K_TEXT;
    }
}

void value_columns(struct stmt *s)
{
    unsigned n = mysql_stmt_field_count(s->st);
    const MYSQL_FIELD *f = n ? mariadb_stmt_fetch_fields(s->st) : NULL;
    if (n > s->cap_cols) {
        s->row = xrealloc(s->row, n * sizeof *s->row);
        s->kinds = xrealloc(s->kinds, n);
        s->cap_cols = n;
    }
    s->n_cols = n;
    /* Each time anew: an ALTER TABLE changes them under a prepared statement. */
    for (unsigned i = 0; i < n; i++)
        s->kinds[i] = kind_of(&f[i]);
}

static uint64_t little(const unsigned char *p, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

/* Integers of the protocol that say a length. */
static uint64_t read_length(unsigned char **p)
{
    unsigned char first = *(*p)++;
    unsigned n;
    switch (first) {
    case 252:
        n = 2;
        break;
    case 253:
        n = 3;
        break;
    case 254:
        n = 8;
        break;
    default:
        return first;
    }
    uint64_t v = little(*p, n);
    *p += n;
    return v;
}

static struct store_val read_datetime(unsigned char **p)
{
    unsigned n = *(*p)++;
    const unsigned char *b = *p;
    *p += n;
    if (n < 4) return STORE_N; /* the zero date */
    unsigned month = b[2], day = b[3];
    if (!month || !day) return STORE_N;
    int64_t us = days_from_date((int64_t)little(b, 2), month, day) * DAY_US;
    if (n >= 7) us += (b[4] * 3600LL + b[5] * 60LL + b[6]) * 1000000;
    if (n >= 11) us += (int64_t)little(b + 7, 4);
    return STORE_T(us);
}

static struct store_val read_duration(unsigned char **p)
{
    unsigned n = *(*p)++;
    const unsigned char *b = *p;
    *p += n;
    if (n < 8) return STORE_T(0);
    int64_t us = (int64_t)little(b + 1, 4) * DAY_US;
    us += (b[5] * 3600LL + b[6] * 60LL + b[7]) * 1000000;
    if (n >= 12) us += (int64_t)little(b + 8, 4);
    return STORE_T(b[0] ? -us : us);
}

static double read_double(const unsigned char *p)
{
    uint64_t bits = little(p, 8);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static double read_float(const unsigned char *p)
{
    uint32_t bits = (uint32_t)little(p, 4);
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static struct store_val read_int(unsigned char **row, unsigned n, bool is_signed)
{
    uint64_t v = little(*row, n);
    *row += n;
    if (is_signed) {
        unsigned shift = 64 - 8 * n;
        return STORE_I((int64_t)(v << shift) >> shift);
    }
    return STORE_I((int64_t)v);
}

void value_decode(void *conn, unsigned column, unsigned char **row)
{
    struct store_conn *c = conn;
    struct stmt *s = c->cache.newest; /* the one that runs */
    if (column >= s->n_cols) return;
    struct store_val *v = &s->row[column];
    if (!row) {
        *v = STORE_N;
        return;
    }
    switch ((enum kind)s->kinds[column]) {
    case K_I8:
        *v = read_int(row, 1, true);
        break;
    case K_U8:
        *v = read_int(row, 1, false);
        break;
    case K_I16:
        *v = read_int(row, 2, true);
        break;
    case K_U16:
        *v = read_int(row, 2, false);
        break;
    case K_I32:
        *v = read_int(row, 4, true);
        break;
    case K_U32:
        *v = read_int(row, 4, false);
        break;
    case K_I64:
        *v = read_int(row, 8, true);
        break;
    case K_F32:
        *v = STORE_D(read_float(*row));
        *row += 4;
        break;
    case K_F64:
        *v = STORE_D(read_double(*row));
        *row += 8;
        break;
    case K_DATETIME:
        *v = read_datetime(row);
        break;
    case K_DURATION:
        *v = read_duration(row);
        break;
    case K_TEXT:
    case K_BLOB: {
        size_t n = (size_t)read_length(row);
        sv text = sv_make((const char *)*row, n);
        *v = s->kinds[column] == K_TEXT ? STORE_S(text) : STORE_B(text);
        *row += n;
        break;
    }
    }
}
