/* What SSE, downloads and WebSockets have in common. Inside of the room. */
#ifndef ATRIUM_CORE_HTTP_STREAM_H
#define ATRIUM_CORE_HTTP_STREAM_H

#include "http/internal.h"

#include <h2o/websocket.h>

enum stream_kind { STREAM_SSE, STREAM_DOWNLOAD, STREAM_WS };

struct http_stream {
    struct http_msg msg;             /* wakes the loop; in flight when `woken` */
    _Atomic unsigned refs;
    enum stream_kind kind;
    struct http_loop *loop;
    size_t max_owed;
    const struct http_stream_ops *ops;
    void *arg;

    pthread_mutex_t mu;              /* guards these, written from any thread */
    pthread_cond_t room;
    struct buf pending;              /* SSE, downloads: bytes; WebSocket: length-prefixed */
    size_t owed;                     /* pending and what h2o still holds */
    bool woken, closed, ending;

    /* [loop] */
    struct http_stream *prev, *next; /* open streams of the loop */
    bool linked, started, told;
    h2o_timeout_entry_t ping;
    h2o_req_t *h;                    /* SSE, downloads */
    h2o_generator_t gen;
    struct buf flying;               /* what h2o is writing */
    bool busy, head_request;
    struct http_conn *conn;          /* watched for the reader's FIN, or NULL */
    h2o_websocket_conn_t *ws;
    h2o_timeout_entry_t soon;
    bool ws_goodbye;                 /* the close frame is queued */
    unsigned ws_idle;                /* pings since the peer was last heard */
};

struct http_stream *http_stream_new(struct http_req *r, enum stream_kind kind,
                                    const struct http_stream_ops *ops, void *arg);
void http_stream_link(struct http_stream *s);            /* [loop] */
/* [loop] The end: tells the owner once and gives back the loop's reference. */
void http_stream_gone(struct http_stream *s);
/* Takes what writers have queued. [loop] */
bool http_stream_take(struct http_stream *s, struct buf *into, bool *ending);
void http_stream_paid(struct http_stream *s, size_t bytes);   /* [loop] */

void http_ws_start(struct http_stream *s, struct http_req *r);
void http_ws_pump(struct http_stream *s);

#endif
