/* A call to an outer log-in, waited for on a thread of its own pool. */
#define LOG_ROOM "auth"

#include "auth/outer.h"

struct call {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool over;
    int status;
    struct buf answer;
    char why[160];
};

static void on_done(void *arg, int status, sv body, const char *error)
{
    struct call *k = arg;
    pthread_mutex_lock(&k->lock);
    k->status = status;
    if (status) buf_sv(&k->answer, body);
    else snprintf(k->why, sizeof k->why, "%s", error ? error : "no answer");
    k->over = true;
    pthread_cond_signal(&k->done);
    pthread_mutex_unlock(&k->lock);
}

static int no_answer(struct err *err, const char *why)
{
    err_set(err, 502, "auth.outer_away", NULL);
    err_detail(err, "outer log-in: %s", why);
    return -1;
}

int fetch(struct auth *au, struct arena *a, const struct fetch *f, sv *answer, int *status,
          struct err *err)
{
    struct call k = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    struct work_http h = {.method = f->method, .url = f->url, .headers = f->headers,
                          .body = f->body, .timeout_ms = 8000, .max_body = 256 << 10,
                          .allow_private = au->outer.allow_private, .done = on_done, .arg = &k};
    bool plain = sv_starts(f->url, SV("http://"));
    if (!au->outer.reactor) return no_answer(err, "nothing goes out of this process");
    if (plain && !au->outer.allow_http) return no_answer(err, "plain http is not allowed");
    if (!work_reactor_http(au->outer.reactor, &h)) return no_answer(err, "too many calls");
    pthread_mutex_lock(&k.lock);
    while (!k.over) pthread_cond_wait(&k.done, &k.lock);     /* the reactor keeps the time */
    pthread_mutex_unlock(&k.lock);
    *status = k.status;
    *answer = arena_sv(a, buf_view(&k.answer));
    buf_free(&k.answer);
    return k.status ? 0 : no_answer(err, k.why);
}

int fetch_json(struct auth *au, struct arena *a, const struct fetch *f, json_t **out,
               struct err *err)
{
    struct err e = {0};
    sv text;
    int status;
    if (fetch(au, a, f, &text, &status, err) != 0) return -1;
    if (status != 200) {
        char why[60];
        snprintf(why, sizeof why, "answered %d", status);
        return no_answer(err, why);
    }
    if (json_parse(a, text, out, &e) != 0 || !json_is_object(*out))
        return no_answer(err, "answered no JSON object");
    return 0;
}
