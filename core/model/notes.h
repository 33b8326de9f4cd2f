/* Comments and attachments: rows of core.comment and core.attachment beside the
 * records of resources with those traits. They have no rights of their own. */
#ifndef ATRIUM_CORE_MODEL_NOTES_H
#define ATRIUM_CORE_MODEL_NOTES_H

#include "model/internal.h"

/* One write of a note, as a write of the record it is beside. */
struct noting {
    struct write w;                    /* of the record; first: what write_run hands back */
    const struct model_resource *kept; /* core.comment or core.attachment */
    int64_t note;                      /* its id */
};

/* core.comment or core.attachment for the trait; NULL: the record has none. */
const struct model_resource *notes_kept(const struct model_resource *r, uint32_t trait);
/* The policy under which the caller reads the record, and what the notes are kept
 * in; 404 where there are none, 401 for nobody. */
const struct model_policy *notes_policy(const struct model_resource *r, struct model_ctx *c,
                                        uint32_t trait, const struct model_resource **kept,
                                        struct err *err);
int noting_start(struct noting *n, struct post *p, uint32_t trait, const char *action,
                 const char *event, struct err *err);
/* The record is there for the caller, and stays until the commit. */
int noting_hold(struct noting *n, struct err *err);
/* A row of `kept` for this record by this caller, without what the body says. */
json_t *noting_row(struct noting *n);
/* Locks the note and returns its row; NULL and 404 unless it is this record's. */
json_t *noting_lock(struct noting *n, struct err *err);
bool note_mine(const struct auth_principal *who, const json_t *row);
/* The line of the operation log and the event. */
void noting_tell(struct noting *n, const json_t *row);

/* One page of notes, newest first. */
struct note_page {
    struct rows rows;
    bool more;
    int64_t last;
};
int notes_read(const struct model_resource *r, const struct model_resource *kept,
               struct store_conn *conn, int64_t id, sv after, unsigned limit, struct arena *a,
               struct note_page *out, struct err *err);
/* What ids name, by one query: staff (id, name) or files (id, name, type, size). */
int notes_names(struct store_conn *conn, const struct model_resource *of, const int64_t *ids,
                size_t n, struct rows *out, struct err *err);
void note_author(struct jsonw *w, const struct model_resource *kept, const struct rows *rows,
                 size_t i);
/* {id, name, type, size, url} */
void note_file(struct jsonw *w, struct arena *a, const struct rows *files, int64_t id);
const struct store_val *note_val(const struct model_resource *kept, const struct rows *rows,
                                 size_t i, const char *name);

/* comments.c, attachments.c: the routes. */
void comments_get(struct http_req *req, const struct model_resource *r, int64_t id, sv after,
                  unsigned limit);
void attachments_get(struct http_req *req, const struct model_resource *r, int64_t id, sv after,
                     unsigned limit);
int comment_add(struct post *p, struct err *err);
int comment_change(struct post *p, struct err *err);
int comment_remove(struct post *p, struct err *err);
int attachment_add(struct post *p, struct err *err);
int attachment_remove(struct post *p, struct err *err);

#endif
