/* What tokens look like: a session's, a key's, and how a request carries one. Pure;
 * whose they are is for the database to say. */
#define LOG_ROOM "auth"

#include "auth/room.h"

#define PREFIX_CHARS 8
#define RANDOM_CHARS 40
#define KEY_CHARS (sizeof AUTH_KEY_MARK - 1 + PREFIX_CHARS + 1 + RANDOM_CHARS)

static bool plain(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

sv token_bearer(sv header)
{
    sv scheme = SV("Bearer ");
    if (header.n < scheme.n || !sv_ieq(sv_make(header.p, scheme.n), scheme)) return SV_NULL;
    return sv_trim(sv_make(header.p + scheme.n, header.n - scheme.n));
}

bool token_session_ok(sv token)
{
    if (token.n != AUTH_TOKEN_CHARS) return false;
    for (size_t i = 0; i < token.n; i++)
        if (!plain(token.p[i]) && token.p[i] != '-' && token.p[i] != '_') return false;
    return true;
}

bool token_key_ok(sv token)
{
    if (token.n != KEY_CHARS || !sv_starts(token, SV(AUTH_KEY_MARK))) return false;
    for (size_t i = sizeof AUTH_KEY_MARK - 1; i < token.n; i++)
        if (!plain(token.p[i]) && !(token.p[i] == '_' && i == KEY_CHARS - RANDOM_CHARS - 1))
            return false;
    return true;
}

void auth_key_make(struct auth_key_secret *out)
{
    char *p = out->token;
    memcpy(p, AUTH_KEY_MARK, sizeof AUTH_KEY_MARK - 1);
    rand_text(p + sizeof AUTH_KEY_MARK - 1, PREFIX_CHARS);
    out->prefix_n = sizeof AUTH_KEY_MARK - 1 + PREFIX_CHARS;
    p[out->prefix_n] = '_';
    rand_text(p + out->prefix_n + 1, RANDOM_CHARS);
    p[KEY_CHARS] = '\0';
    seal_sha256_hex(sv_make(p, KEY_CHARS), out->hash);
}
