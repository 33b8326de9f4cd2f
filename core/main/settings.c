#include "main/settings.h"

#include <stdio.h>
#include <stdlib.h>

int main_settings_load(struct arena *a, const struct main_options *o, struct cfg_settings *out)
{
    struct cfg_errors e = {.a = a, .file = o->config ? o->config : "(defaults)", .text = BUF_IN(a)};
    if (cfg_load_settings(a, o->config, o->state_dir, out, &e) != 0) {
        fprintf(stderr, "%.*s", SVARG(buf_view(&e.text)));
        return -1;
    }
    if (o->port) {
        out->listen = ARENA_NEW(a, struct cfg_listen);
        out->listen[0] =
            (struct cfg_listen){.address = "127.0.0.1", .port = (unsigned)atoi(o->port)};
        out->n_listen = 1;
    }
    return 0;
}

const char *main_state_path(struct arena *a, const struct cfg_settings *s, const char *name)
{
    return arena_printf(a, "%s/%s", s->state_dir, name).p;
}
