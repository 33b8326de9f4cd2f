/* What the public sees of a poll. */
#include "vote.h"

atrium_status vote_path_id(struct atrium_ctx *ctx, int64_t *id, struct atrium_error *err)
{
    if (atrium_str_id(atrium.http->param(ctx, "id"), id)) return ATRIUM_OK;
    return atrium_fail(err, ATRIUM_E_NOT_FOUND, 404, "not_found", NULL);
}

static void write_options(struct atrium_json_writer *w, const struct vote_poll *p,
                          const struct vote_counts *counts)
{
    atrium_kv(w, "options");
    atrium.json->begin_array(w);
    for (uint32_t i = 0; i < p->n_options; i++) {
        const struct vote_option *o = &p->options[i];
        atrium.json->begin_object(w);
        atrium_kv_id(w, "id", o->id);
        atrium_kv_str(w, "title", o->title);
        atrium_kv_str(w, "text", o->text);
        atrium_kv_str(w, "picture_url", o->picture_url);
        atrium_kv_str(w, "video_url", o->video_url);
        if (counts) atrium_kv_i64(w, "count", vote_count_of(counts, o->id));
        atrium.json->end_object(w);
    }
    atrium.json->end_array(w);
}

static void write_poll(struct atrium_json_writer *w, const struct vote_poll *p, bool member,
                       const struct vote_standing *mine, const struct vote_counts *counts,
                       int64_t now)
{
    const struct poll_rules *r = &p->rules;
    int64_t left = poll_left(r, member, mine->cast);
    atrium.json->begin_object(w);
    atrium_kv_id(w, "id", p->id);
    atrium_kv_str(w, "title", p->title);
    atrium_kv_str(w, "intro", p->intro);
    atrium_kv_str(w, "cover_url", p->cover_url);
    atrium_kv_str(w, "choice", p->choice);
    atrium_kv_i64(w, "max_choices", r->multiple ? r->max_choices : 1);
    atrium_kv_str(w, "period", p->period);
    atrium_kv_i64(w, "per_period", poll_per_period(r, member));
    atrium_kv_bool(w, "login_required", r->login_required);
    atrium_kv_time(w, "starts_at", r->starts_us);
    atrium_kv_time(w, "ends_at", r->ends_us);
    atrium_kv_time(w, "now", now);
    atrium_kv_str(w, "state", atrium_cstr(poll_phase_name(poll_phase(r, now))));
    write_options(w, p, counts);
    if (counts) {
        atrium_kv_i64(w, "total", counts->ballots);
        atrium_kv_i64(w, "voters", counts->voters);
    }
    atrium_kv_str(w, "show_results", p->results);
    atrium_kv(w, "left");
    if (left < 0)
        atrium.json->null(w);
    else
        atrium.json->i64(w, left);
    atrium_kv_raw(w, "voted", mine->chosen.len ? mine->chosen : ATRIUM_STR("[]"));
    atrium.json->end_object(w);
}

static atrium_status show(struct atrium_ctx *ctx, const struct vote_poll *p,
                          struct atrium_error *err)
{
    int64_t now = atrium.time->now_us();
    struct vote_voter voter;
    vote_voter_of(ctx, &voter);
    enum poll_phase phase = poll_phase(&p->rules, now);
    if (phase == POLL_HIDDEN && !voter.staff)
        return atrium_fail(err, ATRIUM_E_NOT_FOUND, 404, "not_found", NULL);
    struct vote_standing mine;
    struct vote_counts counts;
    atrium_status s = vote_standing_of(ctx, p, &voter, now, &mine, err);
    if (s != ATRIUM_OK) return s;
    bool seen = poll_shows_results(&p->rules, phase, mine.has_voted, voter.staff);
    if (seen) s = vote_counts_read(ctx, p->id, &counts, err);
    if (s != ATRIUM_OK) return s;
    atrium.http->add_header(ctx, ATRIUM_STR("cache-control"), ATRIUM_STR("no-store"));
    write_poll(atrium.http->body_json(ctx), p, voter.member != 0, &mine, seen ? &counts : NULL,
               now);
    return ATRIUM_OK;
}

atrium_status vote_public_poll(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    int64_t id;
    atrium_status s = vote_path_id(ctx, &id, err);
    if (s != ATRIUM_OK) return s;
    struct vote_poll *p = vote_poll_get(ctx, id, err);
    if (!p) return ATRIUM_E_NOT_FOUND;
    s = show(ctx, p, err);
    vote_poll_put(ctx, p);
    return s;
}
