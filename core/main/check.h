/* atriumd --check: reads settings and manifests, runs nothing. */
#ifndef ATRIUM_MAIN_CHECK_H
#define ATRIUM_MAIN_CHECK_H

#include "main/options.h"

/* 0: all good; 1: complaints on stderr; 2: the settings do not load. */
int main_check(const struct main_options *o);

#endif
