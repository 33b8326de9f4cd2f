/* Bodies: JSON and multipart/form-data. The multipart parser works on the whole
 * body in memory (a mapped file when it is large) and copies nothing. */
#define LOG_ROOM "http"
#include "http/internal.h"

#define MAX_PARTS 256u
#define MAX_BOUNDARY 70u /* RFC 2046 */
#define MAX_PART_HEAD 8192u

static sv media_type(sv content_type)
{
    sv rest;
    return sv_trim(sv_cut(content_type, ';', &rest));
}

static bool ends_icase(sv v, sv tail)
{
    return v.n >= tail.n && sv_ieq(sv_make(v.p + v.n - tail.n, tail.n), tail);
}

int http_json(struct http_req *r, json_t **out, struct err *err)
{
    sv type = media_type(http_header(r, "content-type"));
    if (!sv_ieq(type, SV("application/json")) && !ends_icase(type, SV("+json")))
        return err_set(err, 415, "unsupported_media_type", NULL);
    json_t *v;
    if (json_parse(r->arena, r->body, &v, err) != 0) return -1;
    if (!json_is_object(v)) return err_set(err, 400, "bad_json", "1", "1", NULL);
    *out = v;
    return 0;
}

/* ---- header parameters ------------------------------------------------------ */

/* Takes one `name=value` or `name="va\"lue"` off the front of *left, which is
 * behind a ';'. False: none left or malformed. Quoted pairs are undone into the
 * arena only when there are any. */
static bool next_param(struct arena *a, sv *left, sv *name, sv *value)
{
    *left = sv_trim(*left);
    if (left->n == 0) return false;
    const char *eq = memchr(left->p, '=', left->n);
    if (!eq) return false;
    *name = sv_trim(sv_make(left->p, (size_t)(eq - left->p)));
    sv v = sv_trim(sv_make(eq + 1, left->n - (size_t)(eq - left->p) - 1));
    size_t end;
    if (v.n && v.p[0] == '"') {
        bool escaped = false;
        for (end = 1; end < v.n && v.p[end] != '"'; end++) {
            /* Browsers send a backslash of a file name as it is; only \" and \\
             * are escapes. */
            if (v.p[end] == '\\' && end + 1 < v.n &&
                (v.p[end + 1] == '"' || v.p[end + 1] == '\\')) {
                escaped = true;
                end++;
            }
        }
        if (end >= v.n) return false;
        *value = sv_make(v.p + 1, end - 1);
        end++;
        if (escaped) {
            char *p = arena_alloc(a, value->n);
            size_t n = 0;
            for (size_t i = 0; i < value->n; i++) {
                if (value->p[i] == '\\' && i + 1 < value->n &&
                    (value->p[i + 1] == '"' || value->p[i + 1] == '\\'))
                    i++;
                p[n++] = value->p[i];
            }
            *value = sv_make(p, n);
        }
    } else {
        for (end = 0; end < v.n && v.p[end] != ';'; end++)
            ;
        *value = sv_trim(sv_make(v.p, end));
    }
    sv rest = sv_trim(sv_make(v.p + end, v.n - end));
    if (rest.n && rest.p[0] != ';') return false;
    *left = rest.n ? sv_make(rest.p + 1, rest.n - 1) : SV_NULL;
    return true;
}

static sv boundary_of(struct arena *a, sv content_type)
{
    sv left, name, value;
    if (!sv_ieq(sv_trim(sv_cut(content_type, ';', &left)), SV("multipart/form-data")))
        return SV_NULL;
    while (next_param(a, &left, &name, &value))
        if (sv_ieq(name, SV("boundary"))) return value;
    return SV_NULL;
}

/* filename*=UTF-8''%e4%b8%ad; other character sets are ignored. */
static sv extended_value(struct arena *a, sv v)
{
    sv rest, text;
    sv charset = sv_cut(v, '\'', &rest);
    sv_cut(rest, '\'', &text);
    if (!text.p || !sv_ieq(charset, SV("utf-8"))) return SV_NULL;
    struct buf b = BUF_IN(a);
    if (buf_urldecode(&b, text, false) != 0) return SV_NULL;
    return b.p ? buf_view(&b) : SV("");
}

/* ---- multipart ----------------------------------------------------------------- */

static int bad(struct err *err, const char *why)
{
    if (!err_is(err)) err_detail(err, "multipart: %s", why);
    return err_set(err, 400, "bad_multipart", NULL);
}

static bool is_text(sv v)
{
    return v.n == 0 || (sv_utf8_ok(v) && !memchr(v.p, 0, v.n));
}

static int part_head(struct arena *a, sv head, struct http_part *part, struct err *err)
{
    bool disposition = false;
    while (head.n) {
        const char *nl = memmem(head.p, head.n, "\r\n", 2);
        sv line = nl ? sv_make(head.p, (size_t)(nl - head.p)) : head;
        head = nl ? sv_make(nl + 2, head.n - line.n - 2) : SV_NULL;
        sv value, name = sv_cut(line, ':', &value);
        if (!value.p) return bad(err, "header without a colon");
        value = sv_trim(value);
        if (sv_ieq(name, SV("content-type"))) {
            part->content_type = value;
        } else if (sv_ieq(name, SV("content-disposition"))) {
            sv left, k, v, star = SV_NULL;
            if (!sv_ieq(sv_trim(sv_cut(value, ';', &left)), SV("form-data")))
                return bad(err, "not form-data");
            while (next_param(a, &left, &k, &v)) {
                if (sv_ieq(k, SV("name")))
                    part->name = v;
                else if (sv_ieq(k, SV("filename")))
                    part->filename = v.p ? v : SV("");
                else if (sv_ieq(k, SV("filename*")))
                    star = extended_value(a, v);
            }
            if (left.n) return bad(err, "malformed content-disposition");
            if (star.p) part->filename = star;
            disposition = part->name.p != NULL;
        }
    }
    if (!disposition) return bad(err, "part without a name");
    if (!is_text(part->name) || !is_text(part->filename)) return bad(err, "name is not UTF-8 text");
    return 0;
}

/* What follows "--boundary": the last one ("--"), another part (line end after
 * optional blanks), or neither. Returns the length of it, 0 when malformed. */
static size_t after_boundary(sv rest, bool *last)
{
    *last = rest.n >= 2 && rest.p[0] == '-' && rest.p[1] == '-';
    if (*last) return 2;
    size_t i = 0;
    while (i < rest.n && (rest.p[i] == ' ' || rest.p[i] == '\t'))
        i++;
    return rest.n - i >= 2 && rest.p[i] == '\r' && rest.p[i + 1] == '\n' ? i + 2 : 0;
}

int http_multipart_parse(struct arena *a, sv content_type, sv body, struct http_part **parts,
                         size_t *n, struct err *err)
{
    sv boundary = boundary_of(a, content_type);
    *parts = NULL;
    *n = 0;
    if (!boundary.p) return err_set(err, 415, "unsupported_media_type", NULL);
    if (boundary.n == 0 || boundary.n > MAX_BOUNDARY)
        return bad(err, "boundary missing or too long");
    char delimiter[4 + MAX_BOUNDARY];
    memcpy(delimiter, "\r\n--", 4);
    memcpy(delimiter + 4, boundary.p, boundary.n);
    size_t dn = boundary.n + 4;

    /* The first delimiter may stand at the very start, without its line break. */
    size_t at;
    if (body.n >= dn - 2 && memcmp(body.p, delimiter + 2, dn - 2) == 0) {
        at = dn - 2;
    } else {
        const char *p = body.n ? memmem(body.p, body.n, delimiter, dn) : NULL;
        if (!p) return bad(err, "no boundary in the body");
        at = (size_t)(p - body.p) + dn;
    }
    struct http_part *list = NULL;
    size_t count = 0, cap = 0;
    for (;;) {
        bool last;
        size_t skip = after_boundary(sv_make(body.p + at, body.n - at), &last);
        if (last) break;
        if (skip == 0) return bad(err, "text after the boundary");
        at += skip;
        if (count == MAX_PARTS) return bad(err, "too many parts");
        sv rest = sv_make(body.p + at, body.n - at);
        size_t head_room = rest.n < MAX_PART_HEAD ? rest.n : MAX_PART_HEAD;
        const char *head_end = head_room ? memmem(rest.p, head_room, "\r\n\r\n", 4) : NULL;
        if (!head_end) return bad(err, "part without an end of its headers");
        /* The end is looked for from the blank line's own line break on, so that
         * an empty part ("\r\n\r\n--b") is found too. */
        size_t head_n = (size_t)(head_end - rest.p);
        sv tail = sv_make(rest.p + head_n + 2, rest.n - head_n - 2);
        const char *end = memmem(tail.p, tail.n, delimiter, dn);
        if (!end) return bad(err, "part without an end");
        if (count == cap) {
            size_t grown = cap ? cap * 2 : 8;
            struct http_part *more = ARENA_ARRAY(a, struct http_part, grown);
            if (count) memcpy(more, list, count * sizeof(*list));
            list = more;
            cap = grown;
        }
        struct http_part *part = &list[count];
        memset(part, 0, sizeof(*part));
        if (part_head(a, sv_make(rest.p, head_n), part, err) != 0) return -1;
        const char *data = head_end + 4;
        part->data = end >= data ? sv_make(data, (size_t)(end - data)) : sv_make(data, 0);
        count++;
        at = (size_t)(end - body.p) + dn;
    }
    *parts = list;
    *n = count;
    return 0;
}

int http_multipart(struct http_req *r, struct http_part **parts, size_t *n, struct err *err)
{
    return http_multipart_parse(r->arena, http_header(r, "content-type"), r->body, parts, n, err);
}
