/* close_due: ends polls whose time is over, every minute, so that lists and
 * filters tell the truth. Voting itself stops by the clock, not by this. */
#include "vote.h"

#define PAGE 100

#define DUE \
    "SELECT `id` FROM `vote_poll` WHERE `state` = 'published' AND `ends_at` <= ? " \
    "AND `deleted_at` IS NULL AND `id` > ? ORDER BY `id` LIMIT 100"

struct page {
    uint32_t n;
    int64_t ids[PAGE];
};

static bool on_id(void *arg, const struct atrium_value *row, uint32_t n)
{
    (void)n;
    struct page *page = arg;
    page->ids[page->n++] = atrium_col_i64(&row[0]);
    return page->n < PAGE;
}

/* Somebody else may have closed, withdrawn or deleted it since the list was read. */
static atrium_status close_one(struct atrium_ctx *ctx, int64_t id, struct atrium_error *err)
{
    struct atrium_error own = ATRIUM_ERROR_INIT;
    atrium_status s =
        atrium.model->transition(ctx, ATRIUM_AS_SYSTEM, ATRIUM_STR("vote.poll"), id,
                                 ATRIUM_STR("close"), atrium_str_make(NULL, 0), &own);
    if (s == ATRIUM_OK || s == ATRIUM_E_CONFLICT || s == ATRIUM_E_NOT_FOUND) return ATRIUM_OK;
    *err = own;
    return s;
}

atrium_status vote_close_due(void *self, struct atrium_ctx *ctx, const struct atrium_job *job,
                             struct atrium_error *err)
{
    (void)self;
    (void)job;
    struct page page;
    int64_t after = 0;
    do {
        struct atrium_value args[] = {atrium_v_time(atrium.time->now_us()), atrium_v_i64(after)};
        page.n = 0;
        atrium_status s = atrium.storage->query(ctx, ATRIUM_STR(DUE), args, 2, on_id, &page, err);
        for (uint32_t i = 0; i < page.n && s == ATRIUM_OK; i++)
            s = close_one(ctx, page.ids[i], err);
        if (s != ATRIUM_OK) return s;
        if (page.n) after = page.ids[page.n - 1];
    } while (page.n == PAGE && atrium.jobs->progress(ctx, 50));
    return ATRIUM_OK;
}
