/* Calls every function of the ABI; tests/unit/plugin_run.c looks at what comes
 * out. Each route is one subject; what it finds wrong it answers as 500 with the
 * line. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "atrium/easy.h"

ATRIUM_TABLES_DEFINE;

/* Refuses with the line when something is not as the headers say. */
#define MUST(condition)                                                                           \
    do {                                                                                          \
        if (!(condition)) return wrong(err, __LINE__);                                             \
    } while (0)

static atrium_status wrong(struct atrium_error *err, int line)
{
    memset(err, 0, sizeof *err);
    err->size = sizeof *err;
    snprintf(err->detail, sizeof err->detail, "probe line %d", line);
    char arg[16];
    snprintf(arg, sizeof arg, "%d", line);
    return atrium_fail(err, ATRIUM_E_INTERNAL, 500, "probe.wrong", arg);
}

static struct atrium_json_writer *begin(struct atrium_ctx *ctx)
{
    struct atrium_json_writer *w = atrium.http->body_json(ctx);
    atrium.json->begin_object(w);
    return w;
}

static atrium_status ok(struct atrium_json_writer *w)
{
    atrium.json->end_object(w);
    return ATRIUM_OK;
}

/* ---- http, json ----------------------------------------------------------------------- */

static atrium_status echo(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self, (void)err;
    struct atrium_json_writer *w = begin(ctx);
    atrium_kv_str(w, "method", atrium.http->method(ctx));
    atrium_kv_str(w, "path", atrium.http->path(ctx));
    atrium_kv_str(w, "id", atrium.http->param(ctx, "id"));
    atrium_kv_str(w, "q", atrium.http->query(ctx, "q"));
    atrium_kv_str(w, "none", atrium.http->query(ctx, "none"));
    atrium_kv_str(w, "agent", atrium.http->header(ctx, "user-agent"));
    atrium_kv_str(w, "remote", atrium.http->remote(ctx));
    atrium_kv_str(w, "lang", atrium.http->lang(ctx));
    atrium_kv_str(w, "base", atrium.http->base_url(ctx));
    atrium_kv_bool(w, "request_id", atrium.http->request_id(ctx).len > 8);
    atrium.http->set_status(ctx, 202);
    atrium.http->add_header(ctx, ATRIUM_STR("X-Probe"), ATRIUM_STR("yes"));
    atrium.http->add_header(ctx, ATRIUM_STR("Content-Length"), ATRIUM_STR("1"));
    atrium.http->add_header(ctx, ATRIUM_STR("x-split"), ATRIUM_STR("a\r\nx-bad: 1"));
    return ok(w);
}

static bool count_members(void *arg, struct atrium_str key, const struct atrium_json *value)
{
    (void)key, (void)value;
    ++*(int *)arg;
    return true;
}

static atrium_status read_json(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    const struct atrium_json *v;
    atrium_status s = atrium.http->json(ctx, &v, err);
    if (s != ATRIUM_OK) return s;
    struct atrium_str text = {NULL, 0};
    int64_t n = 0, id = 0;
    double d = 0;
    bool b = false;
    int members = 0;
    MUST(atrium.json->type(v) == ATRIUM_JSON_OBJECT && atrium.json->size(v) == 6);
    MUST(atrium.json->as_str(atrium.json->get(v, "s"), &text));
    MUST(atrium.json->as_i64(atrium.json->get(v, "i"), &n) && n == -5);
    MUST(!atrium.json->as_i64(atrium.json->get(v, "s"), &n) && n == -5);
    MUST(atrium.json->as_f64(atrium.json->get(v, "d"), &d) && d == 0.5);
    MUST(atrium.json->as_bool(atrium.json->get(v, "b"), &b) && b);
    MUST(atrium.json->as_id(atrium.json->at(atrium.json->get(v, "a"), 1), &id) && id == 77);
    MUST(!atrium.json->at(atrium.json->get(v, "a"), 2));
    MUST(atrium.json->type(atrium.json->get(v, "nothing")) == ATRIUM_JSON_ABSENT);
    MUST(atrium.json->type(atrium.json->get(v, "z")) == ATRIUM_JSON_NULL);
    MUST(!atrium.json->get(NULL, "x") && atrium.json->size(NULL) == 0);
    atrium.json->each(v, count_members, &members);
    MUST(members == 6);
    const struct atrium_json *inner;
    struct atrium_error own = ATRIUM_ERROR_INIT;
    MUST(atrium.json->parse(ctx, ATRIUM_STR("{\"a\":[1,{}]}"), &inner, &own) == ATRIUM_OK);
    MUST(atrium.json->parse(ctx, ATRIUM_STR("{\"a\":1,\"a\":2}"), &inner, &own) ==
         ATRIUM_E_REFUSED);
    MUST(strcmp(own.code, "bad_json") == 0);
    struct atrium_json_writer *own_writer = atrium.json->writer(ctx);
    atrium.json->begin_array(own_writer);
    atrium.json->f64(own_writer, 1.5);
    atrium.json->null(own_writer);
    atrium.json->value(own_writer, inner);
    atrium.json->end_array(own_writer);
    struct atrium_json_writer *w = begin(ctx);
    atrium_kv_str(w, "s", text);
    atrium_kv_raw(w, "own", atrium.json->text(own_writer));
    return ok(w);
}

/* A body that is not JSON, and one file of a form. */
static atrium_status upload(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    struct atrium_part part = {.size = sizeof part};
    uint32_t n = 0;
    size_t bytes = 0;
    atrium_status s;
    for (; (s = atrium.http->part(ctx, n, &part, err)) == ATRIUM_OK; n++) bytes += part.data.len;
    if (s != ATRIUM_E_NOT_FOUND) return s;
    char text[64];
    int len = snprintf(text, sizeof text, "%u parts, %zu bytes", (unsigned)n, bytes);
    atrium.http->body_bytes(ctx, ATRIUM_STR("text/plain"), atrium_str_make(text, (size_t)len));
    return ATRIUM_OK;
}

static void *answer_soon(void *arg)
{
    struct atrium_later *later = arg;
    atrium.http->later_answer(later, 203, ATRIUM_STR("text/plain"), ATRIUM_STR("later"));
    return NULL;
}

static atrium_status answer_later(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    struct atrium_later *later, *again;
    pthread_t thread;
    atrium_status s = atrium.http->later(ctx, &later, err);
    if (s != ATRIUM_OK) return s;
    if (atrium.http->later(ctx, &again, NULL) != ATRIUM_E_STATE) return ATRIUM_E_INTERNAL;
    if (atrium.http->query(ctx, "fail").ptr) {
        struct atrium_error own = ATRIUM_ERROR_INIT;
        atrium.http->later_fail(later, atrium_fail(&own, ATRIUM_E_BUSY, 0, "overloaded", NULL),
                                &own);
        return ATRIUM_LATER;
    }
    if (pthread_create(&thread, NULL, answer_soon, later) != 0) return ATRIUM_E_INTERNAL;
    pthread_detach(thread);
    return ATRIUM_LATER;
}

/* What a plugin may get wrong. */
static atrium_status blunder(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    struct atrium_str kind = atrium.http->param(ctx, "kind");
    if (atrium_str_eq(kind, ATRIUM_STR("promise"))) return ATRIUM_LATER;
    if (atrium_str_eq(kind, ATRIUM_STR("silent"))) return ATRIUM_E_NOT_FOUND;
    if (atrium_str_eq(kind, ATRIUM_STR("strange"))) return 12345;
    if (atrium_str_eq(kind, ATRIUM_STR("field")))
        return atrium_fail_field(err, "text", "too_long", "100");
    if (atrium_str_eq(kind, ATRIUM_STR("unended"))) memset(err->code, 'x', sizeof err->code);
    if (atrium_str_eq(kind, ATRIUM_STR("forgotten")))
        return atrium.storage->append(ctx, ATRIUM_STR("notes"), ATRIUM_STR("x"), err);
    return ATRIUM_E_REFUSED;
}

/* ---- storage ---------------------------------------------------------------------------- */

static bool one_i64(void *arg, const struct atrium_value *row, uint32_t n)
{
    (void)n;
    *(int64_t *)arg = atrium_col_i64(&row[0]);
    return true;
}

static bool nested(void *arg, const struct atrium_value *row, uint32_t n)
{
    (void)row, (void)n;
    struct atrium_ctx *ctx = arg;
    atrium_status s = atrium.storage->exec(ctx, ATRIUM_STR("SELECT 1"), NULL, 0, NULL, NULL);
    return s == ATRIUM_E_STATE;
}

static atrium_status insert_then_fail(void *arg, struct atrium_ctx *ctx, struct atrium_error *err)
{
    struct atrium_value v[] = {atrium_v_i64(atrium.storage->new_id()),
                               atrium_v_time(atrium.time->now_us()), atrium_v_text(ATRIUM_STR("tx"))};
    atrium_status s = atrium.storage->exec(
        ctx, ATRIUM_STR("INSERT INTO probe_note (id, created_at, updated_at, text) "
                        "SELECT ?, t, t, ? FROM (SELECT ? AS t) x"),
        (struct atrium_value[]){v[0], v[2], v[1]}, 3, NULL, err);
    if (s != ATRIUM_OK) return s;
    if (atrium.storage->transaction(ctx, insert_then_fail, NULL, NULL) != ATRIUM_E_STATE)
        return ATRIUM_E_INTERNAL;
    return arg ? atrium_fail(err, ATRIUM_E_REFUSED, 418, "probe.teapot", NULL) : ATRIUM_OK;
}

static atrium_status count_notes(struct atrium_ctx *ctx, int64_t *n, struct atrium_error *err)
{
    return atrium.storage->query(ctx, ATRIUM_STR("SELECT COUNT(*) FROM probe_note"), NULL, 0,
                                 one_i64, n, err);
}

static bool all_types(void *arg, const struct atrium_value *row, uint32_t n)
{
    *(bool *)arg = n == 5 && row[0].type == ATRIUM_VALUE_NULL && row[1].type == ATRIUM_VALUE_I64 &&
                   row[1].u.i64 == 7 && row[2].type == ATRIUM_VALUE_F64 && row[2].u.f64 == 0.25 &&
                   atrium_str_eq(atrium_col_text(&row[3]), ATRIUM_STR("字")) &&
                   row[4].type == ATRIUM_VALUE_TIME && row[4].u.i64 == 1500000;
    return true;
}

static atrium_status store(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    struct atrium_error own = ATRIUM_ERROR_INIT;
    int64_t before = -1, after = -1;
    bool sound = false;
    uint64_t affected = 0;
    MUST(atrium.storage->new_id() < atrium.storage->new_id());
    struct atrium_value types[] = {atrium_v_null(), atrium_v_i64(7), atrium_v_null(),
                                   atrium_v_text(ATRIUM_STR("字")), atrium_v_time(1500000)};
    types[2].type = ATRIUM_VALUE_F64;
    types[2].u.f64 = 0.25;
    MUST(atrium.storage->query(ctx, ATRIUM_STR("SELECT ?, ?, ?, ?, CAST(? AS DATETIME(6))"), types,
                               5, all_types, &sound, err) == ATRIUM_OK && sound);
    MUST(atrium.storage->query(ctx, ATRIUM_STR("SELECT 1"), NULL, 0, nested, ctx, err) ==
         ATRIUM_OK);
    MUST(atrium.storage->query(ctx, ATRIUM_STR("SELECT no such"), NULL, 0, NULL, NULL, &own) ==
         ATRIUM_E_INTERNAL);
    MUST(count_notes(ctx, &before, err) == ATRIUM_OK);
    memset(&own, 0, sizeof own);
    own.size = sizeof own;
    int one = 1;
    MUST(atrium.storage->transaction(ctx, insert_then_fail, &one, &own) == ATRIUM_E_REFUSED);
    MUST(own.http_status == 418 && strcmp(own.code, "probe.teapot") == 0);
    MUST(count_notes(ctx, &after, err) == ATRIUM_OK && after == before);
    MUST(atrium.storage->transaction(ctx, insert_then_fail, NULL, err) == ATRIUM_OK);
    MUST(count_notes(ctx, &after, err) == ATRIUM_OK && after == before + 1);
    MUST(atrium.storage->exec(ctx, ATRIUM_STR("UPDATE probe_note SET n = 9 WHERE text = 'tx'"),
                              NULL, 0, &affected, err) == ATRIUM_OK && affected >= 1);
    struct atrium_value rows[8];
    for (int i = 0; i < 8; i += 4) {
        rows[i] = atrium_v_i64(atrium.storage->new_id());
        rows[i + 1] = rows[i + 2] = atrium_v_time(1000000);
        rows[i + 3] = atrium_v_text(ATRIUM_STR("bulk"));
    }
    struct atrium_str head =
        ATRIUM_STR("INSERT INTO probe_note (id, created_at, updated_at, text) VALUES ");
    MUST(atrium.storage->insert(ctx, head, ATRIUM_STR(""), rows, 4, 2, err) == ATRIUM_OK);
    memset(&own, 0, sizeof own);
    own.size = sizeof own;
    MUST(atrium.storage->insert(ctx, head, ATRIUM_STR(""), rows, 4, 2, &own) == ATRIUM_E_CONFLICT);
    MUST(strcmp(own.code, "duplicate") == 0 && own.http_status == 409);
    struct atrium_value bad = {.type = 99};
    MUST(atrium.storage->exec(ctx, ATRIUM_STR("SELECT ?"), &bad, 1, NULL, NULL) ==
         ATRIUM_E_ARGUMENT);
    struct atrium_json_writer *w = begin(ctx);
    atrium_kv_i64(w, "notes", after + 2);
    return ok(w);
}

static atrium_status append(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    MUST(atrium.storage->append(ctx, ATRIUM_STR("nowhere"), ATRIUM_STR("x"), NULL) ==
         ATRIUM_E_ARGUMENT);
    atrium_status s =
        atrium.storage->append(ctx, ATRIUM_STR("notes"), atrium.http->query(ctx, "text"), err);
    if (s != ATRIUM_OK) return s;
    MUST(atrium.storage->append(ctx, ATRIUM_STR("notes"), ATRIUM_STR("y"), NULL) == ATRIUM_E_STATE);
    return ATRIUM_LATER;
}

/* "poison" sinks its batch, "refuse" only itself, "mute" is left unanswered. */
static atrium_status notes(void *self, struct atrium_ctx *ctx,
                           struct atrium_record *const *records, uint32_t n,
                           struct atrium_error *err)
{
    (void)self;
    for (uint32_t i = 0; i < n; i++) {
        struct atrium_str text = atrium.storage->record_bytes(records[i]);
        int64_t id = atrium.storage->new_id();
        struct atrium_value v[] = {atrium_v_i64(id), atrium_v_time(1000000), atrium_v_time(1000000),
                                   atrium_v_text(text)};
        atrium_status s = atrium.storage->exec(
            ctx,
            ATRIUM_STR("INSERT INTO probe_note (id, created_at, updated_at, text) VALUES (?,?,?,?)"),
            v, 4, NULL, err);
        if (s != ATRIUM_OK) return s;
        atrium.channel->publish(ctx, ATRIUM_STR("notes"), ATRIUM_STR("batch"), ATRIUM_STR("note"),
                                ATRIUM_STR("{\"durable\":true}"));
        if (atrium_str_eq(text, ATRIUM_STR("poison")))
            return atrium_fail(err, ATRIUM_E_INTERNAL, 500, "probe.poison", NULL);
        if (atrium_str_eq(text, ATRIUM_STR("refuse"))) {
            struct atrium_error own = ATRIUM_ERROR_INIT;
            s = atrium_fail(&own, ATRIUM_E_REFUSED, 409, "probe.refused", NULL);
            atrium.storage->record_fail(records[i], s, &own);
        } else if (!atrium_str_eq(text, ATRIUM_STR("mute"))) {
            char json[64];
            int len = snprintf(json, sizeof json, "{\"id\":\"%lld\",\"of\":%u}", (long long)id,
                               (unsigned)n);
            atrium.storage->record_answer(records[i], 201, atrium_str_make(json, (size_t)len));
        }
    }
    return ATRIUM_OK;
}

/* ---- the small tables ------------------------------------------------------------------------ */

static atrium_status small(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    struct atrium_principal who = {.size = sizeof who};
    bool fresh = false;
    MUST(atrium.auth->principal(ctx, &who) == ATRIUM_OK);
    struct atrium_str device = atrium.auth->device(ctx, &fresh);
    MUST(device.len > 0 && atrium_str_eq(device, atrium.auth->device(ctx, NULL)));

    uint8_t a[ATRIUM_HASH_BYTES], b[ATRIUM_HASH_BYTES], c[ATRIUM_HASH_BYTES];
    atrium.crypto->keyed_hash(ctx, ATRIUM_STR("one"), ATRIUM_STR("x"), a);
    atrium.crypto->keyed_hash(ctx, ATRIUM_STR("one"), ATRIUM_STR("x"), b);
    atrium.crypto->keyed_hash(ctx, ATRIUM_STR("two"), ATRIUM_STR("x"), c);
    MUST(memcmp(a, b, sizeof a) == 0 && memcmp(a, c, sizeof a) != 0);
    atrium.crypto->keyed_hash(ctx, ATRIUM_STR("on"), ATRIUM_STR("ex"), c);
    MUST(memcmp(a, c, sizeof a) != 0);
    MUST(atrium.crypto->random_below(10) < 10);
    MUST(atrium.crypto->equal(ATRIUM_STR("abc"), ATRIUM_STR("abc")));
    MUST(!atrium.crypto->equal(ATRIUM_STR("abc"), ATRIUM_STR("abd")));

    char text[ATRIUM_TIME_TEXT];
    int64_t us = 0, day = atrium.time->day(ctx, atrium.time->now_us());
    MUST(atrium.time->utc_offset(ctx) == 480);
    MUST(atrium.time->day(ctx, atrium.time->day_start_us(ctx, day)) == day);
    MUST(atrium.time->day(ctx, atrium.time->day_start_us(ctx, day) - 1) == day - 1);
    MUST(atrium.time->format(1500000, text) > 0 && atrium.time->parse(atrium_cstr(text), &us) &&
         us == 1500000);
    MUST(!atrium.time->parse(ATRIUM_STR("yesterday"), &us));
    MUST(atrium.time->mono_us() > 0);

    struct atrium_blob *blob = atrium.memory->retain(ATRIUM_STR("kept"));
    MUST(atrium.memory->again(blob) == blob);
    atrium.memory->release(blob);
    MUST(atrium_str_eq(atrium.memory->bytes(blob), ATRIUM_STR("kept")));
    atrium.memory->release(blob);
    atrium.memory->release(NULL);
    const char *zero = atrium.memory->alloc(ctx, 100);
    for (int i = 0; i < 100; i++) MUST(zero[i] == 0);
    MUST(*(int *)atrium.memory->tenant(ctx) == 4711);

    atrium.log->write(ctx, ATRIUM_LOG_DEBUG, ATRIUM_STR("probe"));
    atrium.log->write(NULL, 99, ATRIUM_STR("probe"));
    MUST(atrium.log->wanted(ATRIUM_LOG_ERROR));

    char hex[2 * ATRIUM_HASH_BYTES + 1];
    for (int i = 0; i < ATRIUM_HASH_BYTES; i++) snprintf(hex + 2 * i, 3, "%02x", a[i]);
    struct atrium_json_writer *w = begin(ctx);
    atrium_kv_str(w, "hash", atrium_cstr(hex));
    atrium_kv_i64(w, "kind", who.kind);
    atrium_kv_bool(w, "admin", who.admin != 0);
    atrium_kv_str(w, "device", device);
    atrium_kv_bool(w, "fresh", fresh);
    atrium_kv_bool(w, "may", atrium.auth->can(ctx, ATRIUM_STR("probe.note"), ATRIUM_STR("read")));
    atrium_kv_i64(w, "limit", atrium.settings->i64(ctx, ATRIUM_STR("limit"), -1));
    atrium_kv_i64(w, "unset", atrium.settings->i64(ctx, ATRIUM_STR("no_such"), -1));
    atrium_kv_bool(w, "open", atrium.settings->boolean(ctx, ATRIUM_STR("open"), false));
    atrium_kv_str(w, "greeting", atrium.settings->text(ctx, ATRIUM_STR("greeting"), ATRIUM_STR("")));
    atrium_kv_raw(w, "raw", atrium.settings->json(ctx, ATRIUM_STR("greeting")));
    return ok(w);
}

#include "probe_crypto.h"

/* ---- model, hooks, jobs, channels ---------------------------------------------------------------- */

static atrium_status model(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    struct atrium_error own = ATRIUM_ERROR_INIT;
    struct atrium_str json, note = ATRIUM_STR("probe.note"), none = {NULL, 0};
    int64_t id = 0;
    atrium_model_as as = atrium.http->query(ctx, "caller").ptr ? ATRIUM_AS_CALLER : ATRIUM_AS_SYSTEM;
    atrium_status s = atrium.model->create(ctx, as, note, ATRIUM_STR("{\"text\":\"made\"}"), &id, err);
    if (s != ATRIUM_OK) return s;
    MUST(atrium.model->create(ctx, as, note, ATRIUM_STR("{\"text\":\"no\"}"), NULL, &own) ==
         ATRIUM_E_REFUSED);
    MUST(own.n_fields == 1 && strcmp(own.fields[0].field, "text") == 0);
    MUST(atrium.model->update(ctx, as, note, id, -1, ATRIUM_STR("{\"n\":4}"), err) == ATRIUM_OK);
    MUST(atrium.model->transition(ctx, as, note, id, ATRIUM_STR("finish"), none, err) == ATRIUM_OK);
    memset(&own, 0, sizeof own);
    own.size = sizeof own;
    MUST(atrium.model->transition(ctx, as, note, id, ATRIUM_STR("finish"), none, &own) ==
         ATRIUM_E_CONFLICT);
    MUST(atrium.model->get(ctx, as, note, id, none, &json, err) == ATRIUM_OK);
    struct atrium_list query = {.size = sizeof query, .limit = 5, .count = 1};
    query.filter = ATRIUM_STR("text = \"made\"");
    struct atrium_str list;
    MUST(atrium.model->list(ctx, as, note, &query, &list, err) == ATRIUM_OK);
    MUST(atrium.model->get(ctx, as, ATRIUM_STR("probe.nothing"), 1, none, &list, NULL) ==
         ATRIUM_E_ARGUMENT);
    MUST(atrium.model->remove(ctx, as, note, id, err) == ATRIUM_OK);
    memset(&own, 0, sizeof own);
    own.size = sizeof own;
    MUST(atrium.model->get(ctx, as, note, id, none, &list, &own) == ATRIUM_E_NOT_FOUND);
    atrium.http->body_bytes(ctx, ATRIUM_STR("application/json"), json);
    return ATRIUM_OK;
}

static atrium_status note_check(void *self, struct atrium_ctx *ctx,
                                const struct atrium_change *change, struct atrium_error *err)
{
    (void)self;
    struct atrium_str text = atrium_get_str(change->after, "text");
    MUST(atrium_str_eq(change->event, ATRIUM_STR("check")));
    MUST(atrium_str_eq(change->resource, ATRIUM_STR("probe.note")));
    MUST((change->id == 0) == (change->before == NULL));
    /* Nothing goes out before the change is durable. */
    MUST(atrium.channel->publish(ctx, ATRIUM_STR("notes"), ATRIUM_STR("x"), ATRIUM_STR("note"),
                                 ATRIUM_STR("{}")) == ATRIUM_E_STATE);
    if (text.len < 3) return atrium_fail_field(err, "text", "too_short", "3");
    MUST(atrium.hooks->set(ctx, change, "n", ATRIUM_STR("oops")) == ATRIUM_E_ARGUMENT);
    if (!change->before) MUST(atrium.hooks->set(ctx, change, "n", ATRIUM_STR("3")) == ATRIUM_OK);
    return ATRIUM_OK;
}

static atrium_status note_finish(void *self, struct atrium_ctx *ctx,
                                 const struct atrium_change *change, struct atrium_error *err)
{
    (void)self;
    MUST(atrium_str_eq(change->event, ATRIUM_STR("transition:finish")));
    MUST(atrium.hooks->set(ctx, change, "n", ATRIUM_STR("1")) == ATRIUM_E_STATE);
    int64_t n = 0;
    return count_notes(ctx, &n, err);    /* in the model's transaction */
}

static atrium_status note_event(void *self, struct atrium_ctx *ctx,
                                const struct atrium_change *change, struct atrium_error *err)
{
    (void)self;
    (void)err;
    struct atrium_json_writer *w = atrium.json->writer(ctx);
    atrium.json->begin_object(w);
    atrium_kv_str(w, "event", change->event);
    atrium_kv_str(w, "text", atrium_get_str(change->after, "text"));
    atrium.json->end_object(w);
    return atrium.channel->publish(ctx, ATRIUM_STR("notes"), ATRIUM_STR("all"), ATRIUM_STR("note"),
                                   atrium.json->text(w));
}

static atrium_status listen_to(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    atrium_status s = atrium.channel->subscribe(
        ctx, atrium.http->param(ctx, "channel"), atrium.http->query(ctx, "topic"),
        ATRIUM_STR("first"), ATRIUM_STR("{\"hello\":1}"), err);
    return s == ATRIUM_OK ? ATRIUM_LATER : s;
}

static atrium_status publish(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    struct atrium_str channel = ATRIUM_STR("notes"), topic = atrium.http->query(ctx, "topic");
    uint32_t interval = 0;
    atrium_status s = ATRIUM_OK;
    int64_t ms;
    if (atrium_str_id(atrium.http->query(ctx, "interval"), &ms)) interval = (uint32_t)ms;
    for (int i = 0; i < 20 && s == ATRIUM_OK; i++) {
        char json[32];
        int n = snprintf(json, sizeof json, "{\"i\":%d}", i);
        struct atrium_str text = atrium_str_make(json, (size_t)n);
        s = interval ? atrium.channel->publish_latest(ctx, channel, topic, ATRIUM_STR("n"), text,
                                                      interval)
                     : atrium.channel->publish(ctx, channel, topic, ATRIUM_STR("n"), text);
    }
    MUST(atrium.channel->publish(ctx, ATRIUM_STR("nowhere"), topic, ATRIUM_STR("n"),
                                 ATRIUM_STR("{}")) == ATRIUM_E_ARGUMENT);
    MUST(atrium.channel->publish(ctx, channel, topic, ATRIUM_STR("n"), ATRIUM_STR("{\n}")) ==
         ATRIUM_E_ARGUMENT);
    struct atrium_json_writer *w = begin(ctx);
    atrium_kv_i64(w, "listeners", atrium.channel->listeners(ctx, channel, topic));
    ok(w);
    return s;
}

static atrium_status enqueue(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    int64_t id = 0, again = 0;
    struct atrium_enqueue opts = {.size = sizeof opts, .max_attempts = 3};
    opts.key = ATRIUM_STR("only-once");
    MUST(atrium.jobs->enqueue(ctx, ATRIUM_STR("no_such"), ATRIUM_STR("{}"), NULL, NULL, NULL) ==
         ATRIUM_E_ARGUMENT);
    atrium_status s = atrium.jobs->enqueue(ctx, ATRIUM_STR("tidy"), ATRIUM_STR("{\"text\":\"job\"}"),
                                           &opts, &id, err);
    if (s == ATRIUM_OK)
        s = atrium.jobs->enqueue(ctx, ATRIUM_STR("tidy"), ATRIUM_STR("{}"), &opts, &again, err);
    if (s != ATRIUM_OK) return s;
    MUST(id == again);
    struct atrium_json_writer *w = begin(ctx);
    atrium_kv_id(w, "job", id);
    return ok(w);
}

/* Fails the first time: the second attempt writes the note. */
static atrium_status tidy(void *self, struct atrium_ctx *ctx, const struct atrium_job *job,
                          struct atrium_error *err)
{
    (void)self;
    const struct atrium_json *v;
    if (job->attempt == 1) return atrium_fail(err, ATRIUM_E_BUSY, 0, "overloaded", NULL);
    MUST(atrium.jobs->progress(ctx, 50));
    MUST(atrium.http->path(ctx).ptr == NULL && atrium.http->body_json(ctx) == NULL);
    atrium_status s = atrium.json->parse(ctx, job->payload, &v, err);
    if (s != ATRIUM_OK) return s;
    return atrium.model->create(ctx, ATRIUM_AS_SYSTEM, ATRIUM_STR("probe.note"), job->payload, NULL,
                                err);
}

/* ---- life ----------------------------------------------------------------------------------------- */

static int tenant_state = 4711;

static atrium_status load(const struct atrium_host *host, void **self, struct atrium_error *err)
{
    (void)host, (void)err;
    *self = &tenant_state;
    return ATRIUM_OK;
}

static atrium_status init(void *self, const struct atrium_host *host, struct atrium_error *err)
{
    (void)self;
    atrium_tables_fetch(host);
    static const struct {
        struct atrium_str name;
        atrium_http_handler *fn;
    } routes[] = {
        {ATRIUM_STR_INIT("echo"), echo},       {ATRIUM_STR_INIT("read_json"), read_json},
        {ATRIUM_STR_INIT("upload"), upload},   {ATRIUM_STR_INIT("answer_later"), answer_later},
        {ATRIUM_STR_INIT("blunder"), blunder}, {ATRIUM_STR_INIT("store"), store},
        {ATRIUM_STR_INIT("append"), append},   {ATRIUM_STR_INIT("small"), small},
        {ATRIUM_STR_INIT("crypto"), crypto},
        {ATRIUM_STR_INIT("model"), model},     {ATRIUM_STR_INIT("listen_to"), listen_to},
        {ATRIUM_STR_INIT("publish"), publish}, {ATRIUM_STR_INIT("enqueue"), enqueue},
    };
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        atrium_status s = atrium.http->bind_route(host, routes[i].name, routes[i].fn, err);
        if (s != ATRIUM_OK) return s;
    }
    MUST(atrium.storage->bind_stream(host, ATRIUM_STR("notes"), notes, err) == ATRIUM_OK);
    MUST(atrium.hooks->bind_check(host, ATRIUM_STR("note_check"), note_check, err) == ATRIUM_OK);
    MUST(atrium.hooks->bind_transition(host, ATRIUM_STR("note_finish"), note_finish, err) ==
         ATRIUM_OK);
    MUST(atrium.hooks->bind_event(host, ATRIUM_STR("note_event"), note_event, err) == ATRIUM_OK);
    return atrium.jobs->bind_job(host, ATRIUM_STR("tidy"), tidy, err);
}

static atrium_status tenant_open(void *self, struct atrium_ctx *ctx, void **tenant,
                                 struct atrium_error *err)
{
    int64_t n = 0;
    *tenant = self;
    return count_notes(ctx, &n, err);
}

/* Refuses to be switched on while the tenant holds a note that says so. */
static atrium_status enable(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    int64_t n = 0;
    atrium_status s = atrium.storage->query(
        ctx, ATRIUM_STR("SELECT COUNT(*) FROM probe_note WHERE text = 'veto'"), NULL, 0, one_i64, &n,
        err);
    if (s == ATRIUM_OK && n) return atrium_fail(err, ATRIUM_E_CONFLICT, 409, "probe.veto", NULL);
    return s;
}

ATRIUM_EXPORT const struct atrium_plugin_entry atrium_plugin_entry = {
    .magic = ATRIUM_MAGIC,
    .size = sizeof(struct atrium_plugin_entry),
    .abi_major = ATRIUM_ABI_MAJOR,
    .id = ATRIUM_STR_INIT("probe"),
    .version = ATRIUM_STR_INIT("1.0.0"),
    .load = load,
    .init = init,
    .tenant_open = tenant_open,
    .enable = enable,
};
