/* The limit for reading rows: libh2o, a thread pool, libmariadb with prepared
 * statements, JSON written by hand. No rights, no tenants, no log.
 *
 *   bare_h2o_db PORT LOOPS WORKERS SOCKET USER PASSWORD DATABASE [SELECT]
 *
 *   GET /one?id=N     one row of bench_item
 *   GET /list?v=N     the newest 20 rows with v > N
 *   GET /any?x=N      the rows of SELECT, a statement with one '?', as JSON
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <h2o.h>
#include <mysql.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bare.h"

#define COLUMNS "id, created_at, updated_at, created_by, name, v"
#define ROWS_MAX 20
#define ROW_ROOM 1024
#define ANY_COLS 32
#define ANY_ROOM 300

static const char *sql_one = "SELECT " COLUMNS " FROM bench_item WHERE id = ?";
static const char *sql_list =
    "SELECT " COLUMNS " FROM bench_item WHERE v > ? ORDER BY id DESC LIMIT 20";

/* ---- jobs between loops and workers -------------------------------------------- */

struct job {
    h2o_multithread_message_t message;
    h2o_multithread_receiver_t *back;
    h2o_req_t *req; /* HTTP/1: stays until it is answered */
    struct job *next;
    enum { READ_ONE, READ_LIST, READ_ANY } kind;
    int status;
    long long argument;
    size_t n;
    char out[ROWS_MAX * ROW_ROOM + 64];
};

struct loop {
    h2o_context_t *ctx;
    h2o_multithread_receiver_t receiver;
    struct job *free;
};

static _Thread_local struct loop *this_loop;
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static struct job *queue, **queue_end = &queue;

static void on_answers(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    static h2o_generator_t generator;
    (void)receiver;
    while (!h2o_linklist_is_empty(messages)) {
        struct job *j = H2O_STRUCT_FROM_MEMBER(struct job, message.link, messages->next);
        h2o_linklist_unlink(&j->message.link);
        h2o_req_t *req = j->req;
        char *copy = h2o_mem_alloc_pool(&req->pool, j->n);
        memcpy(copy, j->out, j->n);
        h2o_iovec_t v = h2o_iovec_init(copy, j->n);
        req->res.status = j->status;
        req->res.reason = j->status == 200 ? "OK" : "Not Found";
        req->res.content_length = j->n;
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                       H2O_STRLIT("application/json"));
        j->next = this_loop->free;
        this_loop->free = j;
        h2o_start_response(req, &generator);
        h2o_send(req, &v, 1, H2O_SEND_STATE_FINAL);
    }
}

static void on_loop(h2o_context_t *ctx)
{
    this_loop = calloc(1, sizeof(*this_loop));
    this_loop->ctx = ctx;
    h2o_multithread_register_receiver(ctx->queue, &this_loop->receiver, on_answers);
}

static int on_req(h2o_handler_t *self, h2o_req_t *req)
{
    (void)self;
    const char *eq = memchr(req->path.base, '=', req->path.len);
    if (!eq) return -1; /* h2o's 404 */
    struct job *j = this_loop->free;
    if (j)
        this_loop->free = j->next;
    else
        j = malloc(sizeof(*j));
    memset(&j->message, 0, sizeof(j->message));
    j->back = &this_loop->receiver;
    j->req = req;
    j->next = NULL;
    j->kind = req->path.base[1] == 'l' ? READ_LIST : req->path.base[1] == 'a' ? READ_ANY : READ_ONE;
    j->argument = strtoll(eq + 1, NULL, 10);
    pthread_mutex_lock(&mu);
    *queue_end = j;
    queue_end = &j->next;
    pthread_mutex_unlock(&mu);
    pthread_cond_signal(&cond);
    return 0;
}

/* ---- workers --------------------------------------------------------------------- */

struct row {
    long long id, created_by, v;
    char created_at[32], updated_at[32], name[256];
    unsigned long created_n, updated_n, name_n;
};

struct statement {
    MYSQL_STMT *stmt;
    MYSQL_BIND out[6];
    struct row row;
    long long argument;
};

/* A statement whose columns are not known beforehand: numbers and texts. */
struct any {
    MYSQL_STMT *stmt;
    MYSQL_BIND out[ANY_COLS];
    unsigned n;
    struct {
        char key[80];
        bool number, time;
        long long i;
        char text[ANY_ROOM];
        unsigned long len;
        my_bool null;
    } col[ANY_COLS];
    long long argument;
};

struct worker {
    const char *socket, *user, *password, *database, *select;
};

static void die(MYSQL *db, const char *what)
{
    fprintf(stderr, "bare_h2o_db: %s: %s\n", what, mysql_error(db));
    exit(1);
}

static void prepare(struct statement *s, MYSQL *db, const char *sql)
{
    memset(s, 0, sizeof(*s));
    s->stmt = mysql_stmt_init(db);
    if (mysql_stmt_prepare(s->stmt, sql, strlen(sql)) != 0) die(db, sql);
    MYSQL_BIND in = {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &s->argument};
    mysql_stmt_bind_param(s->stmt, &in);
    struct {
        void *p;
        unsigned long room, *n;
    } text[6] = {
        {&s->row.id, 0, NULL},
        {s->row.created_at, sizeof(s->row.created_at), &s->row.created_n},
        {s->row.updated_at, sizeof(s->row.updated_at), &s->row.updated_n},
        {&s->row.created_by, 0, NULL},
        {s->row.name, sizeof(s->row.name), &s->row.name_n},
        {&s->row.v, 0, NULL},
    };
    for (int i = 0; i < 6; i++) {
        s->out[i].buffer_type = text[i].n ? MYSQL_TYPE_STRING : MYSQL_TYPE_LONGLONG;
        s->out[i].buffer = text[i].p;
        s->out[i].buffer_length = text[i].room;
        s->out[i].length = text[i].n;
    }
    mysql_stmt_bind_result(s->stmt, s->out);
}

static void prepare_any(struct any *s, MYSQL *db, const char *sql)
{
    s->stmt = mysql_stmt_init(db);
    if (mysql_stmt_prepare(s->stmt, sql, strlen(sql)) != 0) die(db, sql);
    MYSQL_BIND in = {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &s->argument};
    mysql_stmt_bind_param(s->stmt, &in);
    MYSQL_RES *meta = mysql_stmt_result_metadata(s->stmt);
    s->n = mysql_num_fields(meta);
    if (s->n > ANY_COLS) die(db, "too many columns");
    for (unsigned i = 0; i < s->n; i++) {
        const MYSQL_FIELD *f = mysql_fetch_field_direct(meta, i);
        bool time = f->type == MYSQL_TYPE_DATETIME || f->type == MYSQL_TYPE_TIMESTAMP;
        s->col[i].number = !time && IS_NUM(f->type);
        s->col[i].time = time;
        snprintf(s->col[i].key, sizeof s->col[i].key, ",\"%.60s\":", f->name);
        bool number = s->col[i].number;
        s->out[i] = (MYSQL_BIND){
            .buffer_type = number ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_STRING,
            .buffer = number ? (void *)&s->col[i].i : (void *)s->col[i].text,
            .buffer_length = number ? sizeof s->col[i].i : sizeof s->col[i].text,
            .length = &s->col[i].len,
            .is_null = &s->col[i].null,
        };
    }
    mysql_free_result(meta);
    mysql_stmt_bind_result(s->stmt, s->out);
}

static char *put(char *p, const char *text)
{
    size_t n = strlen(text);
    memcpy(p, text, n);
    return p + n;
}

static char *put_number(char *p, long long v)
{
    char b[24];
    int n = sizeof(b);
    unsigned long long u = v < 0 ? -(unsigned long long)v : (unsigned long long)v;
    do {
        b[--n] = (char)('0' + u % 10);
    } while (u /= 10);
    if (v < 0) b[--n] = '-';
    memcpy(p, b + n, sizeof(b) - (size_t)n);
    return p + sizeof(b) - n;
}

static char *put_time(char *p, const char *mysql, unsigned long n)
{
    *p++ = '"';
    memcpy(p, mysql, n);
    if (n > 10) p[10] = 'T';
    p += n;
    return put(p, "Z\"");
}

static char *put_row(char *p, const struct row *r)
{
    p = put(p, "{\"id\":\"");
    p = put_number(p, r->id);
    p = put(p, "\",\"created_at\":");
    p = put_time(p, r->created_at, r->created_n);
    p = put(p, ",\"updated_at\":");
    p = put_time(p, r->updated_at, r->updated_n);
    p = put(p, ",\"created_by\":\"");
    p = put_number(p, r->created_by);
    p = put(p, "\",\"name\":\"");
    unsigned long n = r->name_n < 240 ? r->name_n : 240;
    for (unsigned long i = 0; i < n; i++) {
        unsigned char c = (unsigned char)r->name[i];
        if (c == '"' || c == '\\') *p++ = '\\';
        *p++ = c < 0x20 ? ' ' : (char)c;
    }
    p = put(p, "\",\"v\":");
    p = put_number(p, r->v);
    *p++ = '}';
    return p;
}

static void answer(struct job *j, struct statement *s, MYSQL *db)
{
    s->argument = j->argument;
    if (mysql_stmt_execute(s->stmt) != 0 || mysql_stmt_store_result(s->stmt) != 0)
        die(db, "execute");
    char *p = j->out;
    int rows = 0;
    if (j->kind == READ_LIST) p = put(p, "{\"items\":[");
    while (rows < ROWS_MAX && mysql_stmt_fetch(s->stmt) == 0) {
        if (rows++) *p++ = ',';
        p = put_row(p, &s->row);
    }
    if (j->kind == READ_LIST)
        p = put(p, "]}");
    else if (rows == 0)
        p = put(p, "{}");
    mysql_stmt_free_result(s->stmt);
    j->status = j->kind == READ_LIST || rows ? 200 : 404;
    j->n = (size_t)(p - j->out);
}

static char *put_text(char *p, const char *text, unsigned long n)
{
    *p++ = '"';
    for (unsigned long i = 0; i < n && i < ANY_ROOM; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') *p++ = '\\';
        *p++ = c < 0x20 ? ' ' : (char)c;
    }
    *p++ = '"';
    return p;
}

static void answer_any(struct job *j, struct any *s, MYSQL *db)
{
    s->argument = j->argument;
    if (mysql_stmt_execute(s->stmt) != 0 || mysql_stmt_store_result(s->stmt) != 0)
        die(db, "execute");
    char *p = put(j->out, "{\"items\":[");
    for (int rows = 0; rows < ROWS_MAX && mysql_stmt_fetch(s->stmt) == 0; rows++) {
        *p++ = rows ? ',' : '{';
        if (rows) *p++ = '{';
        for (unsigned i = 0; i < s->n; i++) {
            p = put(p, s->col[i].key + (i == 0));
            if (s->col[i].null)
                p = put(p, "null");
            else if (s->col[i].number)
                p = put_number(p, s->col[i].i);
            else if (s->col[i].time)
                p = put_time(p, s->col[i].text, s->col[i].len);
            else
                p = put_text(p, s->col[i].text, s->col[i].len);
        }
        *p++ = '}';
    }
    p = put(p, "]}");
    mysql_stmt_free_result(s->stmt);
    j->status = 200;
    j->n = (size_t)(p - j->out);
}

static void *worker_main(void *arg)
{
    const struct worker *w = arg;
    MYSQL *db = mysql_init(NULL);
    if (!mysql_real_connect(db, NULL, w->user, w->password, w->database, 0, w->socket, 0))
        die(db, "connect");
    struct statement *one = malloc(sizeof(*one)), *list = malloc(sizeof(*list));
    struct any *any = calloc(1, sizeof(*any));
    if (w->select)
        prepare_any(any, db, w->select);
    else
        prepare(one, db, sql_one), prepare(list, db, sql_list);
    for (;;) {
        pthread_mutex_lock(&mu);
        while (!queue)
            pthread_cond_wait(&cond, &mu);
        struct job *j = queue;
        if (!(queue = j->next)) queue_end = &queue;
        pthread_mutex_unlock(&mu);
        if (w->select)
            answer_any(j, any, db);
        else
            answer(j, j->kind == READ_LIST ? list : one, db);
        h2o_multithread_send_message(j->back, &j->message);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 8 && argc != 9) {
        fprintf(stderr, "usage: bare_h2o_db PORT LOOPS WORKERS SOCKET USER PASSWORD DATABASE [SELECT]\n");
        return 2;
    }
    static struct worker w;
    w = (struct worker){argv[4], argv[5], argv[6], argv[7], argv[8]};
    mysql_library_init(0, NULL, NULL);
    for (int i = atoi(argv[3]); i > 0; i--) {
        pthread_t t;
        if (pthread_create(&t, NULL, worker_main, &w) != 0) return 1;
    }
    struct bare b = {
        .port = atoi(argv[1]), .threads = atoi(argv[2]), .on_req = on_req, .on_loop = on_loop};
    bare_run(&b);
    return 0;
}
