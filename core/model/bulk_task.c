/* Bulk changes as a task: some rows in one transaction with the task's cursor, so
 * that after a crash each has been changed once; what became of each is a line of
 * a CSV file. */
#define LOG_ROOM "model"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/bulk.h"

#define STEP 20

struct work {
    struct task_run *run;
    struct bulk b;
    const char *path;
    struct buf lines;   /* of the step */
    int64_t last, next; /* the last id, or the place in `ids` */
    int64_t bytes;      /* of the file that are committed */
    int64_t done, failed;
    bool stopped;
};

/* ---- the file of results ---------------------------------------------------------- */

/* A cell that a spreadsheet takes for a formula is none. */
static void cell(struct buf *b, sv text)
{
    buf_chr(b, '"');
    if (text.n && strchr("=+-@\t\r", text.p[0])) buf_chr(b, '\'');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"') buf_chr(b, '"');
        buf_chr(b, text.p[i]);
    }
    buf_chr(b, '"');
}

static void line(struct work *w, int64_t id, const struct err *e, struct arena *a)
{
    const char *lang = w->run->lang;
    struct buf why = BUF_IN(a);
    buf_printf(&w->lines, "%lld,%s,", (long long)id, err_is(e) ? "failed" : "ok");
    if (err_is(e)) msg_format(&why, lang, e->code, e->args);
    for (unsigned i = 0; i < e->n_fields; i++) {
        buf_printf(&why, " %s: ", e->fields[i].field);
        msg_format(&why, lang, e->fields[i].code, e->fields[i].args);
    }
    cell(&w->lines, why.n ? buf_view(&why) : SV(""));
    buf_str(&w->lines, "\r\n");
}

static int broken(const char *what, const char *path, struct err *err)
{
    if (errno == ENOSPC || errno == EDQUOT) return err_set(err, 507, "disk_full", NULL);
    return err_internal(err, "cannot %s %s: %s", what, path, strerror(errno));
}

/* What a run that died had written beyond its last commit goes. */
static int append_lines(struct work *w, struct err *err)
{
    int fd = open(w->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return broken("open", w->path, err);
    bool ok = ftruncate(fd, w->bytes) == 0 && lseek(fd, w->bytes, SEEK_SET) == w->bytes;
    sv rest = buf_view(&w->lines);
    while (ok && rest.n) {
        ssize_t n = write(fd, rest.p, rest.n);
        if (n < 0 && errno != EINTR) ok = false;
        if (n > 0) rest = sv_make(rest.p + n, rest.n - (size_t)n);
    }
    int rc = ok ? 0 : broken("write", w->path, err);
    if (close(fd) != 0 && rc == 0) rc = broken("close", w->path, err);
    return rc;
}

/* ---- steps ------------------------------------------------------------------------ */

static int one_row(struct work *w, struct model_ctx *c, int64_t id, struct err *err)
{
    struct err e = {0};
    if (bulk_one(&w->b, c, id, &e) == 0) {
        w->done++;
    } else {
        if (e.status >= 500 || store_retryable(c->conn)) {
            err_copy(err, &e);
            return -1;
        }
        w->failed++;
    }
    line(w, id, &e, c->arena);
    return 0;
}

struct step {
    struct work *w;
    struct model_ctx c;
    const int64_t *ids;
    size_t n;
    int64_t done, failed; /* before it */
};

static int run_step(void *arg, struct store_conn *conn, struct err *err)
{
    struct step *s = arg;
    struct work *w = s->w;
    struct task_run *run = w->run;
    s->c.conn = conn;
    s->c.done = NULL;
    w->done = w->failed = 0;
    buf_clear(&w->lines);
    for (size_t i = 0; i < s->n; i++)
        if (one_row(w, &s->c, s->ids[i], err) < 0) return -1;
    if (append_lines(w, err) < 0) return -1;
    json_t *cursor =
        json_keep(s->c.arena, json_pack("{s:I,s:I,s:I}", "last", (json_int_t)s->ids[s->n - 1],
                                        "next", (json_int_t)(w->next + (int64_t)s->n), "bytes",
                                        (json_int_t)(w->bytes + (int64_t)w->lines.n)));
    run->done = s->done + w->done + w->failed; /* also of a second try */
    run->failed = s->failed + w->failed;
    if (task_progress(run, conn, cursor)) return 0;
    w->stopped = true;
    return err_set(err, 409, "conflict", NULL);
}

static int step(struct work *w, const int64_t *ids, size_t n, struct err *err)
{
    struct task_run *run = w->run;
    struct store_conn *conn;
    struct arena *a = arena_new(0);
    struct step s = {.w = w,
                     /* proved: when it was asked for */
                     .c = {.tenant = run->tenant,
                           .who = run->who,
                           .lang = run->lang,
                           .arena = a,
                           .proved = true},
                     .ids = ids,
                     .n = n,
                     .done = run->done,
                     .failed = run->failed};
    int rc = -1;
    w->lines = BUF_IN(a);
    if (store_get(run->tenant->db, &conn, err) == 0) {
        rc = store_tx(conn, run_step, &s, err);
        store_put(conn);
    }
    s.c.conn = NULL;
    if (rc < 0) {
        run->done = s.done;
        run->failed = s.failed;
    } else {
        model_committed(&s.c);
        w->last = ids[n - 1];
        w->next += (int64_t)n;
        w->bytes += (int64_t)w->lines.n;
    }
    arena_free(a);
    return rc;
}

static int by_ids(struct work *w, struct err *err)
{
    while ((size_t)w->next < w->b.n_ids) {
        size_t left = w->b.n_ids - (size_t)w->next;
        if (step(w, w->b.ids + w->next, left < STEP ? left : STEP, err) < 0) return -1;
    }
    return 0;
}

static int by_filter(struct work *w, struct err *err)
{
    for (;;) {
        struct bulk_page page;
        struct arena *a = arena_new(0);
        struct model_ctx c = {
            .tenant = w->run->tenant, .who = w->run->who, .lang = w->run->lang, .arena = a};
        int rc = bulk_page(&w->b, &c, w->last, &page, err);
        arena_free(a);
        if (rc < 0) return -1;
        if (!page.n) return 0;
        for (size_t i = 0; i < page.n; i += STEP)
            if (step(w, page.ids + i, page.n - i < STEP ? page.n - i : STEP, err) < 0) return -1;
    }
}

/* ---- end -------------------------------------------------------------------------- */

static int finish(struct work *w, struct err *err)
{
    struct task_run *run = w->run;
    struct model_ctx c = {
        .tenant = run->tenant, .who = run->who, .lang = run->lang, .arena = run->arena};
    int64_t file = 0;
    if (w->bytes && file_keep_path(&c, w->path, SV("results.csv"), "text/csv", &file, err) < 0)
        return -1;
    json_t *result =
        json_keep(run->arena, json_pack("{s:I,s:I}", "done", (json_int_t)(run->done - run->failed),
                                        "failed", (json_int_t)run->failed));
    if (task_result(run, result, file, err) < 0) return -1;
    unlink(w->path);
    return 0;
}

int bulk_run(struct task_run *run, struct err *err)
{
    struct work w = {.run = run, .b = {.a = run->arena}};
    const char *dir = state_subdir(run->arena, "tasks", err);
    if (!dir) return -1;
    w.path = arena_printf(run->arena, "%s/%.*s-%lld.csv", dir, SVARG(run->tenant->slug),
                          (long long)run->id)
                 .p;
    w.b.r = model_find(run->model, json_get_sv(run->input, "resource"));
    if (!w.b.r) return err_set(err, 404, "not_found", NULL);
    if (bulk_read(&w.b, json_object_get(run->input, "body"), err) < 0) return -1;
    w.last = json_integer_value(json_object_get(run->cursor, "last"));
    w.next = json_integer_value(json_object_get(run->cursor, "next"));
    w.bytes = json_integer_value(json_object_get(run->cursor, "bytes"));
    int rc = w.b.by_filter ? by_filter(&w, err) : by_ids(&w, err);
    if (w.stopped) err_clear(err);
    return rc == 0 ? finish(&w, err) : -1;
}
