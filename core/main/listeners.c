#include "main/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LOG_ROOM "main"
#define BACKLOG 4096

static int open_unix(const char *path, struct err *err)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof un.sun_path)
        return err_internal(err, "socket path too long (%zu of %zu): %s", strlen(path),
                            sizeof un.sun_path - 1, path);
    memcpy(un.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_internal(err, "socket: %s", strerror(errno));
    unlink(path);
    mode_t was = umask(0177);
    int rc = bind(fd, (struct sockaddr *)&un, sizeof un);
    umask(was);
    if (rc != 0 || listen(fd, BACKLOG) != 0) {
        err_internal(err, "cannot listen on %s: %s", path, strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

static int open_tcp(const char *address, unsigned port, struct err *err)
{
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *ai = NULL;
    int rc = getaddrinfo(address, service, &hints, &ai);
    if (rc != 0)
        return err_internal(err, "cannot resolve %s: %s", address, gai_strerror(rc));
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    if (fd < 0) {
        err_internal(err, "socket: %s", strerror(errno));
    } else {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
            err_internal(err, "cannot listen on %s:%u: %s", address, port, strerror(errno));
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(ai);
    return fd;
}

static int take_over(const struct main_listeners *old, const char *name)
{
    for (unsigned i = 0; old && i < old->n; i++)
        if (strcmp(old->l[i].name, name) == 0)
            return old->l[i].fd;
    return -1;
}

static bool has_fd(const struct main_listeners *l, int fd)
{
    for (unsigned i = 0; i < l->n; i++)
        if (l->l[i].fd == fd)
            return true;
    return false;
}

void main_listeners_close(const struct main_listeners *l, const struct main_listeners *keep)
{
    for (unsigned i = 0; i < l->n; i++)
        if (!keep || !has_fd(keep, l->l[i].fd))
            close(l->l[i].fd);
}

static int add_one(struct main_listeners *out, const struct main_listeners *old,
                   const struct cfg_listen *c, int index, struct err *err)
{
    struct main_listener *l = &out->l[out->n];
    bool is_unix = strncmp(c->address, "unix:", 5) == 0;
    int n = is_unix ? snprintf(l->name, sizeof l->name, "%s", c->address)
                    : snprintf(l->name, sizeof l->name, "%s:%u", c->address, c->port);
    if (n < 0 || (size_t)n >= sizeof l->name)
        return err_internal(err, "listen address too long");
    l->operator_side = c->operator_side;
    l->index = index;
    l->fd = take_over(old, l->name);
    if (l->fd < 0)
        l->fd = is_unix ? open_unix(c->address + 5, err) : open_tcp(c->address, c->port, err);
    if (l->fd < 0)
        return -1;
    out->n++;
    return 0;
}

int main_listeners_open(struct main_listeners *out, const struct main_listeners *old,
                        const struct cfg_settings *s, struct err *err)
{
    *out = (struct main_listeners){0};
    int rc = 0;
    if (s->n_listen + 1 > MAIN_MAX_LISTENERS)
        return err_internal(err, "more than %d listeners", MAIN_MAX_LISTENERS - 1);
    for (size_t i = 0; rc == 0 && i < s->n_listen; i++)
        rc = add_one(out, old, &s->listen[i], (int)i, err);
    if (rc == 0) {
        char address[160];
        snprintf(address, sizeof address, "unix:%s/operator.sock", s->state_dir);
        struct cfg_listen op = {.address = address, .operator_side = true};
        rc = add_one(out, old, &op, -1, err);
    }
    if (rc != 0)
        main_listeners_close(out, old);
    return rc;
}

sv main_listeners_text(struct arena *a, const struct main_listeners *l)
{
    struct buf b = BUF_IN(a);
    for (unsigned i = 0; i < l->n; i++)
        buf_printf(&b, "%s%d:%d:%d", i ? "," : "", l->l[i].fd, l->l[i].operator_side,
                   l->l[i].index);
    return arena_sv(a, buf_view(&b));
}

int main_listeners_parse(const char *text, struct main_listeners *out)
{
    *out = (struct main_listeners){0};
    for (sv rest = sv_of(text); rest.p && rest.n > 0;) {
        sv one = sv_cut(rest, ',', &rest), b, c;
        sv a = sv_cut(one, ':', &b);
        b = sv_cut(b, ':', &c);
        int64_t fd, op, index;
        if (out->n == MAIN_MAX_LISTENERS || !sv_i64(a, &fd) || !sv_i64(b, &op) || !sv_i64(c, &index))
            return -1;
        out->l[out->n++] = (struct main_listener){
            .fd = (int)fd, .operator_side = op != 0, .index = (int)index};
    }
    return out->n ? 0 : -1;
}
