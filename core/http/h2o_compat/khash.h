/* h2o's http2_internal.h includes klib's khash.h, which no package installs
 * beside it. This is the little of it that the header needs: the layout of the
 * table of an HTTP/2 connection's streams, and a look-up in it. The look-up goes
 * through all buckets (some hundred at most), so that nothing depends on klib's
 * hash function. */
#ifndef ATRIUM_CORE_HTTP_KHASH_H
#define ATRIUM_CORE_HTTP_KHASH_H

#include <stdint.h>

typedef uint32_t khiter_t;

#define khash_t(name) kh_##name##_t
#define kh_get(name, h, k) kh_get_##name((h), (k))
#define kh_end(h) ((h)->n_buckets)
#define kh_val(h, i) ((h)->vals[i])

#define KHASH_MAP_INIT_INT64(name, T) \
    typedef struct kh_##name##_s { \
        uint32_t n_buckets, size, n_occupied, upper_bound; \
        uint32_t *flags;             /* two bits a bucket: deleted, empty */ \
        uint64_t *keys; \
        T *vals; \
    } kh_##name##_t; \
    static inline khiter_t kh_get_##name(const kh_##name##_t *h, uint64_t key) \
    { \
        for (uint32_t i = 0; i < h->n_buckets; i++) \
            if (h->keys[i] == key && !(h->flags[i >> 4] >> ((i & 15u) << 1) & 3u)) \
                return i; \
        return h->n_buckets; \
    }

#endif
