/* Which addresses are not of the public internet. An address given by a tenant
 * (a webhook) must not reach into the operator's network. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "work/reactor.h"

struct range4 {
    uint32_t net;
    unsigned bits;
};

static bool private4(uint32_t ip)
{
    static const struct range4 ranges[] = {
        {0x00000000, 8},  /* this network */
        {0x0a000000, 8},  /* private */
        {0x64400000, 10}, /* carrier-grade NAT */
        {0x7f000000, 8},  /* loopback */
        {0xa9fe0000, 16}, /* link-local, and the clouds' metadata services */
        {0xac100000, 12}, /* private */
        {0xc0000000, 24}, /* protocol assignments */
        {0xc0000200, 24}, /* documentation */
        {0xc0586300, 24}, /* 6to4 relays */
        {0xc0a80000, 16}, /* private */
        {0xc6120000, 15}, /* benchmarks */
        {0xc6336400, 24}, /* documentation */
        {0xcb007100, 24}, /* documentation */
        {0xe0000000, 3},  /* multicast, reserved, broadcast */
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if ((ip ^ ranges[i].net) >> (32 - ranges[i].bits) == 0) return true;
    return false;
}

static uint32_t word(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool private6(const unsigned char *ip)
{
    static const unsigned char zero[12], nat64[12] = {[1] = 0x64, [2] = 0xff, [3] = 0x9b};
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    /* an IPv4 address in other clothes: compatible (with :: and ::1), mapped, NAT64, 6to4 */
    if (memcmp(ip, zero, 12) == 0) return true;
    if (memcmp(ip, mapped, 12) == 0 || memcmp(ip, nat64, 12) == 0) return private4(word(ip + 12));
    if (ip[0] == 0x20 && ip[1] == 0x02) return private4(word(ip + 2));
    if (ip[0] == 0x20 && ip[1] == 0x01 && ip[2] < 2) return true; /* Teredo and the like */
    if (ip[0] == 0x20 && ip[1] == 0x01 && ip[2] == 0x0d && ip[3] == 0xb8) return true;
    return (ip[0] & 0xe0) != 0x20; /* only 2000::/3 is the public internet */
}

bool guard_is_private(const struct sockaddr *addr)
{
    if (addr->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, addr, sizeof in);
        return private4(ntohl(in.sin_addr.s_addr));
    }
    if (addr->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, addr, sizeof in);
        return private6(in.sin6_addr.s6_addr);
    }
    return true;
}

bool guard_is_private_text(const char *ip)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, ip, &in.sin_addr) == 1) return guard_is_private((struct sockaddr *)&in);
    if (inet_pton(AF_INET6, ip, &in6.sin6_addr) == 1)
        return guard_is_private((struct sockaddr *)&in6);
    return true;
}
