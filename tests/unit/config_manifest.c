/* Unit tests of the manifest reader: a good plugin, and each way to get it wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/manifest.h"

#define N(a) (sizeof(a) / sizeof *(a))

/* ---- a plugin that uses every part ------------------------------------------ */

static const struct file {
    const char *name, *text;
} files[] = {
    {"plugin.yaml",
     "manifest: 1\n"
     "plugin:\n"
     "  id: crm\n"
     "  version: 1.2.0\n"
     "  abi: 1\n"
     "  title: {zh: 客户, en: Customers}\n"
     "  library: crm.so\n"
     "  requires: [vote]\n"
     "  interfaces: [atrium.log/1, atrium.storage/2]\n"
     "roles:\n"
     "  agent: {title: {zh: 销售, en: Agent}}\n"
     "  boss: {title: {zh: 主管, en: Boss}}\n"
     "pages:\n"
     "  - {id: board, module: crm-board, title: {zh: 看板, en: Board}}\n"
     "menus:\n"
     "  - {id: crm, title: {zh: 客户, en: Customers}, icon: users, order: 5}\n"
     "  - {id: crm.lead, parent: crm, title: {zh: 线索, en: Leads}, resource: crm.lead, permission: \"lead:read\"}\n"
     "  - {id: crm.board, parent: crm, title: {zh: 看板, en: Board}, page: board}\n"
     "slots:\n"
     "  - {at: crm.lead.detail, module: lead-map, title: {zh: 地图, en: Map}}\n"
     "client_pages:\n"
     "  - {id: card, path: /pages/card/card, title: {zh: 名片, en: Card}}\n"
     "routes:\n"
     "  - {method: GET, path: /public/card/:id, hook: show_card, auth: public, title: {zh: 名片, en: Card}}\n"
     "  - {method: POST, path: /lead/:id/call, hook: call_lead, permission: \"lead:win\", upload: true,\n"
     "     title: {zh: 拨打, en: Call}, request: {type: object}}\n"
     "hooks:\n"
     "  - {on: core.member.created, hook: new_member, order: -5}\n"
     "jobs:\n"
     "  - {id: recycle, cron: \"*/5 0-6,22 1 * 1-5\", hook: recycle, title: {zh: 回收, en: Recycle}}\n"
     "streams:\n"
     "  - {id: calls, hook: call_batch, max_batch: 500}\n"
     "channels:\n"
     "  - {name: news, who: staff}\n"
     "settings:\n"
     "  days: {type: int, default: 30, min: 1, max: 365, title: {zh: 天数, en: Days}}\n"
     "  auto: {type: bool, default: true, visible_if: [\"==\", days, 30], title: {zh: 自动, en: Auto}}\n"},
    {"resources/lead.yaml",
     "title: {zh: 线索, en: Lead}\n"
     "label: name\n"
     "traits: [owned, dept, versioned, audited, soft_delete]\n"
     "fields:\n"
     "  no: {type: sequence, pattern: \"L{yyyyMM}-{0000}\", title: {zh: 编号, en: No}}\n"
     "  name: {type: text, max: 80, required: true, search: true, title: {zh: 名称, en: Name}}\n"
     "  grade: {type: enum, default: a, title: {zh: 级别, en: Grade}, options: {a: {zh: 甲, en: A, color: red}, b: {zh: 乙, en: B}}}\n"
     "  tags: {type: multi_enum, default: [x], title: {zh: 标签, en: Tags}, options: {x: {zh: 叉, en: X}}}\n"
     "  amount: {type: money, min: 0, title: {zh: 金额, en: Amount}}\n"
     "  code: {type: text, max: 8, pattern: \"[A-Z]{2}[0-9]{1,6}\", unique: true, title: {zh: 代码, en: Code}}\n"
     "  start: {type: date, default: \"2026-01-31\", title: {zh: 开始, en: Start}}\n"
     "  end: {type: date, after: start, title: {zh: 结束, en: End}, visible_if: [filled, start]}\n"
     "  customer: {type: ref, to: core.member, on_delete: clear, title: {zh: 客户, en: Customer}}\n"
     "  photo: {type: image, accept: image/png, title: {zh: 照片, en: Photo}}\n"
     "  remark: {type: richtext, title: {zh: 备注, en: Remark}}\n"
     "  calls: {type: children, of: call, by: lead, max: 9, title: {zh: 电话, en: Calls}}\n"
     "indexes:\n"
     "  - [owner, state, created_at]\n"
     "  - {cols: [name, code], unique: true}\n"
     "states:\n"
     "  initial: fresh\n"
     "  list:\n"
     "    fresh: {title: {zh: 新, en: New}, color: green}\n"
     "    won: {title: {zh: 成交, en: Won}, color: \"#00ff00\"}\n"
     "  transitions:\n"
     "    win: {from: [fresh], to: won, require: [amount], hook: lead_win, confirm: true, title: {zh: 成交, en: Win}}\n"
     "validate: check_lead\n"
     "scopes:\n"
     "  mine: {title: {zh: 本人, en: Mine}, where: \"owner == $user\"}\n"
     "permissions:\n"
     "  agent: {read: [mine], create: true, update: [mine], do: [win], fields: {amount: hidden, code: read_only}}\n"
     "  boss: {read: [all], delete: [all], export: true}\n"
     "views:\n"
     "  list:\n"
     "    columns: [no, name, state, created_at]\n"
     "    filters: [state, owner]\n"
     "    sort: [-created_at, name]\n"
     "  form:\n"
     "    groups:\n"
     "      - {title: {zh: 基本, en: Basics}, fields: [name, grade, calls]}\n"
     "  detail: {facts: [state, amount]}\n"
     "approvals:\n"
     "  deal:\n"
     "    title: {zh: 成交审批, en: Deal}\n"
     "    on: [win, update]\n"
     "    when: [\">=\", amount, 100]\n"
     "    fields: [amount]\n"
     "    steps:\n"
     "      - {title: {zh: 主管, en: Boss}, by: {role: crm.boss}, deadline_hours: 24, on_timeout: escalate}\n"
     "      - {title: {zh: 会签, en: Both}, by: [{superior: 2}, {user_field: owner}], mode: all, when: [\">\", amount, 500]}\n"
     "sensitive: {export: reauth, delete: second_person, do.win: reauth}\n"},
    {"resources/call.yaml",
     "title: {zh: 电话, en: Call}\n"
     "label: id\n"
     "parent: lead\n"
     "traits: [append_only]\n"
     "fields:\n"
     "  lead: {type: ref, to: crm.lead, on_delete: cascade, required: true, title: {zh: 线索, en: Lead}}\n"
     "  at: {type: datetime, title: {zh: 时间, en: Time}}\n"},
    {"i18n/messages.yaml",
     "too_late: {zh: 太晚了, en: Too late}\n"
     "no_more: {zh: 没有了, en: \"No more than {0}\"}\n"},
};

static char dir[] = "/tmp/atrium-manifest-XXXXXX";
static struct arena *arena;
static struct cfg_errors errors;

static const char *in_dir(const char *name)
{
    return arena_printf(arena, "%s/%s", dir, name).p;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(in_dir(name), "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int make_dir(void **state)
{
    (void)state;
    arena = arena_new(0);
    if (!mkdtemp(dir)) return -1;
    if (mkdir(in_dir("resources"), 0700) != 0 || mkdir(in_dir("i18n"), 0700) != 0) return -1;
    return 0;
}

static int write_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(files); i++)
        write_file(files[i].name, files[i].text);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(files); i++)
        unlink(in_dir(files[i].name));
    rmdir(in_dir("resources"));
    rmdir(in_dir("i18n"));
    arena_free(arena);
    return rmdir(dir);
}

static int load(const char *from, struct mf_manifest **m)
{
    errors = (struct cfg_errors){.a = arena, .file = "?"};
    *m = NULL;
    return cfg_load_manifest(arena, from, m, &errors);
}

/* The complaints with the folder's name cut out, which differs from run to run. */
static const char *complaints(void)
{
    struct buf b = BUF_IN(arena);
    size_t skip = strlen(dir) + 1;
    for (size_t i = 0; i < errors.text.n; i++) {
        if (strncmp(errors.text.p + i, dir, skip - 1) == 0) i += skip;
        buf_chr(&b, errors.text.p[i]);
    }
    buf_chr(&b, '\0');
    return b.p;
}

static void expect_good(int rc)
{
    if (rc != 0) fail_msg("%.*s", SVARG(buf_view(&errors.text)));
}

/* ---- what is read ------------------------------------------------------------- */

static void test_good(void **state)
{
    (void)state;
    struct mf_manifest *m;
    expect_good(load(dir, &m));
    assert_string_equal(m->id, "crm");
    assert_string_equal(m->version, "1.2.0");
    assert_int_equal(m->abi, 1);
    assert_string_equal(m->title.zh, "客户");
    assert_string_equal(m->library, "crm.so");
    assert_null(m->summary.zh);
    assert_true(m->n_requires == 1 && m->n_interfaces == 2 && m->n_roles == 2 && m->n_pages == 1 &&
                m->n_menus == 3 && m->n_slots == 1 && m->n_client_pages == 1 && m->n_routes == 2 &&
                m->n_hooks == 1 && m->n_jobs == 1 && m->n_streams == 1 && m->n_channels == 1 &&
                m->n_settings == 2 && m->n_messages == 2 && m->n_resources == 2);
    assert_string_equal(m->interfaces[1], "atrium.storage/2");
    assert_string_equal(m->menus[1].resource, "crm.lead");
    assert_string_equal(m->menus[1].permission, "lead:read");
    assert_int_equal(m->routes[0].auth, MF_AUTH_PUBLIC);
    assert_int_equal(m->routes[1].auth, MF_AUTH_STAFF); /* when nothing is said */
    assert_true(m->routes[1].upload);
    assert_true(sv_eqs(m->routes[1].request, "{\"type\":\"object\"}"));
    assert_null(m->routes[1].response.p);
    assert_int_equal(m->hooks[0].order, -5);
    assert_int_equal(m->streams[0].max_batch, 500);
    assert_int_equal(m->channels[0].who, MF_CH_STAFF);
    assert_true(sv_eqs(m->settings[0].field.dflt, "30"));
    assert_string_equal(m->messages[0].id, "no_more"); /* in order */
    assert_string_equal(m->messages[0].en, "No more than {0}");
}

static void test_good_resource(void **state)
{
    (void)state;
    struct mf_manifest *m;
    expect_good(load(dir, &m));
    const struct mf_resource *r = mf_resource_find(m, SV("lead"));
    assert_non_null(r);
    assert_null(mf_resource_find(m, SV("none")));
    assert_ptr_equal(r->manifest, m);
    assert_string_equal(r->label, "name");
    assert_int_equal(r->traits,
                     MF_OWNED | MF_DEPT_TRAIT | MF_VERSIONED | MF_AUDITED | MF_SOFT_DELETE);
    assert_int_equal(r->n_fields, 12);
    const struct mf_field *f = mf_field_find(r, SV("no"));
    assert_true(f->type == MF_SEQUENCE && f->read_only);
    assert_string_equal(f->pattern, "L{yyyyMM}-{0000}");
    f = mf_field_find(r, SV("name"));
    assert_true(f->required && f->search && f->has_max && f->max == 80 && !f->has_min);
    f = mf_field_find(r, SV("grade"));
    assert_true(f->has_default && sv_eqs(f->dflt, "\"a\"") && f->n_options == 2);
    assert_string_equal(f->options[0].color, "red");
    assert_string_equal(f->options[1].title.zh, "乙");
    assert_true(sv_eqs(mf_field_find(r, SV("tags"))->dflt, "[\"x\"]"));
    f = mf_field_find(r, SV("amount"));
    assert_true(f->has_min && f->min == 0 && !f->has_max);
    f = mf_field_find(r, SV("end"));
    assert_string_equal(f->after, "start");
    assert_true(sv_eqs(f->visible_if, "[\"filled\",\"start\"]"));
    f = mf_field_find(r, SV("customer"));
    assert_string_equal(f->to, "core.member");
    assert_int_equal(f->on_delete, MF_CLEAR);
    f = mf_field_find(r, SV("remark"));
    assert_true(f->has_max && f->max == 20000);
    f = mf_field_find(r, SV("calls"));
    assert_string_equal(f->to, "call");
    assert_string_equal(f->by, "lead");
    assert_int_equal(f->line, 16);

    assert_int_equal(r->n_indexes, 2);
    assert_true(r->indexes[1].unique && r->indexes[1].n == 2 && !r->indexes[0].unique);
    assert_string_equal(r->indexes[0].cols[2], "created_at");
    assert_string_equal(r->initial, "fresh");
    assert_true(r->n_states == 2 && r->n_transitions == 1);
    assert_string_equal(r->states[1].color, "#00ff00");
    const struct mf_transition *t = &r->transitions[0];
    assert_true(t->n_from == 1 && t->confirm && !t->danger && t->n_require == 1);
    assert_string_equal(t->to, "won");
    assert_string_equal(t->hook, "lead_win");
    assert_string_equal(r->check_hook, "check_lead");
    assert_true(sv_eqs(r->scopes[0].expr, "owner == $user"));
    const struct mf_grant *g = &r->grants[0];
    assert_true(g->n_read == 1 && g->create && g->n_update == 1 && g->n_del == 0 && !g->export &&
                g->n_doing == 1 && g->n_fields == 2);
    assert_string_equal(g->fields[0].mark, "hidden");
    assert_string_equal(g->fields[1].mark, "read_only");
    assert_string_equal(g->fields[1].field, "code");
    assert_true(r->n_list_filters == 2 && r->n_list_sorts == 2);
    assert_string_equal(r->list_sorts[0], "-created_at");
    struct err e = {0};
    json_t *v;
    assert_int_equal(json_parse(arena, r->views, &v, &e), 0);
    assert_int_equal(json_array_size(json_object_get(json_object_get(v, "list"), "columns")), 4);
    assert_true(json_is_object(json_object_get(v, "detail")));

    assert_int_equal(r->n_approvals, 2);
    const struct mf_approval *p = &r->approvals[0];
    assert_true(p->n_on == 2 && p->n_fields == 1 && p->n_steps == 2);
    assert_true(sv_eqs(p->when, "[\">=\",\"amount\",100]"));
    assert_true(p->steps[0].deadline_hours == 24 && p->steps[0].on_timeout == MF_ESCALATE);
    assert_true(!p->steps[0].all && p->steps[1].all && p->steps[1].n_by == 2);
    assert_true(p->steps[1].by[0].by == MF_BY_SUPERIOR && p->steps[1].by[0].level == 2);
    assert_string_equal(p->steps[1].by[1].name, "owner");
    assert_string_equal(r->approvals[1].name, "second_person");
    assert_true(r->approvals[1].n_on == 1 && strcmp(r->approvals[1].on[0], "delete") == 0);
    assert_int_equal(r->n_sensitive, 3);
    assert_true(r->sensitive[0].demand == MF_REAUTH && r->sensitive[1].demand == MF_SECOND_PERSON);
    assert_string_equal(r->sensitive[2].action, "win");

    r = mf_resource_find(m, SV("call"));
    assert_string_equal(r->parent, "lead");
    assert_int_equal(r->traits, MF_APPEND_ONLY);
    assert_null(r->views.p);
}

/* The manifests that come with the source. */
static void test_shipped(void **state)
{
    (void)state;
    struct mf_manifest *m;
    expect_good(load(TEST_TOP "/plugins/vote", &m));
    assert_string_equal(m->id, "vote");
    const struct mf_resource *poll = mf_resource_find(m, SV("poll"));
    assert_non_null(poll);
    assert_int_equal(poll->n_transitions, 4);
    expect_good(load(TEST_TOP "/core/auth/manifest", &m));
    assert_string_equal(m->id, "core");
}

/* ---- what is refused ------------------------------------------------------------ */

#define P "plugin.yaml"
#define L "resources/lead.yaml"
#define C "resources/call.yaml"
#define I "i18n/messages.yaml"

static const struct bad {
    const char *file, *from, *to, *want;
} bad[] = {
    /* approvals and sensitive operations */
    {L, "on: [win, update]", "on: [won, update]", L ":45:10: no such operation 'won'; did you mean 'win'?\n"},
    {L, "on: [win, update]", "on: [win]", L ":47:13: 'fields' is about 'update', which 'on' does not name\n"},
    {L, "[\">=\", amount, 100]", "[\">=\", name, 100]", L ":46:18: only numbers, dates and times are compared by more and less\n"},
    {L, "[\">=\", amount, 100]", "[\">=\", amount, x]", L ":46:26: 'amount' is compared with a whole number\n"},
    {L, "{role: crm.boss}", "{role: crm.bos}", L ":49:48: no such role 'bos'; did you mean 'boss'?\n"},
    {L, "{role: crm.boss}", "{role: crm.boss, superior: 1}",
     L ":49:41: say who by one of: role, superior, post, user_field, dept_manager, staff\n"},
    {L, "by: {role: crm.boss}, ", "", L ":49:9: 'by' is missing\n"},
    {L, "deadline_hours: 24, ", "", L ":49:71: 'on_timeout' needs 'deadline_hours'\n"},
    {L, "{superior: 2}", "{superior: 6}", L ":50:53: 'superior' must be between 1 and 5\n"},
    {L, "{user_field: owner}", "{user_field: name}", L ":50:70: no such user field 'name'; there are: owner, created_by\n"},
    {L, "mode: all", "mode: every", L ":50:85: 'mode' must be one of: any, all\n"},
    {L, "do.win: reauth", "do.won: reauth", L ":51:52: no such operation 'do.won'; did you mean 'do.win'?\n"},
    {L, "export: reauth", "reveal: second_person",
     L ":51:21: what one person reveals no second one can hold back: write reauth\n"},
    {L, "  deal:", "  second_person:", L ":43:3: 'second_person' is the engine's; choose another name\n"},
    {L, "    steps:\n", "    stops:\n", L ":44:5: 'steps' is missing\n"
     L ":48:5: unknown key 'stops'; did you mean 'steps'?\n"},
    /* the head */
    {P, "manifest: 1", "manifest: 2", P ":1:11: 'manifest' must be between 1 and 1\n"},
    {P, "manifest: 1\n", "", P ":1:1: 'manifest' is missing\n"},
    {P, "  id: crm\n", "", P ":3:3: 'id' is missing\n"},
    {P, "id: crm\n", "id: Crm\n",
     P ":3:7: 'Crm' is not a name: a-z, 0-9 and _, beginning with a letter, at most 20\n"},
    {P, "version: 1.2.0", "version: 1.2",
     P ":4:12: 'version' must be three numbers, such as 1.0.0\n"},
    {P, "  abi: 1\n", "", P ":3:3: 'abi' is missing\n"},
    {P, "  title: {zh: 客户, en: Customers}\n", "  titel: {zh: 客户, en: Customers}\n",
     P ":3:3: 'title' is missing\n" P ":6:3: unknown key 'titel'; did you mean 'title'?\n"},
    {P, "  title: {zh: 客户, en: Customers}\n", "  title: {zh: 客户}\n", P ":6:10: 'en' is missing\n"},
    {P, "  title: {zh: 客户, en: Customers}\n", "  title: {zh: '', en: x, fr: y}\n",
     P ":6:15: 'zh' is empty\n" P ":6:26: unknown key 'fr'\n"},
    {P, "library: crm.so", "library: ../crm.so",
     P ":7:12: 'library' must be the name of a .so file, without a path\n"},
    {P, "requires: [vote]", "requires: [crm]", P ":8:14: a plugin cannot require itself\n"},
    {P, "requires: [vote]", "requires: [vote, vote]", P ":8:20: 'vote' is listed twice\n"},
    {P, "atrium.log/1", "atrium.log", P ":9:16: 'atrium.log' is not an interface such as atrium.storage/1\n"},
    {P, "roles:\n", "rolls:\n",
     L ":31:3: no such role 'agent'; there are none\n"
     L ":32:3: no such role 'boss'; there are none\n"
     L ":49:48: no such role 'boss'; there are none\n"
     P ":10:1: unknown key 'rolls'; did you mean 'roles'?\n"},
    /* the parts */
    {P, "module: crm-board", "module: ui/crm.mjs",
     P ":14:25: 'module' is a file of ui/ without its ending: a-z, 0-9, _ and -\n"},
    {P, "parent: crm, title: {zh: 看板", "parent: crn, title: {zh: 看板",
     P ":18:29: no such menu 'crn'; did you mean 'crm'?\n"},
    {P, "id: crm.board", "id: crm.lead", P ":18:5: the menu 'crm.lead' is there twice\n"},
    {P, "page: board}", "page: bord}",
     P ":18:68: no such page 'bord'; did you mean 'board'?\n"},
    {P, "resource: crm.lead,", "resource: crm.leads,",
     P ":17:71: no such resource 'crm.leads'; did you mean 'crm.lead'?\n"},
    {P, "resource: crm.lead,", "resource: crm.lead, page: board,",
     P ":17:87: 'resource' and 'page' exclude each other\n"},
    {P, "\"lead:read\"", "\"lead\"",
     P ":17:93: 'permission' must be <resource>:<right>, such as \"poll:read\"\n"},
    {P, "\"lead:read\"", "\"laed:read\"",
     P ":17:93: no such resource 'laed'; did you mean 'lead'?\n"},
    {P, "\"lead:win\"", "\"lead:won\"",
     P ":25:71: no such right 'won'; did you mean 'win'?\n"},
    {P, "auth: public", "auth: public, permission: \"lead:read\"",
     P ":24:86: 'permission' is for routes of staff only\n"},
    {P, "auth: public", "auth: anyone",
     P ":24:66: 'auth' must be one of: public, member, staff\n"},
    {P, "method: GET", "method: get", P ":24:14: 'method' cannot be 'get'; did you mean 'GET'?\n"},
    {P, "/public/card/:id", "public/card", P ":24:25: 'path' must look like /public/poll/:id\n"},
    {P, "/public/card/:id", "/a/../b", P ":24:25: 'path' must look like /public/poll/:id\n"},
    {P, "{method: GET, path: /public/card/:id", "{method: POST, path: /lead/:lead/call",
     P ":25:5: POST /lead/:id/call is there twice\n"},
    {P, "hook: show_card, ", "", P ":24:5: 'hook' is missing\n"},
    {P, "hook: recycle,", "hook: call_lead,",
     P ":30:53: 'call_lead' is used for a route already and cannot serve a job too\n"},
    {P, "on: core.member.created", "on: Core", P ":28:10: 'Core' is not a dotted name such as vote.poll\n"},
    {P, "*/5 0-6,22 1 * 1-5", "*/5 0-6,24 1 * 1-5",
     P ":30:25: 'cron' must be five fields (minute hour day month weekday), such as \"0 2 * * *\"\n"},
    {P, "*/5 0-6,22 1 * 1-5", "* * * *",
     P ":30:25: 'cron' must be five fields (minute hour day month weekday), such as \"0 2 * * *\"\n"},
    {P, "max_batch: 500", "max_batch: 0",
     P ":32:46: 'max_batch' must be between 1 and 100000\n"},
    {P, "who: staff", "who: staf",
     P ":34:23: 'who' cannot be 'staf'; did you mean 'staff'?\n"},
    {P, "days: {type: int, default: 30,", "days: {type: ref, to: core.staff,",
     P ":36:16: a setting cannot be of type ref\n"
     P ":36:37: 'min' has no meaning for type ref\n"
     P ":36:45: 'max' has no meaning for type ref\n"},
    {P, "[\"==\", days, 30]", "[\"==\", day, 30]",
     P ":37:56: no such field 'day'; did you mean 'days'?\n"},
    {P, "auto: {type: bool,", "auto: {type: text, unique: true, max: 9,",
     P ":37:22: unknown key 'unique'\n"},
    {P, "settings:\n", "setings:\n", P ":35:1: unknown key 'setings'; did you mean 'settings'?\n"},
    /* fields */
    {L, "label: name", "label: nmae", L ":2:8: no such field 'nmae'; did you mean 'name'?\n"},
    {L, "label: name", "label: remark", L ":2:8: 'label' must name a short field\n"},
    {L, "label: name\n", "", L ":1:1: 'label' is missing\n"},
    {L, "[owned, dept,", "[owned, depth,", L ":3:17: no such trait 'depth'; did you mean 'dept'?\n"},
    {L, "soft_delete]", "soft_delete, append_only]",
     L ":3:9: append_only rows never change: no versioned, no soft_delete\n"
     L ":21:3: append_only rows never change: no states\n"
     L ":31:47: append_only rows cannot be changed or deleted\n"
     L ":32:31: append_only rows cannot be changed or deleted\n"},
    {L, "  amount: {type: money", "  amount: {type: mony",
     L ":9:18: 'type' cannot be 'mony'; did you mean 'money'?\n"
     L ":46:18: only numbers, dates and times are compared by more and less\n"
     L ":50:102: only numbers, dates and times are compared by more and less\n"},
    {L, "  amount: {type: money, ", "  amount: {", L ":9:11: 'type' is missing\n"
     L ":46:18: only numbers, dates and times are compared by more and less\n"
     L ":50:102: only numbers, dates and times are compared by more and less\n"},
    {L, "  start:", "  owner:",
     L ":11:3: the engine adds a column 'owner' of its own; choose another name\n"
     L ":12:82: no such field 'start'; there are: no, name, grade, tags, amount, code, owner, end, customer, photo, remark, calls, id, created_at, updated_at, created_by, dept, state\n"
     L ":12:28: 'after' must name another field of type date\n"},
    {L, "  photo:", "  Photo:",
     L ":14:3: 'Photo' is not a name: a-z, 0-9 and _, beginning with a letter, at most 48\n"},
    {L, "max: 80", "max: 8000",
     L ":6:27: 'max' must be between 0 and 2000\n"},
    {L, "max: 80", "min: 90, max: 80",
     L ":6:27: 'min' (90) is above 'max' (80)\n"},
    {L, "type: money, min: 0", "type: bool, min: 0", L ":9:24: 'min' has no meaning for type bool\n"
     L ":46:18: only numbers, dates and times are compared by more and less\n"
     L ":50:102: only numbers, dates and times are compared by more and less\n"},
    {L, "default: a,", "default: c,", L ":7:32: 'default' must be one of the options\n"},
    {L, "default: [x]", "default: [y]", L ":8:38: 'default' must be one of the options\n"},
    {L, "default: \"2026-01-31\"", "default: \"2026-02-31\"",
     L ":11:32: 'default' must be a date such as 2026-01-31\n"},
    {L, "min: 0,", "min: 0, default: -1,", L ":9:42: 'default' is outside 'min' and 'max'\n"},
    {L, "type: money,", "type: money, default: 1.5,", L ":9:34: 'default' must be a whole number\n"},
    {L, "{1,6}", "{6,1}",
     L ":10:39: 'pattern' is not a regular expression: Invalid content of \\{\\}\n"},
    {L, "[A-Z]{2}", "((a{100}){100})",
     L ":10:39: 'pattern' repeats too much\n"},
    {L, "L{yyyyMM}-{0000}", "L{yyyyMM}",
     L ":5:33: a sequence's pattern needs its number once, such as {0000}\n"},
    {L, ", pattern: \"L{yyyyMM}-{0000}\"", "", L ":5:7: 'pattern' is missing\n"},
    {L, "type: enum, default: a,", "type: enum, option: {},",
     L ":7:23: unknown key 'option'; did you mean 'options'?\n"},
    {L, "options: {x: {zh: 叉, en: X}}", "options: {}",
     L ":8:78: 'options' is empty\n"
     L ":8:38: 'default' must be one of the options\n"},
    {L, "options: {x: {", "options: {\"x y\": {",
     L ":8:79: 'x y' is not a code: letters, digits, _ and -, at most 40\n"
     L ":8:38: 'default' must be one of the options\n"},
    {L, "color: red", "color: \"#RED\"",
     L ":7:98: 'color' must be a name such as green, or \"#1a2b3c\"\n"},
    {L, "after: start", "after: name",
     L ":12:28: 'after' must name another field of type date\n"},
    {L, "to: core.member", "to: member",
     L ":13:29: 'to' must be <plugin>.<resource>\n"},
    {L, "to: core.member", "to: crm.member",
     L ":13:3: 'to' names crm.member, which this plugin does not have\n"},
    {L, "on_delete: clear", "on_delete: clear, required: true",
     L ":13:53: a required field cannot be cleared\n"},
    {L, "of: call", "of: calls",
     C ":1:1: 'parent: lead' needs a children field of 'call' in that resource\n"
     L ":16:3: no such resource 'calls'; did you mean 'call'?\n"},
    {L, "by: lead", "by: at", L ":16:3: 'by' must name a ref field of 'call' to crm.lead\n"},
    {C, "parent: lead\n", "", L ":16:3: 'call' must say 'parent: lead'\n"},
    {C, "traits: [append_only]", "traits: [append_only, comments]",
     C ":1:1: comments and attachments are the parent's\n"},
    {C, "traits: [append_only]", "traits: append_only", C ":4:9: 'traits' must be a list\n"},
    {L, "visible_if: [filled, start]", "visible_if: [filed, start]",
     L ":12:74: no such operator 'filed'; did you mean 'filled'?\n"},
    /* indexes, states */
    {L, "[owner, state, created_at]", "[owner, stat, created_at]",
     L ":18:13: no such column 'stat'; did you mean 'state'?\n"},
    {L, "[owner, state, created_at]", "[]", L ":18:5: an index needs at least one column\n"},
    {L, "[owner, state, created_at]", "[remark]", L ":18:5: 'remark' is of a type that cannot be indexed\n"},
    {L, "cols: [name, code], unique: true", "cols: [name, code], uniq: true",
     L ":19:26: unknown key 'uniq'; did you mean 'unique'?\n"},
    {L, "initial: fresh", "initial: flesh", L ":21:12: no such state 'flesh'; did you mean 'fresh'?\n"},
    {L, "to: won", "to: win", L ":26:30: no such state 'win'; did you mean 'won'?\n"},
    {L, "from: [fresh]", "from: []", L ":26:17: 'from' is empty: the transition could never happen\n"},
    {L, "require: [amount]", "require: [amnt]",
     L ":26:45: no such field 'amnt'; there are: no, name, grade, tags, amount, code, start, end, "
     "customer, photo, remark, calls\n"},
    {L, "    win: {", "    update: {",
     L ":26:5: 'update' is a right of every resource; choose another name\n"
     L ":31:60: no such transition 'win'; there are: update\n"
     L ":45:10: no such operation 'win'; there are: create, update, delete, export\n"
     L ":51:52: no such operation 'do.win'; there are: create, update, delete, export, reveal, do.update\n"
     P ":25:71: no such right 'win'; there are: read, create, update, delete, export, import\n"},
    {L, "hook: lead_win", "hook: check_lead",
     L ":27:11: 'check_lead' is used for a transition already and cannot serve a check too\n"},
    /* access and views */
    {L, "  mine: {title", "  all: {title",
     L ":29:3: the scope 'all' is built in\n"
     L ":31:18: no such scope 'mine'; there are: all, own, department, subtree\n"
     L ":31:48: no such scope 'mine'; there are: all, own, department, subtree\n"},
    {L, "\"owner == $user\"", "\"\"",
     L ":29:44: 'where' is empty\n"},
    {L, "  boss: {", "  bos: {",
     L ":32:3: no such role 'bos'; did you mean 'boss'?\n"},
    {L, "read: [all], delete", "delete",
     L ":32:9: a role needs 'read' before it can update, delete, export or do\n"},
    {L, "amount: hidden", "amount: hide",
     L ":31:83: 'amount' must be one of: hidden, masked, unmasked, read_only\n"},
    {L, "amount: hidden", "amnt: hidden",
     L ":31:75: no such field 'amnt'; there are: no, name, grade, tags, amount, code, start, end, customer, photo, remark, calls\n"},
    {L, "filters: [state, owner]", "filters: [state, remark]",
     L ":36:22: lists cannot be filtered by 'remark'\n"},
    {L, "[-created_at, name]", "[-create_at, photo]",
     L ":37:12: no such column 'create_at'; did you mean 'created_at'?\n"
     L ":37:24: lists cannot be sorted by 'photo'\n"},
    {L, "columns: [no,", "columns: [num,",
     L ":35:15: no such column 'num'; there are: no, name, grade, tags, amount, code, start, end, customer, photo, remark, calls, id, created_at, updated_at, created_by, owner, dept, version, deleted_at, state, approval\n"},
    {L, "  detail: {facts", "  detail: {fact",
     L ":41:12: unknown key 'fact'; did you mean 'facts'?\n"},
    {L, "fields: [name, grade, calls]", "field: [name]",
     L ":40:9: 'fields' is missing\n"
     L ":40:39: unknown key 'field'; did you mean 'fields'?\n"},
    {L, "validate: check_lead", "valid: check_lead",
     L ":27:1: unknown key 'valid'; did you mean 'validate'?\n"},
    /* messages, and files that are not YAML at all */
    {I, "too_late: {zh: 太晚了, en: Too late}", "too_late: {zh: 太晚了}", I ":1:11: 'en' is missing\n"},
    {I, "too_late:", "Too late:", I ":1:1: 'Too late' is not a message id such as limit_person\n"},
    {C, "title: {zh: 电话, en: Call}", "title: {zh: 电话, en: Call",
     C ":2:6: did not find expected ',' or '}' while parsing a flow mapping that begins on line 1\n"
     L ":16:3: 'by' must name a ref field of 'call' to crm.lead\n"
     L ":16:3: 'call' must say 'parent: lead'\n"},
};

static const char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    if (!at) fail_msg("the test's own text lacks: %s", from);
    return arena_printf(arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)).p;
}

static void test_bad(void **state)
{
    (void)state;
    unsigned failed = 0;
    for (size_t i = 0; i < N(bad); i++) {
        size_t k = 0;
        while (strcmp(files[k].name, bad[i].file) != 0)
            k++;
        write_file(files[k].name, replaced(files[k].text, bad[i].from, bad[i].to));
        struct mf_manifest *m;
        int rc = load(dir, &m);
        const char *got = complaints();
        if (rc != -1 || m || strcmp(got, bad[i].want) != 0) {
            print_error("case %zu: %s -> %s\ngot:\n%swant:\n%s", i, bad[i].from, bad[i].to, got,
                        bad[i].want);
            failed++;
        }
        write_file(files[k].name, files[k].text);
    }
    assert_int_equal(failed, 0);
}

/* A job without a time runs when the plugin adds it. */
static void test_job_without_cron(void **state)
{
    (void)state;
    struct mf_manifest *m;
    size_t k = 0;
    while (strcmp(files[k].name, "plugin.yaml") != 0)
        k++;
    write_file("plugin.yaml", replaced(files[k].text, "cron: \"*/5 0-6,22 1 * 1-5\", ", ""));
    expect_good(load(dir, &m));
    assert_int_equal(m->n_jobs, 1);
    assert_null(m->jobs[0].cron);
    write_file("plugin.yaml", files[k].text);
}

static void test_bad_files(void **state)
{
    (void)state;
    struct mf_manifest *m;
    assert_int_equal(load("/nonexistent", &m), -1);
    assert_string_equal(complaints(), "/nonexistent/plugin.yaml: cannot open: No such file or directory\n");

    write_file("i18n/b.yaml", "too_late: {zh: 晚, en: Late}\n");
    assert_int_equal(load(dir, &m), -1);
    assert_string_equal(complaints(), "i18n: the message 'too_late' is in two files\n");
    unlink(in_dir("i18n/b.yaml"));

    write_file("resources/x.yml", "a: 1\n");
    assert_int_equal(load(dir, &m), -1);
    assert_string_equal(complaints(), "resources: x.yml: name it .yaml\n");
    unlink(in_dir("resources/x.yml"));

    write_file("resources/Big.yaml", "title: {zh: 大, en: Big}\nlabel: id\nfields: {a: {type: int, title: {zh: 甲, en: A}}}\n");
    assert_int_equal(load(dir, &m), -1);
    assert_string_equal(complaints(), "resources/Big.yaml: 'Big' is not a name: a-z, 0-9 and _, "
                                      "beginning with a letter, at most 32\n");
    unlink(in_dir("resources/Big.yaml"));
    write_file("resources/.hidden.yaml", "nonsense");
    expect_good(load(dir, &m));
    unlink(in_dir("resources/.hidden.yaml"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_good, write_all),
        cmocka_unit_test_setup(test_good_resource, write_all),
        cmocka_unit_test(test_shipped),
        cmocka_unit_test_setup(test_bad, write_all),
        cmocka_unit_test_setup(test_job_without_cron, write_all),
        cmocka_unit_test_setup(test_bad_files, write_all),
    };
    return cmocka_run_group_tests_name("config_manifest", tests, make_dir, remove_dir);
}
