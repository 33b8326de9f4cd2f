/* POST .../ballots: reads and checks the request, hands a ballot to the stream.
 * No query on this path once the poll is remembered: what needs the database is
 * decided by the batch, under lock. */
#include "ballot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_US INT64_C(86400000000)

/* ---- problems -------------------------------------------------------------------- */

atrium_status vote_refuse(struct atrium_error *err, enum poll_verdict v)
{
    switch (v) {
    case POLL_NOT_OPEN: return atrium_fail(err, ATRIUM_E_REFUSED, 409, "vote.not_open", NULL);
    case POLL_HAS_ENDED: return atrium_fail(err, ATRIUM_E_REFUSED, 409, "vote.ended", NULL);
    case POLL_LOGIN_REQUIRED:
        return atrium_fail(err, ATRIUM_E_DENIED, 401, "vote.login_required", NULL);
    case POLL_NO_OPTION: return atrium_fail_field(err, "options", "required", NULL);
    case POLL_TOO_MANY_OPTIONS:
        atrium_fail(err, ATRIUM_E_REFUSED, 422, "vote.too_many_options", NULL);
        return atrium_fail_field(err, "options", "vote.too_many_options", NULL);
    case POLL_UNKNOWN_OPTION:
        atrium_fail(err, ATRIUM_E_REFUSED, 422, "vote.unknown_option", NULL);
        return atrium_fail_field(err, "options", "vote.unknown_option", NULL);
    case POLL_LIMIT_PERSON:
        return atrium_fail(err, ATRIUM_E_REFUSED, 409, "vote.limit_person", NULL);
    case POLL_LIMIT_DEVICE:
        return atrium_fail(err, ATRIUM_E_REFUSED, 409, "vote.limit_device", NULL);
    case POLL_LIMIT_ADDRESS:
        return atrium_fail(err, ATRIUM_E_REFUSED, 409, "vote.limit_address", NULL);
    case POLL_YES: break;
    }
    return ATRIUM_OK;
}

/* ---- the request -------------------------------------------------------------------- */

/* 8 to 64 of [A-Za-z0-9._-], as the HTTP interface says. */
static bool sound_key(struct atrium_str key)
{
    if (key.len < 8 || key.len > 64) return false;
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
        if (!ok) return false;
    }
    return true;
}

/* The stored key: of this poll, this voter and the client's key. A browser that
 * has no device id yet is not part of it: if the answer with its cookie is lost,
 * the same request must find its ballot again. */
static void make_key(struct atrium_ctx *ctx, const struct vote_voter *voter, struct atrium_str key,
                     struct ballot *b)
{
    char text[256];
    const char *device = voter->member || voter->fresh_device ? "" : voter->device;
    int n = snprintf(text, sizeof text, "%lld/%lld/%s/%.*s", (long long)b->poll,
                     (long long)voter->member, device, (int)key.len, key.ptr);
    vote_hash_hex(ctx, "ballot", atrium_str_make(text, (size_t)n), VOTE_KEY_HEX / 2, b->key);
}

static void client_of(struct atrium_ctx *ctx, char out[8])
{
    static const char *const known[] = {"h5", "mini", "pc"};
    struct atrium_str said = atrium.http->header(ctx, "x-atrium-client");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (atrium_str_eq(said, atrium_cstr(known[i]))) {
            atrium_str_put(out, 8, said);
            return;
        }
    }
    atrium_str_put(out, 8, ATRIUM_STR("api"));
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static atrium_status bad_option(struct atrium_error *err, size_t i, const char *code)
{
    char field[32];
    snprintf(field, sizeof field, "options.%zu", i);
    return atrium_fail_field(err, field, code, NULL);
}

static bool name_unknown(void *arg, struct atrium_str key, const struct atrium_json *value)
{
    (void)value;
    char field[64];
    if (atrium_str_eq(key, ATRIUM_STR("options"))) return true;
    atrium_str_put(field, sizeof field, key);
    atrium_fail_field(arg, field, "unknown_field", NULL);
    return true;
}

static atrium_status read_options(const struct atrium_json *body, struct ballot *b,
                                  struct atrium_error *err)
{
    atrium.json->each(body, name_unknown, err);
    const struct atrium_json *list = atrium.json->get(body, "options");
    if (atrium.json->type(list) == ATRIUM_JSON_ABSENT)
        return atrium_fail_field(err, "options", "required", NULL);
    if (atrium.json->type(list) != ATRIUM_JSON_ARRAY)
        return atrium_fail_field(err, "options", "not_array", NULL);
    size_t n = atrium.json->size(list);
    if (n == 0) return atrium_fail_field(err, "options", "required", NULL);
    if (n > VOTE_MAX_OPTIONS) return atrium_fail_field(err, "options", "too_many_items", "100");
    for (size_t i = 0; i < n; i++) {
        int64_t id;
        if (!atrium.json->as_id(atrium.json->at(list, i), &id) || id <= 0)
            return bad_option(err, i, "not_id");
        for (size_t k = 0; k < i; k++) {
            if (b->options[k] == id) return bad_option(err, i, "duplicate");
        }
        b->options[i] = id;
    }
    b->n_options = (uint32_t)n;
    if (err->n_fields) return ATRIUM_E_REFUSED;
    qsort(b->options, n, sizeof *b->options, by_id);
    return ATRIUM_OK;
}

/* What can be refused without asking: only what no ballot of this key can have
 * passed before. A poll that has just ended goes to the batch, so that a retry of
 * an accepted ballot still hears its first answer. */
static atrium_status refuse_early(const struct vote_poll *p, const struct ballot *b,
                                  struct atrium_error *err)
{
    const struct poll_rules *r = &p->rules;
    enum poll_phase phase = poll_phase(r, b->at_us);
    if (phase == POLL_HIDDEN) return atrium_fail(err, ATRIUM_E_NOT_FOUND, 404, "not_found", NULL);
    if (phase == POLL_UPCOMING) return vote_refuse(err, POLL_NOT_OPEN);
    if (phase == POLL_ENDED && b->at_us > r->ends_us + DAY_US)
        return vote_refuse(err, POLL_HAS_ENDED);
    if (r->login_required && !b->member) return vote_refuse(err, POLL_LOGIN_REQUIRED);
    return ATRIUM_OK;
}

atrium_status vote_cast_ballot(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    struct ballot b = {.at_us = atrium.time->now_us()};
    atrium_status s = vote_path_id(ctx, &b.poll, err);
    if (s != ATRIUM_OK) return s;
    struct atrium_str key = atrium.http->header(ctx, "idempotency-key");
    if (!sound_key(key)) return atrium_fail(err, ATRIUM_E_REFUSED, 400, "vote.key_required", NULL);
    const struct atrium_json *body;
    s = atrium.http->json(ctx, &body, err);
    if (s == ATRIUM_OK) s = read_options(body, &b, err);
    if (s != ATRIUM_OK) return s;

    struct vote_voter voter;
    vote_voter_of(ctx, &voter);
    b.member = voter.member;
    b.fresh_device = voter.fresh_device;
    memcpy(b.device, voter.device, sizeof b.device);
    memcpy(b.address, voter.address, sizeof b.address);
    client_of(ctx, b.client);
    make_key(ctx, &voter, key, &b);

    struct vote_poll *p = vote_poll_get(ctx, b.poll, err);
    if (!p) return ATRIUM_E_NOT_FOUND;
    s = refuse_early(p, &b, err);
    vote_poll_put(ctx, p);
    if (s != ATRIUM_OK) return s;
    size_t size = offsetof(struct ballot, options) + b.n_options * sizeof b.options[0];
    s = atrium.storage->append(ctx, ATRIUM_STR("ballots"), atrium_str_make((const char *)&b, size),
                               err);
    return s == ATRIUM_OK ? ATRIUM_LATER : s;
}
