/* Methods by name. [any] */
#ifndef ATRIUM_CORE_HTTP_METHODS_H
#define ATRIUM_CORE_HTTP_METHODS_H

#include "http/http.h"

#define HTTP_N_METHODS ((unsigned)HTTP_OPTIONS + 1)

const char *http_method_name(enum http_method m);
/* false: a method that no route can have. */
bool http_method_parse(sv name, enum http_method *out);
/* "GET, HEAD, POST" for a set of bits; GET brings HEAD. Static memory. */
sv http_allow_text(unsigned bits);

#endif
