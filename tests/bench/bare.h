/* What the bare programs share: a listening socket and loop threads on it. */
#ifndef ATRIUM_TESTS_BENCH_BARE_H
#define ATRIUM_TESTS_BENCH_BARE_H

struct bare {
    int port, threads;
    int (*on_req)(h2o_handler_t *self, h2o_req_t *req);
    void (*on_loop)(h2o_context_t *ctx);     /* in each loop's thread before it runs, or NULL */
};

struct bare_loop {
    const struct bare *b;
    h2o_globalconf_t *conf;
    int fd;
    h2o_context_t ctx;
    h2o_accept_ctx_t accept;
};

static void bare_accept(h2o_socket_t *listener, const char *err)
{
    struct bare_loop *l = listener->data;
    h2o_socket_t *sock;
    for (int i = 0; !err && i < 16 && (sock = h2o_evloop_socket_accept(listener)); i++)
        h2o_accept(&l->accept, sock);
}

static void *bare_loop_main(void *arg)
{
    struct bare_loop *l = arg;
    h2o_context_init(&l->ctx, h2o_evloop_create(), l->conf);
    l->accept.ctx = &l->ctx;
    l->accept.hosts = l->conf->hosts;
    h2o_socket_t *listener =
        h2o_evloop_socket_create(l->ctx.loop, dup(l->fd), H2O_SOCKET_FLAG_DONT_READ);
    listener->data = l;
    h2o_socket_read_start(listener, bare_accept);
    if (l->b->on_loop)
        l->b->on_loop(&l->ctx);
    for (;;)
        h2o_evloop_run(l->ctx.loop, INT32_MAX);
    return NULL;
}

static void bare_run(const struct bare *b)
{
    static h2o_globalconf_t conf;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)b->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&in, sizeof(in)) != 0 || listen(fd, 1024) != 0) {
        perror("listen");
        exit(1);
    }
    signal(SIGPIPE, SIG_IGN);
    h2o_config_init(&conf);
    h2o_hostconf_t *host = h2o_config_register_host(&conf, h2o_iovec_init("default", 7), 65535);
    h2o_create_handler(&host->fallback_path, sizeof(h2o_handler_t))->on_req = b->on_req;
    struct bare_loop *loops = calloc((size_t)b->threads, sizeof(*loops));
    for (int i = 0; i < b->threads; i++) {
        pthread_t t;
        loops[i] = (struct bare_loop){.b = b, .conf = &conf, .fd = fd};
        if (pthread_create(&t, NULL, bare_loop_main, &loops[i]) != 0)
            exit(1);
    }
    for (;;)
        pause();
}

#endif
