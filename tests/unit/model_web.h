/* The model's routes behind a real server, and a small client. The header X-Who
 * (anon, staff; else the administrator) stands in the place of a session. */
#ifndef ATRIUM_TESTS_MODEL_WEB_H
#define ATRIUM_TESTS_MODEL_WEB_H

#include "model_db.h"

int web_setup(void **state);
int web_teardown(void **state);

struct answer {
    int status;
    char *all; /* in the arena, NUL-terminated */
    sv head, body;
};
/* Sends the bytes, reads to the end of the connection. */
struct answer ask_raw(struct arena *arena, const void *request, size_t n);
/* `extra`: header lines, each with its end; `body`: JSON or NULL. */
struct answer ask(const char *method, const char *path, const char *extra, const char *body);
sv answer_header(const struct answer *a, const char *name);
/* Fails the test, with the whole answer, when the status is another. */
void answered(const struct answer *a, int status);

#endif
