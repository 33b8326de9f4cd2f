/* Where the data lives: the configured server, or a private MariaDB under the
 * state directory that the supervisor starts and watches. Nothing but main
 * knows which of the two it is. */
#ifndef ATRIUM_MAIN_DATABASE_H
#define ATRIUM_MAIN_DATABASE_H

#include <sys/types.h>

#include "main/settings.h"
#include "store/store.h"

/* How to reach the server with the deployment's account; database NULL. The
 * password is read from its file. */
int main_database_opts(struct arena *a, const struct cfg_settings *s, struct store_db_opts *out,
                       struct err *err);
/* Waits until the server takes connections. [start] */
int main_database_wait(const struct store_db_opts *o, unsigned timeout_ms, struct err *err);

/* ---- the private MariaDB (supervisor only) ---- */

/* Makes data directory and account on first use; nothing to do later. */
int main_embedded_prepare(struct arena *a, const struct cfg_settings *s, struct err *err);
/* Starts mariadbd; its pid, or -1. */
pid_t main_embedded_spawn(struct arena *a, const struct cfg_settings *s, struct err *err);

#endif
