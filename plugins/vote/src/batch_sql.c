/* Reading and writing for a batch. Lists to read have a few fixed sizes (powers
 * of two, padded by their last value), so that each statement is prepared once
 * per connection. */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

#define MOST 512                     /* values in a list */

/* ---- text of statements ------------------------------------------------------------------ */

static uint32_t padded(uint32_t n)
{
    uint32_t size = 1;
    while (size < n) size *= 2;
    return size;
}

/* head, then n question marks with commas, then tail. */
static struct atrium_str with_marks(struct batch *b, const char *head, uint32_t n,
                                    const char *tail)
{
    size_t h = strlen(head), t = strlen(tail);
    char *text = atrium.memory->alloc(b->ctx, h + 2 * n + t), *p = text;
    memcpy(p, head, h);
    p += h;
    for (uint32_t i = 0; i < n; i++) {
        if (i) *p++ = ',';
        *p++ = '?';
    }
    memcpy(p, tail, t);
    return atrium_str_make(text, (size_t)(p + t - text));
}

static struct atrium_value *values(struct batch *b, size_t n)
{
    return atrium.memory->alloc(b->ctx, n * sizeof(struct atrium_value));
}

/* `head` ? `tail` with a list of n values after `fixed` ones. */
static atrium_status read_list(struct batch *b, const char *head, const char *tail,
                               const struct atrium_value *fixed, uint32_t n_fixed,
                               const struct atrium_value *list, uint32_t n, atrium_row_fn *fn,
                               void *arg)
{
    struct atrium_value *args = values(b, n_fixed + MOST);
    for (uint32_t i = 0; i < n_fixed; i++) args[i] = fixed[i];
    for (uint32_t from = 0; from < n; from += MOST) {
        uint32_t here = n - from < MOST ? n - from : MOST, size = padded(here);
        for (uint32_t i = 0; i < size; i++)
            args[n_fixed + i] = list[from + (i < here ? i : here - 1)];
        atrium_status s = atrium.storage->query(b->ctx, with_marks(b, head, size, tail), args,
                                                n_fixed + size, fn, arg, b->err);
        if (s != ATRIUM_OK) return s;
    }
    return ATRIUM_OK;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static struct atrium_value *poll_ids(struct batch *b)
{
    struct atrium_value *ids = values(b, b->n_polls);
    for (uint32_t i = 0; i < b->n_polls; i++) ids[i] = atrium_v_i64(b->polls[i].id);
    return ids;
}

static bool on_poll(void *arg, const struct atrium_value *row, uint32_t n)
{
    (void)n;
    struct batch_poll *p = batch_poll_find(arg, atrium_col_i64(&row[0]));
    if (!p) return true;
    struct atrium_str state = atrium_col_text(&row[1]), results = atrium_col_text(&row[7]);
    struct poll_rules *r = &p->rules;
    p->found = true;
    r->state = poll_state_of(state.ptr ? state.ptr : "", state.len);
    r->starts_us = atrium_col_i64(&row[2]);
    r->ends_us = atrium_col_i64(&row[3]);
    r->multiple = atrium_str_eq(atrium_col_text(&row[4]), ATRIUM_STR("multiple"));
    r->max_choices = atrium_col_i64(&row[5]);
    r->per_day = atrium_str_eq(atrium_col_text(&row[6]), ATRIUM_STR("day"));
    r->results = poll_results_of(results.ptr ? results.ptr : "", results.len);
    r->login_required = atrium_col_i64(&row[8]) != 0;
    r->limit[POLL_PERSON] = atrium_col_i64(&row[9]);
    r->limit[POLL_DEVICE] = atrium_col_i64(&row[10]);
    r->limit[POLL_ADDRESS] = atrium_col_i64(&row[11]);
    p->ballots = atrium_col_i64(&row[12]);
    p->voters = atrium_col_i64(&row[13]);
    return true;
}

atrium_status batch_lock_polls(struct batch *b)
{
    return read_list(b,
                     "SELECT `id`, `state`, `starts_at`, `ends_at`, `choice`, `max_choices`, "
                     "`period`, `results`, `login_required`, `limit_person`, `limit_device`, "
                     "`limit_address`, `ballots`, `voters` FROM `vote_poll` WHERE `id` IN (",
                     ") AND `deleted_at` IS NULL ORDER BY `id` FOR UPDATE", NULL, 0, poll_ids(b),
                     b->n_polls, on_poll, b);
}

static bool on_option(void *arg, const struct atrium_value *row, uint32_t n)
{
    (void)n;
    struct batch_poll *p = batch_poll_find(arg, atrium_col_i64(&row[0]));
    if (p && p->n_options < VOTE_MAX_OPTIONS) {
        struct batch_option *o = &p->options[p->n_options++];
        o->id = atrium_col_i64(&row[1]);
        o->count = atrium_col_i64(&row[2]);
        o->title = atrium.memory->copy(((struct batch *)arg)->ctx, atrium_col_text(&row[3]));
    }
    return true;
}

atrium_status batch_read_options(struct batch *b)
{
    return read_list(b, "SELECT `poll`, `id`, `count`, `title` FROM `vote_option` WHERE `poll` IN (",
                     ") ORDER BY `poll`, `position`, `id`", NULL, 0, poll_ids(b), b->n_polls,
                     on_option, b);
}

static bool on_key(void *arg, const struct atrium_value *row, uint32_t n)
{
    (void)n;
    struct batch *b = arg;
    struct batch_item *item = batch_key_find(b, atrium_col_text(&row[0]));
    if (!item) return true;
    item->stored_id = atrium_col_i64(&row[1]);
    item->stored_options = atrium.memory->copy(b->ctx, atrium_col_text(&row[2]));
    item->stored_device = atrium.memory->copy(b->ctx, atrium_col_text(&row[3]));
    return true;
}

atrium_status batch_read_keys(struct batch *b)
{
    struct atrium_value *keys = values(b, b->n);
    for (uint32_t i = 0; i < b->n; i++)
        keys[i] = atrium_v_text(atrium_str_make(b->items[i].b->key, VOTE_KEY_HEX));
    return read_list(b, "SELECT `request_key`, `id`, `options`, `device` "
                        "FROM `vote_ballot` WHERE `request_key` IN (",
                     ")", NULL, 0, keys, b->n, on_key, b);
}

/* Rows of one poll, kind and period together: one range of the unique index. */
static int by_range(const void *a, const void *b)
{
    const struct batch_tally *x = *(const struct batch_tally *const *)a;
    const struct batch_tally *y = *(const struct batch_tally *const *)b;
    if (x->poll != y->poll) return x->poll < y->poll ? -1 : 1;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    return (x->period > y->period) - (x->period < y->period);
}

struct range {
    struct batch *b;
    const struct batch_tally *first;
};

static bool on_tally(void *arg, const struct atrium_value *row, uint32_t n)
{
    (void)n;
    struct range *r = arg;
    uint32_t i = batch_tally_find(r->b, r->first->poll, r->first->kind, r->first->period,
                                  atrium_col_text(&row[0]), false);
    if (i != NO_TALLY) r->b->tallies[i].n = atrium_col_i64(&row[1]);
    return true;
}

atrium_status batch_read_tallies(struct batch *b)
{
    const struct batch_tally **sorted =
        atrium.memory->alloc(b->ctx, b->n_tallies * sizeof *sorted);
    struct atrium_value *subjects = values(b, b->n_tallies);
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n_tallies; i++) {
        if (!b->tallies[i].unseen) sorted[n++] = &b->tallies[i];
    }
    qsort(sorted, n, sizeof *sorted, by_range);
    for (uint32_t from = 0, to; from < n; from = to) {
        struct range r = {b, sorted[from]};
        for (to = from; to < n && by_range(&sorted[to], &sorted[from]) == 0; to++)
            subjects[to - from] = atrium_v_text(sorted[to]->subject);
        struct atrium_value fixed[] = {
            atrium_v_i64(r.first->poll),
            atrium_v_text(atrium_cstr(poll_kind_names[r.first->kind])),
            atrium_v_i64(r.first->period),
        };
        atrium_status s = read_list(b, "SELECT `subject`, `n` FROM `vote_tally` WHERE `poll` = ? "
                                       "AND `kind` = ? AND `day` = ? AND `subject` IN (",
                                    ")", fixed, 3, subjects, to - from, on_tally, &r);
        if (s != ATRIUM_OK) return s;
    }
    return ATRIUM_OK;
}

/* ---- writing ---------------------------------------------------------------------------------------- */

static struct atrium_value text_or_null(const char *text)
{
    return text[0] ? atrium_v_text(atrium_cstr(text)) : atrium_v_null();
}

/* The chosen options' titles as the voter saw them, for people who read ballots;
 * the ids beside them are what counts. */
static struct atrium_str chosen_titles(struct batch *b, const struct batch_item *item)
{
    const struct ballot *ballot = item->b;
    const struct batch_option *o = batch_option_find(item->poll, ballot->options[0]);
    if (ballot->n_options == 1) return o->title;
    const char **titles = atrium.memory->alloc(b->ctx, ballot->n_options * sizeof *titles);
    size_t *sizes = atrium.memory->alloc(b->ctx, ballot->n_options * sizeof *sizes);
    for (uint32_t i = 0; i < ballot->n_options; i++) {
        o = batch_option_find(item->poll, ballot->options[i]);
        titles[i] = o->title.ptr;
        sizes[i] = o->title.len;
    }
    char *text = atrium.memory->alloc(b->ctx, POLL_CHOSEN_BYTES);
    return atrium_str_make(text, poll_join_titles(titles, sizes, ballot->n_options, text));
}

static atrium_status write_ballots(struct batch *b)
{
    enum { COLUMNS = 11 };
    struct atrium_value *args = values(b, (size_t)b->n * COLUMNS), *v = args;
    uint32_t rows = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        const struct batch_item *item = &b->items[i];
        if (!item->is_new) continue;
        char masked[46];
        poll_mask_address(item->b->address, strlen(item->b->address), masked);
        *v++ = atrium_v_i64(item->id);
        *v++ = atrium_v_time(item->b->at_us);
        *v++ = atrium_v_time(item->b->at_us);
        *v++ = atrium_v_i64(item->b->poll);
        *v++ = atrium_v_text(item->options);
        *v++ = atrium_v_text(chosen_titles(b, item));
        *v++ = atrium_v_id(item->b->member);
        *v++ = text_or_null(item->b->device);
        *v++ = atrium_v_text(atrium.memory->copy(b->ctx, atrium_cstr(masked)));
        *v++ = atrium_v_text(atrium_cstr(item->b->client));
        *v++ = atrium_v_text(atrium_str_make(item->b->key, VOTE_KEY_HEX));
        rows++;
    }
    return atrium.storage->insert(
        b->ctx,
        ATRIUM_STR("INSERT INTO `vote_ballot` (`id`, `created_at`, `updated_at`, `poll`, `options`, "
                   "`chosen`, `member`, `device`, `address`, `client`, `request_key`) VALUES "),
        ATRIUM_STR(""), args, COLUMNS, rows, b->err);
}

static atrium_status write_tallies(struct batch *b)
{
    enum { COLUMNS = 9 };
    struct atrium_value *args = values(b, (size_t)b->n_tallies * COLUMNS), *v = args;
    int64_t now = atrium.time->now_us();
    uint32_t rows = 0;
    for (uint32_t i = 0; i < b->n_tallies; i++) {
        const struct batch_tally *t = &b->tallies[i];
        if (!t->add) continue;
        *v++ = atrium_v_i64(atrium.storage->new_id());
        *v++ = atrium_v_time(now);
        *v++ = atrium_v_time(now);
        *v++ = atrium_v_i64(t->poll);
        *v++ = atrium_v_text(atrium_cstr(poll_kind_names[t->kind]));
        *v++ = atrium_v_text(t->subject);
        *v++ = atrium_v_i64(t->period);
        *v++ = atrium_v_i64(t->add);
        *v++ = atrium_v_text(t->chosen);
        rows++;
    }
    return atrium.storage->insert(
        b->ctx,
        ATRIUM_STR("INSERT INTO `vote_tally` (`id`, `created_at`, `updated_at`, `poll`, `kind`, "
                   "`subject`, `day`, `n`, `chosen`) VALUES "),
        ATRIUM_STR(" ON DUPLICATE KEY UPDATE `n` = `n` + VALUES(`n`), "
                   "`chosen` = COALESCE(VALUES(`chosen`), `chosen`), "
                   "`updated_at` = VALUES(`updated_at`)"),
        args, COLUMNS, rows, b->err);
}

/* One short statement per row that moved: there are few, and each is prepared
 * once whatever the batch. */
static atrium_status write_counts(struct batch *b)
{
    for (uint32_t i = 0; i < b->n_polls; i++) {
        const struct batch_poll *p = &b->polls[i];
        if (!p->add_ballots) continue;
        for (uint32_t k = 0; k < p->n_options; k++) {
            if (!p->options[k].add) continue;
            struct atrium_value args[] = {atrium_v_i64(p->options[k].add),
                                          atrium_v_i64(p->options[k].id)};
            atrium_status s = atrium.storage->exec(
                b->ctx, ATRIUM_STR("UPDATE `vote_option` SET `count` = `count` + ? WHERE `id` = ?"),
                args, 2, NULL, b->err);
            if (s != ATRIUM_OK) return s;
        }
        struct atrium_value args[] = {atrium_v_i64(p->add_ballots), atrium_v_i64(p->add_voters),
                                      atrium_v_i64(p->id)};
        atrium_status s = atrium.storage->exec(
            b->ctx, ATRIUM_STR("UPDATE `vote_poll` SET `ballots` = `ballots` + ?, "
                               "`voters` = `voters` + ? WHERE `id` = ?"),
            args, 3, NULL, b->err);
        if (s != ATRIUM_OK) return s;
    }
    return ATRIUM_OK;
}

atrium_status batch_write(struct batch *b)
{
    atrium_status s = write_ballots(b);
    if (s == ATRIUM_OK) s = write_tallies(b);
    return s == ATRIUM_OK ? write_counts(b) : s;
}
