/* The limit for the constant route: libh2o and nothing else. Same library, same
 * number of loop threads, same body, no access log, no limits.
 *
 *   bare_h2o [--port N] [--threads N]
 *
 * Prints "ready" when it listens. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <h2o.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bare.h"

static const char body[] =
    "{\"id\":\"1234567890\",\"name\":\"constant\",\"ok\":true,\"list\":[1,2,3,4,5]}";

static int on_req(h2o_handler_t *self, h2o_req_t *req)
{
    static h2o_generator_t generator;
    (void)self;
    h2o_iovec_t v = h2o_iovec_init(body, sizeof(body) - 1);
    req->res.status = 200;
    req->res.reason = "OK";
    req->res.content_length = v.len;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT("application/json"));
    h2o_start_response(req, &generator);
    h2o_send(req, &v, 1, H2O_SEND_STATE_FINAL);
    return 0;
}

int main(int argc, char **argv)
{
    struct bare b = {.port = 18081, .threads = 1, .on_req = on_req};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--port") == 0)
            b.port = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--threads") == 0)
            b.threads = atoi(argv[i + 1]);
    }
    bare_run(&b);
    return 0;
}
