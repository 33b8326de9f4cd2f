/* Tickets: what a stranger holds between two requests of one log-in. The text goes
 * to him, its hash to the database; a ticket bears few tries and serves once. */
#define LOG_ROOM "auth"

#include "auth/login.h"

#define TRIES "10"
#define PURGE_ROWS "50"

void ticket_text(char out[AUTH_TOKEN_CHARS + 1])
{
    unsigned char secret[32];
    struct arena *a = arena_new(256);
    struct buf b = BUF_IN(a);
    rand_bytes(secret, sizeof secret);
    buf_base64url(&b, secret, sizeof secret);
    memcpy(out, b.p, AUTH_TOKEN_CHARS);
    out[AUTH_TOKEN_CHARS] = 0;
    arena_free(a);
}

int ticket_make(struct store_conn *c, const struct ticket_new *n, char out[AUTH_TOKEN_CHARS + 1],
                struct err *err)
{
    char hash[AUTH_HASH_CHARS];
    int64_t now = clock_now_us();
    ticket_text(out);
    seal_sha256_hex(sv_make(out, AUTH_TOKEN_CHARS), hash);
    struct store_val args[] = {STORE_I(n->id ? n->id : id_next()),
                               STORE_T(now),
                               STORE_T(now),
                               STORE_S(sv_of(n->kind)),
                               STORE_S(sv_make(hash, sizeof hash)),
                               n->staff ? STORE_I(n->staff) : STORE_N,
                               STORE_S(n->address),
                               STORE_S(n->data),
                               STORE_T(now + n->life_us)};
    if (store_exec(c, SV("INSERT INTO core_ticket (id, created_at, updated_at, kind, token_hash,"
                         " staff, address, data, tries, expires_at)"
                         " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)"),
                   args, 9, NULL, err) != 0)
        return -1;
    struct store_val over[] = {STORE_T(now)};
    struct err e = {0};
    if (!store_in_tx(c) &&
        store_exec(c, SV("DELETE FROM core_ticket WHERE expires_at < ? LIMIT " PURGE_ROWS), over, 1,
                   NULL, &e) != 0)
        log_warn("sweeping tickets: %s", e.detail);
    return 0;
}

int ticket_try(struct store_conn *c, struct arena *a, const char *kind, sv text,
               struct ticket *out, struct err *err)
{
    char hash[AUTH_HASH_CHARS];
    seal_sha256_hex(text, hash);
    struct store_val args[] = {STORE_S(sv_make(hash, sizeof hash)), STORE_S(sv_of(kind)),
                               STORE_T(clock_now_us())};
    struct store_val v[4];
    bool found;
    uint64_t n = 0;
    /* counted before it is judged, so that trying at once gains nothing */
    if (store_exec(c, SV("UPDATE core_ticket SET tries = tries + 1 WHERE token_hash = ?"
                         " AND kind = ? AND expires_at > ? AND tries < " TRIES),
                   args, 3, &n, err) != 0 ||
        store_one(c, a, SV("SELECT id, staff, address, data FROM core_ticket WHERE token_hash = ?"),
                  args, 1, v, 4, &found, err) != 0)
        return -1;
    if (n != 1 || !found) return err_set(err, 401, "auth.ticket", NULL);
    *out = (struct ticket){.id = v[0].u.i,
                           .staff = v[1].type == STORE_I64 ? v[1].u.i : 0,
                           .address = v[2].type == STORE_TEXT ? v[2].u.s : SV(""),
                           .data = v[3].type == STORE_TEXT ? v[3].u.s : SV("")};
    return 0;
}

int ticket_use(struct store_conn *c, const struct ticket *t, struct err *err)
{
    struct store_val id[] = {STORE_I(t->id)};
    uint64_t n = 0;
    if (store_exec(c, SV("DELETE FROM core_ticket WHERE id = ?"), id, 1, &n, err) != 0) return -1;
    return n == 1 ? 0 : err_set(err, 401, "auth.ticket", NULL);
}
