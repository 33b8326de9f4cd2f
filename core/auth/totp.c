/* Time-based one-time passwords: RFC 6238 over RFC 4226 with SHA-1, 30 seconds, six
 * digits, what every authenticator knows. Pure: the clock and the last step used
 * come from the caller. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "auth/login.h"

#define STEP_S 30
#define WINDOW 1                     /* steps before and after, for clocks that differ */

int64_t totp_step(int64_t now_us)
{
    return now_us / 1000000 / STEP_S;
}

uint32_t totp_code(sv secret, int64_t step, uint32_t modulus)
{
    unsigned char counter[8], mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    for (int i = 0; i < 8; i++) counter[i] = (unsigned char)((uint64_t)step >> (56 - 8 * i));
    if (!HMAC(EVP_sha1(), secret.p, (int)secret.n, counter, sizeof counter, mac, &n) || n < 20)
        panic("auth: OpenSSL has no HMAC-SHA-1");
    unsigned at = mac[n - 1] & 15;
    uint32_t v = (uint32_t)(mac[at] & 0x7f) << 24 | (uint32_t)mac[at + 1] << 16 |
                 (uint32_t)mac[at + 2] << 8 | mac[at + 3];
    OPENSSL_cleanse(mac, sizeof mac);
    return v % modulus;
}

int64_t totp_check(sv secret, sv code, int64_t now_us, int64_t last_step)
{
    if (code.n != 6) return 0;
    for (size_t i = 0; i < 6; i++)
        if (code.p[i] < '0' || code.p[i] > '9') return 0;
    int64_t now = totp_step(now_us), right = 0;
    for (int64_t s = now - WINDOW; s <= now + WINDOW; s++) {
        char want[12];
        snprintf(want, sizeof want, "%06u", totp_code(secret, s, 1000000));
        /* all are computed, whichever fits */
        if (sv_eq_const_time(sv_make(want, 6), code) && s > last_step) right = s;
    }
    return right;
}

void totp_base32(struct buf *b, sv bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned held = 0, bits = 0;
    for (size_t i = 0; i < bytes.n; i++) {
        held = held << 8 | (unsigned char)bytes.p[i];
        for (bits += 8; bits >= 5; bits -= 5) buf_chr(b, digits[held >> (bits - 5) & 31]);
    }
    if (bits) buf_chr(b, digits[held << (5 - bits) & 31]);
}

void totp_uri(struct buf *b, sv issuer, sv login, sv base32)
{
    buf_str(b, "otpauth://totp/");
    buf_urlencode(b, issuer);
    buf_chr(b, ':');
    buf_urlencode(b, login);
    buf_printf(b, "?secret=%.*s&issuer=", SVARG(base32));
    buf_urlencode(b, issuer);
}
