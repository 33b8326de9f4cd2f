/* Inside the model room: many writes of one transaction by few statements. What they
 * insert is gathered and written together, what they refer to is looked up together,
 * numbers are taken in blocks. The rules are those of every write: only the moment
 * of the statements differs. For resources of which no check looks at the tables
 * (batch_can); whoever uses it sets a savepoint before, and when batch_flush fails
 * goes back to it and tries fewer rows, down to one without a batch, which then says
 * what is wrong with it. */
#ifndef ATRIUM_CORE_MODEL_BATCH_H
#define ATRIUM_CORE_MODEL_BATCH_H

#include "model/custom.h"

struct write_batch;

/* May rows of this resource be written so? `updates`: also those that are there. */
bool batch_can(const struct model_resource *r, bool updates);
/* For about `rows` writes; lives in the context's arena. */
struct write_batch *batch_new(struct model_ctx *c, unsigned rows);
/* Looks up what the bodies of creates and updates refer to, and keeps it from being
 * deleted until the commit. */
int batch_refs(struct write_batch *b, const struct model_resource *r, struct model_ctx *c,
               json_t *const *bodies, unsigned n, struct err *err);
/* Locks and reads the rows that will be updated. */
int batch_lock(struct write_batch *b, const struct model_resource *r, struct model_ctx *c,
               const int64_t *ids, unsigned n, struct err *err);
/* Before a row, and after one that was refused: what it had gathered is dropped. */
void batch_mark(struct write_batch *b);
void batch_back(struct write_batch *b);
/* Writes everything. */
int batch_flush(struct write_batch *b, struct model_ctx *c, struct err *err);

/* ---- for the parts of a write ------------------------------------------------------ */

/* Rows for a table: now, or with the batch. `head`: as store_insert takes it. */
int write_rows(struct write *w, sv head, const struct store_val *args, unsigned n_cols,
               size_t n_rows, struct err *err);
bool batch_knows(const struct write_batch *b, const struct model_resource *to, int64_t id);
/* The next number of a sequence; 0: a block has to be taken, of *n. */
int64_t batch_number(struct write_batch *b, sv name, int64_t *n);
void batch_block(struct write_batch *b, sv name, int64_t first, int64_t n);
/* What was read before, or NULL; and keeping it. */
const struct dict *batch_dict(const struct write_batch *b, const char *code);
void batch_keep_dict(struct write_batch *b, const char *code, const struct dict *d);
const struct custom_defs *batch_custom(const struct write_batch *b);
void batch_keep_custom(struct write_batch *b, const struct custom_defs *d);
/* Told of the write once its rows are written. */
void batch_tell(struct write_batch *b, const struct write *w);
/* A row that was locked before, alone. */
bool batch_locked(const struct write_batch *b, int64_t id, struct rows *out);

/* write.c: an outbox hears of one write. */
int write_record(struct model_ctx *c, struct store_conn *conn, const struct model_resource *r,
                 const char *event, int64_t id, bool going, struct err *err);
/* What is due after the commit, of two lists. */
struct model_done *done_join(struct model_done *first, struct model_done *more);
/* The rows with these ids that the caller sees, locked, in the clear: their columns,
 * then whether he may do it and whether by his own right. */
int write_lock_all(struct write *w, const struct frag *rows, bool deleted, const int64_t *ids,
                   size_t n, struct rows *found, struct err *err);
/* write_row.c: " AND ..." so that a partner's person refers to what he can see; -1: to
 * nothing of that kind. */
int ref_visible(struct model_ctx *c, struct arena *a, const struct model_resource *to,
                struct sql *s);

#endif
