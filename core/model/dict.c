/* Fields whose options are a dictionary of the tenant. Asked for each time: one
 * look-up by two indexes, which is right on every node the moment it changes. */
#define LOG_ROOM "model"
#include "model/batch.h"

struct reading {
    struct arena *a;
    struct dict *d;
    size_t cap;
};

static bool take(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct reading *rd = arg;
    struct dict *d = rd->d;
    if (n_cols < 4 || row[0].type != STORE_TEXT) return true;
    if (d->n == rd->cap) {
        rd->cap = rd->cap ? rd->cap * 2 : 32;
        struct dict_item *grown = ARENA_ARRAY(rd->a, struct dict_item, rd->cap);
        if (d->n) memcpy(grown, d->items, d->n * sizeof *grown);
        d->items = grown;
    }
    struct dict_item *it = &d->items[d->n++];
    it->code = arena_sv(rd->a, row[0].u.s);
    it->title = row[1].type == STORE_TEXT ? arena_sv(rd->a, row[1].u.s) : it->code;
    it->color = row[2].type == STORE_TEXT ? arena_sv(rd->a, row[2].u.s) : SV_NULL;
    it->off = row[3].type == STORE_I64 && row[3].u.i;
    return true;
}

int dict_load(struct store_conn *conn, struct arena *a, const char *code, struct dict *out,
              struct err *err)
{
    struct store_val args[] = {STORE_S(sv_of(code))};
    struct reading rd = {.a = a, .d = out};
    *out = (struct dict){0};
    return store_run(conn,
                     SV("SELECT `i`.`code`,`i`.`title`,`i`.`color`,`i`.`is_off` FROM "
                        "`core_dictionary` AS `d` JOIN `core_dictionary_item` AS `i` ON "
                        "`i`.`dictionary`=`d`.`id` WHERE `d`.`code`=? ORDER BY `i`.`position`,"
                        "`i`.`id`"),
                     args, 1, take, &rd, err);
}

sv dict_title(const struct dict *d, sv code)
{
    for (size_t i = 0; i < d->n; i++)
        if (sv_eq(d->items[i].code, code)) return d->items[i].title;
    return code;
}

static bool offered(const struct dict *d, sv code)
{
    for (size_t i = 0; i < d->n; i++)
        if (sv_eq(d->items[i].code, code)) return !d->items[i].off;
    return false;
}

static int refuse(struct write *w, const struct dict *d, const char *path, struct err *err)
{
    struct buf b = BUF_IN(w->a);
    for (size_t i = 0; i < d->n && b.n < 150; i++) {
        if (d->items[i].off) continue;
        if (b.n) buf_str(&b, ", ");
        buf_sv(&b, d->items[i].code);
    }
    return err_field(err, path, "not_in_options", arena_str(w->a, buf_view(&b)), NULL);
}

/* A value that was there before may stay when its item is off or gone. */
static int check(struct write *w, const struct dict *d, const struct mf_field *f, const json_t *old,
                 const json_t *new, const char *path, struct err *err)
{
    if (json_is_string(new)) {
        sv code = {json_string_value(new), json_string_length(new)};
        return json_equal(old, new) || offered(d, code) ? 0 : refuse(w, d, path, err);
    }
    for (size_t i = 0; i < json_array_size(new); i++) {
        const json_t *one = json_array_get(new, i);
        sv code = {json_string_value(one), json_string_length(one)};
        char at[MODEL_PATH];
        path_item(at, path, i, "");
        if (!link_holds(old, one) && !offered(d, code))
            return refuse(w, d, f->type == MF_TAGS ? at : path, err);
    }
    return 0;
}

static int load_once(struct write *w, const char *code, struct dict *out, struct err *err)
{
    const struct dict *known = batch_dict(w->c->batch, code);
    if (!known && dict_load(w->conn, w->a, code, out, err) < 0) return -1;
    if (known)
        *out = *known;
    else
        batch_keep_dict(w->c->batch, code, out);
    return 0;
}

int dict_check(struct write *w, const struct model_resource *r, const json_t *before,
               const json_t *after, const char *prefix, struct err *err)
{
    for (size_t i = 0; i < r->mf->n_fields; i++) {
        const struct mf_field *f = &r->mf->fields[i];
        const json_t *old = before ? json_object_get(before, f->name) : NULL;
        const json_t *new = json_object_get(after, f->name);
        struct dict d;
        char path[MODEL_PATH];
        if (!f->dictionary || value_empty(new) || (old && json_equal(old, new))) continue;
        if (load_once(w, f->dictionary, &d, err) < 0) return -1;
        check(w, &d, f, old, new, path_join(path, prefix, f->name), err);
    }
    return err_is(err) ? -1 : 0;
}
