/* String views and the few operations everybody needs on them. [any] */
#ifndef ATRIUM_CORE_SV_H
#define ATRIUM_CORE_SV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct sv {
    const char *p;
    size_t n;
} sv;

#define SV(lit) ((sv){"" lit, sizeof(lit) - 1})
#define SV_NULL ((sv){NULL, 0})
/* For printf: printf("%.*s", SVARG(v)) */
#define SVARG(v) (int)(v).n, (v).p ? (v).p : ""

static inline sv sv_of(const char *s) { return s ? (sv){s, strlen(s)} : SV_NULL; }
static inline sv sv_make(const char *p, size_t n) { return (sv){p, n}; }
static inline bool sv_eq(sv a, sv b) { return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); }
static inline bool sv_eqs(sv a, const char *s) { return sv_eq(a, sv_of(s)); }
bool sv_ieq(sv a, sv b);                   /* ASCII case-insensitive */
bool sv_starts(sv a, sv prefix);
bool sv_ends(sv a, sv suffix);
sv sv_trim(sv a);                          /* ASCII white space at both ends */
int sv_cmp(sv a, sv b);                    /* bytewise, like strcmp */
/* Cuts at the first `c`: returns the part before and leaves the rest after it
 * in *rest (SV_NULL when there is no `c`). */
sv sv_cut(sv a, char c, sv *rest);
/* Decimal integers, whole view, no white space; false on junk or overflow. */
bool sv_i64(sv a, int64_t *out);
bool sv_u64(sv a, uint64_t *out);
/* True when the view is well-formed UTF-8 (no surrogates, no overlong). */
bool sv_utf8_ok(sv a);
/* Number of code points of a well-formed view. */
size_t sv_utf8_len(sv a);
/* 64-bit hash (FNV-1a finished by a mixer) for in-memory tables only. */
uint64_t sv_hash(sv a);
/* Equal length and bytes in time that does not depend on the bytes. */
bool sv_eq_const_time(sv a, sv b);

#endif
