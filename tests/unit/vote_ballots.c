/* The vote plugin on the real rooms and a real MariaDB: a ballot is counted once,
 * whatever happens, and the count shown is the rows stored. */
#include "plugin_fixture.h"

#define VOTE "/t/alpha/api/vote"
#define THREADS 12

/* ---- polls ------------------------------------------------------------------------------- */

struct poll {
    char id[32], option[3][32];
};

/* A draft with three options; `fields` goes into its body. */
static void draft(struct poll *p, const char *fields)
{
    char body[1500];
    snprintf(body, sizeof body,
             "{\"name\":\"n\",\"title\":\"t\",%s%s\"options\":[{\"title\":\"a\"},"
             "{\"title\":\"b\"},{\"title\":\"c\"}]%s%s}",
             has(fields, "starts_at") ? "" : "\"starts_at\":\"2026-01-01T00:00:00Z\",",
             has(fields, "ends_at") ? "" : "\"ends_at\":\"2099-01-01T00:00:00Z\",",
             *fields ? "," : "", fields);
    struct reply r = ask("POST", VOTE "/poll", rig.admin, body);
    if (r.status != 201) fail_msg("poll: %d %s", r.status, r.body);
    snprintf(p->id, sizeof p->id, "%s", member(&r, "id"));
    const char *at = strstr(r.body, "\"options\":");
    for (int i = 0; i < 3; i++) {
        at = strstr(at, "{\"id\":\"") + 7;
        snprintf(p->option[i], sizeof p->option[i], "%.*s", (int)strcspn(at, "\""), at);
    }
    reply_free(&r);
}

static void transition(int status, const struct poll *p, const char *name)
{
    char path[160];
    snprintf(path, sizeof path, VOTE "/poll/%s/do/%s", p->id, name);
    expect(status, "POST", path, rig.admin, "{}");
}

static void publish(struct poll *p, const char *fields)
{
    draft(p, fields);
    transition(200, p, "publish");
}

static const char *public_path(const struct poll *p, const char *rest)
{
    static _Thread_local char path[200];
    snprintf(path, sizeof path, VOTE "/public/poll/%s%s", p->id, rest);
    return path;
}

static int64_t number(const struct poll *p, const char *sql)
{
    char text[300];
    snprintf(text, sizeof text, "%s%s", sql, p->id);
    return house_i64(ALPHA, text);
}

/* All that counts a poll says the same number of ballots. */
static void counted(const struct poll *p, int64_t ballots)
{
    assert_int_equal(number(p, "SELECT COUNT(*) FROM vote_ballot WHERE poll = "), ballots);
    assert_int_equal(number(p, "SELECT ballots FROM vote_poll WHERE id = "), ballots);
    assert_int_equal(number(p, "SELECT COALESCE(SUM(n), 0) FROM vote_tally WHERE day = 0 AND kind <> 'address' "
                               "AND poll = "), ballots);
    for (int i = 0; i < 3; i++) {
        char sql[300];
        snprintf(sql, sizeof sql,
                 "SELECT (SELECT COUNT(*) FROM vote_ballot WHERE poll = %s AND "
                 "JSON_CONTAINS(options, '\"%s\"')) - COALESCE((SELECT count FROM vote_option WHERE id = %s), 0)",
                 p->id, p->option[i], p->option[i]);
        assert_int_equal(house_i64(ALPHA, sql), 0);
    }
}

/* ---- ballots ------------------------------------------------------------------------------- */

static const char *new_key(void)
{
    static _Atomic unsigned next;
    static _Thread_local char key[40];
    snprintf(key, sizeof key, "key-%08u", ++next);
    return key;
}

/* `who`: header lines of the voter, "" for a browser without cookies. */
static struct reply vote(const struct poll *p, const char *key, const char *who,
                         const char *options)
{
    char headers[900], body[300];
    snprintf(headers, sizeof headers, "%sIdempotency-Key: %s\r\n", who, key);
    snprintf(body, sizeof body, "{\"options\":[%s]}", options);
    return ask("POST", public_path(p, "/ballots"), headers, body);
}

static const char *one(const struct poll *p, int i)
{
    static _Thread_local char text[40];
    snprintf(text, sizeof text, "\"%s\"", p->option[i]);
    return text;
}

static void votes(int status, const char *code, const struct poll *p, const char *who,
                  const char *options)
{
    struct reply r = vote(p, new_key(), who, options);
    if (r.status != status || (code && !has(r.body, code)))
        fail_msg("%d %s instead of %d %s", r.status, r.body, status, code ? code : "");
    reply_free(&r);
}

/* The cookie of a browser that has opened the page. */
static const char *browser(const struct poll *p)
{
    static _Thread_local char line[4][200];
    static _Thread_local unsigned next;
    char *out = line[next++ % 4];
    struct reply r = ask("GET", public_path(p, ""), "", NULL);
    const char *at = strstr(r.head, "atrium_d=");
    assert_non_null(at);
    snprintf(out, 200, "Cookie: %.*s\r\n", (int)strcspn(at, ";\r"), at);
    reply_free(&r);
    return out;
}

/* ---- exactly once ------------------------------------------------------------------------------ */

static void a_ballot_is_stored_before_it_is_answered_A_2_2_4f(void **state)
{
    (void)state;
    struct poll p;
    publish(&p, "");
    struct reply r = vote(&p, new_key(), browser(&p), one(&p, 1));
    assert_int_equal(r.status, 201);
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM vote_ballot WHERE id = %s",
             member(&r, "ballot"));
    assert_int_equal(house_i64(ALPHA, sql), 1);
    assert_true(has(r.body, "\"left\":0,\"total\":1,\"counts\":{"));
    reply_free(&r);
    counted(&p, 1);
    assert_int_equal(number(&p, "SELECT address = '127.0.0.0' FROM vote_ballot WHERE poll = "), 1);
}

static void a_retry_gets_its_first_ballot_A_2_2_4f(void **state)
{
    (void)state;
    struct poll p;
    publish(&p, "");
    const char *key = new_key(), *me = browser(&p);
    struct reply a = vote(&p, key, me, one(&p, 0)), b = vote(&p, key, me, one(&p, 0));
    assert_int_equal(a.status, 201);
    assert_int_equal(b.status, 201);
    assert_string_equal(a.body, b.body);
    reply_free(&b);
    b = vote(&p, key, me, one(&p, 1));
    assert_int_equal(b.status, 409);
    assert_true(has(b.body, "\"idempotency_mismatch\""));
    reply_free(&b);
    /* Another voter may use the same key by chance. */
    b = vote(&p, key, browser(&p), one(&p, 1));
    assert_int_equal(b.status, 201);
    assert_string_not_equal(member(&b, "ballot"), member(&a, "ballot"));
    reply_free(&a);
    reply_free(&b);
    counted(&p, 2);
    /* The answer to the first vote, and its cookie with it, was lost. */
    key = new_key();
    a = vote(&p, key, "", one(&p, 2));
    b = vote(&p, key, "", one(&p, 2));
    assert_int_equal(a.status, 201);
    assert_string_equal(a.body, b.body);
    reply_free(&a);
    reply_free(&b);
    counted(&p, 3);
    /* Also after the end. */
    key = new_key();
    me = browser(&p);
    a = vote(&p, key, me, one(&p, 2));
    transition(200, &p, "close");
    b = vote(&p, key, me, one(&p, 2));
    assert_int_equal(b.status, 201);
    assert_string_equal(a.body, b.body);
    reply_free(&a);
    reply_free(&b);
    counted(&p, 4);
}

struct racer {
    pthread_t thread;
    const struct poll *p;
    const char *who, *key;           /* NULL: a new one for each */
    int n, accepted, refused, other;
    char ballot[32];                 /* the last one's */
};

static void *race(void *arg)
{
    struct racer *x = arg;
    for (int i = 0; i < x->n; i++) {
        struct reply r = vote(x->p, x->key ? x->key : new_key(), x->who ? x->who : "",
                              one(x->p, x->key ? 0 : i % 3));
        if (r.status == 201) {
            x->accepted++;
            snprintf(x->ballot, sizeof x->ballot, "%s", member(&r, "ballot"));
        } else if (r.status == 409) {
            x->refused++;
        } else {
            x->other++;
        }
        reply_free(&r);
    }
    return NULL;
}

static struct racer sum(struct racer *x)
{
    struct racer all = {0};
    for (int i = 0; i < THREADS; i++) {
        pthread_join(x[i].thread, NULL);
        all.accepted += x[i].accepted;
        all.refused += x[i].refused;
        all.other += x[i].other;
    }
    return all;
}

static void everybody_at_once_is_counted_once_A_2_2_4f(void **state)
{
    (void)state;
    struct poll p, q;
    publish(&p, "");
    publish(&q, "");
    struct racer x[THREADS] = {{0}};
    for (int i = 0; i < THREADS; i++) {
        x[i] = (struct racer){.p = i % 2 ? &p : &q, .n = 40};
        pthread_create(&x[i].thread, NULL, race, &x[i]);
    }
    struct racer all = sum(x);
    assert_int_equal(all.accepted, THREADS * 40);
    counted(&p, THREADS * 20);
    counted(&q, THREADS * 20);
    assert_int_equal(number(&p, "SELECT voters FROM vote_poll WHERE id = "), THREADS * 20);
}

static void one_device_cannot_race_past_its_limit_A_2_2_4f(void **state)
{
    (void)state;
    struct poll p;
    publish(&p, "\"limit_device\":3");
    const char *me = browser(&p);
    struct racer x[THREADS] = {{0}};
    for (int i = 0; i < THREADS; i++) {
        x[i] = (struct racer){.p = &p, .n = 5, .who = me};
        pthread_create(&x[i].thread, NULL, race, &x[i]);
    }
    struct racer all = sum(x);
    assert_int_equal(all.accepted, 3);
    assert_int_equal(all.refused, THREADS * 5 - 3);
    counted(&p, 3);
    assert_int_equal(number(&p, "SELECT voters FROM vote_poll WHERE id = "), 1);
}

static void one_key_at_once_is_one_ballot_A_2_2_4f(void **state)
{
    (void)state;
    struct poll p;
    publish(&p, "\"limit_device\":0");
    char key[40];
    snprintf(key, sizeof key, "%s", new_key());
    struct racer x[THREADS] = {{0}};
    for (int i = 0; i < THREADS; i++) {
        x[i] = (struct racer){.p = &p, .n = 3, .key = key};
        pthread_create(&x[i].thread, NULL, race, &x[i]);
    }
    struct racer all = sum(x);
    assert_int_equal(all.accepted, THREADS * 3);
    for (int i = 1; i < THREADS; i++) assert_string_equal(x[i].ballot, x[0].ballot);
    counted(&p, 1);
}

static void closing_is_exact_A_2_2_4f(void **state)
{
    (void)state;
    struct poll p;
    publish(&p, "\"limit_device\":0");
    struct racer x[THREADS] = {{0}};
    for (int i = 0; i < THREADS; i++) {
        x[i] = (struct racer){.p = &p, .n = 60};
        pthread_create(&x[i].thread, NULL, race, &x[i]);
    }
    while (number(&p, "SELECT ballots FROM vote_poll WHERE id = ") < 50) usleep(2000);
    transition(200, &p, "close");
    int64_t at_close = number(&p, "SELECT ballots FROM vote_poll WHERE id = ");
    struct racer all = sum(x);
    assert_true(all.refused > 0);
    assert_int_equal(all.other, 0);
    assert_int_equal(all.accepted, at_close);
    counted(&p, at_close);
}

/* ---- limits ------------------------------------------------------------------------------------- */

static const char *member_token(const char *phone)
{
    char body[200];
    snprintf(body, sizeof body, "{\"phone\":\"%s\",\"purpose\":\"member\"}", phone);
    expect(202, "POST", "/t/alpha/api/auth/code", "", body);
    snprintf(body, sizeof body, "{\"phone\":\"%s\",\"code\":\"%s\"}", phone, code_for(phone));
    struct reply r = ask("POST", "/t/alpha/api/auth/member/login", "", body);
    if (r.status != 200) fail_msg("member: %d %s", r.status, r.body);
    const char *line = arena_str(house.arena, sv_of(bearer_of(member(&r, "token"))));
    reply_free(&r);
    return line;
}

static void members_are_counted_on_every_device_A_2_2_4f(void **state)
{
    (void)state;
    struct poll p;
    publish(&p, "\"login_required\":true,\"limit_person\":2,\"limit_device\":0");
    const char *anna = member_token("13911110001"), *berta = member_token("13911110002");
    votes(401, "vote.login_required", &p, browser(&p), one(&p, 0));
    /* Without the cookie each request is a new device. */
    votes(201, "\"left\":1", &p, anna, one(&p, 0));
    votes(201, "\"left\":0", &p, anna, one(&p, 1));
    votes(409, "vote.limit_person", &p, anna, one(&p, 1));
    votes(201, NULL, &p, berta, one(&p, 1));
    counted(&p, 3);
    assert_int_equal(number(&p, "SELECT voters FROM vote_poll WHERE id = "), 2);
    SAYS(200, "GET", public_path(&p, ""), anna, NULL, "\"left\":0", "\"per_period\":2",
         "\"total\":3", "\"voters\":2");
}

static void limits_per_day_begin_anew_at_the_tenants_midnight_A_2_2_4f(void **state)
{
    (void)state;
    struct poll p;
    publish(&p, "\"period\":\"day\",\"limit_device\":1,\"limit_address\":3");
    /* To an hour before midnight in China (the tenant is at +08:00). */
    int64_t now = clock_now_us(), day = 86400 * SECOND;
    int64_t to_midnight = day - (now + 8 * HOUR) % day;
    clock_set_offset_us(to_midnight - HOUR);
    const char *me = browser(&p);
    votes(201, "\"left\":0", &p, me, one(&p, 0));
    votes(409, "vote.limit_device", &p, me, one(&p, 0));
    votes(201, NULL, &p, browser(&p), one(&p, 1));
    votes(201, NULL, &p, browser(&p), one(&p, 1));
    votes(409, "vote.limit_address", &p, browser(&p), one(&p, 1));
    clock_set_offset_us(to_midnight + MINUTE);
    SAYS(200, "GET", public_path(&p, ""), me, NULL, "\"left\":1");
    votes(201, "\"left\":0", &p, me, one(&p, 2));
    votes(409, "vote.limit_device", &p, me, one(&p, 2));
    clock_set_offset_us(0);
    assert_int_equal(number(&p, "SELECT ballots FROM vote_poll WHERE id = "), 4);
    assert_int_equal(number(&p, "SELECT voters FROM vote_poll WHERE id = "), 3);
    /* Nobody can read an address out of the tally. */
    assert_int_equal(number(&p, "SELECT COUNT(*) FROM vote_tally WHERE kind = 'address' AND "
                                "subject LIKE '%127.0%' AND poll = "), 0);
}

/* ---- what is refused ------------------------------------------------------------------------------- */

static void bad_ballots_name_what_is_wrong_A_2_2_4f(void **state)
{
    (void)state;
    struct poll p, m;
    char two[100], three[150];
    publish(&p, "");
    publish(&m, "\"choice\":\"multiple\",\"max_choices\":2");
    snprintf(two, sizeof two, "\"%s\",\"%s\"", p.option[0], p.option[1]);
    votes(422, "vote.too_many_options", &p, "", two);
    votes(422, "vote.unknown_option", &p, "", "\"123\"");
    votes(422, "vote.unknown_option", &p, "", one(&m, 0));
    votes(422, "\"options\":", &p, "", "");
    votes(422, "\"options.1\":", &p, "", "\"5\",\"5\"");
    votes(422, "\"options.0\":", &p, "", "{}");
    votes(400, "bad_json", &p, "", "\"");
    snprintf(two, sizeof two, "\"%s\",\"%s\"", m.option[2], m.option[1]);
    snprintf(three, sizeof three, "%s,\"%s\"", two, m.option[0]);
    votes(422, "vote.too_many_options", &m, "", three);
    votes(201, NULL, &m, "", two);
    counted(&m, 1);
    counted(&p, 0);
    struct reply r = ask("POST", public_path(&p, "/ballots"), "", "{\"options\":[\"1\"]}");
    assert_true(r.status == 400 && has(r.body, "vote.key_required"));
    reply_free(&r);
    struct poll none = {.id = "77"};
    votes(404, "not_found", &none, "", "\"1\"");
    draft(&none, "");
    votes(404, "not_found", &none, "", one(&none, 0));
    SAYS(404, "GET", public_path(&none, ""), "", NULL, "not_found");
}

static void hours_are_kept_A_2_2_4f(void **state)
{
    (void)state;
    struct poll early, late;
    publish(&early, "\"starts_at\":\"2098-01-01T00:00:00Z\"");
    votes(409, "vote.not_open", &early, "", one(&early, 0));
    SAYS(200, "GET", public_path(&early, ""), "", NULL, "\"state\":\"upcoming\"");
    char end[64], text[32];
    clock_rfc3339(clock_now_us() + HOUR, text);
    snprintf(end, sizeof end, "\"ends_at\":\"%s\"", text);
    publish(&late, end);
    votes(201, NULL, &late, "", one(&late, 0));
    clock_set_offset_us(2 * HOUR);
    votes(409, "vote.ended", &late, "", one(&late, 0));
    SAYS(200, "GET", public_path(&late, ""), "", NULL, "\"state\":\"ended\"");
    /* The job that tells the lists; on this test's clock the schedule may beat us to it. */
    struct work_job job = {.kind = SV("vote.close_due"), .payload = SV(""), .attempt = 1,
                           .tenant = house.alpha, .db = house.alpha->db, .arena = arena_new(0)};
    struct err e = {0};
    OK(plug_job_run(rig.reg, &job, &e));
    OK(plug_job_run(rig.reg, &job, &e));
    arena_free(job.arena);
    clock_set_offset_us(0);
    assert_int_equal(number(&late, "SELECT state = 'closed' FROM vote_poll WHERE id = "), 1);
    assert_int_equal(number(&early, "SELECT state = 'published' FROM vote_poll WHERE id = "), 1);
    counted(&late, 1);
}

/* ---- results ------------------------------------------------------------------------------------------ */

static void results_are_seen_by_whom_the_poll_says_A_2_2_4f(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        bool before, answer, after, ended;
    } cases[] = {
        {"\"results\":\"always\"", true, true, true, true},
        {"\"results\":\"after_vote\"", false, true, true, true},
        {"\"results\":\"after_end\"", false, false, false, true},
        {"\"results\":\"never\"", false, false, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct poll p;
        publish(&p, cases[i].fields);
        const char *me = browser(&p);
        struct reply r = ask("GET", public_path(&p, ""), me, NULL);
        assert_int_equal(has(r.body, "\"count\":") && has(r.body, "\"total\":"), cases[i].before);
        reply_free(&r);
        r = vote(&p, new_key(), me, one(&p, 0));
        assert_int_equal(has(r.body, "\"counts\":"), cases[i].answer);
        reply_free(&r);
        r = ask("GET", public_path(&p, ""), me, NULL);
        assert_int_equal(has(r.body, "\"count\":"), cases[i].after);
        assert_true(has(r.body, "\"voted\":[\""));
        reply_free(&r);
        /* Live: counts go only to who may see them. */
        struct line l;
        line_listen(&l, public_path(&p, "/live"));
        assert_true(line_comes(&l, "event: results\ndata: {\"poll\":", 3000));
        votes(201, NULL, &p, browser(&p), one(&p, 1));
        bool moved = line_comes(&l, cases[i].before ? "\"total\":2" : "counts", 1000);
        assert_int_equal(moved, cases[i].before);
        transition(200, &p, "close");
        assert_true(line_comes(&l, "\"state\":\"ended\"", 3000));
        if (!cases[i].before) assert_int_equal(line_count(&l, "counts"), 0);
        close(l.fd);
        r = ask("GET", public_path(&p, ""), "", NULL);
        assert_int_equal(has(r.body, "\"count\":"), cases[i].ended);
        reply_free(&r);
        r = ask("GET", public_path(&p, ""), rig.admin, NULL);
        assert_true(has(r.body, "\"count\":"));
        reply_free(&r);
    }
}

/* ---- what the console may do ------------------------------------------------------------------------------ */

static void edit(int status, const struct poll *p, const char *body, const char *part)
{
    char path[160], headers[400];
    snprintf(path, sizeof path, VOTE "/poll/%s", p->id);
    struct reply r = ask("GET", path, rig.admin, NULL);
    const char *etag = strstr(r.head, "etag: ");
    snprintf(headers, sizeof headers, "%sIf-Match: %.*s\r\n", rig.admin,
             etag ? (int)strcspn(etag + 6, "\r") : 1, etag ? etag + 6 : "*");
    reply_free(&r);
    SAYS(status, "PATCH", path, headers, body, part);
}

static void polls_are_checked_before_they_change_A_2_2_4f(void **state)
{
    (void)state;
    struct poll p, q;
    char body[600];
    draft(&p, "");
    edit(422, &p, "{\"choice\":\"multiple\",\"max_choices\":4}", "\"max_choices\":");
    edit(422, &p, "{\"options\":[{\"title\":\"x\"},{\"title\":\"x\"}]}", "\"options.1.title\":");
    edit(422, &p, "{\"ends_at\":\"2025-01-01T00:00:00Z\"}", "\"ends_at\":");
    edit(200, &p, "{\"choice\":\"multiple\",\"max_choices\":3}", "\"max_choices\":3");
    edit(200, &p, "{\"choice\":\"single\"}", "\"max_choices\":1");
    /* Published only while there is time to vote. */
    edit(200, &p, "{\"ends_at\":\"2026-01-02T00:00:00Z\"}", "2026-01-02");
    transition(422, &p, "publish");
    edit(200, &p, "{\"ends_at\":\"2099-01-01T00:00:00Z\"}", "2099");
    transition(200, &p, "publish");
    /* Nobody has voted: it can be taken back. */
    transition(200, &p, "withdraw");
    transition(200, &p, "publish");
    votes(201, NULL, &p, "", one(&p, 0));
    transition(409, &p, "withdraw");
    edit(422, &p, "{\"choice\":\"multiple\"}", "\"choice\":");
    snprintf(body, sizeof body, "{\"options\":[{\"id\":\"%s\",\"title\":\"b\"},{\"title\":\"d\"}]}",
             p.option[1]);
    edit(422, &p, body, "\"options\":");
    snprintf(body, sizeof body, "{\"options\":[{\"id\":\"%s\",\"title\":\"A\"},{\"title\":\"d\"}]}",
             p.option[0]);
    edit(200, &p, body, "\"title\":\"A\"");
    counted(&p, 1);
    /* A poll that was changed is another one for the very next ballot. */
    votes(422, "vote.unknown_option", &p, "", one(&p, 1));
    edit(200, &p, "{\"login_required\":true}", "\"login_required\":true");
    votes(401, "vote.login_required", &p, "", one(&p, 0));
    transition(200, &p, "close");
    votes(409, "vote.ended", &p, member_token("13911110009"), one(&p, 0));
    transition(200, &p, "reopen");
    votes(201, NULL, &p, member_token("13911110008"), one(&p, 0));
    publish(&q, "");
    char path[160];
    snprintf(path, sizeof path, VOTE "/poll/%s", q.id);
    struct reply r = ask("DELETE", path, rig.admin, NULL);
    assert_true(r.status == 204 || r.status == 428);
    if (r.status == 204) votes(404, "not_found", &q, "", one(&q, 0));
    reply_free(&r);
}

static void sharing_and_statistics_are_for_staff_A_2_2_4f(void **state)
{
    (void)state;
    struct poll p;
    char path[160];
    publish(&p, "");
    votes(201, NULL, &p, "X-Atrium-Client: h5\r\n", one(&p, 0));
    votes(201, NULL, &p, "X-Atrium-Client: mini\r\n", one(&p, 0));
    votes(201, NULL, &p, "X-Atrium-Client: toaster\r\n", one(&p, 2));
    static const char *const parts[] = {"share", "qr.svg", "qr.png", "stats"};
    static const char *const says_[] = {"#/pages/poll/poll?id=", "<svg ", "image/png",
                                        "\"total\":3"};
    house_staff(house.alpha, "noa", "13900000011", NULL);
    const char *noa = arena_str(house.arena, sv_of(bearer_of(log_in("/t/alpha", "noa"))));
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, VOTE "/poll/%s/%s", p.id, parts[i]);
        SAYS(401, "GET", path, "", NULL, "unauthorized");
        SAYS(403, "GET", path, noa, NULL, "forbidden");
        SAYS(200, "GET", path, rig.admin, NULL, says_[i]);
        snprintf(path, sizeof path, VOTE "/poll/9/%s", parts[i]);
        SAYS(404, "GET", path, rig.admin, NULL, "not_found");
    }
    snprintf(path, sizeof path, VOTE "/poll/%s/stats", p.id);
    SAYS(200, "GET", path, rig.admin, NULL, "\"share\":6667", "\"share\":3333", "\"unit\":\"hour\"",
         "{\"client\":\"api\",\"count\":1}", "{\"client\":\"mini\",\"count\":1}");
}

/* ---- frame ---------------------------------------------------------------------------------------------------- */

static int setup(void **state)
{
    struct err e = {0};
    rig_house(state);
    rig_start(TEST_TOP "/plugins", PLUGIN_BUILD);
    OK(plug_switch(rig.reg, house.alpha, &auth_system, SV("vote"), true, &e));
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    clock_set_offset_us(0);
    return 0;
}

#define T(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_ballot_is_stored_before_it_is_answered_A_2_2_4f),
        T(a_retry_gets_its_first_ballot_A_2_2_4f),
        T(everybody_at_once_is_counted_once_A_2_2_4f),
        T(one_device_cannot_race_past_its_limit_A_2_2_4f),
        T(one_key_at_once_is_one_ballot_A_2_2_4f),
        T(closing_is_exact_A_2_2_4f),
        T(members_are_counted_on_every_device_A_2_2_4f),
        T(bad_ballots_name_what_is_wrong_A_2_2_4f),
        T(results_are_seen_by_whom_the_poll_says_A_2_2_4f),
        T(polls_are_checked_before_they_change_A_2_2_4f),
        T(sharing_and_statistics_are_for_staff_A_2_2_4f),
        T(limits_per_day_begin_anew_at_the_tenants_midnight_A_2_2_4f),
        T(hours_are_kept_A_2_2_4f),
    };
    return cmocka_run_group_tests(tests, setup, rig_teardown);
}
