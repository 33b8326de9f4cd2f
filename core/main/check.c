#include "main/check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/manifest.h"
#include "main/settings.h"

static unsigned check_manifest(struct arena *a, const char *dir)
{
    struct cfg_errors e = {.a = a, .file = dir, .text = BUF_IN(a)};
    struct mf_manifest *m;
    if (cfg_load_manifest(a, dir, &m, &e) != 0) {
        fprintf(stderr, "%.*s", SVARG(buf_view(&e.text)));
        return 1;
    }
    printf("%s %s: %zu resources\n", m->id, m->version, m->n_resources);
    return 0;
}

int main_check(const struct main_options *o)
{
    struct arena *a = arena_new(0);
    struct cfg_settings s;
    unsigned bad = 0;
    if (main_settings_load(a, o, &s) != 0) {
        arena_free(a);
        return 2;
    }
    for (size_t i = 0; i < s.n_plugin_dirs; i++) {
        struct dirent **list;
        int n = scandir(s.plugin_dirs[i], &list, NULL, alphasort);
        for (int k = 0; k < n; k++) {
            const char *dir = arena_printf(a, "%s/%s", s.plugin_dirs[i], list[k]->d_name).p;
            if (list[k]->d_name[0] != '.' &&
                access(arena_printf(a, "%s/plugin.yaml", dir).p, F_OK) == 0)
                bad += check_manifest(a, dir);
            free(list[k]);
        }
        if (n >= 0)
            free(list);
    }
    arena_free(a);
    return bad ? 1 : 0;
}
