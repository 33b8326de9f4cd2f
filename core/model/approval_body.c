/* What an approval keeps of its operation: body and picture of the record, sealed
 * with a key of the tenant's, because fields that are protected in their own
 * table would lie here in the open. */
#define LOG_ROOM "model"
#include "model/approval.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#define NONCE 12
#define TAG 16

/* ---- sealing ---------------------------------------------------------------------- */

static void key_of(const struct auth_tenant *t, unsigned char key[32])
{
    unsigned n = 32;
    static const char use[] = "approval body";
    if (!HMAC(EVP_sha256(), t->secret, sizeof t->secret, (const unsigned char *)use, sizeof use - 1,
              key, &n))
        panic("approval: HMAC failed");
}

sv approval_seal(const struct auth_tenant *t, struct arena *a, int64_t id, sv plain)
{
    unsigned char key[32], *box = arena_alloc(a, NONCE + plain.n + TAG);
    int n = 0, end = 0;
    key_of(t, key);
    rand_bytes(box, NONCE);
    EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
    if (!x || !EVP_EncryptInit_ex(x, EVP_aes_256_gcm(), NULL, key, box) ||
        !EVP_EncryptUpdate(x, NULL, &n, (const unsigned char *)&id, sizeof id) ||
        !EVP_EncryptUpdate(x, box + NONCE, &n, (const unsigned char *)plain.p, (int)plain.n) ||
        !EVP_EncryptFinal_ex(x, box + NONCE + n, &end) ||
        !EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_GCM_GET_TAG, TAG, box + NONCE + plain.n))
        panic("approval: sealing failed");
    EVP_CIPHER_CTX_free(x);
    OPENSSL_cleanse(key, sizeof key);
    struct buf b = BUF_IN(a);
    buf_base64url(&b, box, NONCE + plain.n + TAG);
    return buf_view(&b);
}

int approval_open(const struct auth_tenant *t, struct arena *a, int64_t id, sv sealed, sv *plain,
                  struct err *err)
{
    unsigned char key[32];
    struct buf raw = BUF_IN(a);
    int n = 0, end = 0;
    *plain = SV_NULL;
    if (!sealed.n) return 0;
    if (buf_unbase64url(&raw, sealed) < 0 || raw.n < NONCE + TAG)
        return err_internal(err, "an approval's body is cut off");
    unsigned char *box = (unsigned char *)raw.p, *out = arena_alloc(a, raw.n);
    size_t text = raw.n - NONCE - TAG;
    key_of(t, key);
    EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
    bool good = x && EVP_DecryptInit_ex(x, EVP_aes_256_gcm(), NULL, key, box) &&
                EVP_DecryptUpdate(x, NULL, &n, (const unsigned char *)&id, sizeof id) &&
                EVP_DecryptUpdate(x, out, &n, box + NONCE, (int)text) &&
                EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_GCM_SET_TAG, TAG, box + NONCE + text) &&
                EVP_DecryptFinal_ex(x, out + n, &end) > 0;
    EVP_CIPHER_CTX_free(x);
    OPENSSL_cleanse(key, sizeof key);
    if (!good) return err_internal(err, "an approval's body was altered, or the key is another");
    *plain = sv_make((const char *)out, text);
    return 0;
}

/* ---- the picture ------------------------------------------------------------------ */

static bool shown(const struct model_policy *p, const char *name)
{
    const struct model_col *c = col_find(p->res, sv_of(name));
    const struct model_child *k = c ? NULL : kid_find(p->res, sv_of(name));
    if (c) return !c->secret && colset_has(&p->readable, c->at);
    return k && !k->f->hidden && colset_has(&p->readable, k->at);
}

/* Masked as the requester sees it: who decides need not see more. */
static void add_row(struct jsonw *w, const char *key, const struct model_policy *p,
                    const struct model_ctx *c, const json_t *row)
{
    const char *name;
    json_t *v;
    jsonw_key(w, sv_of(key));
    if (!row) {
        jsonw_null(w);
        return;
    }
    jsonw_obj(w);
    row = json_keep(c->arena, protect_seen(p, c, row));
    json_object_foreach((json_t *)(uintptr_t)row, name, v)
    {
        if (!shown(p, name)) continue;
        jsonw_key(w, sv_of(name));
        jsonw_json(w, v);
    }
    jsonw_end_obj(w);
}

struct label {
    struct arena *a;
    sv text;
};

static bool take_label(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct label *l = arg;
    if (n_cols && row[0].type == STORE_TEXT) l->text = arena_sv(l->a, row[0].u.s);
    return true;
}

/* The name of what a reference names, when the requester may see names there. */
static int add_label(struct write *w, json_t *labels, const struct model_col *c, const json_t *row,
                     struct err *err)
{
    const char *text = json_string_value(json_object_get(row, c->f->name));
    const struct model_resource *to = c->ref;
    struct err none = {0};
    int64_t id;
    if (!text || !sv_i64(sv_of(text), &id) || !to->label || to->label->kind != COL_TEXT) return 0;
    const struct model_policy *p = policy_of(to, w->c->who, w->a, &none);
    if (!p || !p->can_read || !colset_has(&p->readable, to->label->at) ||
        to->label->sealed || colset_has(&p->masked, to->label->at))
        return 0;
    struct label l = {.a = w->a};
    struct sql s;
    sql_start(&s, w->a);
    buf_printf(&s.text, "SELECT %.*s FROM %.*s", SVARG(to->label->ident), SVARG(to->ident));
    policy_where(p, w->c->who, &p->read, false, &s);
    sql_text(&s, " AND `id`=?");
    sql_val(&s, STORE_I(id));
    if (store_run(w->conn, buf_view(&s.text), s.args, s.n, take_label, &l, err) < 0) return -1;
    if (l.text.p) json_object_set_new(labels, text, json_stringn(l.text.p, l.text.n));
    return 0;
}

sv approval_picture(struct write *w, struct err *err)
{
    struct buf b = BUF_IN(w->a);
    struct jsonw jw = jsonw_on(&b);
    jsonw_obj(&jw);
    add_row(&jw, "before", w->p, w->c, w->before);
    add_row(&jw, "after", w->p, w->c, w->after);
    json_t *labels = json_keep(w->a, json_object());
    for (unsigned i = 0; i < w->r->n_cols; i++) {
        const struct model_col *c = &w->r->cols[i];
        if (!c->ref || c == w->r->id || !shown(w->p, c->f->name)) continue;
        if (add_label(w, labels, c, w->before, err) < 0) return SV_NULL;
        const json_t *was = w->before ? json_object_get(w->before, c->f->name) : NULL;
        const json_t *will = w->after ? json_object_get(w->after, c->f->name) : NULL;
        if (will && !(was && json_equal(was, will)) && add_label(w, labels, c, w->after, err) < 0)
            return SV_NULL;
    }
    jsonw_key(&jw, SV("labels"));
    jsonw_json(&jw, labels);
    jsonw_end_obj(&jw);
    return buf_view(&b);
}
