/* The tables that are there, as information_schema tells them, and the question
 * how a column of them compares to a wanted one. For plan.c only. */
#ifndef ATRIUM_CORE_STORE_SCHEMA_H
#define ATRIUM_CORE_STORE_SCHEMA_H

#include "store/internal.h"

struct live_col {
    struct live_col *next;
    sv name, data_type, column_type, charset, collation;
    sv dflt;         /* SQL as the server words it; p NULL: none */
    uint64_t length; /* characters or bytes */
    int precision, scale, time_precision;
    bool nullable, is_unsigned, auto_inc, json;
    bool wanted; /* plan.c: somebody asked for it */
};

struct live_part {
    struct live_part *next;
    sv column;
    bool desc;
    unsigned prefix; /* 0: the whole column */
};

struct live_idx {
    struct live_idx *next;
    sv name;
    bool unique, fulltext;
    bool wanted;
    struct live_part *parts;
};

struct live_table {
    struct live_table *next;
    sv name;
    uint64_t rows, bytes; /* the server's estimate, indexes included */
    struct live_col *cols;
    struct live_idx *idx;
};

/* All tables of the connection's database. */
int schema_read(struct store_conn *c, struct arena *a, struct live_table **out, struct err *err);
struct live_table *schema_table(struct live_table *list, const char *name);
struct live_col *schema_col(struct live_table *t, const char *name);
struct live_idx *schema_idx(struct live_table *t, const char *name);

enum col_change {
    COL_SAME,
    COL_WIDEN,         /* every value fits the wanted type */
    COL_NARROW,        /* some might not */
    COL_WIDEN_IF_JSON, /* fits when all of it is valid JSON */
};
enum col_change coltype_change(const struct store_col *want, const struct live_col *live);
/* Can the server make the change without touching the rows? */
bool coltype_instant(const struct store_col *want, const struct live_col *live);
bool coltype_same_default(const struct store_col *want, const struct live_col *live);
/* "VARCHAR(80)"; 0 or -1 when the declaration makes no sense. */
int coltype_write(struct buf *b, const struct store_col *col);
/* The column as CREATE and ALTER say it. `full`: with the character set, which
 * CREATE takes from the table. */
int coltype_define(struct buf *b, const struct store_col *col, bool full);

#endif
