/* The tables that this host serves. A new revision of an interface is one more
 * line here; the line of the old one stays. */
#include "plugin/internal.h"

#define LOG_ROOM "plugin"

static const struct {
    const char *id;
    const void *table;
} served[] = {
    {ATRIUM_AUTH_1, &plug_auth_1},         {ATRIUM_CHANNEL_1, &plug_channel_1},
    {ATRIUM_CRYPTO_1, &plug_crypto_1},     {ATRIUM_HOOKS_1, &plug_hooks_1},
    {ATRIUM_HTTP_1, &plug_http_1},         {ATRIUM_JOBS_1, &plug_jobs_1},
    {ATRIUM_JSON_1, &plug_json_1},         {ATRIUM_LOG_1, &plug_log_1},
    {ATRIUM_MEMORY_1, &plug_memory_1},     {ATRIUM_MODEL_1, &plug_model_1},
    {ATRIUM_SETTINGS_1, &plug_settings_1}, {ATRIUM_STORAGE_1, &plug_storage_1},
    {ATRIUM_TIME_1, &plug_time_1},
};

const void *plug_interface(sv id)
{
    for (size_t i = 0; i < sizeof served / sizeof *served; i++) {
        if (sv_eqs(id, served[i].id)) return served[i].table;
    }
    return NULL;
}

/* Only what the manifest lists: the list is what an operator reads to know what
 * a plugin can do. */
const void *plug_get_interface(const struct atrium_host *host, struct atrium_str id)
{
    const struct plug *p = ((const struct plug_host *)host)->plug;
    for (size_t i = 0; i < p->mf->n_interfaces; i++) {
        if (sv_eqs(to_sv(id), p->mf->interfaces[i])) return plug_interface(to_sv(id));
    }
    return NULL;
}
