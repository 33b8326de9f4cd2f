/* Listening sockets: opened by the supervisor, inherited by every worker, so
 * that a reload never closes the door. */
#ifndef ATRIUM_MAIN_LISTENERS_H
#define ATRIUM_MAIN_LISTENERS_H

#include "main/settings.h"

struct main_listener {
    char name[160];              /* "127.0.0.1:8080" or "unix:/path": identity over reloads */
    int fd;
    bool operator_side;
    int index;                   /* in settings.listen; -1: the operator's own socket */
};
#define MAIN_MAX_LISTENERS 32
struct main_listeners {
    struct main_listener l[MAIN_MAX_LISTENERS];
    unsigned n;
};

/* Opens what the settings ask for; sockets of `old` with the same name are used
 * again. On failure what was opened is closed. The operator's unix socket
 * <state>/operator.sock (0600) is always there. */
int main_listeners_open(struct main_listeners *out, const struct main_listeners *old,
                        const struct cfg_settings *s, struct err *err);
/* Closes the sockets of `l` that `keep` does not share. */
void main_listeners_close(const struct main_listeners *l, const struct main_listeners *keep);
/* "fd:operator:index,..." for the worker's command line, and back. */
sv main_listeners_text(struct arena *a, const struct main_listeners *l);
int main_listeners_parse(const char *text, struct main_listeners *out);

#endif
