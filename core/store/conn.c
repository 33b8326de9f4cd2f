/* One connection: opening, the settings of its session, looking whether it is
 * still there. */
#include <errmsg.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "store/internal.h"

#define LOG_ROOM "store"

#define PING_US (60 * 1000000LL) /* idle longer: ask the server, not only the socket */

struct store_conn *conn_new(struct store_db *db)
{
    struct store_conn *c = xmalloc(sizeof *c);
    *c = (struct store_conn){.db = db};
    cache_init(&c->cache, db->o.stmt_cache);
    return c;
}

static void conn_close(struct store_conn *c)
{
    /* The connection first: closing statements of a lost one must not talk. */
    if (c->my) mysql_close(c->my);
    c->my = NULL;
    cache_clear(&c->cache);
}

void conn_free(struct store_conn *c)
{
    conn_close(c);
    cache_free(&c->cache);
    free(c->binds);
    free(c->times);
    free(c);
}

static unsigned seconds(unsigned ms)
{
    return (ms + 999) / 1000;
}

static void set_options(MYSQL *my, const struct store_db_opts *o, unsigned query_ms)
{
    unsigned connect_s = seconds(o->connect_ms), query_s = seconds(query_ms);
    my_bool no = 0, yes = 1;
    unsigned off = 0;
    mysql_options(my, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    mysql_options(my, MYSQL_OPT_READ_TIMEOUT, &query_s);
    mysql_options(my, MYSQL_OPT_WRITE_TIMEOUT, &query_s);
    mysql_options(my, MYSQL_OPT_RECONNECT, &no);
    mysql_options(my, MYSQL_OPT_LOCAL_INFILE, &off);
    mysql_options(my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options4(my, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "atrium");
    mysql_options(my, MYSQL_INIT_COMMAND,
                  "SET NAMES utf8mb4 COLLATE " STORE_COLLATION ", time_zone = '+00:00', "
                  "sql_mode = 'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,"
                  "NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION'");
    mysql_options(my, MYSQL_INIT_COMMAND, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
    if (o->tls) {
        mysql_options(my, MYSQL_OPT_SSL_ENFORCE, &yes);
        mysql_options(my, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
        if (o->tls_ca) mysql_options(my, MYSQL_OPT_SSL_CA, o->tls_ca);
    }
    if (!o->socket) {
        unsigned tcp = MYSQL_PROTOCOL_TCP;
        mysql_options(my, MYSQL_OPT_PROTOCOL, &tcp);
    }
}

int conn_open(struct store_conn *c, struct err *err)
{
    const struct store_db_opts *o = &c->db->o;
    conn_close(c);
    c->broken = c->in_tx = c->doomed = c->busy = false;
    MYSQL *my = mysql_init(NULL);
    if (!my) panic("store: out of memory");
    set_options(my, o, c->query_ms ? c->query_ms : o->query_ms);
    pthread_mutex_lock(&c->db->lock);
    c->epoch = c->db->epoch;
    pthread_mutex_unlock(&c->db->lock);
    const char *host = o->socket ? NULL : o->host ? o->host : "127.0.0.1";
    if (!mysql_real_connect(my, host, o->user, o->password, o->database, o->port, o->socket, 0)) {
        unsigned code = mysql_errno(my);
        char why[300];
        snprintf(why, sizeof why, "cannot connect: %u %s", code, mysql_error(my));
        fault_keep(c, code, mysql_error(my));
        mysql_close(my);
        c->broken = true;
        /* A server that answers with a refusal is there: only this one attempt failed. */
        if (fault_lost(c)) db_reachable(c->db, false);
        if (db_may_tell(c->db)) log_warn("database %s: %s", o->database ? o->database : "-", why);
        return db_unavailable(err, why);
    }
    c->my = my;
    conn_first_limit(c);
    db_reachable(c->db, true);
    return 0;
}

bool conn_alive(struct store_conn *c)
{
    if (!c->my) return false;
    /* Nothing is outstanding, so a socket with something to read was closed. */
    struct pollfd p = {.fd = mysql_get_socket(c->my), .events = POLLIN};
    if (poll(&p, 1, 0) != 0) return false;
    if (clock_mono_us() - c->idle_since < PING_US) return true;
    return mysql_ping(c->my) == 0;
}

int conn_ready(struct store_conn *c, struct err *err)
{
    if (c->busy) return err_internal(err, "a statement inside a row function of its connection");
    if (c->doomed) {
        err_detail(err, "the transaction was rolled back by the server");
        return err_set(err, 409, "conflict", NULL);
    }
    if (!c->broken) return 0;
    if (c->in_tx) return db_unavailable(err, "the connection was lost inside the transaction");
    if (!db_may_connect(c->db)) return db_unavailable(err, "the database does not answer");
    return conn_open(c, err);
}

int conn_query(struct store_conn *c, sv sql)
{
    if (mysql_real_query(c->my, sql.p, (unsigned long)sql.n) == 0) {
        MYSQL_RES *res = mysql_store_result(c->my); /* read off what nobody asked for */
        if (res) mysql_free_result(res);
        if (mysql_errno(c->my) == 0) return 0;
    }
    fault_keep(c, mysql_errno(c->my), mysql_error(c->my));
    return -1;
}
