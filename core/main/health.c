#include "main/operator.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#define LOG_ROOM "main"

/* Constant, on the loop: also the route the benchmark holds against bare libh2o. */
static void get_healthz(struct http_req *req)
{
    http_type(req, "application/json");
    http_out_static(req, SV("{\"status\":\"ok\"}"));
}

static void get_readyz(struct http_req *req)
{
    struct main_worker *w = http_route_data(req);
    struct store_conn *c;
    struct err err = {0};
    if (w->draining) {
        http_fail_code(req, 503, "unavailable");
    } else if (store_get(w->control, &c, &err) != 0) {
        http_fail(req, &err);
    } else {
        int rc = store_exec(c, SV("SELECT 1"), NULL, 0, NULL, &err);
        store_put(c);
        if (rc != 0)
            http_fail(req, &err);
        else
            get_healthz(req);
    }
}

static long resident_kib(void)
{
    long pages = 0, size = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f) {
        if (fscanf(f, "%ld %ld", &size, &pages) != 2)
            pages = 0;
        fclose(f);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void metric(struct buf *b, const char *name, const char *type, const char *help, int64_t v)
{
    buf_printf(b, "# HELP atrium_%s %s\n# TYPE atrium_%s %s\natrium_%s %lld\n", name, help, name,
               type, name, (long long)v);
}

static void get_metrics(struct http_req *req)
{
    struct main_worker *w = http_route_data(req);
    struct http_stats h;
    struct work_pool_stats p;
    struct plug_stats g;
    http_server_stats(w->server, &h);
    work_pool_stats(w->pool, &p);
    plug_stats(w->plugins, &g);
    struct buf *b = http_out(req);
    http_type(req, "text/plain; version=0.0.4");
    metric(b, "http_requests_total", "counter", "Requests answered", (int64_t)h.requests);
    metric(b, "http_active_requests", "gauge", "Requests in flight", (int64_t)h.active_requests);
    metric(b, "http_connections", "gauge", "Open connections", (int64_t)h.connections);
    metric(b, "http_streams", "gauge", "Open streams (SSE, WebSocket, downloads)",
           (int64_t)h.streams);
    metric(b, "http_refused_rate_total", "counter", "Refused by the rate limit",
           (int64_t)h.refused_rate);
    metric(b, "http_refused_full_total", "counter", "Refused because queues were full",
           (int64_t)h.refused_full);
    metric(b, "http2_resets_total", "counter", "Streams reset by clients", (int64_t)h.h2_resets);
    metric(b, "workers_busy", "gauge", "Worker threads at work", p.busy);
    metric(b, "workers_queued", "gauge", "Requests waiting for a worker thread", p.queued);
    metric(b, "plugin_calls_total", "counter", "Calls into plugins", (int64_t)g.calls);
    metric(b, "plugin_failed_calls_total", "counter", "Calls into plugins that failed",
           (int64_t)g.failed_calls);
    metric(b, "stream_records_total", "counter", "Records made durable by group commit",
           (int64_t)g.records);
    metric(b, "stream_batches_total", "counter", "Group commits", (int64_t)g.batches);
    metric(b, "stream_queued_records", "gauge", "Records waiting for group commit",
           (int64_t)g.queued_records);
    metric(b, "resident_kib", "gauge", "Resident memory of the worker", resident_kib());
    metric(b, "uptime_seconds", "gauge", "Since this worker started",
           (clock_mono_us() - w->started_us) / 1000000);
}

int main_health_routes(struct main_worker *w, struct http_router *r, struct err *err)
{
    const struct http_route routes[] = {
        {HTTP_GET, "/healthz",
         HTTP_ON_LOOP | HTTP_NO_ACCESS_LOG | HTTP_ANY_SITE, get_healthz, w, NULL},
    };
    const struct http_route operator_side[] = {
        {HTTP_GET, "/readyz", HTTP_NO_ACCESS_LOG, get_readyz, w, NULL},
        {HTTP_GET, "/metrics", HTTP_NO_ACCESS_LOG, get_metrics, w, NULL},
    };
    if (http_router_add_all(r, routes, sizeof routes / sizeof routes[0], err) != 0)
        return -1;
    return r == w->operator_router
               ? http_router_add_all(r, operator_side,
                                     sizeof operator_side / sizeof operator_side[0], err)
               : 0;
}
