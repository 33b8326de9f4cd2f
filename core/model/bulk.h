/* What bulk.c (one row, the request) and bulk_task.c (many) share. */
#ifndef ATRIUM_CORE_MODEL_BULK_H
#define ATRIUM_CORE_MODEL_BULK_H

#include "model/internal.h"
#include "model/task.h"

enum bulk_action { BULK_UPDATE, BULK_DELETE, BULK_RESTORE, BULK_ASSIGN, BULK_DO };

struct bulk {
    const struct model_resource *r;
    struct arena *a;
    enum bulk_action action;
    int64_t *ids;
    size_t n_ids;
    bool by_filter;
    sv filter, search, transition;
    json_t *set; /* the change, or NULL */
};
int bulk_read(struct bulk *b, const json_t *body, struct err *err);
int bulk_one(const struct bulk *b, struct model_ctx *c, int64_t id, struct err *err);

#define BULK_PAGE 201
struct bulk_page {
    int64_t ids[BULK_PAGE];
    size_t n;
};
/* The next ids of the filter's rows behind `after`, rising. */
int bulk_page(const struct bulk *b, struct model_ctx *c, int64_t after, struct bulk_page *out,
              struct err *err);

int bulk_run(struct task_run *run, struct err *err);

/* hand_over.c */
int hand_over_run(struct task_run *run, struct err *err);

#endif
