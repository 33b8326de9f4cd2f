/* A tenant on a real MariaDB with the tables of core and vote, and short ways to
 * call the engine. */
#ifndef ATRIUM_TESTS_MODEL_DB_H
#define ATRIUM_TESTS_MODEL_DB_H

#include "mariadb_fixture.h"
#include "model_fake.h"

struct world {
    struct mariadb *maria;
    struct fake f;
    struct auth_tenant tenant;
    struct arena *a; /* of one test */
    struct auth_principal admin, staff, other;
    struct auth_principal *who; /* whoever acts */
    char state[64];             /* directory */
};
extern struct world w;

int world_setup(void **state);
int world_teardown(void **state);
int world_begin(void **state); /* before each test: empty tables, admin acts */
int world_end(void **state);

struct model_ctx ctx(void);
json_t *parse(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
json_t *parse_sv(sv text);
/* These fail the test when the engine does. */
int64_t create(const struct model_resource *r, json_t *body);
json_t *get(const struct model_resource *r, int64_t id, const char *expand);
json_t *list(const struct model_resource *r, const struct model_list *l);
void update(const struct model_resource *r, int64_t id, json_t *body);
int64_t number(const char *sql); /* of the tenant's database */
void run_sql(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A poll with two options. */
json_t *poll_body(const char *name);
int64_t new_poll(const char *name);

/* The call must fail so; `field` NULL: no field is looked at. */
#define FAILS(call, want_status, want_code, want_field, field_code)                                \
    do {                                                                                           \
        struct err e_ = {0};                                                                       \
        struct err *err = &e_;                                                                     \
        int rc_ = (call);                                                                          \
        check_failed(__LINE__, rc_, &e_, want_status, want_code, want_field, field_code);          \
    } while (0)
#define OK(call)                                                                                   \
    do {                                                                                           \
        struct err e_ = {0};                                                                       \
        struct err *err = &e_;                                                                     \
        int rc_ = (call);                                                                          \
        check_ok(__LINE__, rc_, &e_);                                                              \
    } while (0)
void check_failed(int line, int rc, const struct err *e, int status, const char *code,
                  const char *field, const char *field_code);
void check_ok(int line, int rc, const struct err *e);
const char *text(const json_t *row, const char *key);
int64_t integer(const json_t *row, const char *key);

#endif
