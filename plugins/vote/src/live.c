/* Live results (SSE). Two topics per poll: one with counts, which only those
 * join who may see counts now, and one with the state alone. */
#include "vote.h"

static atrium_status join(struct atrium_ctx *ctx, const struct vote_poll *p,
                          struct atrium_error *err)
{
    int64_t now = atrium.time->now_us();
    struct vote_voter voter;
    vote_voter_of(ctx, &voter);
    enum poll_phase phase = poll_phase(&p->rules, now);
    if (phase == POLL_HIDDEN && !voter.staff)
        return atrium_fail(err, ATRIUM_E_NOT_FOUND, 404, "not_found", NULL);
    bool seen = poll_shows_results(&p->rules, phase, false, voter.staff);
    struct vote_counts counts;
    atrium_status s = ATRIUM_OK;
    if (!seen && p->rules.results == POLL_AFTER_VOTE) {
        struct vote_standing mine;
        s = vote_standing_of(ctx, p, &voter, now, &mine, err);
        seen = s == ATRIUM_OK && mine.has_voted;
    }
    if (s == ATRIUM_OK && seen) s = vote_counts_read(ctx, p->id, &counts, err);
    if (s != ATRIUM_OK) return s;
    char topic[32];
    s = atrium.channel->subscribe(ctx, ATRIUM_STR(VOTE_CHANNEL), vote_topic(p->id, seen, topic),
                                  ATRIUM_STR("results"),
                                  vote_live_json(ctx, p->id, seen ? &counts : NULL, phase), err);
    return s == ATRIUM_OK ? ATRIUM_LATER : s;
}

atrium_status vote_poll_live(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    int64_t id;
    atrium_status s = vote_path_id(ctx, &id, err);
    if (s != ATRIUM_OK) return s;
    struct vote_poll *p = vote_poll_get(ctx, id, err);
    if (!p) return ATRIUM_E_NOT_FOUND;
    s = join(ctx, p, err);
    vote_poll_put(ctx, p);
    return s;
}
