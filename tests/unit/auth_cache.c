/* auth: sessions in memory. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "auth/room.h"

#define SECOND 1000000LL

static struct session *make_session(int64_t id)
{
    struct session *s = xmalloc(sizeof *s);
    memset(s, 0, sizeof *s);
    atomic_init(&s->refs, 1);
    s->p.id = id;
    return s;
}

static void put(struct session_cache *c, struct hash128 key, uint64_t gen, int64_t now, int64_t id)
{
    struct session *s = make_session(id);
    scache_put(c, key, gen, now, s);
    session_unref(s);
}

static int64_t got(struct session_cache *c, struct hash128 key, uint64_t gen, int64_t now,
                   enum scache_answer want)
{
    struct session *s;
    assert_int_equal(scache_get(c, key, gen, now, &s), want);
    int64_t id = s ? s->p.id : 0;
    session_unref(s);
    return id;
}

static void test_cache(void **state)
{
    (void)state;
    struct session_cache *c = scache_new(1000);
    sv token = SV("0123456789012345678901234567890123456789012");
    struct hash128 k = scache_key(c, 1, token), other = scache_key(c, 2, token);
    assert_true(k.a != other.a || k.b != other.b);
    int64_t now = clock_mono_us();
    got(c, k, 0, now, CACHE_MISS);
    put(c, k, 0, now, 11);
    assert_int_equal(got(c, k, 0, now + SECOND, CACHE_HIT), 11);
    got(c, other, 0, now, CACHE_MISS);       /* another tenant's */
    /* after its time one looks, the others take the old answer for a second */
    assert_int_equal(got(c, k, 0, now + 5 * SECOND, CACHE_CHECK), 11);
    assert_int_equal(got(c, k, 0, now + 5 * SECOND, CACHE_HIT), 11);
    assert_int_equal(got(c, k, 0, now + 6 * SECOND + 1, CACHE_CHECK), 11);
    /* forgotten: every request looks, nobody takes the old answer */
    put(c, k, 0, now, 12);
    got(c, k, 1, now, CACHE_CHECK);
    got(c, k, 1, now, CACHE_CHECK);
    put(c, k, 1, now, 13);
    assert_int_equal(got(c, k, 1, now, CACHE_HIT), 13);
    put(c, k, 0, now, 12);                   /* an answer from before comes too late */
    assert_int_equal(got(c, k, 1, now, CACHE_HIT), 13);
    scache_put(c, k, 1, now, NULL);
    got(c, k, 1, now, CACHE_BAD);
    got(c, k, 1, now + 5 * SECOND, CACHE_MISS);
    scache_free(c);
}

static void test_cache_kill(void **state)
{
    (void)state;
    struct session_cache *c = scache_new(1000);
    struct hash128 k = scache_key(c, 1, SV("0123456789012345678901234567890123456789012"));
    int64_t now = clock_mono_us();
    put(c, k, 0, now, 11);
    scache_kill(c, k, now);
    got(c, k, 0, now, CACHE_BAD);
    put(c, k, 0, now + SECOND, 11);          /* a look-up that began before the end */
    got(c, k, 0, now + SECOND, CACHE_BAD);
    got(c, k, 0, now + 61 * SECOND, CACHE_MISS);
    scache_free(c);
}

/* Lives until the next call. */
static sv token_of(int i)
{
    static char text[32];
    return sv_make(text, (size_t)snprintf(text, sizeof text, "token %d", i));
}

static void test_cache_bounded(void **state)
{
    (void)state;
    struct session_cache *c = scache_new(640);
    int64_t now = clock_mono_us();
    struct hash128 hot = scache_key(c, 1, SV("hot"));
    put(c, hot, 0, now, 1);
    unsigned here = 0;
    for (int i = 0; i < 20000; i++) {
        put(c, scache_key(c, 1, token_of(i)), 0, now, i);
        if (i % 4 == 0) got(c, hot, 0, now, CACHE_HIT);  /* what is used stays */
    }
    for (int i = 0; i < 20000; i++) {
        struct session *s;
        here += scache_get(c, scache_key(c, 1, token_of(i)), 0, now, &s) ==
                CACHE_HIT;
        session_unref(s);
    }
    assert_in_range(here, 300, 704);
    scache_free(c);
}

static void *hammer(void *arg)
{
    struct session_cache *c = arg;
    for (int i = 0; i < 20000; i++) {
        char name[16];
        int n = snprintf(name, sizeof name, "t%d", i % 50);
        struct hash128 k = scache_key(c, 1, sv_make(name, (size_t)n));
        struct session *s;
        enum scache_answer answer = scache_get(c, k, (uint64_t)i / 5000, clock_mono_us(), &s);
        if (s) assert_int_equal(s->p.id, i % 50);
        session_unref(s);
        if (answer == CACHE_MISS || answer == CACHE_CHECK)
            put(c, k, (uint64_t)i / 5000, clock_mono_us(), i % 50);
        if (i % 997 == 0) scache_kill(c, k, clock_mono_us());
    }
    return NULL;
}

static void test_cache_threads(void **state)
{
    (void)state;
    struct session_cache *c = scache_new(64);
    pthread_t t[4];
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, hammer, c);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    scache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_cache_kill),
        cmocka_unit_test(test_cache_bounded),
        cmocka_unit_test(test_cache_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
