/* Entry: what this plugin is and what it binds. */
#include "vote.h"

ATRIUM_TABLES_DEFINE;

/* All state is per tenant (polls.c); the plugin itself has none. */
static atrium_status load(const struct atrium_host *host, void **self, struct atrium_error *err)
{
    (void)host;
    (void)err;
    *self = NULL;
    return ATRIUM_OK;
}

static const struct {
    struct atrium_str name;
    atrium_http_handler *fn;
} routes[] = {
    {ATRIUM_STR_INIT("public_poll"), vote_public_poll},
    {ATRIUM_STR_INIT("cast_ballot"), vote_cast_ballot},
    {ATRIUM_STR_INIT("poll_live"), vote_poll_live},
    {ATRIUM_STR_INIT("poll_share"), vote_poll_share},
    {ATRIUM_STR_INIT("poll_qr_svg"), vote_poll_qr_svg},
    {ATRIUM_STR_INIT("poll_qr_png"), vote_poll_qr_png},
    {ATRIUM_STR_INIT("poll_stats"), vote_poll_stats},
};

static atrium_status init(void *self, const struct atrium_host *host, struct atrium_error *err)
{
    (void)self;
    atrium_tables_fetch(host);
    atrium_status s = ATRIUM_OK;
    for (size_t i = 0; s == ATRIUM_OK && i < sizeof routes / sizeof *routes; i++)
        s = atrium.http->bind_route(host, routes[i].name, routes[i].fn, err);
    if (s == ATRIUM_OK)
        s = atrium.storage->bind_stream(host, ATRIUM_STR("ballot_batch"), vote_ballot_batch, err);
    if (s == ATRIUM_OK)
        s = atrium.hooks->bind_check(host, ATRIUM_STR("poll_check"), vote_poll_check, err);
    if (s == ATRIUM_OK)
        s = atrium.hooks->bind_transition(host, ATRIUM_STR("poll_publish"), vote_poll_publish, err);
    if (s == ATRIUM_OK)
        s = atrium.hooks->bind_transition(host, ATRIUM_STR("poll_withdraw"), vote_poll_withdraw,
                                          err);
    if (s == ATRIUM_OK)
        s = atrium.hooks->bind_event(host, ATRIUM_STR("poll_changed"), vote_poll_changed, err);
    if (s == ATRIUM_OK)
        s = atrium.jobs->bind_job(host, ATRIUM_STR("close_due"), vote_close_due, err);
    return s;
}

ATRIUM_EXPORT const struct atrium_plugin_entry atrium_plugin_entry = {
    .magic = ATRIUM_MAGIC,
    .size = sizeof(struct atrium_plugin_entry),
    .abi_major = ATRIUM_ABI_MAJOR,
    .id = ATRIUM_STR_INIT("vote"),
    .version = ATRIUM_STR_INIT("1.0.0"),
    .load = load,
    .init = init,
    .tenant_open = vote_tenant_open,
    .tenant_close = vote_tenant_close,
};
