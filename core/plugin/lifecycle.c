/* The written state machine of plugin.h (abi), with deadlines. Each step runs on
 * a thread of its own: a plugin that hangs is left behind with it, since nothing
 * can stop foreign code in one's own process, and is never called again. */
#include "plugin/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LOG_ROOM "plugin"

static const struct {
    const char *name;
    enum plug_state before, after;
} steps[] = {
    [STEP_LOAD] = {"load", PLUG_READ, PLUG_LOADED},
    [STEP_INIT] = {"init", PLUG_LOADED, PLUG_READY},
    [STEP_START] = {"start", PLUG_READY, PLUG_RUNNING},
    [STEP_DRAIN] = {"drain", PLUG_RUNNING, PLUG_DRAINING},
    [STEP_STOP] = {"stop", PLUG_DRAINING, PLUG_STOPPED},
    [STEP_DESTROY] = {"destroy", PLUG_STOPPED, PLUG_STOPPED},
};

void plug_fail(struct plug *p, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    pthread_mutex_lock(&p->reg->lock);
    const char *text = arena_vprintf(p->reg->arena, fmt, ap).p;
    pthread_mutex_unlock(&p->reg->lock);
    va_end(ap);
    atomic_store(&p->error, text);
    atomic_store(&p->state, PLUG_FAILED);
    log_error("plugin %s is off: %s", p->id, text);
}

/* Shared by the caller and the step's thread; freed by who leaves last. */
struct run {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    struct plug *plug;
    enum plug_step step;
    bool done, abandoned;
    atrium_status status;
    void *self;
    struct atrium_error err;
};

static void run_free(struct run *r)
{
    pthread_cond_destroy(&r->ended);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static void call(struct run *r)
{
    const struct atrium_plugin_entry *e = &r->plug->entry;
    void *self = r->plug->self;
    switch (r->step) {
    case STEP_LOAD:
        r->status = e->load(&r->plug->host.pub, &r->self, &r->err);
        break;
    case STEP_INIT:
        r->status = e->init(self, &r->plug->host.pub, &r->err);
        break;
    case STEP_START:
        if (e->start) r->status = e->start(self, &r->err);
        break;
    case STEP_DRAIN:
        if (e->drain) e->drain(self);
        break;
    case STEP_STOP:
        if (e->stop) e->stop(self);
        break;
    case STEP_DESTROY:
        if (e->destroy) e->destroy(self);
        break;
    }
}

static void *step_thread(void *arg)
{
    struct run *r = arg;
    struct plug_frame before = plug_enter(r->plug, r->plug->call_lifecycle);
    call(r);
    plug_leave(before);
    pthread_mutex_lock(&r->lock);
    r->done = true;
    bool last = r->abandoned;
    pthread_cond_signal(&r->ended);
    pthread_mutex_unlock(&r->lock);
    if (last) run_free(r);
    return NULL;
}

/* Waits for the end of the step; false when the deadline passed. */
static bool wait_for(struct run *r, unsigned ms)
{
    int64_t us = clock_mono_us() + (int64_t)ms * 1000;
    struct timespec until = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    pthread_mutex_lock(&r->lock);
    while (!r->done && pthread_cond_timedwait(&r->ended, &r->lock, &until) != ETIMEDOUT)
        ;
    bool done = r->done;
    r->abandoned = !done;
    pthread_mutex_unlock(&r->lock);
    return done;
}

static struct run *run_new(struct plug *p, enum plug_step step)
{
    struct run *r = xmalloc(sizeof *r);
    memset(r, 0, sizeof *r);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->ended, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&r->lock, NULL);
    r->plug = p;
    r->step = step;
    plug_error_init(&r->err);
    return r;
}

/* What a finished step means. */
static int judge(struct plug *p, struct run *r)
{
    const char *name = steps[r->step].name;
    if (r->status != ATRIUM_OK) {
        struct err err = {0};
        plug_error_in(p, r->status, &r->err, &err);
        plug_fail(p, "%s failed: %s%s%s", name, err.code, err.detail[0] ? ": " : "", err.detail);
        return -1;
    }
    if (r->step == STEP_LOAD) {
        p->self = r->self;
        p->alive = true;
    }
    if (r->step == STEP_INIT) {
        if (p->bind_error[0]) {
            plug_fail(p, "init: %s", p->bind_error);
            return -1;
        }
        for (unsigned i = 0; i < p->n_bindings; i++) {
            const struct plug_binding *b = &p->bindings[i];
            if (b->fn.any) continue;
            plug_fail(p, "init did not bind the %s %s that the manifest declares",
                      plug_kind_names[b->kind], b->name);
            return -1;
        }
    }
    atomic_store(&p->state, steps[r->step].after);
    return 0;
}

static void set_binding(struct plug *p, bool on)
{
    pthread_mutex_lock(&p->reg->lock);
    p->binding = on;
    pthread_mutex_unlock(&p->reg->lock);
}

int plug_step(struct plug *p, enum plug_step step)
{
    /* After a failure there may be a self to free, and nothing else to do. */
    int state = atomic_load(&p->state);
    bool after_failure = step == STEP_DESTROY && state == PLUG_FAILED;
    if (step == STEP_DESTROY && (!p->alive || p->hung)) return -1;
    if (!after_failure && state != (int)steps[step].before) return -1;
    if (!p->path) {              /* a plugin of manifests only */
        atomic_store(&p->state, steps[step].after);
        return 0;
    }
    unsigned ms = step == STEP_DRAIN ? p->reg->o.drain_ms : p->reg->o.step_ms;
    struct run *r = run_new(p, step);
    if (step == STEP_INIT) set_binding(p, true);
    pthread_t t;
    if (pthread_create(&t, NULL, step_thread, r) != 0) {
        set_binding(p, false);
        run_free(r);
        plug_fail(p, "%s: no thread could be made", steps[step].name);
        return -1;
    }
    pthread_detach(t);
    bool done = wait_for(r, ms);
    if (step == STEP_INIT) set_binding(p, false);
    if (!done) {
        p->hung = true;
        plug_fail(p, "%s did not return within %u ms", steps[step].name, ms);
        return -1;
    }
    int rc = 0;
    if (step == STEP_DESTROY)
        p->alive = false;
    else
        rc = judge(p, r);
    run_free(r);
    if (rc != 0 && (step == STEP_INIT || step == STEP_START)) plug_step(p, STEP_DESTROY);
    return rc;
}
