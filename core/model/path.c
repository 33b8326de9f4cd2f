/* Paths of fields in complaints: "options.1.title". Cut off when absurdly long. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <stdio.h>

const char *path_join(char out[MODEL_PATH], const char *prefix, const char *name)
{
    size_t n = strlen(prefix), m = strlen(name);
    if (n > MODEL_PATH - 1) n = MODEL_PATH - 1;
    if (m > MODEL_PATH - 1 - n) m = MODEL_PATH - 1 - n;
    memcpy(out, prefix, n);
    memcpy(out + n, name, m);
    out[n + m] = '\0';
    return out;
}

const char *path_item(char out[MODEL_PATH], const char *name, size_t i, const char *end)
{
    char number[32], left[MODEL_PATH];
    snprintf(number, sizeof number, ".%zu%s", i, end);
    path_join(left, "", name);
    return path_join(out, left, number);
}

const char *path_member(char out[MODEL_PATH], const char *path, const char *name)
{
    char with[MODEL_PATH];
    return path_join(out, path_join(with, path, "."), name);
}
