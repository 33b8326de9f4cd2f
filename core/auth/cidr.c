/* Lists of addresses that a key may come from: "203.0.113.0/24, 2001:db8::/32".
 * IPv4 is kept as mapped IPv6, so that there is one comparison. */
#define LOG_ROOM "auth"

#include <arpa/inet.h>

#include "auth/room.h"

#define MAX_ADDRESS 45

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool read_ip(sv text, unsigned char ip[16], unsigned *width)
{
    char z[MAX_ADDRESS + 1];
    if (!text.n || text.n > MAX_ADDRESS) return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    *width = 32;
    memcpy(ip, mapped, sizeof mapped);
    if (inet_pton(AF_INET, z, ip + 12) == 1) return true;
    *width = 128;
    return inet_pton(AF_INET6, z, ip) == 1;
}

bool cidr_parse(sv text, struct cidr *out)
{
    sv rest, host = sv_cut(text, '/', &rest);
    unsigned width;
    uint64_t bits;
    if (!read_ip(host, out->ip, &width)) return false;
    bits = width;
    if (rest.p && (!sv_u64(rest, &bits) || bits > width)) return false;
    out->bits = (unsigned)bits + 128 - width;
    return true;
}

bool cidr_has(const struct cidr *c, sv address)
{
    unsigned char ip[16];
    unsigned width, whole = c->bits / 8, left = c->bits % 8;
    if (!read_ip(address, ip, &width) || memcmp(ip, c->ip, whole) != 0) return false;
    return !left || (ip[whole] ^ c->ip[whole]) >> (8 - left) == 0;
}

static bool separates(char c)
{
    return c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ';';
}

size_t cidr_list(sv text, struct cidr *out, size_t cap, bool *good)
{
    size_t n = 0, at = 0;
    *good = true;
    while (at < text.n) {
        size_t end = at;
        while (end < text.n && !separates(text.p[end]))
            end++;
        struct cidr one;
        if (end > at) {
            if (n == cap || !cidr_parse(sv_make(text.p + at, end - at), &one))
                *good = false;
            else
                out[n++] = one;
        }
        at = end + 1;
    }
    return n;
}

bool auth_addresses_ok(sv text)
{
    struct cidr list[KEY_MAX_ADDRESSES];
    bool good;
    cidr_list(text, list, KEY_MAX_ADDRESSES, &good);
    return good;
}
