/* Errors across the border: the host's struct err and the plugin's struct
 * atrium_error say the same things; neither side sees the other's memory. */
#include "plugin/internal.h"

#include <stdio.h>

#define LOG_ROOM "plugin"

void plug_error_init(struct atrium_error *e)
{
    memset(e, 0, sizeof *e);
    e->size = sizeof *e;
}

static void put(char *out, size_t room, const char *text)
{
    if (!text) text = "";
    size_t n = strlen(text);
    if (n >= room) n = room - 1;
    memcpy(out, text, n);
    out[n] = '\0';
}

/* Text of a plugin is not trusted to end. */
static void take(const char *text, size_t room, char *copy)
{
    size_t n = strnlen(text, room - 1);
    memcpy(copy, text, n);
    copy[n] = '\0';
}

static atrium_status status_of(int http)
{
    switch (http) {
    case 401: case 403: return ATRIUM_E_DENIED;
    case 404: return ATRIUM_E_NOT_FOUND;
    case 409: case 412: return ATRIUM_E_CONFLICT;
    case 429: case 503: return ATRIUM_E_BUSY;
    case 504: return ATRIUM_E_TIMEOUT;
    case 507: return ATRIUM_E_FULL;
    default: return http < 500 ? ATRIUM_E_REFUSED : ATRIUM_E_INTERNAL;
    }
}

atrium_status plug_error_out(struct atrium_error *out, const struct err *e)
{
    atrium_status s = status_of(e->status);
    /* An older plugin's struct is shorter; the fields array is at its end and
     * `size` was fixed with ABI 1, so anything smaller is not ours to write. */
    if (!out || out->size < sizeof *out || out->code[0]) return s;
    out->http_status = (uint32_t)e->status;
    out->retry_after = (uint32_t)(e->retry_after > 0 ? e->retry_after : 0);
    put(out->code, sizeof out->code, e->code);
    put(out->arg, sizeof out->arg, e->args[0]);
    put(out->detail, sizeof out->detail, e->detail);
    out->n_fields = e->n_fields < ATRIUM_ERROR_FIELDS ? e->n_fields : ATRIUM_ERROR_FIELDS;
    for (unsigned i = 0; i < out->n_fields; i++) {
        put(out->fields[i].field, sizeof out->fields[i].field, e->fields[i].field);
        put(out->fields[i].code, sizeof out->fields[i].code, e->fields[i].code);
        put(out->fields[i].arg, sizeof out->fields[i].arg, e->fields[i].args[0]);
    }
    return s;
}

static int http_of(atrium_status s)
{
    switch (s) {
    case ATRIUM_E_REFUSED: return 422;
    case ATRIUM_E_NOT_FOUND: return 404;
    case ATRIUM_E_DENIED: return 403;
    case ATRIUM_E_CONFLICT: return 409;
    case ATRIUM_E_BUSY: return 503;
    case ATRIUM_E_TIMEOUT: return 504;
    case ATRIUM_E_FULL: return 507;
    default: return 500;
    }
}

static const char *code_of(int http)
{
    switch (http) {
    case 400: return "bad_request";
    case 401: return "unauthorized";
    case 403: return "forbidden";
    case 404: return "not_found";
    case 409: return "conflict";
    case 422: return "invalid";
    case 429: return "too_many_requests";
    case 503: return "overloaded";
    case 504: return "deadline";
    case 507: return "disk_full";
    default: return http < 500 ? "bad_request" : "internal";
    }
}

int plug_error_in(const struct plug *p, atrium_status s, const struct atrium_error *e,
                  struct err *out)
{
    char code[64], arg[64], detail[256], field[64];
    take(e->code, sizeof code, code);
    take(e->arg, sizeof arg, arg);
    take(e->detail, sizeof detail, detail);
    /* Status 0 with an error, or one outside 400..599, is not an answer. */
    int http = e->http_status >= 400 && e->http_status < 600 ? (int)e->http_status : http_of(s);
    if (http == 500 && !detail[0])
        snprintf(detail, sizeof detail, "%s returned status %u", p->id, (unsigned)s);
    err_set(out, http, code[0] ? code : code_of(http), arg[0] ? arg : NULL, NULL);
    out->retry_after = (int)(e->retry_after < 86400 ? e->retry_after : 86400);
    if ((http == 503 || http == 429) && out->retry_after == 0) out->retry_after = 1;
    if (detail[0]) err_detail(out, "%s", detail);
    unsigned n = e->n_fields < ATRIUM_ERROR_FIELDS ? e->n_fields : ATRIUM_ERROR_FIELDS;
    for (unsigned i = 0; i < n; i++) {
        take(e->fields[i].field, sizeof field, field);
        take(e->fields[i].code, sizeof code, code);
        take(e->fields[i].arg, sizeof e->fields[i].arg, arg);
        err_field(out, field, code, arg[0] ? arg : NULL, NULL);
    }
    return -1;
}

atrium_status plug_fault(struct atrium_error *out, atrium_status s, const char *detail)
{
    struct plug *p = plug_current();
    log_warn("%s: %s", p ? p->id : "plugin", detail);
    if (out && out->size >= sizeof *out && !out->code[0]) {
        out->http_status = 500;
        put(out->code, sizeof out->code, "internal");
        put(out->detail, sizeof out->detail, detail);
    }
    return s;
}
