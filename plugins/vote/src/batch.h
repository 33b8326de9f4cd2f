/* One batch of ballots: what batch.c decides and batch_sql.c reads and writes.
 * Everything lives in the context's arena and dies with the batch. */
#ifndef VOTE_BATCH_H
#define VOTE_BATCH_H

#include "ballot.h"

struct batch_option {
    int64_t id, count;               /* count: as stored */
    int64_t add;
    struct atrium_str title;         /* as it is now: what the ballot is kept with */
};

struct batch_poll {
    int64_t id;
    bool found;
    struct poll_rules rules;
    int64_t ballots, voters;         /* as stored */
    int64_t add_ballots, add_voters;
    uint32_t n_options;
    struct batch_option options[VOTE_MAX_OPTIONS];
    struct atrium_str answer_tail;   /* ,"total":..,"counts":{..}} */
};

/* One row of vote_tally, whether it exists yet or not. */
struct batch_tally {
    int64_t poll, period;
    enum poll_kind kind;
    struct atrium_str subject;
    int64_t n;                       /* as stored */
    int64_t add;
    bool unseen;                     /* of a device that was made just now: no row to read */
    struct atrium_str chosen;        /* options of the newest ballot; voter's own row only */
    uint64_t hash;
};

#define NO_TALLY UINT32_MAX

struct batch_item {
    struct atrium_record *record;
    const struct ballot *b;
    struct batch_poll *poll;
    uint32_t tally[POLL_KINDS];      /* of the limits that apply; NO_TALLY */
    uint32_t voter;                  /* the voter's own row */
    struct atrium_str options;       /* as JSON, as it is stored */
    int64_t stored_id;               /* the first of its key only: what is stored under it */
    struct atrium_str stored_options, stored_device;
    int64_t id;                      /* of the ballot that stands for it; 0: refused */
    bool is_new;                     /* this batch writes it */
    bool mismatch;                   /* the key belongs to other options */
    enum poll_verdict verdict;
    int64_t left;
};

struct batch {
    struct atrium_ctx *ctx;
    struct atrium_error *err;
    uint32_t n, n_polls, n_tallies;
    struct batch_item *items;
    struct batch_poll *polls;        /* by id */
    struct batch_tally *tallies;
    uint32_t *tally_slots;           /* hash table of indices + 1 */
    uint32_t *key_slots;             /* items by key, indices + 1 */
    uint32_t slots;                  /* of each table, a power of two */
    int64_t window;                  /* of the limit per address, minutes */
    int offset;                      /* the tenant's, minutes */
};

/* batch_sql.c; each is a few statements for the whole batch. */
atrium_status batch_lock_polls(struct batch *b);     /* rules and totals, FOR UPDATE */
atrium_status batch_read_options(struct batch *b);
atrium_status batch_read_keys(struct batch *b);      /* ballots that are stored already */
atrium_status batch_read_tallies(struct batch *b);
atrium_status batch_write(struct batch *b);

struct batch_poll *batch_poll_find(struct batch *b, int64_t id);
struct batch_option *batch_option_find(struct batch_poll *p, int64_t id);
uint32_t batch_tally_find(struct batch *b, int64_t poll, enum poll_kind kind, int64_t period,
                          struct atrium_str subject, bool add);
/* First item of the batch with the key. */
struct batch_item *batch_key_find(struct batch *b, struct atrium_str key);

#endif
