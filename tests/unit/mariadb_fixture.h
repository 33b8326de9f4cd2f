/* A real MariaDB for tests: private data directory, unix socket only, stopped
 * by its pid when the test program ends. Nothing is skipped: a machine without
 * mariadbd fails the tests. Used by the main thread of a test. */
#ifndef ATRIUM_TESTS_MARIADB_FIXTURE_H
#define ATRIUM_TESTS_MARIADB_FIXTURE_H

#include "store/store.h"

struct mariadb;

/* Installs and starts a server; returns when it answers, else ends the program
 * with the server's own log. `extra`: more options, NULL-terminated, or NULL. */
struct mariadb *mariadb_start(const char *const *extra);
/* Stops it and removes its directory; also done at exit. */
void mariadb_stop(struct mariadb *m);

void mariadb_kill(struct mariadb *m);                /* SIGKILL, waits for the end */
void mariadb_restart(struct mariadb *m);             /* starts again on the same data */
void mariadb_freeze(struct mariadb *m, bool frozen); /* SIGSTOP, SIGCONT */

const char *mariadb_socket(const struct mariadb *m);
const char *mariadb_dir(const struct mariadb *m);
/* Runs one statement as root over a connection of its own; fails the program
 * when it fails. Returns the first column of the first row (malloc'ed), or NULL
 * when there is no row. */
char *mariadb_sql(struct mariadb *m, const char *database, const char *sql);
/* Makes the database anew and returns options for a pool on it. The strings
 * live as long as `m` and `database`. */
struct store_db_opts mariadb_database(struct mariadb *m, const char *database);

#endif
