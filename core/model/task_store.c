/* Rows of core.task. `runner` is new for each run: whoever was taken over (a node
 * that hung longer than its lease) changes no row any more, and what it did in
 * the transaction of a step is rolled back. */
#define LOG_ROOM "model"
#include "model/task_store.h"

#include <stdlib.h>

#define DELETE_LIMIT 500

int task_insert(struct store_conn *conn, const struct model_ctx *c, const struct task_new *n,
                int64_t id, struct err *err)
{
    bool staff = c->who->kind == AUTH_STAFF;
    struct store_val now = STORE_T(clock_now_us()), by = staff ? STORE_I(c->who->id) : STORE_N;
    struct auth_place at = TASK_INPUT(id);
    char *input = n->input ? json_dumps(n->input, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    sv title = n->title, sealed;
    int rc = kept_seal(c->tenant, c->arena, &at, sv_of(input), &sealed, err);
    free(input);
    if (rc < 0) return -1;
    if (title.n > 200) title.n = 200;
    while (title.n && !sv_utf8_ok(title))
        title.n--;
    struct store_val args[] = {STORE_I(id),
                               now,
                               now,
                               by,
                               by,
                               STORE_S(title),
                               STORE_S(sv_of(n->kind)),
                               store_text_or_null(n->resource),
                               STORE_I(n->total),
                               STORE_S(staff ? SV("staff") : SV("system")),
                               STORE_S(sv_of(c->lang ? c->lang : "zh")),
                               store_text_or_null(sealed)};
    return store_exec(conn,
                      SV("INSERT INTO `core_task` (`id`,`created_at`,`updated_at`,`created_by`,"
                         "`owner`,`title`,`kind`,`resource`,`total`,`asker`,`lang`,`input`,"
                         "`state`,`done`,`failed`,`runner`,`tries`) VALUES "
                         "(?,?,?,?,?,?,?,?,?,?,?,?,'queued',0,0,0,0)"),
                      args, sizeof args / sizeof *args, NULL, err);
}

int task_claim(struct store_conn *c, int64_t id, int64_t runner, bool *ours, struct err *err)
{
    uint64_t n = 0;
    struct store_val now = STORE_T(clock_now_us());
    struct store_val args[] = {STORE_I(runner), now, now, STORE_I(id)};
    int rc = store_exec(c,
                        SV("UPDATE `core_task` SET `state`='running',`runner`=?,`tries`=`tries`+1,"
                           "`started_at`=COALESCE(`started_at`,?),`updated_at`=? "
                           "WHERE `id`=? AND `state` IN ('queued','running')"),
                        args, 4, &n, err);
    *ours = n > 0;
    return rc;
}

static sv text_of(const struct store_val *v)
{
    return v->type == STORE_TEXT ? v->u.s : SV_NULL;
}

static int64_t int_of(const struct store_val *v)
{
    return v->type == STORE_I64 ? v->u.i : 0;
}

int task_read(struct store_conn *c, struct arena *a, int64_t id, struct task_row *out, bool *found,
              struct err *err)
{
    struct store_val args[] = {STORE_I(id)}, v[10];
    if (store_one(c, a,
                  SV("SELECT `kind`,`asker`,`lang`,`input`,`cursor`,`owner`,`total`,`done`,"
                     "`failed`,`tries` FROM `core_task` WHERE `id`=?"),
                  args, 1, v, 10, found, err) < 0)
        return -1;
    if (!*found) return 0;
    *out = (struct task_row){.kind = text_of(&v[0]),
                             .asker = text_of(&v[1]),
                             .lang = text_of(&v[2]),
                             .input = text_of(&v[3]),
                             .cursor = text_of(&v[4]),
                             .owner = int_of(&v[5]),
                             .total = int_of(&v[6]),
                             .done = int_of(&v[7]),
                             .failed = int_of(&v[8]),
                             .tries = int_of(&v[9])};
    return 0;
}

int task_step(struct store_conn *c, const struct task_run *run, const char *cursor, bool *ours,
              struct err *err)
{
    uint64_t n = 0;
    struct store_val args[] = {STORE_I(run->total),
                               STORE_I(run->done),
                               STORE_I(run->failed),
                               store_text_or_null(sv_of(cursor)),
                               STORE_T(clock_now_us()),
                               STORE_I(run->id),
                               STORE_I(run->own.runner)};
    int rc = store_exec(c,
                        SV("UPDATE `core_task` SET `total`=?,`done`=?,`failed`=?,"
                           "`cursor`=COALESCE(?,`cursor`),`tries`=1,`updated_at`=? "
                           "WHERE `id`=? AND `runner`=? AND `state`='running'"),
                        args, 7, &n, err);
    *ours = n > 0; /* updated_at differs in any case */
    return rc;
}

int task_end(struct store_conn *c, const struct task_run *run, const char *state, sv error,
             struct err *err)
{
    struct store_val now = STORE_T(clock_now_us());
    bool over = strcmp(state, "queued") != 0;
    struct store_val args[] = {STORE_S(sv_of(state)),
                               STORE_I(run->total),
                               STORE_I(run->done),
                               STORE_I(run->failed),
                               store_text_or_null(error),
                               over ? now : STORE_N,
                               now,
                               STORE_I(run->id),
                               STORE_I(run->own.runner)};
    return store_exec(c,
                      SV("UPDATE `core_task` SET `state`=?,`total`=?,`done`=?,`failed`=?,"
                         "`error`=?,`ended_at`=?,`updated_at`=? "
                         "WHERE `id`=? AND `runner`=? AND `state`='running'"),
                      args, 9, NULL, err);
}

int task_back(struct store_conn *c, const struct task_run *run, struct err *err)
{
    struct store_val args[] = {STORE_I(run->id), STORE_I(run->own.runner)};
    return store_exec(c,
                      SV("UPDATE `core_task` SET `state`='queued',`tries`=GREATEST(`tries`-1,0) "
                         "WHERE `id`=? AND `runner`=? AND `state`='running'"),
                      args, 2, NULL, err);
}

int task_put_result(struct store_conn *c, const struct task_run *run, sv result, int64_t file,
                    struct err *err)
{
    struct store_val args[] = {store_text_or_null(result), file ? STORE_I(file) : STORE_N,
                               STORE_I(run->id), STORE_I(run->own.runner)};
    return store_exec(c,
                      SV("UPDATE `core_task` SET `result`=?,`file`=? WHERE `id`=? AND `runner`=?"),
                      args, 4, NULL, err);
}

int task_delete_old(struct store_conn *c, int64_t before, uint64_t *n, struct err *err)
{
    static const char *const states[] = {"done", "failed", "cancelled"};
    *n = 0;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        uint64_t some = 0;
        struct store_val args[] = {STORE_S(sv_of(states[i])), STORE_T(before),
                                   STORE_I(DELETE_LIMIT)};
        if (store_exec(c,
                       SV("DELETE FROM `core_task` WHERE `state`=? AND `ended_at`<? LIMIT ?"), args,
                       3, &some, err) < 0)
            return -1;
        *n += some;
    }
    return 0;
}
