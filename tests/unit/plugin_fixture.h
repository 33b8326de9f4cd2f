/* What the tests of running plugins share: the rooms of auth_fixture.h with
 * plugins on top of them: model with hooks, jobs, hub, a server. */
#ifndef ATRIUM_TESTS_PLUGIN_FIXTURE_H
#define ATRIUM_TESTS_PLUGIN_FIXTURE_H

#include "auth_fixture.h"
#include "plugin/plugin.h"

struct rig {
    struct work_hub *hub;
    struct plug_registry *reg;
    struct model *model;
    struct work_jobs *jobs;
    struct http_router *router;
    struct http_server *http;
    const char *admin;               /* Authorization header of tenant alpha's */
};
extern struct rig rig;

/* The rooms below; then rig_start loads the plugins of `dir`, whose libraries are
 * in `libraries`, and serves. ask() speaks to that server from then on. */
void rig_house(void **state);
void rig_start(const char *dir, const char *libraries);
int rig_teardown(void **state);

/* Asks, checks the status and that each part is in head or body. */
void says(int status, const char *method, const char *path, const char *headers, const char *body,
          const char *const *parts);
#define SAYS(status, method, path, headers, body, ...) \
    says(status, method, path, headers, body, (const char *const[]){__VA_ARGS__, NULL})

/* A connection that stays open. */
struct line {
    int fd;
    char text[20000];
    size_t n;
};
void line_dial(struct line *l, const char *text, size_t n);
void line_listen(struct line *l, const char *path);       /* GET */
/* Reads until `part` has come or the time is over. */
bool line_comes(struct line *l, const char *part, int ms);
unsigned line_count(const struct line *l, const char *part);

#endif
