/* The batch: many ballots in one transaction, exact and repeatable.
 *
 *  1. Lock the polls (in the order of their ids): closing, editing and counting
 *     wait for each other, also across nodes.
 *  2. Find the request keys that are stored already: a retry gets the ballot that
 *     its first attempt made, also when that attempt's COMMIT was cut off.
 *  3. Read the tallies of everybody in the batch.
 *  4. Decide each ballot in order by the pure rules, counting on as we go.
 *  5. Write ballots, tallies, counts; answer; the host commits.
 *
 * The count shown is changed in the same transaction as the rows it counts. */
#include "batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *alloc(struct batch *b, size_t n)
{
    return atrium.memory->alloc(b->ctx, n);
}

/* ---- tables of the batch -------------------------------------------------------------- */

static uint64_t hash_bytes(uint64_t h, const void *p, size_t n)
{
    const unsigned char *c = p;
    for (size_t i = 0; i < n; i++) h = (h ^ c[i]) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t mixed(uint64_t h)
{
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    return h ^ h >> 32;
}

#define HASH_START UINT64_C(0xcbf29ce484222325)

uint32_t batch_tally_find(struct batch *b, int64_t poll, enum poll_kind kind, int64_t period,
                          struct atrium_str subject, bool add)
{
    uint64_t h = hash_bytes(HASH_START, subject.ptr, subject.len);
    h = mixed(h ^ (uint64_t)poll * 31 ^ (uint64_t)period * 7 ^ (uint64_t)kind << 60);
    uint32_t i = (uint32_t)h & (b->slots - 1);
    for (; b->tally_slots[i]; i = (i + 1) & (b->slots - 1)) {
        const struct batch_tally *t = &b->tallies[b->tally_slots[i] - 1];
        if (t->hash == h && t->poll == poll && t->kind == kind && t->period == period &&
            atrium_str_eq(t->subject, subject))
            return b->tally_slots[i] - 1;
    }
    if (!add) return NO_TALLY;
    struct batch_tally *t = &b->tallies[b->n_tallies];
    t->poll = poll;
    t->kind = kind;
    t->period = period;
    t->subject = subject;
    t->hash = h;
    b->tally_slots[i] = ++b->n_tallies;
    return b->n_tallies - 1;
}

/* The item's slot, or the free one where it would be. */
static uint32_t *key_slot(struct batch *b, const char *key)
{
    uint32_t i = (uint32_t)mixed(hash_bytes(HASH_START, key, VOTE_KEY_HEX)) & (b->slots - 1);
    while (b->key_slots[i] &&
           memcmp(b->items[b->key_slots[i] - 1].b->key, key, VOTE_KEY_HEX) != 0)
        i = (i + 1) & (b->slots - 1);
    return &b->key_slots[i];
}

struct batch_item *batch_key_find(struct batch *b, struct atrium_str key)
{
    if (key.len != VOTE_KEY_HEX) return NULL;
    uint32_t *slot = key_slot(b, key.ptr);
    return *slot ? &b->items[*slot - 1] : NULL;
}

static int by_poll_id(const void *a, const void *b)
{
    const struct batch_poll *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

struct batch_poll *batch_poll_find(struct batch *b, int64_t id)
{
    struct batch_poll key = {.id = id};
    return bsearch(&key, b->polls, b->n_polls, sizeof key, by_poll_id);
}

struct batch_option *batch_option_find(struct batch_poll *p, int64_t id)
{
    for (uint32_t i = 0; i < p->n_options; i++) {
        if (p->options[i].id == id) return &p->options[i];
    }
    return NULL;
}

/* ---- gathering ---------------------------------------------------------------------------- */

/* ["1","2"]: in their rising order, so that equal ballots have equal text. */
static struct atrium_str options_json(struct batch *b, const struct ballot *ballot)
{
    size_t room = (size_t)ballot->n_options * 24 + 3, n = 0;
    char *text = alloc(b, room);
    text[n++] = '[';
    for (uint32_t i = 0; i < ballot->n_options; i++)
        n += (size_t)snprintf(text + n, room - n, "%s\"%lld\"", i ? "," : "",
                              (long long)ballot->options[i]);
    text[n++] = ']';
    return atrium_str_make(text, n);
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void gather(struct batch *b, struct atrium_record *const *records)
{
    b->slots = 64;
    while (b->slots < b->n * 2 * (POLL_KINDS + 1)) b->slots *= 2;
    b->items = alloc(b, b->n * sizeof *b->items);
    b->tallies = alloc(b, (size_t)b->n * (POLL_KINDS + 1) * sizeof *b->tallies);
    b->tally_slots = alloc(b, b->slots * sizeof *b->tally_slots);
    b->key_slots = alloc(b, b->slots * sizeof *b->key_slots);
    int64_t *ids = alloc(b, b->n * sizeof *ids);
    for (uint32_t i = 0; i < b->n; i++) {
        struct batch_item *item = &b->items[i];
        item->record = records[i];
        item->b = (const struct ballot *)(const void *)atrium.storage->record_bytes(records[i]).ptr;
        item->options = options_json(b, item->b);
        ids[i] = item->b->poll;
        uint32_t *slot = key_slot(b, item->b->key);
        if (!*slot) *slot = i + 1;
    }
    qsort(ids, b->n, sizeof *ids, by_id);
    for (uint32_t i = 0; i < b->n; i++) b->n_polls += i == 0 || ids[i] != ids[i - 1];
    b->polls = alloc(b, b->n_polls * sizeof *b->polls);
    for (uint32_t i = 0, k = 0; i < b->n; i++) {
        if (i == 0 || ids[i] != ids[i - 1]) b->polls[k++].id = ids[i];
    }
    for (uint32_t i = 0; i < b->n; i++)
        b->items[i].poll = batch_poll_find(b, b->items[i].b->poll);
}

/* A retry without a cookie comes as another device than the one whose ballot it
 * asks for: what is left is said of that one. */
static struct atrium_str subject(struct batch *b, const struct batch_item *item,
                                 enum poll_kind kind)
{
    const struct ballot *x = item->b;
    const struct batch_item *first = batch_key_find(b, atrium_str_make(x->key, VOTE_KEY_HEX));
    const char *device = first->stored_device.len ? first->stored_device.ptr : first->b->device;
    char text[VOTE_SUBJECT_MAX + 1];
    vote_subject(b->ctx, kind, x->member, device, x->address, text);
    return atrium.memory->copy(b->ctx, atrium_cstr(text));
}

static uint32_t tally_of(struct batch *b, const struct batch_item *item, enum poll_kind kind,
                         int64_t period)
{
    uint32_t known = b->n_tallies;
    uint32_t i = batch_tally_find(b, item->poll->id, kind, period, subject(b, item, kind), true);
    bool retry = batch_key_find(b, atrium_str_make(item->b->key, VOTE_KEY_HEX))->stored_id != 0;
    if (i == known)
        b->tallies[i].unseen = kind == POLL_DEVICE && item->b->fresh_device && !retry;
    return i;
}

/* Which rows of the tally each ballot is about; needs the polls' rules. */
static void name_tallies(struct batch *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        struct batch_item *item = &b->items[i];
        const struct batch_poll *p = item->poll;
        bool logged_in = item->b->member != 0;
        for (int k = 0; k < POLL_KINDS; k++) {
            enum poll_kind kind = (enum poll_kind)k;
            item->tally[k] = NO_TALLY;
            if (!p->found || !poll_limits(&p->rules, kind, logged_in)) continue;
            int64_t period = poll_period(&p->rules, kind, item->b->at_us, b->offset, b->window);
            item->tally[k] = tally_of(b, item, kind, period);
        }
        item->voter = NO_TALLY;
        enum poll_kind kind = vote_voter_kind(item->b->member);
        if (p->found) item->voter = tally_of(b, item, kind, 0);
    }
}

/* ---- deciding --------------------------------------------------------------------------------- */

static void cast_so_far(const struct batch *b, const struct batch_item *item,
                        int64_t cast[POLL_KINDS])
{
    for (int k = 0; k < POLL_KINDS; k++) {
        const struct batch_tally *t = item->tally[k] == NO_TALLY ? NULL : &b->tallies[item->tally[k]];
        cast[k] = t ? t->n + t->add : 0;
    }
}

static bool options_exist(const struct batch_item *item)
{
    for (uint32_t i = 0; i < item->b->n_options; i++) {
        if (!batch_option_find(item->poll, item->b->options[i])) return false;
    }
    return true;
}

/* Each row once, also when two roles share it (the device that is the voter). */
static void count(struct batch *b, struct batch_item *item)
{
    struct batch_poll *p = item->poll;
    struct batch_tally *own = &b->tallies[item->voter];
    p->add_voters += own->n + own->add == 0;
    p->add_ballots++;
    for (uint32_t i = 0; i < item->b->n_options; i++)
        batch_option_find(p, item->b->options[i])->add++;
    bool own_counted = false;
    for (int k = 0; k < POLL_KINDS; k++) {
        if (item->tally[k] == NO_TALLY) continue;
        b->tallies[item->tally[k]].add++;
        own_counted |= item->tally[k] == item->voter;
    }
    if (!own_counted) own->add++;
    own->chosen = item->options;
}

/* A key that was seen before, in the database or earlier in this batch: the same
 * request gets the same ballot, another one under the same key is refused. */
static bool replay(struct batch *b, struct batch_item *item)
{
    struct batch_item *first = batch_key_find(b, atrium_str_make(item->b->key, VOTE_KEY_HEX));
    if (first->stored_id) {
        item->mismatch = !atrium_str_eq(first->stored_options, item->options);
        if (!item->mismatch) item->id = first->stored_id;
        return true;
    }
    if (first == item) return false;
    item->mismatch = !atrium_str_eq(first->options, item->options);
    if (!item->mismatch) item->id = first->id;
    item->verdict = first->verdict;
    return true;
}

static enum poll_verdict judge(struct batch *b, struct batch_item *item)
{
    const struct poll_rules *r = &item->poll->rules;
    bool logged_in = item->b->member != 0;
    int64_t cast[POLL_KINDS];
    enum poll_verdict v = poll_admits(r, item->b->at_us, logged_in, item->b->n_options);
    if (v != POLL_YES) return v;
    if (!options_exist(item)) return POLL_UNKNOWN_OPTION;
    cast_so_far(b, item, cast);
    return poll_within_limits(r, logged_in, cast);
}

static void decide(struct batch *b, struct batch_item *item)
{
    if (!item->poll->found) return;
    if (!replay(b, item)) {
        item->verdict = judge(b, item);
        if (item->verdict == POLL_YES) {
            item->id = atrium.storage->new_id();
            item->is_new = true;
            count(b, item);
        }
    }
    int64_t cast[POLL_KINDS];
    cast_so_far(b, item, cast);
    item->left = poll_left(&item->poll->rules, item->b->member != 0, cast);
}

/* ---- answering ----------------------------------------------------------------------------------- */

static void counts_of(const struct batch_poll *p, struct vote_counts *out)
{
    out->ballots = p->ballots + p->add_ballots;
    out->voters = p->voters + p->add_voters;
    out->n = p->n_options;
    for (uint32_t i = 0; i < p->n_options; i++) {
        out->id[i] = p->options[i].id;
        out->count[i] = p->options[i].count + p->options[i].add;
    }
}

/* What follows the ballot's own part of the answer; the same for all of a poll. */
static struct atrium_str tail_of(struct batch *b, const struct batch_poll *p,
                                 const struct vote_counts *counts)
{
    if (!poll_shows_results(&p->rules, POLL_OPEN, true, false)) return ATRIUM_STR("}");
    struct atrium_json_writer *w = atrium.json->writer(b->ctx);
    atrium.json->begin_object(w);
    atrium_kv_i64(w, "total", counts->ballots);
    atrium_kv(w, "counts");
    vote_counts_json(w, counts);
    atrium.json->end_object(w);
    struct atrium_str text = atrium.json->text(w);
    char *tail = alloc(b, text.len);
    memcpy(tail, text.ptr, text.len);
    tail[0] = ',';                   /* it goes on inside the answer's object */
    return atrium_str_make(tail, text.len);
}

static void accept(struct batch *b, const struct batch_item *item)
{
    char left[24] = "null";
    if (item->left >= 0) snprintf(left, sizeof left, "%lld", (long long)item->left);
    struct atrium_str tail = item->poll->answer_tail;
    size_t room = tail.len + 80;
    char *text = alloc(b, room);
    int n = snprintf(text, room, "{\"ballot\":\"%lld\",\"left\":%s", (long long)item->id, left);
    memcpy(text + n, tail.ptr, tail.len);
    atrium.storage->record_answer(item->record, 201, atrium_str_make(text, (size_t)n + tail.len));
}

static void refuse(const struct batch_item *item)
{
    struct atrium_error err = ATRIUM_ERROR_INIT;
    atrium_status s;
    if (!item->poll->found) {
        s = atrium_fail(&err, ATRIUM_E_NOT_FOUND, 404, "not_found", NULL);
    } else if (item->mismatch) {
        s = atrium_fail(&err, ATRIUM_E_CONFLICT, 409, "idempotency_mismatch", NULL);
    } else {
        s = vote_refuse(&err, item->verdict);
    }
    atrium.storage->record_fail(item->record, s, &err);
}

static void answer(struct batch *b)
{
    for (uint32_t i = 0; i < b->n_polls; i++) {
        struct batch_poll *p = &b->polls[i];
        struct vote_counts counts;
        if (!p->found) continue;
        counts_of(p, &counts);
        p->answer_tail = tail_of(b, p, &counts);
        if (p->add_ballots) vote_publish(b->ctx, p->id, &counts, POLL_OPEN);
    }
    for (uint32_t i = 0; i < b->n; i++) {
        if (b->items[i].id)
            accept(b, &b->items[i]);
        else
            refuse(&b->items[i]);
    }
}

atrium_status vote_ballot_batch(void *self, struct atrium_ctx *ctx,
                                struct atrium_record *const *records, uint32_t n,
                                struct atrium_error *err)
{
    (void)self;
    struct batch b = {.ctx = ctx, .err = err, .n = n};
    b.window = atrium.settings->i64(ctx, ATRIUM_STR("address_window_minutes"), 1440);
    b.offset = atrium.time->utc_offset(ctx);
    gather(&b, records);
    atrium_status s = batch_lock_polls(&b);
    if (s == ATRIUM_OK) s = batch_read_options(&b);
    if (s == ATRIUM_OK) s = batch_read_keys(&b);
    if (s != ATRIUM_OK) return s;
    name_tallies(&b);
    s = batch_read_tallies(&b);
    if (s != ATRIUM_OK) return s;
    for (uint32_t i = 0; i < n; i++) decide(&b, &b.items[i]);
    s = batch_write(&b);
    if (s == ATRIUM_OK) answer(&b);
    return s;
}
