/* The supervisor: listening sockets, the private database, one worker, signals.
 * It serves no request and runs no plugin, so it does not fall with them. */
#ifndef ATRIUM_MAIN_SUPERVISOR_H
#define ATRIUM_MAIN_SUPERVISOR_H

#include "main/options.h"

/* Returns the exit status of atriumd. */
int main_supervise(const struct main_options *o);

#endif
