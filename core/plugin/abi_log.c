/* atrium.log/1 */
#include "plugin/internal.h"

#define MAX_TEXT 2000

static void write_line(const struct atrium_ctx *ctx, atrium_log_level level, struct atrium_str text)
{
    const struct plug *p = ctx ? ctx->plug : plug_current();
    size_t n = text.len < MAX_TEXT ? text.len : MAX_TEXT;
    enum log_level l = level <= ATRIUM_LOG_DEBUG ? (enum log_level)level : LOG_ERROR;
    if (l > log_level_now) return;
    const char *room = p ? p->id : "plugin";
    if (!ctx)
        log_line(l, room, "%.*s", (int)n, text.ptr ? text.ptr : "");
    else if (ctx->req)
        log_line(l, room, "[%.*s %.*s] %.*s", SVARG(ctx->tenant->slug),
                 SVARG(http_request_id(ctx->req)), (int)n, text.ptr ? text.ptr : "");
    else
        log_line(l, room, "[%.*s] %.*s", SVARG(ctx->tenant->slug), (int)n,
                 text.ptr ? text.ptr : "");
}

static bool wanted(atrium_log_level level)
{
    return (int)level <= (int)log_level_now;
}

const struct atrium_log_1 plug_log_1 = {.write = write_line, .wanted = wanted};
