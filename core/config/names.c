/* Sets of names, and the guess at what was meant by a name not in the set. */
#include "config/reader.h"

#define MAX_LEN 40

void cfg_names_add(struct arena *a, struct cfg_names *s, const char *name)
{
    if (cfg_names_has(s, sv_of(name))) return;
    if ((s->n & (s->n - 1)) == 0) { /* full at each power of two */
        const char **v = ARENA_ARRAY(a, const char *, s->n ? s->n * 2 : 1);
        if (s->n) memcpy(v, s->v, s->n * sizeof *v);
        s->v = v;
    }
    s->v[s->n++] = name;
}

bool cfg_names_has(const struct cfg_names *s, sv name)
{
    for (size_t i = 0; i < s->n; i++)
        if (sv_eqs(name, s->v[i])) return true;
    return false;
}

struct cfg_asked *cfg_asked_new(struct arena *a)
{
    struct cfg_asked *k = ARENA_NEW(a, struct cfg_asked);
    k->a = a;
    return k;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Edits (insert, remove, change, swap of neighbours) between two short texts. */
static unsigned distance(sv a, sv b)
{
    unsigned d[MAX_LEN + 1][MAX_LEN + 1];
    for (unsigned i = 0; i <= a.n; i++)
        d[i][0] = i;
    for (unsigned k = 0; k <= b.n; k++)
        d[0][k] = k;
    for (unsigned i = 1; i <= a.n; i++) {
        for (unsigned k = 1; k <= b.n; k++) {
            unsigned same = a.p[i - 1] == b.p[k - 1] ? 0 : 1;
            d[i][k] = min3(d[i - 1][k] + 1, d[i][k - 1] + 1, d[i - 1][k - 1] + same);
            if (i > 1 && k > 1 && a.p[i - 1] == b.p[k - 2] && a.p[i - 2] == b.p[k - 1] &&
                d[i - 2][k - 2] + 1 < d[i][k])
                d[i][k] = d[i - 2][k - 2] + 1;
        }
    }
    return d[a.n][b.n];
}

const char *cfg_nearest(sv text, const struct cfg_names *s)
{
    const char *best = NULL;
    /* A third of the word may be wrong, but three letters at most. */
    unsigned limit = text.n < 3 ? 1 : text.n < 9 ? (unsigned)text.n / 3 : 3;
    if (text.n > MAX_LEN) return NULL;
    for (size_t i = 0; i < s->n; i++) {
        sv name = sv_of(s->v[i]);
        if (name.n > MAX_LEN) continue;
        if (sv_ieq(name, text)) return s->v[i];
        if (text.n >= 3 && sv_starts(name, text)) return s->v[i]; /* cut short */
        unsigned d = distance(text, name);
        if (d <= limit && d < name.n) {
            best = s->v[i];
            limit = d - 1; /* only a nearer one replaces it; d > 0, as `text` is not in s */
        }
    }
    return best;
}

sv cfg_names_text(struct arena *a, const struct cfg_names *s)
{
    struct buf all = BUF_IN(a);
    for (size_t i = 0; i < s->n; i++) {
        if (all.n > 300) {
            buf_str(&all, ", ...");
            break;
        }
        if (i) buf_str(&all, ", ");
        buf_str(&all, s->v[i]);
    }
    return buf_view(&all);
}

void cfg_no_such(struct cfg_errors *e, const struct cfg_node *at, const char *what, sv text,
                 const struct cfg_names *s)
{
    const char *near = cfg_nearest(text, s);
    if (near) {
        cfg_error(e, at, "no such %s '%.*s'; did you mean '%s'?", what, CFG_SHOW(text), near);
        return;
    }
    if (s->n == 0)
        cfg_error(e, at, "no such %s '%.*s'; there are none", what, CFG_SHOW(text));
    else
        cfg_error(e, at, "no such %s '%.*s'; there are: %.*s", what, CFG_SHOW(text),
                  SVARG(cfg_names_text(e->a, s)));
}
