/* Outbound HTTP: one thread with libevent and libcurl's multi interface. Other
 * threads put requests into the inbox; everything else happens here. */
#include <ctype.h>
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "work/reactor.h"

#define LOG_ROOM "work"

#define MAX_WAITING 10000
#define CONNECT_MS 5000
#define SPARE_HANDLES 64

struct work_reactor {
    struct event_base *base;
    struct event *inbox_event, *timer;
    int inbox_fd;
    CURLM *multi;
    struct peers *peers;
    struct request *at_work;
    CURL *spare[SPARE_HANDLES];
    unsigned n_spare;
    pthread_t thread;
    pthread_mutex_t lock; /* everything below */
    struct request *inbox, **inbox_last;
    unsigned n_accepted; /* not yet done */
    bool stopping;
};

/* ---- a request's life ------------------------------------------------------------ */

static char *copy(const char *p, size_t n)
{
    char *s = xmalloc(n + 1);
    if (n) memcpy(s, p, n);
    s[n] = '\0';
    return s;
}

static void request_free(struct request *r)
{
    curl_slist_free_all(r->headers);
    buf_free(&r->body);
    buf_free(&r->answer);
    free(r->method);
    free(r->url);
    free(r);
}

static void finish(struct work_reactor *w, struct request *r, int status, const char *error)
{
    pthread_mutex_lock(&w->lock);
    w->n_accepted--;
    pthread_mutex_unlock(&w->lock);
    r->done(r->arg, status, status ? buf_view(&r->answer) : SV_NULL, error);
    request_free(r);
}

static bool is_token(const char *s)
{
    if (!*s) return false;
    for (; *s; s++)
        if (!isalpha((unsigned char)*s)) return false;
    return true;
}

static bool is_header(const char *s)
{
    return strchr(s, ':') && !strpbrk(s, "\r\n");
}

static struct request *request_new(const struct work_http *h)
{
    struct request *r = xmalloc(sizeof *r);
    const char *method = h->method ? h->method : "GET";
    *r = (struct request){.method = copy(method, strlen(method)),
                          .url = copy(h->url.p, h->url.n),
                          .max_body = h->max_body ? h->max_body : 1u << 20,
                          .allow_private = h->allow_private,
                          .done = h->done,
                          .arg = h->arg};
    r->deadline = clock_mono_us() + (h->timeout_ms ? h->timeout_ms : 10000) * INT64_C(1000);
    buf_sv(&r->body, h->body);
    bool has_type = false, good = is_token(r->method) && strlen(r->url) == h->url.n;
    for (const char *const *p = h->headers; p && *p; p++) {
        good = good && is_header(*p);
        if (strncasecmp(*p, "content-type:", 13) == 0) has_type = true;
        r->headers = curl_slist_append(r->headers, *p);
    }
    if (!has_type) r->headers = curl_slist_append(r->headers, "Content-Type:");
    r->headers = curl_slist_append(r->headers, "Expect:"); /* no round trip for it */
    if (!good) r->method[0] = '\0'; /* refused in begin(), where failures are told */
    return r;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct request *r = arg;
    n *= size;
    if (n > r->max_body - r->answer.n) {
        r->too_large = true;
        return 0;
    }
    buf_add(&r->answer, p, n);
    return n;
}

/* Before connecting, when the name has become an address: what the name says
 * today it need not say tomorrow. */
static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct request *r = arg;
    (void)purpose;
    if (!r->allow_private && guard_is_private(&a->addr)) {
        r->refused_private = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* Also when a connection is reused that somebody with more rights had opened. */
static int on_connected(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    struct request *r = arg;
    (void)local_ip;
    (void)port;
    (void)local_port;
    if (r->allow_private || !guard_is_private_text(ip)) return CURL_PREREQFUNC_OK;
    r->refused_private = true;
    return CURL_PREREQFUNC_ABORT;
}

static void set_up(struct request *r)
{
    CURL *e = r->easy;
    long left_ms = (long)((r->deadline - clock_mono_us()) / 1000) + 1;
    curl_easy_setopt(e, CURLOPT_PRIVATE, r);
    curl_easy_setopt(e, CURLOPT_URL, r->url);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(e, CURLOPT_PROXY, ""); /* not from the environment */
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, left_ms);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, left_ms < CONNECT_MS ? left_ms : CONNECT_MS);
    curl_easy_setopt(e, CURLOPT_USERAGENT, "atrium");
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, r->error);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, r->headers);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, r);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, r);
    if (strcmp(r->method, "HEAD") == 0) {
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    } else if (strcmp(r->method, "GET") != 0 || r->body.n) {
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, r->body.n ? r->body.p : "");
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, r->method);
    }
}

static void start(struct work_reactor *w, struct request *r)
{
    r->easy = w->n_spare ? w->spare[--w->n_spare] : curl_easy_init();
    if (!r->easy) panic("work: out of memory");
    set_up(r);
    r->older = w->at_work;
    if (w->at_work) w->at_work->newer = r;
    w->at_work = r;
    curl_multi_add_handle(w->multi, r->easy); /* its timer does the rest */
}

/* Takes the handle back; the connection stays in the multi handle's cache. */
static void detach(struct work_reactor *w, struct request *r)
{
    if (r->newer)
        r->newer->older = r->older;
    else
        w->at_work = r->older;
    if (r->older) r->older->newer = r->newer;
    r->newer = r->older = NULL;
    curl_multi_remove_handle(w->multi, r->easy);
    if (w->n_spare < SPARE_HANDLES) {
        curl_easy_reset(r->easy);
        w->spare[w->n_spare++] = r->easy;
    } else {
        curl_easy_cleanup(r->easy);
    }
    r->easy = NULL;
}

/* "https://host:443" of an address, or what is wrong with it. */
static const char *key_of(const char *url, struct buf *key)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    const char *error = NULL;
    if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK)
        error = "the address is malformed";
    else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        error = "only http and https addresses are called";
    else
        buf_printf(key, "%s://%s:%s", scheme, host, port);
    for (char *p = key->p; p && p < key->p + key->n; p++)
        *p = (char)tolower((unsigned char)*p);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
    return error;
}

static void admit(struct work_reactor *w, struct request *r)
{
    const char *error = NULL;
    if (peer_admit(r->peer, r, &error))
        start(w, r);
    else if (error)
        finish(w, r, 0, error);
}

static void begin(struct work_reactor *w, struct request *r)
{
    struct buf key = BUF_HEAP;
    const char *error = r->method[0] ? key_of(r->url, &key) : "the request is malformed";
    if (!error) r->peer = peers_find(w->peers, buf_view(&key));
    buf_free(&key);
    if (error)
        finish(w, r, 0, error);
    else
        admit(w, r);
}

static void end(struct work_reactor *w, struct request *r, CURLcode rc)
{
    long status = 0;
    const char *error = NULL;
    if (rc == CURLE_OK) curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    if (r->refused_private)
        error = "private addresses are refused";
    else if (r->too_large)
        error = "the answer is too large";
    else if (rc != CURLE_OK)
        error = r->error[0] ? r->error : curl_easy_strerror(rc);
    /* what we refused is not the host's failure */
    bool failed = !r->refused_private && !r->too_large && (rc != CURLE_OK || status >= 500);
    struct peer *peer = r->peer;
    detach(w, r);
    peer_ended(peer, r, failed);
    finish(w, r, error ? 0 : (int)status, error);
    for (struct request *next; (next = peer_next(peer)) != NULL;)
        admit(w, next);
}

/* ---- events ------------------------------------------------------------------------ */

static void collect(struct work_reactor *w)
{
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(w->multi, &left)) != NULL) {
        if (m->msg != CURLMSG_DONE) continue;
        char *r;
        CURLcode rc = m->data.result; /* `m` dies with the handle's removal */
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &r);
        end(w, (struct request *)(void *)r, rc);
    }
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct work_reactor *w = arg;
    int running,
        flags = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(w->multi, fd, flags, &running);
    collect(w);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct work_reactor *w = arg;
    int running;
    (void)fd;
    (void)what;
    curl_multi_socket_action(w->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(w);
}

/* libcurl says which events of a socket it wants. */
static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct work_reactor *w = arg;
    struct event *ev = socket_arg;
    (void)easy;
    if (ev) event_free(ev);
    if (what == CURL_POLL_REMOVE) return 0;
    short events = (short)((what & CURL_POLL_IN ? EV_READ : 0) |
                           (what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST);
    ev = event_new(w->base, fd, events, on_socket, w);
    if (!ev || event_add(ev, NULL) != 0) panic("work: out of memory");
    curl_multi_assign(w->multi, fd, ev);
    return 0;
}

static int want_timer(CURLM *multi, long ms, void *arg)
{
    struct work_reactor *w = arg;
    (void)multi;
    struct timeval t = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    if (ms < 0)
        evtimer_del(w->timer);
    else
        evtimer_add(w->timer, &t);
    return 0;
}

static void on_inbox(evutil_socket_t fd, short what, void *arg)
{
    struct work_reactor *w = arg;
    uint64_t n;
    (void)what;
    if (read(fd, &n, sizeof n) < 0 && errno != EAGAIN) log_error("eventfd: %d", errno);
    pthread_mutex_lock(&w->lock);
    struct request *list = w->inbox;
    bool stopping = w->stopping;
    w->inbox = NULL;
    w->inbox_last = &w->inbox;
    pthread_mutex_unlock(&w->lock);
    while (list) {
        struct request *r = list;
        list = r->next;
        r->next = NULL;
        if (stopping)
            finish(w, r, 0, "this node is stopping");
        else
            begin(w, r);
    }
    if (stopping) event_base_loopbreak(w->base);
}

static void *reactor_main(void *arg)
{
    struct work_reactor *w = arg;
    event_base_dispatch(w->base);
    for (struct request *r; (r = w->at_work) != NULL;) {
        detach(w, r);
        finish(w, r, 0, "this node is stopping");
    }
    for (struct request *r; (r = peers_drain(w->peers)) != NULL;)
        finish(w, r, 0, "this node is stopping");
    return NULL;
}

/* ---- from outside -------------------------------------------------------------------- */

bool work_reactor_http(struct work_reactor *w, const struct work_http *http)
{
    pthread_mutex_lock(&w->lock);
    bool room = !w->stopping && w->n_accepted < MAX_WAITING;
    if (room) w->n_accepted++;
    pthread_mutex_unlock(&w->lock);
    if (!room) return false;
    struct request *r = request_new(http);
    pthread_mutex_lock(&w->lock);
    bool wake = w->inbox == NULL;
    bool late = w->stopping; /* its last look into the inbox may be over */
    if (late) {
        w->n_accepted--;
    } else {
        *w->inbox_last = r;
        w->inbox_last = &r->next;
        uint64_t one = 1;
        if (wake && write(w->inbox_fd, &one, sizeof one) < 0) log_error("eventfd: %d", errno);
    }
    pthread_mutex_unlock(&w->lock);
    if (late) request_free(r);
    return !late;
}

static void curl_init(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) panic("work: cannot start libcurl");
}

struct work_reactor *work_reactor_start(struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, curl_init);
    struct work_reactor *w = xmalloc(sizeof *w);
    *w = (struct work_reactor){0};
    w->inbox_last = &w->inbox;
    w->inbox_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->base = event_base_new();
    w->multi = curl_multi_init();
    if (w->inbox_fd < 0 || !w->base || !w->multi) {
        err_internal(err, "the reactor cannot start: %d", errno);
        if (w->inbox_fd >= 0) close(w->inbox_fd);
        if (w->base) event_base_free(w->base);
        if (w->multi) curl_multi_cleanup(w->multi);
        free(w);
        return NULL;
    }
    w->peers = peers_new();
    w->inbox_event = event_new(w->base, w->inbox_fd, EV_READ | EV_PERSIST, on_inbox, w);
    w->timer = evtimer_new(w->base, on_timer, w);
    if (!w->inbox_event || !w->timer) panic("work: out of memory");
    event_add(w->inbox_event, NULL);
    curl_multi_setopt(w->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(w->multi, CURLMOPT_SOCKETDATA, w);
    curl_multi_setopt(w->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    curl_multi_setopt(w->multi, CURLMOPT_TIMERDATA, w);
    curl_multi_setopt(w->multi, CURLMOPT_MAXCONNECTS, 256L);
    pthread_mutex_init(&w->lock, NULL);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&w->thread, NULL, reactor_main, w) != 0)
        panic("work: cannot start a thread");
    pthread_setname_np(w->thread, "reactor");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return w;
}

void work_reactor_stop(struct work_reactor *w)
{
    if (!w) return;
    uint64_t one = 1;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    if (write(w->inbox_fd, &one, sizeof one) < 0) log_error("eventfd: %d", errno);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    for (unsigned i = 0; i < w->n_spare; i++)
        curl_easy_cleanup(w->spare[i]);
    curl_multi_cleanup(w->multi); /* closes what is left and says so to want_socket */
    event_free(w->inbox_event);
    event_free(w->timer);
    event_base_free(w->base);
    close(w->inbox_fd);
    peers_free(w->peers);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
