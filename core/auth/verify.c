/* The operation log, verified: each line against the hash it carries and the line
 * before, and the whole against the marks in the control database. */
#define LOG_ROOM "auth"

#include "auth/room.h"

struct walk {
    struct auth_audit_report *r;
    char prev[AUTH_HASH_CHARS];
    const struct audit_mark *anchors;
    size_t n_anchors, at;
    int64_t cut;
};

static sv text_of(const struct store_val *v)
{
    return v->type == STORE_NULL ? SV("") : v->u.s;
}

static void bad(struct walk *w, int64_t id, const char *why)
{
    if (w->r->why) return;
    w->r->bad = id;
    w->r->why = why;
}

/* Anchors that the walk has come to or past. */
static void meet(struct walk *w, int64_t id, sv hash)
{
    for (; w->at < w->n_anchors && w->anchors[w->at].id <= id; w->at++) {
        const struct audit_mark *m = &w->anchors[w->at];
        if (m->id < id) bad(w, id, "line missing before");
        else if (!sv_eq(m->hash, hash)) bad(w, id, "altered");
        w->r->anchors++;
    }
}

static bool on_line(void *arg, const struct store_val *v, unsigned n)
{
    struct walk *w = arg;
    (void)n;
    struct audit_line l = {
        .id = v[0].u.i, .at_us = v[1].u.i, .who_kind = text_of(&v[2]),
        .who = v[3].type == STORE_I64 ? v[3].u.i : 0, .who_name = text_of(&v[4]),
        .action = text_of(&v[5]), .target = text_of(&v[6]), .ok = v[7].u.i != 0,
        .address = text_of(&v[8]), .request_id = text_of(&v[9]), .detail = text_of(&v[10]),
        .agent = text_of(&v[13]), .client = text_of(&v[14]), .result = text_of(&v[16]),
        .on_behalf = v[15].type == STORE_I64 ? v[15].u.i : 0};
    sv prev = sv_make(w->prev, AUTH_HASH_CHARS);
    char want[AUTH_HASH_CHARS];
    audit_hash(prev, &l, want);
    w->r->lines++;
    sv hash = sv_make(want, sizeof want);
    bool follows = sv_eq(text_of(&v[11]), prev);
    if (!follows) bad(w, l.id, "line missing before");
    else if (!sv_eq(text_of(&v[12]), hash)) bad(w, l.id, "altered");
    meet(w, l.id, hash);
    memcpy(w->prev, want, sizeof want);
    return w->r->why == NULL;
}

static int walk_lines(struct store_conn *c, struct walk *w, struct err *err)
{
    struct store_val after[] = {STORE_I(w->cut)};
    if (store_run(c, SV("SELECT id, created_at, who_kind, who, who_name, action, target, ok,"
                        " address, request_id, detail, prev_hash, hash, agent, client, on_behalf,"
                        " result FROM core_audit WHERE id > ? ORDER BY id"),
                  after, 1, on_line, w, err) != 0)
        return -1;
    if (w->at < w->n_anchors) bad(w, w->anchors[w->at].id, "end cut off");
    return 0;
}

int auth_audit_verify(struct auth_tenant *pub, struct auth_audit_report *out, struct err *err)
{
    struct tenant *t = tenant_full(pub);
    struct arena *a = arena_new(0);
    struct audit_mark cut, *anchors;
    struct store_conn *c;
    int64_t forged;
    size_t n;
    *out = (struct auth_audit_report){0};
    if (store_get(pub->db, &c, err) != 0) {
        arena_free(a);
        return -1;
    }
    int rc = keep_lock(t, c, err);
    if (rc == 0) {
        rc = keep_read(t, a, &cut, &anchors, &n, &forged, err);
        if (rc == 0) {
            struct walk w = {.r = out, .anchors = anchors, .n_anchors = n, .cut = cut.id};
            memcpy(w.prev, cut.hash.p, AUTH_HASH_CHARS);
            out->cut = cut.id;
            out->removed = cut.lines;
            if (forged) bad(&w, forged, "anchor forged");
            else rc = walk_lines(c, &w, err);
        }
        keep_unlock(t, c);
    }
    store_put(c);
    arena_free(a);
    return rc;
}
