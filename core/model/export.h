/* What the parts of an export share. */
#ifndef ATRIUM_CORE_MODEL_EXPORT_H
#define ATRIUM_CORE_MODEL_EXPORT_H

#include "model/internal.h"

struct cell {
    enum { CELL_EMPTY, CELL_TEXT, CELL_INT, CELL_MONEY, CELL_DECIMAL, CELL_PLAIN } kind;
    sv text;   /* TEXT: somebody's words; PLAIN: our own (times, yes and no); DECIMAL */
    int64_t n; /* INT; MONEY in cents */
};

/* One way to write rows down. `open` gets the sink; `close` finishes it. */
struct sheet;
struct sheet_ops {
    struct sheet *(*open)(struct arena *a, bool (*write)(void *arg, sv data), void *arg,
                          struct err *err);
    int (*row)(struct sheet *s, const struct cell *cells, unsigned n, struct err *err);
    int (*close)(struct sheet *s, bool ok, struct err *err);
};
extern const struct sheet_ops sheet_csv, sheet_xlsx;

/* Says that the reader has gone; nothing more is to be written. -1. */
int export_cut(struct err *err);

#endif
