/* Bringing files in: from a file to staged rows, from those to records. What the
 * files import_*.c share. */
#ifndef ATRIUM_CORE_MODEL_IMPORT_H
#define ATRIUM_CORE_MODEL_IMPORT_H

#include "model/internal.h"
#include "model/kept.h"
#include "model/sheet_read.h"
#include "model/task.h"

#define IMPORT_BATCH 500

/* ---- fields that a file may bring (import_map.c) ------------------------------------ */

struct import_refs;

struct import_field {
    const struct mf_field *f;
    const struct model_col *col;   /* NULL: a children field */
    const struct model_child *kid; /* whose rows have one column of their own: */
    const struct model_col *one;
    const struct model_resource *ref; /* what a text of it names, or NULL */
    bool may;                         /* the caller may write it */
    bool many;                        /* refs: a list of names */
    struct dict dict;                 /* of a field with a dictionary, once a run began */
    struct import_refs *refs;
};
/* All of them in the manifest's order, also those the caller may not write. */
unsigned import_fields(const struct model_resource *r, const struct model_policy *p,
                       struct arena *a, struct import_field **out);
/* Which field a heading names: its title in either language or its name, without
 * blanks, marks of required ones and what stands in parentheses. -1: none. Pure. */
int import_match(const struct import_field *fields, unsigned n, sv heading);

/* ---- one cell (import_cell.c) -------------------------------------------------------- */

/* A text as a value of the field: JSON as the API takes it; NULL: blank. References
 * are not its matter. -1 with the field's complaint at its name. Pure. */
int import_cell(const struct mf_field *f, sv text, int utc_offset, struct arena *a, json_t **out,
                struct err *err);
/* Without blanks of any script at both ends. */
sv import_trim(sv v);
/* Hashes of cells, one after the other; upper and lower ASCII letters are the same. */
uint64_t import_hash(uint64_t h, sv v);
/* The parts of a list: separated by ; ； 、 | and, when `comma`, by commas. */
unsigned import_split(sv v, bool comma, sv *out, unsigned max);

/* ---- names to ids (import_refs.c) ---------------------------------------------------- */

struct import_refs *import_refs_new(const struct model_resource *to, struct model_ctx *c,
                                    struct err *err);
void import_refs_free(struct import_refs *x);
/* Notes a text to be looked up; import_refs_load asks for all that are new. */
void import_refs_want(struct import_refs *x, sv text);
int import_refs_load(struct import_refs *x, struct store_conn *conn, struct err *err);
/* Between batches: forgets when it has grown large. */
void import_refs_trim(struct import_refs *x);
/* The id, or -1 with "ref_unknown" or "ref_ambiguous" at `path`. */
int import_refs_find(const struct import_refs *x, sv text, int64_t *id, const char *path,
                     struct err *err);

/* ---- an import (import_store.c) ------------------------------------------------------ */

enum import_state { ROW_CREATE, ROW_UPDATE, ROW_SKIP, ROW_BAD, ROW_CREATED, ROW_UPDATED,
                    ROW_SKIPPED, ROW_FAILED };

struct import {
    struct auth_tenant *tenant;
    int64_t id, owner, task;
    const struct model_resource *r;
    sv name, state, path;
    struct sheet_spec spec;
    json_t *columns; /* headings and samples */
    json_t *mapping; /* a field's name or null for each column */
    enum mf_on_match on_match;
    int64_t rows, n[8]; /* n: by enum import_state */
};
extern const char *const import_actions[]; /* by enum mf_on_match */

int import_insert(struct store_conn *c, const struct import *im, const struct auth_principal *who,
                  struct err *err);
/* 404 when it is not the caller's, nor he the administrator. */
int import_load(struct model_ctx *c, const struct model_resource *r, int64_t id, struct import *out,
                struct err *err);
int import_save(struct store_conn *c, const struct import *im, const char *state, struct err *err);

/* One row of the file on its way. */
struct import_line {
    int64_t line; /* as a spreadsheet numbers it */
    enum import_state state;
    sv *cells;
    unsigned n;
    int64_t match;  /* the record that its key names, 0: none */
    int64_t row_id; /* the record it became */
    json_t *body;   /* without what err complains of */
    struct err err;
    sv errors; /* as stored: [{f, c, a}] or SV_NULL */
};
/* Up to `limit` rows after `line` in one of `states` (a bit each); *n 0: the end.
 * What is in them lives in `a`. */
int import_rows(struct store_conn *c, struct arena *a, const struct import *im, int64_t after,
                unsigned states, unsigned limit, struct import_line **out, unsigned *n,
                struct err *err);
int import_stage(struct store_conn *c, const struct import *im, struct import_line *const *rows,
                 unsigned n, struct arena *a, struct err *err);
/* Writes down what became of them; the cells of those that are done are blanked. */
int import_settle(struct store_conn *c, const struct import *im, struct import_line *const *rows,
                  unsigned n, struct arena *a, struct err *err);
/* Files and rows of imports that were not touched for a week. */
int import_sweep(struct store_conn *c, struct err *err);
int import_clear(struct store_conn *c, int64_t import, unsigned states, struct err *err);
sv import_errors(const struct err *e, struct arena *a);

/* ---- rows to bodies (import_row.c) --------------------------------------------------- */

struct import_run {
    struct import *im;
    struct model_ctx *c;
    const struct model_policy *p;
    struct import_field *fields;
    unsigned n_fields;
    int *by_column; /* field of each column, -1 none */
    unsigned n_columns;
    int *keys; /* columns of the key; n_keys 0: nothing is matched */
    unsigned n_keys;
    bool together; /* many rows are written at once */
};
/* Compiles the mapping for this caller: 422 naming columns that are no field, given
 * twice or not his to write, and required fields that no column brings. */
int import_run_start(struct import_run *run, struct import *im, struct model_ctx *c,
                     struct err *err);
void import_run_end(struct import_run *run);
/* One batch: bodies or complaints, then the records that the keys name. */
int import_bodies(const struct import_run *run, struct import_line *const *rows, unsigned n,
                  struct store_conn *conn, struct arena *a, struct err *err);

/* Which records the keys of the bodies name: sets `match`. (import_match.c) */
int import_find_matches(const struct import_run *run, struct import_line *const *rows, unsigned n,
                        struct store_conn *conn, struct arena *a, struct err *err);
/* The field of a column, or NULL. */
const struct import_field *import_field_of(const struct import_run *run, unsigned column);

/* ---- what of a file is shown (import_mask.c) ------------------------------------------- */

/* For each column the field that the caller sees masked, by its mapping or heading,
 * else NULL. */
const struct mf_field **import_masks(const struct import *im, struct model_ctx *c,
                                     const struct model_policy *p);
sv import_shown(const struct mf_field *const *masks, unsigned column, sv cell, struct arena *a);
/* The columns with their samples, masked. */
json_t *import_columns_shown(const struct import *im, struct model_ctx *c,
                             const struct model_policy *p);

/* ---- bodies to records (import_write.c) ---------------------------------------------- */

/* Creates and updates in the open transaction; says of each row what became of it. */
int import_write(const struct import_run *run, struct import_line **rows, unsigned n,
                 struct store_conn *conn, struct arena *a, struct err *err);

/* ---- tasks and routes ---------------------------------------------------------------- */

int import_check_task(struct task_run *run, struct err *err);  /* import_check.c */
int import_commit_task(struct task_run *run, struct err *err); /* import_commit.c */
int import_add_routes(struct http_router *router, struct arena *a, const struct model_resource *r,
                      struct err *err);
/* The route's resource, when the caller may bring rows in; else NULL and answered. */
const struct model_resource *import_resource(struct http_req *req, struct model_ctx *c);
/* One stored complaint {f, c, a} with its field's title. */
void import_message(const struct model_resource *r, const char *lang, const json_t *e,
                    struct buf *out);
/* A workbook or CSV to fill in; and one of the rows that failed, with the reason. */
void import_template_get(struct http_req *req);
void import_failed_get(struct http_req *req);

#endif
