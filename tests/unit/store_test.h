/* What the tests of the store room share. */
#ifndef ATRIUM_TESTS_STORE_TEST_H
#define ATRIUM_TESTS_STORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "mariadb_fixture.h"

#define OK(call)                                                                                   \
    do {                                                                                           \
        err_clear(&e);                                                                             \
        if ((call) != 0) fail_msg("line %d: %d %s: %s", __LINE__, e.status, e.code, e.detail);     \
    } while (0)

#define FAILS(call, want_status, want_code)                                                        \
    do {                                                                                           \
        err_clear(&e);                                                                             \
        if ((call) == 0) fail_msg("line %d: succeeded", __LINE__);                                 \
        if (e.status != (want_status) || strcmp(e.code, (want_code)) != 0)                         \
            fail_msg("line %d: %d %s: %s", __LINE__, e.status, e.code, e.detail);                  \
    } while (0)

static inline int64_t sql_i64(struct mariadb *m, const char *database, const char *sql)
{
    char *s = mariadb_sql(m, database, sql);
    int64_t v = s ? strtoll(s, NULL, 10) : INT64_MIN;
    free(s);
    return v;
}

#endif
