#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

/* Longer messages are cut: one line is one write(2), which the kernel keeps
 * whole among writers of an O_APPEND file. */
#define MAX_MESSAGE 4096

enum log_level log_level_now = LOG_INFO;
static int log_fd = STDERR_FILENO;

void log_init(enum log_level level, int fd)
{
    log_level_now = level;
    log_fd = fd;
}

void log_line(enum log_level level, const char *room, const char *fmt, ...)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    if (level > log_level_now) return;
    int saved = errno; /* callers log between a failure and its handling */
    char msg[MAX_MESSAGE];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    if (n < 0) n = 0;
    if ((size_t)n >= sizeof msg) n = sizeof msg - 1;

    struct buf line = BUF_HEAP;
    buf_reserve(&line, (size_t)n + 128);
    struct jsonw w = jsonw_on(&line);
    jsonw_obj(&w);
    jsonw_kv_time(&w, "t", clock_now_us());
    jsonw_kv_str(&w, "level", names[level]);
    jsonw_kv_str(&w, "room", room);
    jsonw_kv_sv(&w, "msg", sv_make(msg, (size_t)n));
    jsonw_end_obj(&w);
    buf_chr(&line, '\n');

    for (size_t done = 0; done < line.n;) {
        ssize_t r = write(log_fd, line.p + done, line.n - done);
        if (r < 0 && errno == EINTR) continue;
        if (r <= 0) break; /* nowhere to complain about the log itself */
        done += (size_t)r;
    }
    buf_free(&line);
    errno = saved;
}
