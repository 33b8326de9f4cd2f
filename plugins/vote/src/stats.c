/* Statistics for the console: by option, by hour or day, by client. */
#include "vote.h"

#define HOUR_S INT64_C(3600)
#define DAY_S (24 * HOUR_S)
#define BY_HOUR_UP_TO_S (3 * DAY_S)

/* `at` is the beginning of each hour or day of the tenant, in seconds UTC. */
#define SERIES \
    "SELECT FLOOR((UNIX_TIMESTAMP(`created_at`) + ?) / ?) AS `slot`, COUNT(*) FROM `vote_ballot` " \
    "WHERE `poll` = ? GROUP BY `slot` ORDER BY `slot`"
#define SPAN "SELECT MIN(`created_at`), MAX(`created_at`) FROM `vote_ballot` WHERE `poll` = ?"
#define CLIENTS \
    "SELECT `client`, COUNT(*) FROM `vote_ballot` WHERE `poll` = ? GROUP BY `client` " \
    "ORDER BY `client`"

struct series {
    struct atrium_json_writer *w;
    int64_t step_s, offset_s;
};

/* FLOOR of a DECIMAL comes as text. */
static int64_t number(const struct atrium_value *v)
{
    struct atrium_str text = atrium_col_text(v);
    int64_t n = 0;
    if (!text.ptr) return v->type == ATRIUM_VALUE_F64 ? (int64_t)v->u.f64 : atrium_col_i64(v);
    for (size_t i = 0; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++)
        n = n * 10 + (text.ptr[i] - '0');
    return n;
}

static bool on_slot(void *arg, const struct atrium_value *row, uint32_t n)
{
    (void)n;
    struct series *s = arg;
    int64_t at = number(&row[0]) * s->step_s - s->offset_s;
    atrium.json->begin_object(s->w);
    atrium_kv_time(s->w, "at", at * 1000000);
    atrium_kv_i64(s->w, "count", number(&row[1]));
    atrium.json->end_object(s->w);
    return true;
}

static bool on_span(void *arg, const struct atrium_value *row, uint32_t n)
{
    (void)n;
    int64_t *span = arg;
    *span = (atrium_col_i64(&row[1]) - atrium_col_i64(&row[0])) / 1000000;
    return false;
}

static bool on_client(void *arg, const struct atrium_value *row, uint32_t n)
{
    (void)n;
    struct atrium_json_writer *w = arg;
    atrium.json->begin_object(w);
    atrium_kv_str(w, "client", atrium_col_text(&row[0]));
    atrium_kv_i64(w, "count", number(&row[1]));
    atrium.json->end_object(w);
    return true;
}

static void write_options(struct atrium_json_writer *w, const struct vote_poll *p,
                          const struct vote_counts *c)
{
    int64_t votes = 0;
    for (uint32_t i = 0; i < c->n; i++) votes += c->count[i];
    atrium_kv_i64(w, "votes", votes);
    atrium_kv(w, "options");
    atrium.json->begin_array(w);
    for (uint32_t i = 0; i < p->n_options; i++) {
        int64_t count = vote_count_of(c, p->options[i].id);
        atrium.json->begin_object(w);
        atrium_kv_id(w, "id", p->options[i].id);
        atrium_kv_str(w, "title", p->options[i].title);
        atrium_kv_i64(w, "count", count);
        atrium_kv_i64(w, "share", poll_share(count, votes));
        atrium.json->end_object(w);
    }
    atrium.json->end_array(w);
}

static atrium_status write_series(struct atrium_ctx *ctx, struct atrium_json_writer *w, int64_t id,
                                  struct atrium_error *err)
{
    struct atrium_value poll = atrium_v_i64(id);
    int64_t span = 0;
    atrium_status s =
        atrium.storage->query(ctx, ATRIUM_STR(SPAN), &poll, 1, on_span, &span, err);
    if (s != ATRIUM_OK) return s;
    bool hours = span <= BY_HOUR_UP_TO_S;
    struct series series = {w, hours ? HOUR_S : DAY_S, atrium.time->utc_offset(ctx) * INT64_C(60)};
    struct atrium_value args[] = {atrium_v_i64(series.offset_s), atrium_v_i64(series.step_s), poll};
    atrium_kv(w, "series");
    atrium.json->begin_object(w);
    atrium_kv_str(w, "unit", hours ? ATRIUM_STR("hour") : ATRIUM_STR("day"));
    atrium_kv(w, "points");
    atrium.json->begin_array(w);
    s = atrium.storage->query(ctx, ATRIUM_STR(SERIES), args, 3, on_slot, &series, err);
    atrium.json->end_array(w);
    atrium.json->end_object(w);
    return s;
}

static atrium_status write_clients(struct atrium_ctx *ctx, struct atrium_json_writer *w, int64_t id,
                                   struct atrium_error *err)
{
    struct atrium_value poll = atrium_v_i64(id);
    atrium_kv(w, "clients");
    atrium.json->begin_array(w);
    atrium_status s =
        atrium.storage->query(ctx, ATRIUM_STR(CLIENTS), &poll, 1, on_client, w, err);
    atrium.json->end_array(w);
    return s;
}

static atrium_status write_stats(struct atrium_ctx *ctx, const struct vote_poll *p,
                                 struct atrium_error *err)
{
    struct vote_counts counts;
    atrium_status s = vote_counts_read(ctx, p->id, &counts, err);
    if (s != ATRIUM_OK) return s;
    struct atrium_json_writer *w = atrium.http->body_json(ctx);
    enum poll_phase phase = poll_phase(&p->rules, atrium.time->now_us());
    bool draft = phase == POLL_HIDDEN;
    atrium.json->begin_object(w);
    atrium_kv_id(w, "poll", p->id);
    atrium_kv_str(w, "state", draft ? ATRIUM_STR("draft") : atrium_cstr(poll_phase_name(phase)));
    atrium_kv_i64(w, "total", counts.ballots);
    atrium_kv_i64(w, "voters", counts.voters);
    write_options(w, p, &counts);
    s = write_series(ctx, w, p->id, err);
    if (s == ATRIUM_OK) s = write_clients(ctx, w, p->id, err);
    atrium.json->end_object(w);
    return s;
}

atrium_status vote_poll_stats(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    int64_t id;
    struct atrium_str row;
    atrium_status s = vote_path_id(ctx, &id, err);
    if (s == ATRIUM_OK)
        s = atrium.model->get(ctx, ATRIUM_AS_CALLER, ATRIUM_STR("vote.poll"), id,
                              atrium_str_make(NULL, 0), &row, err);
    if (s != ATRIUM_OK) return s;
    struct vote_poll *p = vote_poll_get(ctx, id, err);
    if (!p) return ATRIUM_E_NOT_FOUND;
    s = write_stats(ctx, p, err);
    vote_poll_put(ctx, p);
    return s;
}
