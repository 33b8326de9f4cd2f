/* Putting statements together. */
#define LOG_ROOM "model"
#include "model/internal.h"

void sql_start(struct sql *s, struct arena *a)
{
    *s = (struct sql){.a = a, .text = BUF_IN(a)};
    buf_reserve(&s->text, 512);
}

void sql_val(struct sql *s, struct store_val v)
{
    if (s->n == s->cap) {
        unsigned cap = s->cap ? s->cap * 2 : 16;
        struct store_val *grown = arena_alloc(s->a, cap * sizeof *grown);
        if (s->n) memcpy(grown, s->args, s->n * sizeof *grown);
        s->args = grown;
        s->cap = cap;
    }
    s->args[s->n++] = v;
}

void sql_text(struct sql *s, const char *text)
{
    buf_str(&s->text, text);
}

void sql_ident(struct sql *s, const struct model_col *c)
{
    buf_sv(&s->text, c->ident);
}

void sql_in_ids(struct sql *s, const int64_t *ids, size_t n)
{
    size_t slots = 1;
    while (slots < n)
        slots *= 2;
    buf_chr(&s->text, '(');
    for (size_t i = 0; i < slots; i++) {
        if (i) buf_chr(&s->text, ',');
        buf_chr(&s->text, '?');
        sql_val(s, STORE_I(ids[i < n ? i : n - 1]));
    }
    buf_chr(&s->text, ')');
}

/* The variables are those of staff; for anybody else they match no row. */
/* Of himself, or of somebody whom he acts for. */
static int64_t of_staff(const struct frag_arg *x, const struct auth_principal *who)
{
    if (!auth_is_staff(who) || x->hat > who->n_hats) return 0;
    if (x->var == VAR_PARTNER) return who->partner;
    const struct auth_hat *hat = x->hat ? &who->hats[x->hat - 1] : NULL;
    if (x->var == VAR_USER) return hat ? hat->id : who->id;
    return hat ? hat->dept : who->dept;
}

struct store_val frag_value(const struct frag_arg *arg, const struct auth_principal *who,
                            struct arena *a)
{
    struct frag one = {.args = &(struct frag_arg){0}, .n_args = 1};
    switch (arg->var) {
    case VAR_USER:
    case VAR_DEPT:
    case VAR_PARTNER:
        return STORE_I(of_staff(arg, who));
    case VAR_TIME:
        one.args[0] = *arg;
        frag_settle(&one, a, clock_now_us(), who->utc_offset);
        return one.args[0].v;
    default:
        return arg->v;
    }
}

void frag_settle(struct frag *f, struct arena *a, int64_t now_us, int offset_minutes)
{
    for (unsigned i = 0; i < f->n_args; i++) {
        struct frag_arg *arg = &f->args[i];
        int64_t from, to;
        if (arg->var != VAR_TIME) continue;
        reltime_range(&arg->when, now_us, offset_minutes, &from, &to);
        arg->var = VAR_VALUE;
        arg->v = STORE_T(arg->end ? to : from);
        if (!arg->date) continue;
        char *date = arena_alloc(a, 11);
        reltime_date(arg->end && to > from ? to - 1 : from, offset_minutes, date);
        arg->v = STORE_S(sv_make(date, 10));
    }
}

static struct auth_ids depts_of(const struct frag_arg *x, const struct auth_principal *who)
{
    static const int64_t nobody = 0;
    struct auth_ids ids = {&nobody, 1};
    if (!auth_is_staff(who) || x->hat > who->n_hats) return ids;
    if (x->var == VAR_CUSTOM) {
        const struct auth_grant *g = auth_grant_of(who, x->v.u.s);
        if (g && g->n_hats) g = x->hat < g->n_hats ? &g->hats[x->hat] : NULL;
        if (g && g->custom[x->act].n) return g->custom[x->act];
    } else if (x->hat) {
        const struct auth_hat *hat = &who->hats[x->hat - 1];
        if (hat->n_depts) return (struct auth_ids){hat->depts, hat->n_depts};
    } else if (who->n_depts) {
        return (struct auth_ids){who->depts, who->n_depts};
    }
    return ids;
}

void frag_render(const struct frag *f, const struct auth_principal *who, struct sql *s)
{
    unsigned at = 0;
    for (size_t i = 0; i < f->text.n; i++) {
        char c = f->text.p[i];
        if (c == '\1') {
            struct auth_ids ids = depts_of(&f->args[at++], who);
            sql_in_ids(s, ids.v, ids.n);
            continue;
        }
        buf_chr(&s->text, c);
        if (c == '?') sql_val(s, frag_value(&f->args[at++], who, s->a));
    }
}
