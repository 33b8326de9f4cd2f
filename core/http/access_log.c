/* The access log: one JSON object a line, gathered in a buffer of the loop and
 * written when 64 KiB are there or a tick has passed. Query strings are never
 * written: they carry codes and tokens. */
#define LOG_ROOM "http"
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "http/internal.h"

#define FLUSH_AT (64u * 1024)
#define KEEP_MAX (1024u * 1024) /* then lines are dropped and counted */

/* The date changes once a second; only the milliseconds are written anew. */
static void stamp(struct access_log *a, struct buf *b)
{
    int64_t us = clock_now_us(), s = us / 1000000;
    if (s != a->stamp_s) {
        char text[32];
        size_t n = clock_rfc3339(s * 1000000, text);
        a->stamp_s = s;
        memcpy(a->stamp, text, n < 19 ? n : 19);
    }
    unsigned ms = (unsigned)(us / 1000 % 1000);
    char tail[5] = {'.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10),
                    'Z'};
    buf_add(b, a->stamp, 19);
    buf_add(b, tail, 5);
}

/* Bytes of a request may be anything; a log line must be JSON. */
static void escaped(struct buf *b, sv v)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            buf_chr(b, (char)c);
        } else {
            char e[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
            buf_add(b, e, 6);
        }
    }
}

static void piece(struct buf *b, sv v)
{
    bool plain = true;
    for (size_t i = 0; i < v.n && plain; i++) {
        unsigned char c = (unsigned char)v.p[i];
        plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
    }
    if (plain)
        buf_sv(b, v);
    else
        escaped(b, v);
}

static void text(struct buf *b, const char *key, sv v)
{
    buf_str(b, key);
    buf_chr(b, '"');
    piece(b, v);
    buf_chr(b, '"');
}

static void number(struct buf *b, const char *key, int64_t v)
{
    buf_str(b, key);
    buf_i64(b, v);
}

void access_log_add(struct access_log *a, const struct access_entry *e)
{
    if (a->fd < 0) return;
    if (a->buf.n > KEEP_MAX) {
        a->dropped++;
        return;
    }
    struct buf *b = &a->buf;
    buf_str(b, "{\"t\":\"");
    stamp(a, b);
    text(b, "\",\"id\":", e->id);
    if (sv_starts(e->prefix, SV("/t/")))
        text(b, ",\"tenant\":", sv_make(e->prefix.p + 3, e->prefix.n - 3));
    text(b, ",\"ip\":", e->ip);
    text(b, ",\"method\":", e->method);
    buf_str(b, ",\"path\":\"");
    piece(b, e->prefix);
    piece(b, e->path);
    buf_chr(b, '"');
    number(b, ",\"status\":", e->status);
    number(b, ",\"bytes_in\":", (int64_t)e->bytes_in);
    number(b, ",\"bytes_out\":", (int64_t)e->bytes_out);
    number(b, ",\"us\":", (int64_t)e->us);
    if (e->user) {
        number(b, ",\"user\":\"", e->user);
        buf_chr(b, '"');
    }
    if (e->agent.n) text(b, ",\"ua\":", e->agent.n > 256 ? sv_make(e->agent.p, 256) : e->agent);
    buf_str(b, "}\n");
    if (b->n >= FLUSH_AT) access_log_flush(a, false);
}

/* A pipe that nobody reads must not stop the loop; a file always takes writes. */
static bool writable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

void access_log_flush(struct access_log *a, bool all)
{
    if (a->fd < 0) return;
    if (a->dropped && a->buf.n <= KEEP_MAX) {
        log_warn("access log: %zu lines lost, the log takes no writes", a->dropped);
        a->dropped = 0;
    }
    size_t done = 0;
    while (done < a->buf.n && writable(a->fd)) {
        ssize_t n = write(a->fd, a->buf.p + done, a->buf.n - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += (size_t)n;
        if (!all) break;
    }
    if (done == a->buf.n) {
        buf_clear(&a->buf);
    } else if (done) {
        memmove(a->buf.p, a->buf.p + done, a->buf.n - done);
        a->buf.n -= done;
    }
}
