/* Command line of atriumd. */
#ifndef ATRIUM_MAIN_OPTIONS_H
#define ATRIUM_MAIN_OPTIONS_H

#include "base/base.h"

struct main_options {
    const char *program;         /* argv[0], for starting workers */
    const char *config;          /* --config FILE or NULL */
    const char *state_dir;       /* --state DIR or NULL (then the file's) */
    const char *port;            /* --port N: one plain listener on 127.0.0.1 */
    bool safe_mode;              /* --safe-mode: no plugins */
    bool check;                  /* --check: read configuration and manifests, then end */
    bool help, version;
    /* Between supervisor and worker only. */
    bool worker;
    const char *listen_fds;      /* "4:0:0,5:1:2": fd, operator side, index in the settings */
    int ready_fd, page_fd;
    const char *quarantine;      /* "crm,vote" */
};

/* -1 with a line on stderr when the command line is wrong. */
int main_options_parse(int argc, char **argv, struct main_options *o);
void main_options_usage(void);

#endif
