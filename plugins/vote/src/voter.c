/* Who votes: member, device, address, and what the tally knows of them. */
#include "vote.h"

#include <stdio.h>
#include <string.h>

static void hex(const unsigned char *p, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[p[i] >> 4];
        *out++ = digits[p[i] & 15];
    }
    *out = '\0';
}

void vote_hash_hex(struct atrium_ctx *ctx, const char *purpose, struct atrium_str text,
                   size_t bytes, char *out)
{
    uint8_t hash[ATRIUM_HASH_BYTES];
    atrium.crypto->keyed_hash(ctx, atrium_cstr(purpose), text, hash);
    hex(hash, bytes, out);
}

void vote_voter_of(struct atrium_ctx *ctx, struct vote_voter *out)
{
    struct atrium_principal who = {.size = sizeof who};
    atrium.auth->principal(ctx, &who);
    memset(out, 0, sizeof *out);
    out->member = who.kind == ATRIUM_MEMBER ? who.id : 0;
    out->staff = who.kind == ATRIUM_STAFF &&
                 atrium.auth->can(ctx, ATRIUM_STR("vote.poll"), ATRIUM_STR("read"));
    struct atrium_str device = atrium.auth->device(ctx, &out->fresh_device);
    if (device.len <= VOTE_SUBJECT_MAX / 2)
        hex((const unsigned char *)device.ptr, device.len, out->device);
    else
        vote_hash_hex(ctx, "device", device, 32, out->device);
    atrium_str_put(out->address, sizeof out->address, atrium.http->remote(ctx));
}

void vote_subject(struct atrium_ctx *ctx, enum poll_kind kind, int64_t member, const char *device,
                  const char *address, char *out)
{
    out[0] = '\0';
    switch (kind) {
    case POLL_PERSON:
        if (member) snprintf(out, VOTE_SUBJECT_MAX + 1, "%lld", (long long)member);
        break;
    case POLL_DEVICE:
        atrium_str_put(out, VOTE_SUBJECT_MAX + 1, atrium_cstr(device));
        break;
    case POLL_ADDRESS:
        /* The counter needs to know "the same address", not which one. */
        if (address[0]) vote_hash_hex(ctx, "address", atrium_cstr(address), 20, out);
        break;
    case POLL_KINDS: break;
    }
}

/* ---- standing ------------------------------------------------------------------------- */

struct wanted {
    struct vote_standing *out;
    struct atrium_ctx *ctx;
    const char *subject[POLL_KINDS];
    int64_t period[POLL_KINDS];
    enum poll_kind voter;
};

static bool on_tally(void *arg, const struct atrium_value *row, uint32_t n)
{
    (void)n;
    struct wanted *w = arg;
    struct atrium_str kind = atrium_col_text(&row[0]);
    int64_t period = atrium_col_i64(&row[1]), cast = atrium_col_i64(&row[2]);
    for (int k = 0; k < POLL_KINDS; k++) {
        if (!atrium_str_eq(kind, atrium_cstr(poll_kind_names[k]))) continue;
        if (period == w->period[k]) w->out->cast[k] = cast;
        if ((enum poll_kind)k == w->voter && period == 0) {
            w->out->has_voted = cast > 0;
            w->out->chosen = atrium.memory->copy(w->ctx, atrium_col_text(&row[3]));
        }
    }
    return true;
}

/* One statement for the three limits and the voter's own row. */
#define ONE "(`poll` = ? AND `kind` = ? AND `subject` = ? AND `day` = ?)"
#define STANDING \
    "SELECT `kind`, `day`, `n`, `chosen` FROM `vote_tally` WHERE " ONE " OR " ONE " OR " ONE \
    " OR " ONE

atrium_status vote_standing_of(struct atrium_ctx *ctx, const struct vote_poll *poll,
                               const struct vote_voter *voter, int64_t now_us,
                               struct vote_standing *out, struct atrium_error *err)
{
    char subject[POLL_KINDS][VOTE_SUBJECT_MAX + 1];
    memset(out, 0, sizeof *out);
    struct wanted w = {.out = out, .ctx = ctx, .voter = vote_voter_kind(voter->member)};
    int64_t window = atrium.settings->i64(ctx, ATRIUM_STR("address_window_minutes"), 1440);
    struct atrium_value args[4 * (POLL_KINDS + 1)];
    uint32_t n = 0;
    for (int k = 0; k <= POLL_KINDS; k++) {
        enum poll_kind kind = k < POLL_KINDS ? (enum poll_kind)k : w.voter;
        if (k < POLL_KINDS) {
            vote_subject(ctx, kind, voter->member, voter->device, voter->address, subject[k]);
            w.period[k] = poll_period(&poll->rules, kind, now_us, atrium.time->utc_offset(ctx),
                                      window);
        }
        args[n++] = atrium_v_i64(poll->id);
        args[n++] = atrium_v_text(atrium_cstr(poll_kind_names[kind]));
        args[n++] = atrium_v_text(atrium_cstr(subject[kind]));
        args[n++] = atrium_v_i64(k < POLL_KINDS ? w.period[k] : 0);
    }
    return atrium.storage->query(ctx, ATRIUM_STR(STANDING), args, n, on_tally, &w, err);
}
