/* What the files of this plugin share. README.md walks through them. */
#ifndef VOTE_H
#define VOTE_H

#include "atrium/easy.h"
#include "poll_rules.h"

#define VOTE_MAX_OPTIONS 100     /* of a poll, and of one ballot: as in the manifest */
#define VOTE_CHANNEL "poll"

/* ---- polls, remembered per tenant (polls.c) ------------------------------------------ */

/* A poll as the public sees it, without what moves. Counted, never changed. */
struct vote_option {
    int64_t id;
    struct atrium_str title, text, picture_url, video_url;
};
struct vote_poll {
    int refs;                        /* guarded by the cache */
    int64_t id;
    int64_t loaded_us;               /* monotonic */
    struct poll_rules rules;
    struct atrium_str title, intro, cover_url, choice, period, results;
    uint32_t n_options;
    struct vote_option options[VOTE_MAX_OPTIONS];
    struct vote_poll *next;          /* of its bucket */
};

/* From memory, else by the model; NULL with *err when there is none. The caller
 * gives it back with vote_poll_put. */
struct vote_poll *vote_poll_get(struct atrium_ctx *ctx, int64_t id, struct atrium_error *err);
void vote_poll_put(struct atrium_ctx *ctx, struct vote_poll *poll);
/* Forgets what is remembered of a poll, also what is being loaded now. */
void vote_poll_forget(struct atrium_ctx *ctx, int64_t id);

atrium_status vote_tenant_open(void *self, struct atrium_ctx *ctx, void **tenant,
                               struct atrium_error *err);
void vote_tenant_close(void *self, void *tenant);

/* ---- who votes (voter.c) ---------------------------------------------------------------- */

#define VOTE_SUBJECT_MAX 64

/* The caller of a public route. Subjects are what the tally counts. */
struct vote_voter {
    int64_t member;                  /* 0: not logged in */
    bool staff;                      /* may read polls in the console */
    bool fresh_device;               /* the device id was made just now */
    char device[VOTE_SUBJECT_MAX + 1];    /* lower-case hex: column collations ignore case */
    char address[46];                /* as it is; never stored */
};
void vote_voter_of(struct atrium_ctx *ctx, struct vote_voter *out);
/* Subject of a kind: "" when the voter has none. `out` needs VOTE_SUBJECT_MAX+1. */
void vote_subject(struct atrium_ctx *ctx, enum poll_kind kind, int64_t member, const char *device,
                  const char *address, char *out);
/* Who counts as one voter: the member, else the device. */
static inline enum poll_kind vote_voter_kind(int64_t member)
{
    return member ? POLL_PERSON : POLL_DEVICE;
}
/* HMAC as hex; `out` needs 2 * bytes + 1, bytes at most 32. */
void vote_hash_hex(struct atrium_ctx *ctx, const char *purpose, struct atrium_str text,
                   size_t bytes, char *out);

/* What the tally knows of this voter in this poll now. */
struct vote_standing {
    int64_t cast[POLL_KINDS];        /* in the current period */
    bool has_voted;                  /* ever */
    struct atrium_str chosen;        /* JSON array of the newest ballot's options; "" none */
};
atrium_status vote_standing_of(struct atrium_ctx *ctx, const struct vote_poll *poll,
                               const struct vote_voter *voter, int64_t now_us,
                               struct vote_standing *out, struct atrium_error *err);

/* ---- counts (results.c) -------------------------------------------------------------------- */

struct vote_counts {
    int64_t ballots, voters;
    uint32_t n;
    int64_t id[VOTE_MAX_OPTIONS], count[VOTE_MAX_OPTIONS];
};
/* From the database, in one statement, so that the parts fit each other. */
atrium_status vote_counts_read(struct atrium_ctx *ctx, int64_t poll, struct vote_counts *out,
                               struct atrium_error *err);
/* 0 for an option that is not among them. */
int64_t vote_count_of(const struct vote_counts *c, int64_t option);
/* {"<id>": n, ...} */
void vote_counts_json(struct atrium_json_writer *w, const struct vote_counts *c);
/* Live message: to those who may see counts, and to those who may see the state
 * only. `counts` NULL: state only. */
struct atrium_str vote_live_json(struct atrium_ctx *ctx, int64_t poll,
                                 const struct vote_counts *counts, enum poll_phase phase);
/* Topic names; `out` needs 32. */
struct atrium_str vote_topic(int64_t poll, bool with_counts, char out[32]);
/* Sends the counts to who listens, at most one message an interval. */
void vote_publish(struct atrium_ctx *ctx, int64_t poll, const struct vote_counts *counts,
                  enum poll_phase phase);

/* ---- routes, hooks, jobs ---------------------------------------------------------------------- */

/* The id in the path; ATRIUM_E_NOT_FOUND when it is none. */
atrium_status vote_path_id(struct atrium_ctx *ctx, int64_t *id, struct atrium_error *err);
/* The problem that says why a ballot does not count. */
atrium_status vote_refuse(struct atrium_error *err, enum poll_verdict v);

atrium_http_handler vote_public_poll;    /* public.c */
atrium_http_handler vote_cast_ballot;    /* ballots.c */
atrium_batch_fn vote_ballot_batch;       /* batch.c */
atrium_http_handler vote_poll_live;      /* live.c */
atrium_http_handler vote_poll_share, vote_poll_qr_svg, vote_poll_qr_png;   /* share.c */
atrium_http_handler vote_poll_stats;     /* stats.c */
atrium_change_fn vote_poll_check, vote_poll_publish, vote_poll_withdraw, vote_poll_changed;
atrium_job_fn vote_close_due;            /* jobs.c */

#endif
