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
void frag_render(const struct frag *f, const struct auth_principal *who, struct sql *s)
{
    static const int64_t nobody = 0;
    bool staff = who->kind == AUTH_STAFF;
    unsigned at = 0;
    for (size_t i = 0; i < f->text.n; i++) {
        char c = f->text.p[i];
        if (c == '\1') {
            at++;
            if (staff && who->n_depts)
                sql_in_ids(s, who->depts, who->n_depts);
            else
                sql_in_ids(s, &nobody, 1);
            continue;
        }
        buf_chr(&s->text, c);
        if (c != '?') continue;
        switch (f->args[at].var) {
        case VAR_USER:
            sql_val(s, STORE_I(staff ? who->id : 0));
            break;
        case VAR_DEPT:
            sql_val(s, STORE_I(staff ? who->dept : 0));
            break;
        default:
            sql_val(s, f->args[at].v);
        }
        at++;
    }
}
