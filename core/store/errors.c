/* From server and library numbers to the errors of the house. */
#include <errmsg.h>
#include <stdio.h>

#include "store/internal.h"

#define LOG_ROOM "store"

/* Numbers of the server's protocol; mysqld_error.h names only part of them. */
enum {
    E_DISK_FULL = 1021,
    E_WRITE = 1026,
    E_ENGINE = 1030,
    E_TOO_MANY_CONNECTIONS = 1040,
    E_WSREP_NOT_READY = 1047,
    E_SHUTDOWN = 1053,
    E_DUP_ENTRY = 1062,
    E_NORMAL_SHUTDOWN = 1077,
    E_TABLE_FULL = 1114,
    E_PACKET_TOO_LARGE = 1153,
    E_NET_FIRST = 1158,
    E_NET_LAST = 1161,
    E_TOO_MANY_USER_CONNECTIONS = 1203,
    E_LOCK_WAIT = 1205,
    E_DEADLOCK = 1213,
    E_READ_ONLY = 1290,
    E_INTERRUPTED = 1317,
    E_DUP_ENTRY_NAMED = 1586,
    E_XA_DEADLOCK = 1614,
    E_READ_ONLY_MODE = 1836,
    E_KILLED = 1927,
    E_STATEMENT_TIMEOUT = 1969,
    E_CHECKREAD = 1020,
};

bool fault_lost(const struct store_conn *c)
{
    switch (c->fault.code) {
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
    case CR_IPSOCK_ERROR:
    case CR_UNKNOWN_HOST:
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_LOST:
    case CR_SERVER_HANDSHAKE_ERR:
    case CR_SERVER_LOST_EXTENDED:
    case CR_MALFORMED_PACKET:
    case CR_COMMANDS_OUT_OF_SYNC: /* its state is unknown: not to be used again */
    case E_SHUTDOWN:
    case E_NORMAL_SHUTDOWN:
    case E_KILLED:
        return true;
    default:
        return c->fault.code >= E_NET_FIRST && c->fault.code <= E_NET_LAST;
    }
}

static bool is_conflict(unsigned code)
{
    return code == E_DEADLOCK || code == E_LOCK_WAIT || code == E_XA_DEADLOCK ||
           code == E_CHECKREAD;
}

/* "Duplicate entry '1-x' for key 'uq_name'"; MySQL says 'table.uq_name'. The
 * value before it may hold anything, so the text is read from its end. */
static void keep_dup_key(struct store_conn *c, const char *text)
{
    const char *end = strrchr(text, '\'');
    const char *at = end;
    while (at && at > text && at[-1] != '\'')
        at--;
    if (!end || at == text) return;
    const char *dot = at;
    for (; dot < end && *dot != '.'; dot++) {
    }
    if (dot < end) at = dot + 1;
    size_t n = (size_t)(end - at);
    if (n >= sizeof c->dup_key) n = sizeof c->dup_key - 1;
    memcpy(c->dup_key, at, n);
    c->dup_key[n] = '\0';
}

void fault_clear(struct store_conn *c)
{
    c->fault.code = 0;
    c->fault.text[0] = '\0';
    c->dup_key[0] = '\0';
}

void fault_keep(struct store_conn *c, unsigned code, const char *text)
{
    c->fault.code = code ? code : CR_UNKNOWN_ERROR;
    snprintf(c->fault.text, sizeof c->fault.text, "%s", text);
    c->dup_key[0] = '\0';
    if (code == E_DUP_ENTRY || code == E_DUP_ENTRY_NAMED) keep_dup_key(c, text);
    if (fault_lost(c)) {
        if (!c->broken && c->my) db_lost(c->db);
        c->broken = true;
    }
    /* The server ends the whole transaction on a deadlock. Going on would write
     * the rest of it outside any transaction. */
    if (c->in_tx && (code == E_DEADLOCK || code == E_XA_DEADLOCK || code == E_CHECKREAD))
        c->doomed = true;
    c->retryable = is_conflict(code) || c->broken;
}

static bool is_disk_full(const struct fault *f)
{
    if (f->code == E_DISK_FULL || f->code == E_TABLE_FULL) return true;
    return strstr(f->text, "errno: 28") || strstr(f->text, "No space left on device") ||
           ((f->code == E_ENGINE || f->code == E_WRITE) && strstr(f->text, "error 28"));
}

int fault_err(const struct store_conn *c, sv sql, struct err *err)
{
    const struct fault *f = &c->fault;
    if (err_is(err)) return -1;
    if (f->code == E_DUP_ENTRY || f->code == E_DUP_ENTRY_NAMED) {
        /* without the value, which may be somebody's phone number */
        err_detail(err, "duplicate entry for key %s", c->dup_key);
        return err_set(err, 409, "duplicate", NULL);
    }
    err_detail(err, "%u %s [%.*s]", f->code, f->text, (int)(sql.n < 120 ? sql.n : 120),
               sql.p ? sql.p : "");
    if (is_conflict(f->code)) return err_set(err, 409, "conflict", NULL);
    if (is_disk_full(f)) {
        log_error("the database's disk is full: %u %s", f->code, f->text);
        return err_set(err, 507, "disk_full", NULL);
    }
    if (fault_lost(c)) {
        err->retry_after = 1;
        return err_set(err, 503, "unavailable", NULL);
    }
    switch (f->code) {
    case E_TOO_MANY_CONNECTIONS:
    case E_TOO_MANY_USER_CONNECTIONS:
        err->retry_after = 1;
        return err_set(err, 503, "overloaded", NULL);
    case E_STATEMENT_TIMEOUT:
        if (deadline_set()) return err_set(err, 504, "deadline", NULL);
        err->retry_after = 1;
        return err_set(err, 503, "overloaded", NULL);
    case E_WSREP_NOT_READY:
    case E_READ_ONLY:
    case E_READ_ONLY_MODE:
    case E_INTERRUPTED:
        err->retry_after = 1;
        return err_set(err, 503, "unavailable", NULL);
    case E_PACKET_TOO_LARGE:
        return err_set(err, 413, "too_large", NULL);
    default:
        return err_set(err, 500, "internal", NULL);
    }
}

bool store_retryable(const struct store_conn *c)
{
    return c->retryable;
}

const char *store_dup_key(const struct store_conn *c)
{
    return c->dup_key;
}
