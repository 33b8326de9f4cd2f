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

/* Where an export's bytes go: a file, in another encoding when asked. */
struct export_sink {
    int fd, error; /* error: errno of a failed write */
    void *conv;    /* iconv_t, NULL: UTF-8 as it comes */
    struct buf rest;
    bool begun;
    bool (*tick)(void *arg); /* now and then; false: stop. NULL: nobody asks */
    void *arg;
    int64_t ticked;
};
int export_sink_open(struct export_sink *s, int fd, sv format, sv encoding, struct err *err);
bool export_write(void *sink, sv data);
/* 507 when the disk was full. */
void export_sink_close(struct export_sink *s, struct err *err);
int export_check(const struct model_resource *r, struct model_ctx *c, const struct model_list *l,
                 sv format, sv encoding, struct err *err);

/* Says that the reader has gone; nothing more is to be written. -1. */
int export_cut(struct err *err);

#endif
