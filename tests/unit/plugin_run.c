/* The ABI on the real rooms: tests/plugins/probe.c calls every function of every
 * table, behind a real server, on a real MariaDB. */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "plugin_fixture.h"

#define PROBE "/t/alpha/api/probe"

static const char manifest[] =
    "manifest: 1\n"
    "plugin:\n"
    "  id: probe\n  version: 1.0.0\n  abi: 1\n  title: {zh: 探, en: Probe}\n"
    "  library: probe.so\n"
    "  interfaces: [atrium.auth/1, atrium.channel/1, atrium.crypto/1, atrium.hooks/1,\n"
    "    atrium.http/1, atrium.jobs/1, atrium.json/1, atrium.log/1, atrium.memory/1,\n"
    "    atrium.model/1, atrium.settings/1, atrium.storage/1, atrium.time/1]\n"
    "roles:\n  reader: {title: {zh: 读, en: Reader}}\n"
    "routes:\n"
    "  - {method: GET, path: \"/echo/:id\", hook: echo, auth: public, title: {zh: 一, en: A}}\n"
    "  - {method: POST, path: \"/json\", hook: read_json, auth: public, title: {zh: 一, en: A}}\n"
    "  - {method: POST, path: \"/upload\", hook: upload, auth: public, upload: true, "
    "title: {zh: 一, en: A}}\n"
    "  - {method: GET, path: \"/later\", hook: answer_later, auth: public, title: {zh: 一, en: A}}\n"
    "  - {method: GET, path: \"/blunder/:kind\", hook: blunder, auth: public, "
    "title: {zh: 一, en: A}}\n"
    "  - {method: GET, path: \"/store\", hook: store, auth: public, title: {zh: 一, en: A}}\n"
    "  - {method: POST, path: \"/append\", hook: append, auth: public, title: {zh: 一, en: A}}\n"
    "  - {method: GET, path: \"/small\", hook: small, auth: public, title: {zh: 一, en: A}}\n"
    "  - {method: GET, path: \"/staff\", hook: small, auth: staff, permission: \"note:read\", "
    "title: {zh: 一, en: A}}\n"
    "  - {method: GET, path: \"/member\", hook: small, auth: member, title: {zh: 一, en: A}}\n"
    "  - {method: GET, path: \"/crypto\", hook: crypto, auth: public, title: {zh: 一, en: A}}\n"
    "  - {method: GET, path: \"/model\", hook: model, auth: public, title: {zh: 一, en: A}}\n"
    "  - {method: GET, path: \"/listen/:channel\", hook: listen_to, auth: public, "
    "title: {zh: 一, en: A}}\n"
    "  - {method: POST, path: \"/publish\", hook: publish, auth: public, title: {zh: 一, en: A}}\n"
    "  - {method: POST, path: \"/enqueue\", hook: enqueue, auth: public, title: {zh: 一, en: A}}\n"
    "streams: [{id: notes, hook: notes, max_batch: 50}]\n"
    "channels: [{name: notes, who: public}, {name: backstage, who: staff}]\n"
    "hooks:\n"
    "  - {on: probe.note.created, hook: note_event}\n"
    "jobs: [{id: tidy, cron: \"0 0 1 1 *\", hook: tidy, title: {zh: 理, en: Tidy}}]\n"
    "settings:\n"
    "  limit: {type: int, default: 5, title: {zh: 限, en: Limit}}\n"
    "  open: {type: bool, default: true, title: {zh: 开, en: Open}}\n"
    "  greeting: {type: text, default: \"a \\\"quoted\\\" 你好\", title: {zh: 问, en: Greeting}}\n";

static const char note[] =
    "title: {zh: 记, en: Note}\n"
    "label: text\n"
    "traits: []\n"
    "fields:\n"
    "  text: {type: text, max: 100, required: true, title: {zh: 文, en: Text}}\n"
    "  n: {type: int, default: 0, title: {zh: 数, en: N}}\n"
    "  phone: {type: phone, protect: {store: encrypted, show: masked, find: exact}, "
    "title: {zh: 话, en: Phone}}\n"
    "indexes: [[text]]\n"
    "states:\n"
    "  initial: open\n"
    "  list:\n"
    "    open: {title: {zh: 开, en: Open}, color: grey}\n"
    "    done: {title: {zh: 完, en: Done}, color: green}\n"
    "  transitions:\n"
    "    finish: {from: [open], to: done, title: {zh: 完成, en: Finish}, hook: note_finish}\n"
    "validate: note_check\n"
    "permissions:\n"
    "  reader: {read: [all]}\n"
    "views:\n"
    "  list: {columns: [text, n, state], filters: [text], sort: [-created_at]}\n";

/* ---- the rig --------------------------------------------------------------------------- */

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    fclose(f);
}


static int setup(void **state)
{
    static char dir[64];
    char path[200];
    rig_house(state);
    snprintf(dir, sizeof dir, "%s/plugins", mariadb_dir(house.server));
    snprintf(path, sizeof path, "mkdir -p %s/probe/resources", dir);
    assert_int_equal(system(path), 0);
    snprintf(path, sizeof path, "%s/probe/plugin.yaml", dir);
    put(path, manifest);
    snprintf(path, sizeof path, "%s/probe/resources/note.yaml", dir);
    put(path, note);
    rig_start(dir, TINY_DIR);
    return 0;
}

/* ---- switching on and off ------------------------------------------------------------------ */

static void a_plugin_serves_tenants_that_switched_it_on(void **state)
{
    (void)state;
    struct err e = {0};
    SAYS(404, "GET", PROBE "/echo/1", "", NULL, "\"plugin_disabled\"");
    FAILS(plug_switch(rig.reg, house.alpha, &auth_system, SV("nothing"), true, &e), 404);
    OK(plug_switch(rig.reg, house.alpha, &auth_system, SV("probe"), true, &e));
    expect(202, "GET", PROBE "/echo/1", "", NULL);
    SAYS(404, "GET", "/t/beta/api/probe/echo/1", "", NULL, "\"plugin_disabled\"");

    struct buf list = BUF_HEAP;
    plug_list_json(rig.reg, house.alpha, &list);
    buf_chr(&list, 0);
    assert_true(has(list.p, "\"id\":\"probe\"") && has(list.p, "\"state\":\"on\""));
    buf_clear(&list);
    plug_list_json(rig.reg, house.beta, &list);
    buf_chr(&list, 0);
    assert_true(has(list.p, "\"state\":\"off\""));
    buf_free(&list);

    OK(plug_switch(rig.reg, house.alpha, &auth_system, SV("probe"), false, &e));
    SAYS(404, "GET", PROBE "/echo/1", "", NULL, "\"plugin_disabled\"");
    /* The plugin's own word: enable refuses. */
    house_sql(ALPHA, "INSERT INTO probe_note (id, created_at, updated_at, text) VALUES "
                     "(1, NOW(6), NOW(6), 'veto')");
    FAILS(plug_switch(rig.reg, house.alpha, &auth_system, SV("probe"), true, &e), 409);
    assert_string_equal(e.code, "probe.veto");
    assert_false(auth_plugin_on(house.alpha, SV("probe")));
    house_sql(ALPHA, "DELETE FROM probe_note");
    OK(plug_switch(rig.reg, house.alpha, &auth_system, SV("probe"), true, &e));
}

static void routes_are_guarded_as_declared(void **state)
{
    (void)state;
    SAYS(401, "GET", PROBE "/staff", "", NULL, "\"unauthorized\"");
    SAYS(401, "GET", PROBE "/member", "", NULL, "\"unauthorized\"");
    SAYS(200, "GET", PROBE "/staff", rig.admin, NULL, "\"kind\":1", "\"admin\":true");
    SAYS(403, "GET", PROBE "/member", rig.admin, NULL, "\"forbidden\"");
    house_staff(house.alpha, "ned", "13900000001", NULL);
    SAYS(403, "GET", PROBE "/staff", bearer_of(log_in("/t/alpha", "ned")), NULL, "\"forbidden\"");
    house_staff(house.alpha, "rita", "13900000002", "probe.reader");
    SAYS(200, "GET", PROBE "/staff", bearer_of(log_in("/t/alpha", "rita")), NULL,
         "\"admin\":false", "\"may\":true");
}

/* ---- one subject per test ------------------------------------------------------------------------ */

#define FORM                                                                                      \
    "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\n12345\r\n"      \
    "--b\r\nContent-Disposition: form-data; name=\"g\"\r\n\r\n678\r\n--b--\r\n"

static void upload(void)
{
    struct line l;
    char text[600];
    int n = snprintf(text, sizeof text,
                     "POST " PROBE "/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                     "multipart/form-data; boundary=b\r\nContent-Length: %zu\r\n\r\n" FORM,
                     strlen(FORM));
    line_dial(&l, text, (size_t)n);
    assert_true(line_comes(&l, "2 parts, 8 bytes", 3000));
    assert_true(line_comes(&l, "text/plain", 100));
    close(l.fd);
}

static void requests_and_answers(void **state)
{
    (void)state;
    SAYS(202, "GET", PROBE "/echo/a%20b?q=%E5%AD%97", "User-Agent: me\r\nAccept-Language: en\r\n",
         NULL, "\"method\":\"GET\"", "\"path\":\"/api/probe/echo/a%20b\"", "\"id\":\"a b\"",
         "\"q\":\"字\"", "\"none\":null", "\"agent\":\"me\"", "\"remote\":\"127.0.0.1\"",
         "\"lang\":\"en\"", "\"base\":\"http://localhost/t/alpha\"", "\"request_id\":true",
         "x-probe: yes");
    struct reply r = ask("GET", PROBE "/echo/1", "", NULL);
    assert_false(has(r.head, "x-bad") || has(r.head, "x-split"));
    reply_free(&r);
    SAYS(200, "POST", PROBE "/json", "",
         "{\"s\":\"\\u00e9\\\"\",\"i\":-5,\"d\":0.5,\"b\":true,\"a\":[1,\"77\"],\"z\":null}",
         "\"s\":\"é\\\"\"", "\"own\":[1.5,null,{\"a\":[1,{}]}]");
    SAYS(400, "POST", PROBE "/json", "", "{\"s\":", "\"bad_json\"");
    /* Written out with its body behind the head, since ask() sends JSON. */
    upload();
}

static void answers_that_come_later(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) SAYS(203, "GET", PROBE "/later", "", NULL, "later");
    SAYS(503, "GET", PROBE "/later?fail=1", "", NULL, "\"overloaded\"", "retry-after: 1");
}

static void blunders_are_answered_and_nobody_is_hurt(void **state)
{
    (void)state;
    SAYS(500, "GET", PROBE "/blunder/promise", "", NULL, "\"internal\"");
    SAYS(404, "GET", PROBE "/blunder/silent", "", NULL, "\"not_found\"");
    SAYS(500, "GET", PROBE "/blunder/strange", "", NULL, "\"internal\"");
    SAYS(422, "GET", PROBE "/blunder/field", "Accept-Language: en\r\n", NULL,
         "\"text\":\"At most 100 characters.\"");
    SAYS(422, "GET", PROBE "/blunder/unended", "", NULL, "\"code\":\"xxxxx");
    SAYS(500, "GET", PROBE "/blunder/forgotten", "", NULL, "\"internal\"");
    struct plug_stats s;
    plug_stats(rig.reg, &s);
    assert_true(s.failed_calls >= 6 && s.calls > s.failed_calls);
}

static void storage(void **state)
{
    (void)state;
    SAYS(200, "GET", PROBE "/store", "", NULL, "\"notes\":");
}

static void small_tables(void **state)
{
    (void)state;
    SAYS(200, "GET", PROBE "/small", "", NULL, "\"kind\":0", "\"fresh\":true", "\"may\":false",
         "\"limit\":5", "\"unset\":-1", "\"open\":true", "\"greeting\":\"a \\\"quoted\\\" 你好\"",
         "\"raw\":\"a \\\"quoted\\\" 你好\"", "atrium_d=");
}

static void model_as_system_and_as_caller(void **state)
{
    (void)state;
    SAYS(200, "GET", PROBE "/model", "", NULL, "\"text\":\"made\"", "\"n\":4",
         "\"state\":\"done\"");
    SAYS(200, "GET", PROBE "/model?caller=1", rig.admin, NULL, "\"state\":\"done\"");
    struct reply r = ask("GET", PROBE "/model?caller=1", "", NULL);
    assert_true(r.status == 401 || r.status == 403);
    reply_free(&r);
}

/* The pseudonyms are HMAC-SHA256 as OpenSSL makes it, of plugin, purpose, text. */
static void keyed_hashes_are_hmac(void **state)
{
    (void)state;
    static const char input[] = "probe\0one\0x";
    unsigned char want[32];
    unsigned n = 0;
    char hex[65];
    HMAC(EVP_sha256(), house.alpha->secret, 32, (const unsigned char *)input, sizeof input - 1, want,
         &n);
    for (int i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", want[i]);
    SAYS(200, "GET", PROBE "/small", "", NULL, hex);
}

/* Values of fields as the engine stores them, and the algorithms by their vectors. */
static void crypto_of_fields_and_partners(void **state)
{
    (void)state;
    SAYS(200, "GET", PROBE "/crypto", "", NULL, "\"done\":true");
}

/* ---- streams ---------------------------------------------------------------------------------------- */

struct sender {
    pthread_t thread;
    int n, answered, wrong;
};

static void *send_many(void *arg)
{
    struct sender *s = arg;
    static const struct {
        const char *path;
        int status;
    } kinds[] = {{PROBE "/append?text=fine", 201}, {PROBE "/append?text=refuse", 409},
                 {PROBE "/append?text=poison", 500}, {PROBE "/append?text=mute", 500}};
    for (int i = 0; i < s->n; i++) {
        /* Mostly sound records, so that a poisoned one has neighbours. */
        int k = i % 7 == 3 ? 1 : i % 11 == 5 ? 2 : i % 13 == 6 ? 3 : 0;
        struct reply r = ask("POST", kinds[k].path, "", "{}");
        s->answered += r.status == 201;
        s->wrong += r.status != kinds[k].status;
        reply_free(&r);
    }
    return NULL;
}

static void records_are_answered_when_they_are_durable(void **state)
{
    (void)state;
    house_sql(ALPHA, "DELETE FROM probe_note");
    struct sender s[12] = {{0}};
    for (int i = 0; i < 12; i++) {
        s[i].n = 40;
        pthread_create(&s[i].thread, NULL, send_many, &s[i]);
    }
    int answered = 0;
    for (int i = 0; i < 12; i++) {
        pthread_join(s[i].thread, NULL);
        assert_int_equal(s[i].wrong, 0);
        answered += s[i].answered;
    }
    assert_true(answered > 300);
    assert_int_equal(house_i64(ALPHA, "SELECT COUNT(*) FROM probe_note WHERE text = 'fine'"),
                     answered);
    assert_int_equal(house_i64(ALPHA, "SELECT COUNT(*) FROM probe_note WHERE text = 'poison'"), 0);
    struct plug_stats st;
    plug_stats(rig.reg, &st);
    assert_true(st.records >= (uint64_t)answered && st.batches <= st.records);
}

/* ---- channels ------------------------------------------------------------------------------------------- */

static void messages_reach_who_listens(void **state)
{
    (void)state;
    struct line a, b, all, batch;
    line_listen(&a, PROBE "/listen/notes?topic=t1");
    line_listen(&b, PROBE "/listen/notes?topic=t2");
    assert_true(line_comes(&a, "event: first\ndata: {\"hello\":1}\n\n", 3000));
    assert_true(line_comes(&b, "event: first", 3000));
    SAYS(200, "POST", PROBE "/publish?topic=t1", "", "{}", "\"listeners\":1");
    assert_true(line_comes(&a, "event: n\ndata: {\"i\":19}\n\n", 3000));
    assert_int_equal(line_count(&a, "event: n\n"), 20);
    assert_false(line_comes(&b, "event: n\n", 200));

    /* The newest counts: few messages, and the last one always. */
    SAYS(200, "POST", PROBE "/publish?topic=t2&interval=300", "", "{}", "\"listeners\":1");
    assert_true(line_comes(&b, "data: {\"i\":19}", 3000));
    assert_int_equal(line_count(&b, "event: n\n"), 2);

    /* Events of the model and of a batch, after their commit. */
    line_listen(&all, PROBE "/listen/notes?topic=all");
    line_listen(&batch, PROBE "/listen/notes?topic=batch");
    assert_true(line_comes(&all, "event: first", 3000) && line_comes(&batch, "event: first", 3000));
    expect(200, "GET", PROBE "/model", "", NULL);
    assert_true(line_comes(&all, "{\"event\":\"probe.note.created\",\"text\":\"made\"}", 3000));
    /* The newest message of before is told again to who comes now. */
    assert_true(line_comes(&batch, "durable", 3000));
    expect(500, "POST", PROBE "/append?text=poison", "", "{}");
    assert_false(line_comes(&batch, "never comes", 200));
    assert_int_equal(line_count(&batch, "durable"), 1);
    expect(201, "POST", PROBE "/append?text=fine", "", "{}");
    for (int i = 0; i < 100 && line_count(&batch, "durable") < 2; i++) line_comes(&batch, "never", 20);
    assert_int_equal(line_count(&batch, "durable"), 2);

    /* Who has gone is forgotten. */
    close(a.fd);
    for (int i = 0; i < 100; i++) {
        struct reply r = ask("POST", PROBE "/publish?topic=t1", "", "{}");
        bool gone = has(r.body, "\"listeners\":0");
        reply_free(&r);
        if (gone) break;
        assert_true(i < 99);
        usleep(20000);
    }
    SAYS(401, "GET", PROBE "/listen/backstage?topic=x", "", NULL, "\"unauthorized\"");
    SAYS(500, "GET", PROBE "/listen/nowhere?topic=x", "", NULL, "\"internal\"");
    close(b.fd);
    close(all.fd);
    close(batch.fd);
}

/* ---- jobs ----------------------------------------------------------------------------------------------------- */

static void jobs_run_and_run_again(void **state)
{
    (void)state;
    SAYS(200, "POST", PROBE "/enqueue", "", "{}", "\"job\":");
    assert_int_equal(house_i64(ALPHA, "SELECT COUNT(*) FROM core_job WHERE kind = 'probe.tidy'"), 1);
    for (int i = 0; i < 400; i++) {
        /* The second attempt waits for its back-off: the clock of the row is moved. */
        house_sql(ALPHA, "UPDATE core_job SET due_at = NOW(6) - INTERVAL 1 SECOND "
                         "WHERE kind = 'probe.tidy' AND state = 'failed'");
        if (house_i64(ALPHA, "SELECT COUNT(*) FROM probe_note WHERE text = 'job'") == 1) return;
        usleep(25000);
    }
    fail_msg("the job did not run: state %s",
             mariadb_sql(house.server, ALPHA, "SELECT state FROM core_job WHERE kind='probe.tidy'"));
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

/* After drain a record is refused at once, not lost. */
static void a_drained_plugin_takes_no_records(void **state)
{
    (void)state;
    plug_drain(rig.reg);
    SAYS(503, "POST", PROBE "/append?text=late", "", "{}", "\"overloaded\"", "retry-after: 1");
    assert_int_equal(house_i64(ALPHA, "SELECT COUNT(*) FROM probe_note WHERE text = 'late'"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plugin_serves_tenants_that_switched_it_on),
        cmocka_unit_test(routes_are_guarded_as_declared),
        cmocka_unit_test(requests_and_answers),
        cmocka_unit_test(answers_that_come_later),
        cmocka_unit_test(blunders_are_answered_and_nobody_is_hurt),
        cmocka_unit_test(storage),
        cmocka_unit_test(small_tables),
        cmocka_unit_test(keyed_hashes_are_hmac),
        cmocka_unit_test(crypto_of_fields_and_partners),
        cmocka_unit_test(model_as_system_and_as_caller),
        cmocka_unit_test(records_are_answered_when_they_are_durable),
        cmocka_unit_test(messages_reach_who_listens),
        cmocka_unit_test(jobs_run_and_run_again),
        cmocka_unit_test(a_drained_plugin_takes_no_records),
    };
    return cmocka_run_group_tests(tests, setup, rig_teardown);
}
