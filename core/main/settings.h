/* The settings of this start: file, then command line over it. */
#ifndef ATRIUM_MAIN_SETTINGS_H
#define ATRIUM_MAIN_SETTINGS_H

#include "config/config.h"
#include "main/options.h"

/* Complaints go to stderr, one a line. Everything lives in `a`. */
int main_settings_load(struct arena *a, const struct main_options *o, struct cfg_settings *out);
/* "<state>/<name>" in the arena. */
const char *main_state_path(struct arena *a, const struct cfg_settings *s, const char *name);

#endif
