/* Counts: read, written as JSON, sent to who listens. */
#include "vote.h"

#include <stdio.h>

#define COUNTS \
    "SELECT p.`ballots`, p.`voters`, o.`id`, o.`count` FROM `vote_poll` p " \
    "JOIN `vote_option` o ON o.`poll` = p.`id` WHERE p.`id` = ? ORDER BY o.`position`, o.`id`"

static bool on_row(void *arg, const struct atrium_value *row, uint32_t n)
{
    (void)n;
    struct vote_counts *c = arg;
    c->ballots = atrium_col_i64(&row[0]);
    c->voters = atrium_col_i64(&row[1]);
    c->id[c->n] = atrium_col_i64(&row[2]);
    c->count[c->n] = atrium_col_i64(&row[3]);
    return ++c->n < VOTE_MAX_OPTIONS;
}

atrium_status vote_counts_read(struct atrium_ctx *ctx, int64_t poll, struct vote_counts *out,
                               struct atrium_error *err)
{
    struct atrium_value id = atrium_v_i64(poll);
    out->ballots = out->voters = 0;
    out->n = 0;
    return atrium.storage->query(ctx, ATRIUM_STR(COUNTS), &id, 1, on_row, out, err);
}

int64_t vote_count_of(const struct vote_counts *c, int64_t option)
{
    for (uint32_t i = 0; i < c->n; i++) {
        if (c->id[i] == option) return c->count[i];
    }
    return 0;
}

void vote_counts_json(struct atrium_json_writer *w, const struct vote_counts *c)
{
    atrium.json->begin_object(w);
    for (uint32_t i = 0; i < c->n; i++) {
        char key[24];
        int len = snprintf(key, sizeof key, "%lld", (long long)c->id[i]);
        atrium.json->key(w, atrium_str_make(key, (size_t)len));
        atrium.json->i64(w, c->count[i]);
    }
    atrium.json->end_object(w);
}

struct atrium_str vote_live_json(struct atrium_ctx *ctx, int64_t poll,
                                 const struct vote_counts *counts, enum poll_phase phase)
{
    struct atrium_json_writer *w = atrium.json->writer(ctx);
    atrium.json->begin_object(w);
    atrium_kv_id(w, "poll", poll);
    if (counts) {
        atrium_kv_i64(w, "total", counts->ballots);
        atrium_kv_i64(w, "voters", counts->voters);
        atrium_kv(w, "counts");
        vote_counts_json(w, counts);
    }
    atrium_kv_str(w, "state", atrium_cstr(poll_phase_name(phase)));
    atrium.json->end_object(w);
    return atrium.json->text(w);
}

struct atrium_str vote_topic(int64_t poll, bool with_counts, char out[32])
{
    int n = snprintf(out, 32, "%lld%s", (long long)poll, with_counts ? "" : ".state");
    return atrium_str_make(out, (size_t)n);
}

void vote_publish(struct atrium_ctx *ctx, int64_t poll, const struct vote_counts *counts,
                  enum poll_phase phase)
{
    char topic[32];
    int64_t interval = atrium.settings->i64(ctx, ATRIUM_STR("publish_interval_ms"), 250);
    atrium.channel->publish_latest(ctx, ATRIUM_STR(VOTE_CHANNEL), vote_topic(poll, true, topic),
                                   ATRIUM_STR("results"),
                                   vote_live_json(ctx, poll, counts, phase), (uint32_t)interval);
}
