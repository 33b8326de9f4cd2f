/* The task that ends a rotation of keys: everything is brought to the present
 * keys in the background, then the old ones retire. It takes no cursor of its own;
 * where it stands is in core_protected, row by row with the data. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <time.h>

#include "auth/protect.h"
#include "model/task.h"

#define KIND "core.rekey"
/* Until then every node has read the keys (AUTH_KEYS_FRESH_US). */
#define KNOWN_US (2 * AUTH_KEYS_FRESH_US + 500000)
/* Until then every transaction that began with the old hash key has ended. */
#define SETTLED_US INT64_C(35000000)

struct rekey {
    struct task_run *run;
    struct err *err;
};

static bool more(void *arg, uint64_t rows, struct err *err)
{
    struct rekey *k = arg;
    (void)err;
    k->run->done += (int64_t)rows;
    return task_progress(k->run, NULL, NULL);
}

static int sleep_until(struct task_run *run, int64_t at)
{
    while (clock_now_us() < at) {
        struct timespec short_while = {.tv_nsec = 200000000};
        nanosleep(&short_while, NULL);
        if (!task_progress(run, NULL, NULL)) return -1;
    }
    return 0;
}

/* A new hash key is first looked up everywhere, then written. */
static int activate(struct task_run *run, struct auth_keys *keys, struct err *err)
{
    for (unsigned i = 0; i < keys->n_hash; i++) {
        const struct auth_key *h = &keys->hash[i];
        if (h->state != AUTH_KEY_NEXT) continue;
        if (sleep_until(run, h->since + KNOWN_US) < 0 ||
            auth_key_activate_hash(run->tenant, h->number, err) < 0)
            return -1;
    }
    return auth_keys(run->tenant, true, keys, err);
}

static int all_resources(struct rekey *k, struct err *err)
{
    const struct model *m = k->run->model;
    struct reseal how = {.arg = k, .more = more};
    for (size_t i = 0; i < m->n_all; i++) {
        const struct model_resource *r = m->all[i];
        struct store_conn *conn;
        bool there = false;
        if (!reseal_needed(r)) continue;
        if (store_get(k->run->tenant->db, &conn, err) < 0) return -1;
        int rc = reseal_there(r, conn, &there, err);
        store_put(conn);
        if (rc < 0 || (there && reseal_resource(r, k->run->tenant, &how, err) < 0)) return -1;
    }
    return 0;
}

static int hash_used(struct task_run *run, unsigned number, bool *used, struct err *err)
{
    const struct model *m = run->model;
    struct store_conn *conn;
    *used = false;
    if (store_get(run->tenant->db, &conn, err) < 0) return -1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && !*used && i < m->n_all; i++) {
        bool there = false;
        if (!reseal_needed(m->all[i])) continue;
        rc = reseal_there(m->all[i], conn, &there, err);
        if (rc == 0 && there) rc = reseal_uses_hash(m->all[i], conn, number, used, err);
    }
    store_put(conn);
    return rc;
}

/* What a late writer left under the old hash key is found by the look through
 * the index; the pass is then made once more. */
static int retire(struct rekey *k, const struct auth_keys *keys, struct err *err)
{
    struct task_run *run = k->run;
    int64_t switched = 0;
    for (unsigned i = 0; i < keys->n_hash; i++)
        if (keys->hash[i].state == AUTH_KEY_ACTIVE) switched = keys->hash[i].since;
    for (unsigned i = 0; i < keys->n_data; i++)
        if (keys->data[i].state == AUTH_KEY_OLD &&
            auth_key_retire(run->tenant, false, keys->data[i].number, err) < 0)
            return -1;
    for (unsigned i = 0; i < keys->n_hash; i++) {
        bool used = false;
        if (keys->hash[i].state != AUTH_KEY_OLD) continue;
        if (sleep_until(run, switched + SETTLED_US) < 0 ||
            hash_used(run, keys->hash[i].number, &used, err) < 0)
            return -1;
        if (used && (reseal_again(run->tenant, err) < 0 || all_resources(k, err) < 0))
            return -1;
        if (auth_key_retire(run->tenant, true, keys->hash[i].number, err) < 0) return -1;
    }
    return 0;
}

int rekey_task(struct task_run *run, struct err *err)
{
    struct rekey k = {.run = run, .err = err};
    struct auth_keys keys;
    if (auth_keys(run->tenant, true, &keys, err) < 0 || activate(run, &keys, err) < 0 ||
        all_resources(&k, err) < 0 || retire(&k, &keys, err) < 0)
        return -1;
    return 0;
}

int model_rekey(struct model *m, struct auth_tenant *t, int64_t *task, struct err *err)
{
    struct arena *a = arena_new(0);
    struct model_ctx c = {.tenant = t, .who = &auth_system, .arena = a, .lang = "zh"};
    struct task_new n = {.kind = KIND, .title = SV("重新加密 · Re-encryption")};
    n.input = json_keep(a, json_object());
    int rc = task_add(&c, &n, task, err);
    if (rc == 0) task_wake(m);
    arena_free(a);
    return rc;
}
