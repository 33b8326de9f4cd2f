#include "base/rand.h"

#include <errno.h>
#include <sys/random.h>

#include "base/panic.h"

void rand_bytes(void *out, size_t n)
{
    unsigned char *p = out;
    while (n) {
        ssize_t r = getrandom(p, n, 0);
        if (r < 0) {
            if (errno == EINTR) continue;
            panic("no random bytes from the kernel");
        }
        p += r;
        n -= (size_t)r;
    }
}

uint64_t rand_below(uint64_t bound)
{
    if (bound == 0) panic("rand_below(0)");
    uint64_t unfair = (0 - bound) % bound, x; /* 2^64 mod bound: drawn again */
    do {
        rand_bytes(&x, sizeof x);
    } while (x < unfair);
    return x % bound;
}

void rand_text(char *out, size_t n)
{
    static const char abc[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
    size_t done = 0;
    while (done < n) {
        unsigned char r[64];
        rand_bytes(r, sizeof r);
        for (size_t i = 0; i < sizeof r && done < n; i++)
            if ((r[i] & 63) < sizeof abc - 1) out[done++] = abc[r[i] & 63];
    }
    out[n] = '\0';
}
