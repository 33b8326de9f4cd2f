/* Binds one of each kind, and leaves a line per step of its life in the file that
 * the environment names. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tiny.h"

ATRIUM_TABLES_DEFINE;

static void note(const char *step)
{
    const char *path = getenv("TINY_LOG");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    if (fd < 0) return;
    if (write(fd, step, strlen(step)) < 0 || write(fd, "\n", 1) < 0) abort();
    close(fd);
}

static atrium_status hello(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    (void)err;
    struct atrium_json_writer *w = atrium.http->body_json(ctx);
    atrium.json->begin_object(w);
    atrium_kv_str(w, "hello", atrium.http->query(ctx, "name"));
    atrium.json->end_object(w);
    return ATRIUM_OK;
}

static atrium_status sweep(void *self, struct atrium_ctx *ctx, const struct atrium_job *job,
                           struct atrium_error *err)
{
    (void)self, (void)ctx, (void)job, (void)err;
    return ATRIUM_OK;
}

static atrium_status heard(void *self, struct atrium_ctx *ctx, const struct atrium_change *change,
                           struct atrium_error *err)
{
    (void)self, (void)ctx, (void)change, (void)err;
    return ATRIUM_OK;
}

static atrium_status load(const struct atrium_host *host, void **self, struct atrium_error *err)
{
    (void)err;
    note("load");
    if (host->size < sizeof *host || host->abi_major != ATRIUM_ABI_MAJOR) return ATRIUM_E_INTERNAL;
    *self = malloc(1);
    return ATRIUM_OK;
}

static atrium_status init(void *self, const struct atrium_host *host, struct atrium_error *err)
{
    (void)self;
    note("init");
    atrium_tables_fetch(host);
    /* Listed in the manifest: there; not listed: not there, though it exists. */
    if (!atrium.http || !atrium.json || atrium.crypto)
        return atrium_fail(err, ATRIUM_E_INTERNAL, 500, "internal", NULL);
    atrium_status s = atrium.http->bind_route(host, ATRIUM_STR("hello"), hello, err);
    if (s == ATRIUM_OK) s = atrium.jobs->bind_job(host, ATRIUM_STR("sweep"), sweep, err);
    if (s == ATRIUM_OK) s = atrium.hooks->bind_event(host, ATRIUM_STR("heard"), heard, err);
    return s;
}

static atrium_status start(void *self, struct atrium_error *err)
{
    (void)self, (void)err;
    note("start");
    return ATRIUM_OK;
}

static void drain(void *self)
{
    (void)self;
    note("drain");
}

static void stop(void *self)
{
    (void)self;
    note("stop");
}

static void destroy(void *self)
{
    note("destroy");
    free(self);
}

ATRIUM_EXPORT const struct atrium_plugin_entry atrium_plugin_entry = {
    .magic = ATRIUM_MAGIC,
    .size = sizeof(struct atrium_plugin_entry),
    .abi_major = ATRIUM_ABI_MAJOR,
    .id = ATRIUM_STR_INIT("tiny"),
    .version = ATRIUM_STR_INIT("1.0.0"),
    .load = load,
    .init = init,
    .start = start,
    .drain = drain,
    .stop = stop,
    .destroy = destroy,
};
