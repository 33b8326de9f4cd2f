/* The limit for the constant route: libh2o and nothing else. Same library, same
 * number of loop threads, same body, no access log, no limits.
 *
 *   bare_h2o PORT THREADS
 */
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

static const char body[] = "{\"status\":\"ok\"}"; /* what /healthz says */

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
    if (argc != 3) {
        fprintf(stderr, "usage: bare_h2o PORT THREADS\n");
        return 2;
    }
    struct bare b = {.port = atoi(argv[1]), .threads = atoi(argv[2]), .on_req = on_req};
    bare_run(&b);
    return 0;
}
