#include "main/supervisor.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "main/database.h"
#include "main/listeners.h"
#include "main/quarantine.h"
#include "plugin/plugin.h"

#define LOG_ROOM "supervisor"
#define MAX_OLD 8                /* workers that drain at the same time */
#define DB_STOP_S 30
#define RESPAWN_MS 100           /* after a death; doubled up to 5 s while starts fail */

struct child {
    pid_t pid;
    struct plug_page *page;      /* what it was running, readable after its death */
    bool ready;
    int ready_fd;
    struct event *ready_event;
    int64_t kill_at;             /* draining: SIGKILL after this, 0: not draining */
};

/* Settings and sockets of one generation of workers. A reload makes the next one;
 * it takes the place of the current one when its worker serves. */
struct generation {
    struct arena *arena;         /* of the settings; NULL: there is none */
    struct cfg_settings settings;
    struct main_listeners listeners;
};

struct supervisor {
    const struct main_options *options;
    char program[4096];          /* by name, so that a reload runs an upgraded file */
    struct generation now, next;
    struct event_base *base;
    struct child worker;         /* the one that serves; pid 0: none */
    struct child old[MAX_OLD];
    struct main_quarantine quarantine;
    pid_t db;
    bool stopping;
    bool db_stopping;
    int64_t db_kill_at;          /* a database on a full disk may never end by itself */
    unsigned failed_starts;
    struct event *respawn, *db_respawn, *tick;
};

static void stop_if_done(struct supervisor *s);

/* ---- state directory ----------------------------------------------------------- */

static int claim_state_dir(struct arena *a, const struct cfg_settings *c)
{
    if (mkdir(c->state_dir, 0700) != 0 && errno != EEXIST) {
        fprintf(stderr, "atriumd: cannot make %s: %s\n", c->state_dir, strerror(errno));
        return -1;
    }
    int fd = open(main_state_path(a, c, "atriumd.pid"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
        fprintf(stderr, "atriumd: %s is in use by another atriumd\n", c->state_dir);
        return -1;
    }
    char text[32];
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
        fprintf(stderr, "atriumd: cannot write the pid file: %s\n", strerror(errno));
        return -1;
    }
    return 0;                    /* the descriptor holds the lock until the process ends */
}

/* ---- workers -------------------------------------------------------------------- */

static void forget_ready(struct child *c)
{
    if (c->ready_event) {
        event_free(c->ready_event);
        close(c->ready_fd);
        c->ready_event = NULL;
    }
}

static void drain_child(struct supervisor *s, struct child *c)
{
    kill(c->pid, SIGTERM);
    c->kill_at = clock_mono_us() + (int64_t)(s->now.settings.drain_seconds + 5) * 1000000;
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct supervisor *s = arg;
    char byte;
    bool said = read(fd, &byte, 1) == 1;
    forget_ready(&s->worker);
    if (!said)
        return;                  /* died before; SIGCHLD tells the rest */
    s->worker.ready = true;
    s->failed_starts = 0;
    if (s->next.arena) {
        main_listeners_close(&s->now.listeners, &s->next.listeners);
        arena_free(s->now.arena);
        s->now = s->next;
        s->next = (struct generation){0};
    }
    log_info("worker %d serves", (int)s->worker.pid);
    for (unsigned i = 0; i < MAX_OLD; i++)
        if (s->old[i].pid && !s->old[i].kill_at)
            drain_child(s, &s->old[i]);
}

static void exec_worker(struct supervisor *s, const struct generation *g, int ready_fd,
                        int page_fd)
{
    struct arena *a = g->arena;
    char ready[16], page[16];
    snprintf(ready, sizeof ready, "%d", ready_fd);
    snprintf(page, sizeof page, "%d", page_fd);
    const char *argv[24];
    unsigned n = 0;
    argv[n++] = s->options->program;
    argv[n++] = "--worker";
    if (s->options->config) {
        argv[n++] = "--config";
        argv[n++] = s->options->config;
    }
    argv[n++] = "--state";
    argv[n++] = g->settings.state_dir;
    if (s->options->port) {
        argv[n++] = "--port";
        argv[n++] = s->options->port;
    }
    if (s->options->safe_mode)
        argv[n++] = "--safe-mode";
    argv[n++] = "--fds";
    argv[n++] = main_listeners_text(a, &g->listeners).p;
    argv[n++] = "--ready-fd";
    argv[n++] = ready;
    argv[n++] = "--page-fd";
    argv[n++] = page;
    argv[n++] = "--quarantine";
    argv[n++] = main_quarantine_text(a, &s->quarantine).p;
    argv[n] = NULL;
    for (unsigned i = 0; i < g->listeners.n; i++)
        fcntl(g->listeners.l[i].fd, F_SETFD, 0);
    fcntl(ready_fd, F_SETFD, 0);
    fcntl(page_fd, F_SETFD, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv(s->program, (char *const *)argv);
    _exit(127);
}

static void spawn_worker(struct supervisor *s, const struct generation *g)
{
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
        log_error("pipe: %s", strerror(errno));
        return;
    }
    int page_fd;
    struct err err = {0};
    struct plug_page *page = plug_page_new(&page_fd, &err);
    if (!page) {
        log_error("no crash page: %s", err.detail);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
        return;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
            _exit(0);
        exec_worker(s, g, pipe_fds[1], page_fd);
    }
    close(pipe_fds[1]);
    close(page_fd);
    if (pid < 0) {
        log_error("fork: %s", strerror(errno));
        close(pipe_fds[0]);
        plug_page_free(page);
        return;
    }
    s->worker = (struct child){.pid = pid, .ready_fd = pipe_fds[0], .page = page};
    s->worker.ready_event = event_new(s->base, pipe_fds[0], EV_READ, on_ready, s);
    event_add(s->worker.ready_event, NULL);
}

static void respawn_later(struct supervisor *s)
{
    unsigned ms = RESPAWN_MS << (s->failed_starts < 6 ? s->failed_starts : 6);
    if (ms > 5000)
        ms = 5000;
    struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
    event_add(s->respawn, &tv);
}

static void on_respawn(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct supervisor *s = arg;
    if (!s->stopping && s->worker.pid == 0)
        spawn_worker(s, &s->now);
}

static void note_culprit(struct supervisor *s, const struct plug_page *page)
{
    sv plugin, call;
    if (!plug_page_culprit(page, &plugin, &call))
        return;
    log_error("the worker died while plugin %.*s ran %.*s", SVARG(plugin), SVARG(call));
    if (main_quarantine_note(&s->quarantine, plugin, clock_mono_us(), s->now.settings.quarantine.deaths,
                             s->now.settings.quarantine.window_s))
        log_error("plugin %.*s is put into quarantine: %u deaths within %u s", SVARG(plugin),
                  s->now.settings.quarantine.deaths, s->now.settings.quarantine.window_s);
}

static void forget_child(struct child *c)
{
    forget_ready(c);
    plug_page_free(c->page);
    *c = (struct child){0};
}

/* The reload did not come to serve: its settings and new sockets go. */
static void give_up_next(struct supervisor *s)
{
    main_listeners_close(&s->next.listeners, &s->now.listeners);
    arena_free(s->next.arena);
    s->next = (struct generation){0};
}

static void worker_ended(struct supervisor *s, int status)
{
    bool was_ready = s->worker.ready;
    if (!s->stopping)
        note_culprit(s, s->worker.page);
    forget_child(&s->worker);
    if (s->stopping)
        return;
    if (WIFSIGNALED(status))
        log_error("the worker was ended by signal %d", WTERMSIG(status));
    else
        log_error("the worker ended with status %d", WEXITSTATUS(status));
    if (s->next.arena && !was_ready)
        give_up_next(s);
    if (!was_ready) {
        s->failed_starts++;
        /* A reload that cannot start: the old worker, not yet told to drain,
         * goes on serving. */
        for (unsigned i = 0; i < MAX_OLD; i++) {
            if (s->old[i].pid && !s->old[i].kill_at) {
                s->worker = s->old[i];
                s->old[i] = (struct child){0};
                log_error("the new worker did not start; the old one goes on");
                return;
            }
        }
    }
    respawn_later(s);
}

/* ---- database ------------------------------------------------------------------- */

static void start_db(struct supervisor *s)
{
    struct err err = {0};
    s->db = main_embedded_spawn(s->now.arena, &s->now.settings, &err);
    if (s->db < 0) {
        log_error("cannot start the database: %s", err.detail);
        s->db = 0;
    }
}

static void on_db_respawn(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct supervisor *s = arg;
    if (!s->db_stopping && s->db == 0)
        start_db(s);
}

/* ---- signals ---------------------------------------------------------------------- */

static void on_child(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct supervisor *s = arg;
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == s->worker.pid) {
            worker_ended(s, status);
        } else if (pid == s->db) {
            s->db = 0;
            if (!s->db_stopping) {
                log_error("the database ended (status %d); starting it again", status);
                struct timeval tv = {.tv_usec = 200 * 1000};
                event_add(s->db_respawn, &tv);
            }
        } else {
            for (unsigned i = 0; i < MAX_OLD; i++)
                if (s->old[i].pid == pid)
                    forget_child(&s->old[i]);
        }
    }
    stop_if_done(s);
}

static void on_terminate(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct supervisor *s = arg;
    if (s->stopping)
        return;
    log_info("stopping");
    s->stopping = true;
    if (s->worker.pid)
        drain_child(s, &s->worker);
    for (unsigned i = 0; i < MAX_OLD; i++)
        if (s->old[i].pid && !s->old[i].kill_at)
            drain_child(s, &s->old[i]);
    stop_if_done(s);
}

static void on_hangup(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct supervisor *s = arg;
    unsigned slot = 0;
    while (slot < MAX_OLD && s->old[slot].pid)
        slot++;
    if (s->stopping || slot == MAX_OLD || s->next.arena || (s->worker.pid && !s->worker.ready)) {
        log_warn("reload refused: another one is under way");
        return;
    }
    struct generation g = {.arena = arena_new(0)};
    struct err err = {0};
    if (main_settings_load(g.arena, s->options, &g.settings) != 0 ||
        main_listeners_open(&g.listeners, &s->now.listeners, &g.settings, &err) != 0) {
        log_error("reload refused, the old settings stay: %s", err.detail);
        arena_free(g.arena);
        return;
    }
    main_quarantine_pardon(&s->quarantine);
    log_info("reloading");
    if (s->worker.pid) {
        s->old[slot] = s->worker;
        s->worker = (struct child){0};
    }
    s->failed_starts = 0;
    s->next = g;
    spawn_worker(s, &s->next);
    if (s->worker.pid == 0) {    /* no process to be had: as if it had not started */
        give_up_next(s);
        s->worker = s->old[slot];
        s->old[slot] = (struct child){0};
    }
}

/* Once a second: workers that do not finish draining are ended. */
static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct supervisor *s = arg;
    int64_t now = clock_mono_us();
    for (unsigned i = 0; i <= MAX_OLD; i++) {
        struct child *c = i < MAX_OLD ? &s->old[i] : &s->worker;
        if (c->pid && c->kill_at && now > c->kill_at) {
            log_warn("worker %d did not end in time", (int)c->pid);
            kill(c->pid, SIGKILL);
        }
    }
    if (s->db && s->db_kill_at && now > s->db_kill_at) {
        log_warn("the database did not end in time; it will recover at its next start");
        kill(s->db, SIGKILL);
    }
}

static void stop_if_done(struct supervisor *s)
{
    if (!s->stopping || s->worker.pid)
        return;
    for (unsigned i = 0; i < MAX_OLD; i++)
        if (s->old[i].pid)
            return;
    if (s->db && !s->db_stopping) {
        s->db_stopping = true;
        s->db_kill_at = clock_mono_us() + DB_STOP_S * 1000000LL;
        kill(s->db, SIGTERM);
    }
    if (s->db == 0)
        event_base_loopbreak(s->base);
}

/* ---- start ------------------------------------------------------------------------ */

static void on_signal(struct supervisor *s, int sig, event_callback_fn fn)
{
    event_add(evsignal_new(s->base, sig, fn, s), NULL);
}

int main_supervise(const struct main_options *o)
{
    struct supervisor s = {.options = o, .now = {.arena = arena_new(0)}};
    struct err err = {0};
    if (main_settings_load(s.now.arena, o, &s.now.settings) != 0 ||
        claim_state_dir(s.now.arena, &s.now.settings) != 0)
        return 2;
    if (main_listeners_open(&s.now.listeners, NULL, &s.now.settings, &err) != 0 ||
        (s.now.settings.database.embedded &&
         main_embedded_prepare(s.now.arena, &s.now.settings, &err) != 0)) {
        fprintf(stderr, "atriumd: %s\n", err.detail);
        return 1;
    }
    ssize_t len = readlink("/proc/self/exe", s.program, sizeof s.program - 1);
    if (len <= 0) {
        fprintf(stderr, "atriumd: cannot find its own program: %s\n", strerror(errno));
        return 1;
    }
    s.base = event_base_new();
    s.respawn = evtimer_new(s.base, on_respawn, &s);
    s.db_respawn = evtimer_new(s.base, on_db_respawn, &s);
    s.tick = event_new(s.base, -1, EV_PERSIST, on_tick, &s);
    struct timeval second = {.tv_sec = 1};
    event_add(s.tick, &second);
    on_signal(&s, SIGCHLD, on_child);
    on_signal(&s, SIGTERM, on_terminate);
    on_signal(&s, SIGINT, on_terminate);
    on_signal(&s, SIGHUP, on_hangup);
    signal(SIGPIPE, SIG_IGN);
    if (s.now.settings.database.embedded)
        start_db(&s);
    spawn_worker(&s, &s.now);
    event_base_dispatch(s.base);
    log_info("stopped");
    event_base_free(s.base);
    arena_free(s.now.arena);
    return 0;
}
