/* The page that supervisor and worker share. The worker writes names once and
 * then, per call into a plugin, one number per thread: cheap enough for every
 * call. The signal handler of a dying worker writes which thread's number it
 * was; the supervisor reads it after the death. */
#include "plugin/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define LOG_ROOM "plugin"

#define PAGE_MAGIC UINT32_C(0x61706167)
#define MAX_LINES 4096
#define MAX_THREADS 512
#define ALT_STACK (64 * 1024)

struct line {
    char plugin[32], call[96];
};

struct shared {
    uint32_t magic;
    _Atomic uint32_t n_lines;            /* lines 1.. are in use */
    _Atomic uint32_t n_threads;
    _Atomic uint32_t culprit;            /* line of the thread that died, 0: none */
    _Atomic uint32_t here[MAX_THREADS];  /* line that the thread runs, 0: none */
    struct line lines[MAX_LINES];
};

struct plug_page {
    struct shared *s;
};

/* A page's slot of this thread; -1: not asked yet, MAX_THREADS: none left. A
 * process has one page, so the slot needs no page beside it. */
static _Thread_local int slot = -1;
static struct shared *the_page;          /* for the signal handler */

static struct plug_page *map(int fd, struct err *err)
{
    struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (s == MAP_FAILED) {
        err_internal(err, "cannot map the crash page: %s", strerror(errno));
        return NULL;
    }
    struct plug_page *p = xmalloc(sizeof *p);
    p->s = s;
    return p;
}

struct plug_page *plug_page_new(int *fd, struct err *err)
{
    int f = memfd_create("atrium-crash-page", 0);
    if (f < 0 || ftruncate(f, (off_t)sizeof(struct shared)) != 0) {
        err_internal(err, "cannot make the crash page: %s", strerror(errno));
        if (f >= 0) close(f);
        return NULL;
    }
    struct plug_page *p = map(f, err);
    if (!p) {
        close(f);
        return NULL;
    }
    p->s->magic = PAGE_MAGIC;
    *fd = f;
    return p;
}

/* Async-signal-safe: one load, one store, then the death that was due. The
 * handler was reset by SA_RESETHAND, so returning raises the fault anew. */
static void on_fatal(int sig)
{
    if (slot >= 0 && slot < MAX_THREADS)
        atomic_store(&the_page->culprit, atomic_load(&the_page->here[slot]));
    if (sig == SIGABRT) raise(sig);
}

/* Sanitizers report by handlers of their own; ours would only hide them. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static void install(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    struct sigaction sa = {.sa_handler = on_fatal, .sa_flags = (int)SA_RESETHAND | SA_ONSTACK};
    sigemptyset(&sa.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
#ifdef SANITIZED
        if (signals[i] != SIGABRT) continue;
#endif
        sigaction(signals[i], &sa, NULL);
    }
}

struct plug_page *plug_page_open(int fd, struct err *err)
{
    struct plug_page *p = map(fd, err);
    if (!p) return NULL;
    if (p->s->magic != PAGE_MAGIC) {
        err_internal(err, "descriptor %d is not a crash page", fd);
        plug_page_free(p);
        return NULL;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    the_page = p->s;
    install();
    return p;
}

bool plug_page_culprit(const struct plug_page *p, sv *plugin, sv *call)
{
    uint32_t line = atomic_load(&p->s->culprit);
    if (line == 0 || line >= MAX_LINES) return false;
    const struct line *l = &p->s->lines[line];
    /* The worker that died may have scribbled over the page too. */
    *plugin = (sv){l->plugin, strnlen(l->plugin, sizeof l->plugin)};
    *call = (sv){l->call, strnlen(l->call, sizeof l->call)};
    return plugin->n > 0;
}

void plug_page_free(struct plug_page *p)
{
    if (!p) return;
    if (the_page == p->s) the_page = NULL;
    munmap(p->s, sizeof *p->s);
    free(p);
}

unsigned plug_page_line(struct plug_page *p, const char *plugin, const char *call)
{
    if (!p) return 0;
    uint32_t n = atomic_load(&p->s->n_lines) + 1;
    if (n >= MAX_LINES) return 0;
    struct line *l = &p->s->lines[n];
    snprintf(l->plugin, sizeof l->plugin, "%s", plugin);
    snprintf(l->call, sizeof l->call, "%s", call);
    atomic_store(&p->s->n_lines, n);
    return n;
}

/* A thread that overflows its stack has none for the handler. */
static void give_alt_stack(void)
{
    stack_t now;
    if (sigaltstack(NULL, &now) != 0 || !(now.ss_flags & SS_DISABLE)) return;
    stack_t st = {.ss_size = ALT_STACK};
    st.ss_sp = mmap(NULL, ALT_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (st.ss_sp != MAP_FAILED) sigaltstack(&st, NULL);
}

void plug_page_here(struct plug_page *p, unsigned line)
{
    if (!p) return;
    if (slot < 0) {
        uint32_t n = atomic_fetch_add(&p->s->n_threads, 1);
        slot = n < MAX_THREADS ? (int)n : MAX_THREADS;
        give_alt_stack();
    }
    if (slot < MAX_THREADS)
        atomic_store_explicit(&p->s->here[slot], line, memory_order_relaxed);
}
