#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"
#include "base/msg.h"

void err_clear(struct err *e)
{
    e->status = 0;
    e->code = NULL;
    memset(e->args, 0, sizeof e->args);
    e->retry_after = 0;
    e->n_fields = e->dropped_fields = 0;
    e->detail[0] = '\0';
    e->used = 0;
}

static const char *moved(const char *s, const struct err *from, struct err *to)
{
    return s ? to->text + (s - from->text) : NULL;
}

void err_copy(struct err *dst, const struct err *src)
{
    if (dst == src) return;
    err_clear(dst);
    dst->status = src->status;
    dst->retry_after = src->retry_after;
    dst->n_fields = src->n_fields;
    dst->dropped_fields = src->dropped_fields;
    dst->used = src->used;
    memcpy(dst->detail, src->detail, sizeof dst->detail);
    memcpy(dst->text, src->text, src->used);
    dst->code = moved(src->code, src, dst);
    for (int k = 0; k < ERR_MAX_ARGS; k++)
        dst->args[k] = moved(src->args[k], src, dst);
    for (unsigned i = 0; i < src->n_fields; i++) {
        const struct err_item *f = &src->fields[i];
        struct err_item *t = &dst->fields[i];
        t->field = moved(f->field, src, dst);
        t->code = moved(f->code, src, dst);
        for (int k = 0; k < ERR_MAX_ARGS; k++)
            t->args[k] = moved(f->args[k], src, dst);
    }
}

/* One caller's text must not eat the room of all others. */
#define MAX_PIECE 160

/* Copies into the error's own text; NULL when that is full. */
static const char *keep(struct err *e, const char *s)
{
    size_t n = strlen(s);
    if (n > MAX_PIECE) {
        n = MAX_PIECE;
        while (n && ((unsigned char)s[n] & 0xc0) == 0x80)
            n--; /* not inside a character */
    }
    if (sizeof e->text - e->used < n + 1) return NULL;
    char *p = e->text + e->used;
    memcpy(p, s, n);
    p[n] = '\0';
    e->used += n + 1;
    return p;
}

static void keep_args(struct err *e, const char **args, va_list ap)
{
    for (int k = 0; k < ERR_MAX_ARGS; k++)
        args[k] = NULL;
    const char *s;
    for (int k = 0; k < ERR_MAX_ARGS && (s = va_arg(ap, const char *)) != NULL; k++)
        args[k] = keep(e, s);
}

int err_set(struct err *e, int status, const char *code, ...)
{
    if (e->status) return -1;
    e->status = status;
    e->code = keep(e, code);
    va_list ap;
    va_start(ap, code);
    keep_args(e, e->args, ap);
    va_end(ap);
    return -1;
}

int err_field(struct err *e, const char *field, const char *code, ...)
{
    err_set(e, 422, "invalid", NULL);
    if (e->n_fields == ERR_MAX_FIELDS) {
        e->dropped_fields++;
        return -1;
    }
    struct err_item *it = &e->fields[e->n_fields];
    size_t before = e->used;
    it->field = keep(e, field);
    it->code = it->field ? keep(e, code) : NULL;
    if (!it->code) {
        e->used = before;
        e->dropped_fields++;
        return -1;
    }
    va_list ap;
    va_start(ap, code);
    keep_args(e, it->args, ap);
    va_end(ap);
    e->n_fields++;
    return -1;
}

int err_internal(struct err *e, const char *fmt, ...)
{
    /* A later fault keeps the first one's detail too. */
    if (e->detail[0] == '\0') {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(e->detail, sizeof e->detail, fmt, ap);
        va_end(ap);
    }
    return err_set(e, 500, "internal", NULL);
}

void err_detail(struct err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->detail, sizeof e->detail, fmt, ap);
    va_end(ap);
}

static bool said_before(const struct err *e, unsigned i)
{
    for (unsigned k = 0; k < i; k++)
        if (strcmp(e->fields[k].field, e->fields[i].field) == 0) return true;
    return false;
}

/* {name: message}; several complaints about one field become one text, because
 * a JSON object has each name once. */
static void write_fields(const struct err *e, const char *lang, struct jsonw *w)
{
    struct buf text = BUF_HEAP;
    jsonw_obj(w);
    for (unsigned i = 0; i < e->n_fields; i++) {
        if (said_before(e, i)) continue;
        buf_clear(&text);
        for (unsigned k = i; k < e->n_fields; k++) {
            if (strcmp(e->fields[k].field, e->fields[i].field) != 0) continue;
            if (k > i) buf_str(&text, "; ");
            msg_format(&text, lang, e->fields[k].code, e->fields[k].args);
        }
        jsonw_kv_sv(w, e->fields[i].field, buf_view(&text));
    }
    jsonw_end_obj(w);
    buf_free(&text);
}

void err_problem(const struct err *e, const char *lang, sv request_id, struct buf *out)
{
    /* An error that nobody filled in is our own fault. */
    int status = e->status ? e->status : 500;
    const char *code = e->code ? e->code : "internal";
    char title[24];
    snprintf(title, sizeof title, "status_%d", status);
    if (strcmp(msg_text("en", title), title) == 0)
        snprintf(title, sizeof title, "status_%d", status >= 500 ? 500 : 400);

    struct jsonw w = jsonw_on(out);
    struct buf detail = BUF_HEAP;
    msg_format(&detail, lang, code, e->args);
    jsonw_obj(&w);
    jsonw_kv_str(&w, "type", "about:blank");
    jsonw_kv_str(&w, "title", msg_text(lang, title));
    jsonw_kv_i64(&w, "status", status);
    jsonw_kv_str(&w, "code", code);
    jsonw_kv_sv(&w, "detail", buf_view(&detail));
    if (e->n_fields) {
        jsonw_key(&w, SV("fields"));
        write_fields(e, lang, &w);
    }
    if (e->dropped_fields) jsonw_kv_i64(&w, "more_fields", e->dropped_fields);
    if (request_id.n) jsonw_kv_sv(&w, "request_id", request_id);
    jsonw_end_obj(&w);
    buf_free(&detail);
}
