/* Polls remembered per tenant, so that a ballot asks the database nothing on its
 * way in. Events of the resource make it exact on this node; on others an entry
 * is at most KEEP_US old. The batch reads the poll again under lock: what counts
 * is decided there, never here. */
#include "vote.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 256
#define MAX_POLLS 2048
#define KEEP_US INT64_C(5000000)

struct tenant {
    pthread_mutex_t lock;
    uint64_t changes;                /* forgets so far */
    unsigned n;
    struct vote_poll *buckets[BUCKETS];
};

atrium_status vote_tenant_open(void *self, struct atrium_ctx *ctx, void **tenant,
                               struct atrium_error *err)
{
    (void)self;
    (void)ctx;
    struct tenant *t = calloc(1, sizeof *t);
    if (!t) return atrium_fail(err, ATRIUM_E_BUSY, 503, "overloaded", NULL);
    pthread_mutex_init(&t->lock, NULL);
    *tenant = t;
    return ATRIUM_OK;
}

/* ---- the table; all with the lock held ------------------------------------------------- */

static struct vote_poll **bucket(struct tenant *t, int64_t id)
{
    uint64_t h = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);
    return &t->buckets[h >> 56];
}

static void unref(struct vote_poll *p)
{
    if (--p->refs == 0) free(p);
}

static void drop(struct tenant *t, int64_t id)
{
    for (struct vote_poll **at = bucket(t, id); *at; at = &(*at)->next) {
        struct vote_poll *p = *at;
        if (p->id != id) continue;
        *at = p->next;
        t->n--;
        unref(p);
        return;
    }
}

static void drop_all(struct tenant *t)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        while (t->buckets[i]) {
            struct vote_poll *p = t->buckets[i];
            t->buckets[i] = p->next;
            unref(p);
        }
    }
    t->n = 0;
}

void vote_tenant_close(void *self, void *tenant)
{
    (void)self;
    struct tenant *t = tenant;
    drop_all(t);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* ---- from the model's JSON ---------------------------------------------------------------- */

/* Texts of one poll go behind it in the same piece of memory. */
struct text_pool {
    char *at;
};

static struct atrium_str keep(struct text_pool *pool, struct atrium_str s)
{
    if (!s.ptr) return s;
    struct atrium_str copy = atrium_str_make(pool->at, s.len);
    memcpy(pool->at, s.ptr, s.len);
    pool->at += s.len;
    return copy;
}

static int64_t time_of(const struct atrium_json *row, const char *key)
{
    int64_t us = 0;
    atrium.time->parse(atrium_get_str(row, key), &us);
    return us;
}

/* Address of an expanded file, relative to the tenant's base. */
static struct atrium_str file_path(const struct atrium_json *row, const char *key)
{
    return atrium_get_str(atrium.json->get(row, key), "url");
}

static void read_rules(const struct atrium_json *row, struct poll_rules *r)
{
    struct atrium_str state = atrium_get_str(row, "state"), results = atrium_get_str(row, "results");
    r->state = poll_state_of(state.ptr ? state.ptr : "", state.len);
    r->results = poll_results_of(results.ptr ? results.ptr : "", results.len);
    r->starts_us = time_of(row, "starts_at");
    r->ends_us = time_of(row, "ends_at");
    r->multiple = atrium_str_eq(atrium_get_str(row, "choice"), ATRIUM_STR("multiple"));
    r->per_day = atrium_str_eq(atrium_get_str(row, "period"), ATRIUM_STR("day"));
    atrium.json->as_bool(atrium.json->get(row, "login_required"), &r->login_required);
    r->max_choices = atrium_get_i64(row, "max_choices", 1);
    r->limit[POLL_PERSON] = atrium_get_i64(row, "limit_person", 0);
    r->limit[POLL_DEVICE] = atrium_get_i64(row, "limit_device", 0);
    r->limit[POLL_ADDRESS] = atrium_get_i64(row, "limit_address", 0);
}

static struct vote_poll *from_json(int64_t id, const struct atrium_json *row, size_t text_len)
{
    struct vote_poll *p = calloc(1, sizeof *p + text_len);
    if (!p) return NULL;
    struct text_pool pool = {(char *)(p + 1)};
    p->refs = 1;
    p->id = id;
    read_rules(row, &p->rules);
    p->title = keep(&pool, atrium_get_str(row, "title"));
    p->intro = keep(&pool, atrium_get_str(row, "intro"));
    p->cover_url = keep(&pool, file_path(row, "cover"));
    p->choice = keep(&pool, atrium_get_str(row, "choice"));
    p->period = keep(&pool, atrium_get_str(row, "period"));
    p->results = keep(&pool, atrium_get_str(row, "results"));
    const struct atrium_json *options = atrium.json->get(row, "options");
    size_t n = atrium.json->size(options);
    for (size_t i = 0; i < n && p->n_options < VOTE_MAX_OPTIONS; i++) {
        const struct atrium_json *o = atrium.json->at(options, i);
        struct vote_option *to = &p->options[p->n_options];
        if (!atrium.json->as_id(atrium.json->get(o, "id"), &to->id)) continue;
        to->title = keep(&pool, atrium_get_str(o, "title"));
        to->text = keep(&pool, atrium_get_str(o, "text"));
        to->picture_url = keep(&pool, file_path(o, "picture"));
        to->video_url = keep(&pool, file_path(o, "video"));
        p->n_options++;
    }
    return p;
}

static struct vote_poll *load(struct atrium_ctx *ctx, int64_t id, struct atrium_error *err)
{
    struct atrium_str text;
    const struct atrium_json *row;
    if (atrium.model->get(ctx, ATRIUM_AS_SYSTEM, ATRIUM_STR("vote.poll"), id,
                          ATRIUM_STR("cover,options.picture,options.video"), &text,
                          err) != ATRIUM_OK ||
        atrium.json->parse(ctx, text, &row, err) != ATRIUM_OK)
        return NULL;
    struct vote_poll *p = from_json(id, row, text.len);
    if (!p) atrium_fail(err, ATRIUM_E_BUSY, 503, "overloaded", NULL);
    return p;
}

/* ---- what the others call --------------------------------------------------------------------- */

struct vote_poll *vote_poll_get(struct atrium_ctx *ctx, int64_t id, struct atrium_error *err)
{
    struct tenant *t = atrium.memory->tenant(ctx);
    int64_t now = atrium.time->mono_us();
    pthread_mutex_lock(&t->lock);
    uint64_t changes = t->changes;
    struct vote_poll *p = *bucket(t, id);
    while (p && p->id != id) p = p->next;
    if (p && now - p->loaded_us < KEEP_US) {
        p->refs++;
        pthread_mutex_unlock(&t->lock);
        return p;
    }
    pthread_mutex_unlock(&t->lock);

    p = load(ctx, id, err);
    if (!p) return NULL;
    p->loaded_us = now;
    pthread_mutex_lock(&t->lock);
    /* Changed while it was read: good for this call, not to be kept. */
    if (t->changes == changes) {
        drop(t, id);
        if (t->n >= MAX_POLLS) drop_all(t);
        struct vote_poll **at = bucket(t, id);
        p->next = *at;
        *at = p;
        p->refs++;
        t->n++;
    }
    pthread_mutex_unlock(&t->lock);
    return p;
}

void vote_poll_put(struct atrium_ctx *ctx, struct vote_poll *poll)
{
    struct tenant *t = atrium.memory->tenant(ctx);
    pthread_mutex_lock(&t->lock);
    unref(poll);
    pthread_mutex_unlock(&t->lock);
}

void vote_poll_forget(struct atrium_ctx *ctx, int64_t id)
{
    struct tenant *t = atrium.memory->tenant(ctx);
    pthread_mutex_lock(&t->lock);
    t->changes++;
    drop(t, id);
    pthread_mutex_unlock(&t->lock);
}
