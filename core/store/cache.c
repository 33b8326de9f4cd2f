/* The prepared statements of one connection: a hash table by SQL text, with the
 * order of use, so that the one unused for longest makes room. */
#include <stdlib.h>

#include "store/internal.h"

#define TOO_MANY_STATEMENTS 1461 /* the server's limit over all connections */

void cache_init(struct stmt_cache *cache, unsigned limit)
{
    unsigned size = 16;
    while (size < limit)
        size *= 2;
    *cache = (struct stmt_cache){.mask = size - 1, .limit = limit};
    cache->buckets = xmalloc(sizeof(struct stmt *) * size);
    memset(cache->buckets, 0, sizeof(struct stmt *) * size);
}

static void unlink_use(struct stmt_cache *cache, struct stmt *s)
{
    if (s->newer)
        s->newer->older = s->older;
    else
        cache->newest = s->older;
    if (s->older)
        s->older->newer = s->newer;
    else
        cache->oldest = s->newer;
    s->newer = s->older = NULL;
}

static void link_newest(struct stmt_cache *cache, struct stmt *s)
{
    s->older = cache->newest;
    s->newer = NULL;
    if (cache->newest)
        cache->newest->newer = s;
    else
        cache->oldest = s;
    cache->newest = s;
}

static void stmt_free(struct stmt *s)
{
    if (s->st) mysql_stmt_close(s->st);
    free(s->row);
    free(s->kinds);
    free(s);
}

void cache_drop(struct stmt_cache *cache, struct stmt *s)
{
    struct stmt **p = &cache->buckets[s->hash & cache->mask];
    while (*p != s)
        p = &(*p)->chain;
    *p = s->chain;
    unlink_use(cache, s);
    cache->n--;
    stmt_free(s);
}

void cache_clear(struct stmt_cache *cache)
{
    while (cache->oldest)
        cache_drop(cache, cache->oldest);
}

void cache_free(struct stmt_cache *cache)
{
    cache_clear(cache);
    free(cache->buckets);
}

static struct stmt *find(struct stmt_cache *cache, sv sql, uint64_t hash)
{
    struct stmt *s = cache->buckets[hash & cache->mask];
    while (s && !(s->hash == hash && sv_eq(sv_make(s->sql, s->sql_n), sql)))
        s = s->chain;
    return s;
}

static struct stmt *prepare(struct store_conn *c, sv sql, uint64_t hash)
{
    struct stmt *s = xmalloc(sizeof *s + sql.n);
    *s = (struct stmt){.hash = hash, .sql_n = sql.n};
    memcpy(s->sql, sql.p, sql.n);
    s->st = mysql_stmt_init(c->my);
    if (!s->st) panic("store: out of memory");
    if (mysql_stmt_prepare(s->st, sql.p, (unsigned long)sql.n) != 0) {
        fault_keep(c, mysql_stmt_errno(s->st), mysql_stmt_error(s->st));
        stmt_free(s);
        return NULL;
    }
    /* Rows are decoded straight from the network buffer, column by column: no
     * bound buffers, so no copies, no truncation and no second fetch. */
    mysql_stmt_attr_set(s->st, STMT_ATTR_CB_USER_DATA, c);
    ps_result_callback decode = value_decode;
    const void *attr; /* ISO C has no cast from function to object */
    memcpy(&attr, &decode, sizeof attr);
    mysql_stmt_attr_set(s->st, STMT_ATTR_CB_RESULT, attr);
    s->n_params = (unsigned)mysql_stmt_param_count(s->st);
    return s;
}

struct stmt *cache_get(struct store_conn *c, sv sql)
{
    struct stmt_cache *cache = &c->cache;
    uint64_t hash = sv_hash(sql);
    struct stmt *s = find(cache, sql, hash);
    if (s) {
        if (cache->newest != s) {
            unlink_use(cache, s);
            link_newest(cache, s);
        }
        return s;
    }
    if (cache->n >= cache->limit) cache_drop(cache, cache->oldest);
    s = prepare(c, sql, hash);
    if (!s && c->fault.code == TOO_MANY_STATEMENTS && cache->n) {
        cache_clear(cache);
        s = prepare(c, sql, hash);
    }
    if (!s) return NULL;
    struct stmt **bucket = &cache->buckets[hash & cache->mask];
    s->chain = *bucket;
    *bucket = s;
    link_newest(cache, s);
    cache->n++;
    return s;
}
