#include "main/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPT_WORKER = 256, OPT_FDS, OPT_READY, OPT_PAGE, OPT_QUARANTINE };

static const struct option longs[] = {
    {"config", required_argument, NULL, 'c'},
    {"state", required_argument, NULL, 's'},
    {"port", required_argument, NULL, 'p'},
    {"safe-mode", no_argument, NULL, 'S'},
    {"check", no_argument, NULL, 't'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"worker", no_argument, NULL, OPT_WORKER},
    {"fds", required_argument, NULL, OPT_FDS},
    {"ready-fd", required_argument, NULL, OPT_READY},
    {"page-fd", required_argument, NULL, OPT_PAGE},
    {"quarantine", required_argument, NULL, OPT_QUARANTINE},
    {NULL, 0, NULL, 0},
};

void main_options_usage(void)
{
    puts("Usage: atriumd [--config FILE] [--state DIR] [--port N] [--safe-mode] [--check]\n"
         "\n"
         "  --config FILE   settings (see conf/atrium.yaml); defaults without it\n"
         "  --state DIR     where everything is kept; wins over the file\n"
         "  --port N        listen on 127.0.0.1:N only; wins over the file\n"
         "  --safe-mode     load no plugins\n"
         "  --check         read settings and manifests, say what is wrong, and end\n"
         "\n"
         "Signals: HUP new worker with new settings and plugins, TERM drain and end.");
}

int main_options_parse(int argc, char **argv, struct main_options *o)
{
    *o = (struct main_options){.program = argv[0], .ready_fd = -1, .page_fd = -1};
    int c;
    while ((c = getopt_long(argc, argv, "c:s:p:hV", longs, NULL)) != -1) {
        switch (c) {
        case 'c': o->config = optarg; break;
        case 's': o->state_dir = optarg; break;
        case 'p': o->port = optarg; break;
        case 'S': o->safe_mode = true; break;
        case 't': o->check = true; break;
        case 'h': o->help = true; break;
        case 'V': o->version = true; break;
        case OPT_WORKER: o->worker = true; break;
        case OPT_FDS: o->listen_fds = optarg; break;
        case OPT_READY: o->ready_fd = atoi(optarg); break;
        case OPT_PAGE: o->page_fd = atoi(optarg); break;
        case OPT_QUARANTINE: o->quarantine = optarg; break;
        default: return -1;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "atriumd: unexpected argument '%s'\n", argv[optind]);
        return -1;
    }
    int64_t port;
    if (o->port && (!sv_i64(sv_of(o->port), &port) || port < 1 || port > 65535)) {
        fprintf(stderr, "atriumd: --port wants 1..65535, not '%s'\n", o->port);
        return -1;
    }
    return 0;
}
