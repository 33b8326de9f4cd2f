#define LOG_ROOM "http"
#include <pthread.h>

#include "http/methods.h"

static const sv names[HTTP_N_METHODS] = {
    [HTTP_GET] = {"GET", 3},         [HTTP_HEAD] = {"HEAD", 4},   [HTTP_POST] = {"POST", 4},
    [HTTP_PUT] = {"PUT", 3},         [HTTP_PATCH] = {"PATCH", 5}, [HTTP_DELETE] = {"DELETE", 6},
    [HTTP_OPTIONS] = {"OPTIONS", 7},
};

const char *http_method_name(enum http_method m)
{
    return (unsigned)m < HTTP_N_METHODS ? names[m].p : "?";
}

bool http_method_parse(sv name, enum http_method *out)
{
    for (unsigned m = 0; m < HTTP_N_METHODS; m++) {
        if (sv_eq(name, names[m])) {
            *out = (enum http_method)m;
            return true;
        }
    }
    return false;
}

/* All values of Allow, so that an answer may point at one without a copy. */
static char allow_text[1u << HTTP_N_METHODS][48];
static unsigned char allow_len[1u << HTTP_N_METHODS];
static pthread_once_t allow_once = PTHREAD_ONCE_INIT;

static void build_allow(void)
{
    for (unsigned bits = 0; bits < 1u << HTTP_N_METHODS; bits++) {
        unsigned set = bits & (1u << HTTP_GET) ? bits | 1u << HTTP_HEAD : bits;
        size_t n = 0;
        for (unsigned m = 0; m < HTTP_N_METHODS; m++) {
            if (!(set & 1u << m)) continue;
            if (n) {
                memcpy(allow_text[bits] + n, ", ", 2);
                n += 2;
            }
            memcpy(allow_text[bits] + n, names[m].p, names[m].n);
            n += names[m].n;
        }
        allow_len[bits] = (unsigned char)n;
    }
}

sv http_allow_text(unsigned bits)
{
    pthread_once(&allow_once, build_allow);
    bits &= (1u << HTTP_N_METHODS) - 1;
    return sv_make(allow_text[bits], allow_len[bits]);
}
