/* What a poll must fulfil before it is written, published or taken back, and who
 * is told afterwards. Checks run inside the transaction of the change, with the
 * poll locked: counts cannot move while they are looked at. */
#include "vote.h"

#include <stdio.h>

#define MIN_OPTIONS 2

static int64_t time_in(const struct atrium_json *row, const char *key)
{
    int64_t us = 0;
    atrium.time->parse(atrium_get_str(row, key), &us);
    return us;
}

static void option_title(char out[64], size_t i)
{
    snprintf(out, 64, "options.%zu.title", i);
}

/* ---- files ------------------------------------------------------------------------------- */

/* Pictures of a published poll are for everybody, those of a draft are not. */
static atrium_status show_file(struct atrium_ctx *ctx, const struct atrium_json *row,
                               const char *key, bool open, struct atrium_error *err)
{
    int64_t id;
    const struct atrium_json *v = atrium.json->get(row, key);
    if (atrium.json->type(v) == ATRIUM_JSON_OBJECT) v = atrium.json->get(v, "id");
    if (!atrium.json->as_id(v, &id)) return ATRIUM_OK;
    return atrium.model->show_file(ctx, id, open, err);
}

static atrium_status show_files(struct atrium_ctx *ctx, const struct atrium_json *row, bool open,
                                struct atrium_error *err)
{
    atrium_status s = show_file(ctx, row, "cover", open, err);
    const struct atrium_json *options = atrium.json->get(row, "options");
    size_t n = atrium.json->size(options);
    for (size_t i = 0; i < n && s == ATRIUM_OK; i++) {
        s = show_file(ctx, atrium.json->at(options, i), "picture", open, err);
        if (s == ATRIUM_OK) s = show_file(ctx, atrium.json->at(options, i), "video", open, err);
    }
    return s;
}

/* ---- check: create and update -------------------------------------------------------- */

static void check_titles(const struct atrium_json *options, struct atrium_error *err)
{
    size_t n = atrium.json->size(options);
    for (size_t i = 1; i < n; i++) {
        struct atrium_str title = atrium_get_str(atrium.json->at(options, i), "title");
        for (size_t k = 0; k < i; k++) {
            struct atrium_str other = atrium_get_str(atrium.json->at(options, k), "title");
            char field[64];
            if (!title.ptr || !atrium_str_eq(title, other)) continue;
            option_title(field, i);
            atrium_fail_field(err, field, "duplicate", NULL);
            break;
        }
    }
}

static bool has_option(const struct atrium_json *options, int64_t id)
{
    size_t n = atrium.json->size(options);
    for (size_t i = 0; i < n; i++) {
        int64_t other;
        if (atrium.json->as_id(atrium.json->get(atrium.json->at(options, i), "id"), &other) &&
            other == id)
            return true;
    }
    return false;
}

/* An option that somebody voted for stays: its votes must not vanish. */
static void check_removed(const struct atrium_json *before, const struct atrium_json *after,
                          struct atrium_error *err)
{
    const struct atrium_json *was = atrium.json->get(before, "options");
    const struct atrium_json *is = atrium.json->get(after, "options");
    if (atrium.json->type(is) != ATRIUM_JSON_ARRAY) return;
    size_t n = atrium.json->size(was);
    for (size_t i = 0; i < n; i++) {
        const struct atrium_json *option = atrium.json->at(was, i);
        int64_t id, count = 0;
        if (!atrium.json->as_id(atrium.json->get(option, "id"), &id)) continue;
        atrium.json->as_id(atrium.json->get(option, "count"), &count);
        if (count > 0 && !has_option(is, id)) {
            atrium_fail_field(err, "options", "vote.option_has_votes", NULL);
            return;
        }
    }
}

/* What the ballots already cast were cast under. */
static void check_fixed(const struct atrium_json *before, const struct atrium_json *after,
                        struct atrium_error *err)
{
    static const char *const fixed[] = {"choice", "period"};
    int64_t ballots = 0;
    atrium.json->as_id(atrium.json->get(before, "ballots"), &ballots);
    if (ballots == 0) return;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        if (!atrium_str_eq(atrium_get_str(before, fixed[i]), atrium_get_str(after, fixed[i])))
            atrium_fail_field(err, fixed[i], "vote.fixed_by_ballots", NULL);
    }
}

atrium_status vote_poll_check(void *self, struct atrium_ctx *ctx,
                              const struct atrium_change *change, struct atrium_error *err)
{
    (void)self;
    const struct atrium_json *row = change->after;
    const struct atrium_json *options = atrium.json->get(row, "options");
    size_t n = atrium.json->size(options);
    if (atrium_str_eq(atrium_get_str(row, "choice"), ATRIUM_STR("single"))) {
        atrium.hooks->set(ctx, change, "max_choices", ATRIUM_STR("1"));
    } else if (n > 0 && atrium_get_i64(row, "max_choices", 1) > (int64_t)n) {
        char most[24];
        snprintf(most, sizeof most, "%zu", n);
        atrium_fail_field(err, "max_choices", "too_large_value", most);
    }
    check_titles(options, err);
    if (change->before) {
        check_removed(change->before, row, err);
        check_fixed(change->before, row, err);
    }
    if (err->n_fields) return ATRIUM_E_REFUSED;
    bool published = atrium_str_eq(atrium_get_str(change->before, "state"), ATRIUM_STR("published"));
    return published ? show_files(ctx, row, true, err) : ATRIUM_OK;
}

/* ---- transitions ----------------------------------------------------------------------- */

/* Also for "reopen": a poll whose time is over would close again at once. */
atrium_status vote_poll_publish(void *self, struct atrium_ctx *ctx,
                                const struct atrium_change *change, struct atrium_error *err)
{
    (void)self;
    const struct atrium_json *row = change->after;
    if (time_in(row, "ends_at") <= atrium.time->now_us())
        atrium_fail_field(err, "ends_at", "vote.ends_in_past", NULL);
    if (atrium.json->size(atrium.json->get(row, "options")) < MIN_OPTIONS)
        atrium_fail_field(err, "options", "too_few_items", "2");
    if (err->n_fields) return ATRIUM_E_REFUSED;
    return show_files(ctx, row, true, err);
}

atrium_status vote_poll_withdraw(void *self, struct atrium_ctx *ctx,
                                 const struct atrium_change *change, struct atrium_error *err)
{
    (void)self;
    int64_t ballots = 0;
    atrium.json->as_id(atrium.json->get(change->before, "ballots"), &ballots);
    if (ballots > 0)
        return atrium_fail(err, ATRIUM_E_REFUSED, 409, "vote.has_ballots", NULL);
    return show_files(ctx, change->before, false, err);
}

/* ---- after ------------------------------------------------------------------------------ */

/* Any change of a poll: this node forgets it, and who listens hears the state. */
atrium_status vote_poll_changed(void *self, struct atrium_ctx *ctx,
                                const struct atrium_change *change, struct atrium_error *err)
{
    (void)self;
    vote_poll_forget(ctx, change->id);
    struct atrium_error gone = ATRIUM_ERROR_INIT;
    struct vote_poll *p = vote_poll_get(ctx, change->id, &gone);
    if (!p) return ATRIUM_OK;        /* deleted: nobody can vote or listen any more */
    enum poll_phase phase = poll_phase(&p->rules, atrium.time->now_us());
    struct vote_counts counts;
    char topic[32];
    atrium_status s = vote_counts_read(ctx, p->id, &counts, err);
    if (s == ATRIUM_OK) {
        vote_publish(ctx, p->id, &counts, phase);
        s = atrium.channel->publish(ctx, ATRIUM_STR(VOTE_CHANNEL),
                                    vote_topic(p->id, false, topic), ATRIUM_STR("results"),
                                    vote_live_json(ctx, p->id, NULL, phase));
    }
    vote_poll_put(ctx, p);
    return s;
}
