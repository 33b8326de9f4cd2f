/* Rich text by allow-list. The input is read with the tokenizer's rules of HTML
 * and written anew: only known elements and attributes, every value quoted and
 * escaped, every element closed. Nothing of the input's markup is copied, so
 * what comes out means the same to every parser. Elements whose content is not
 * text to a browser (script, style, svg, ...) go with all they hold. */
#define LOG_ROOM "model"
#include "model/internal.h"

#define MAX_OPEN 64
#define MAX_NAME 16

enum { A_HREF = 1, A_SRC = 2, A_ALT = 4, A_TITLE = 8, A_SIZE = 16, A_SPAN = 32, A_STYLE = 64 };
enum { VOID = 1, DROP = 2 };

struct element {
    const char *name;
    unsigned kind, attrs;
};

static const struct element elements[] = {
    {"a", 0, A_HREF | A_TITLE | A_STYLE},
    {"b", 0, 0},
    {"blockquote", 0, A_STYLE},
    {"br", VOID, 0},
    {"code", 0, 0},
    {"del", 0, 0},
    {"div", 0, A_STYLE},
    {"em", 0, 0},
    {"figcaption", 0, 0},
    {"figure", 0, 0},
    {"h1", 0, A_STYLE},
    {"h2", 0, A_STYLE},
    {"h3", 0, A_STYLE},
    {"h4", 0, A_STYLE},
    {"h5", 0, A_STYLE},
    {"h6", 0, A_STYLE},
    {"hr", VOID, 0},
    {"i", 0, 0},
    {"img", VOID, A_SRC | A_ALT | A_TITLE | A_SIZE | A_STYLE},
    {"ins", 0, 0},
    {"li", 0, A_STYLE},
    {"ol", 0, 0},
    {"p", 0, A_STYLE},
    {"pre", 0, 0},
    {"s", 0, 0},
    {"span", 0, A_STYLE},
    {"strong", 0, 0},
    {"sub", 0, 0},
    {"sup", 0, 0},
    {"table", 0, A_STYLE},
    {"tbody", 0, 0},
    {"td", 0, A_SPAN | A_STYLE},
    {"tfoot", 0, 0},
    {"th", 0, A_SPAN | A_STYLE},
    {"thead", 0, 0},
    {"tr", 0, 0},
    {"u", 0, 0},
    {"ul", 0, 0},
    {"script", DROP, 0},
    {"style", DROP, 0},
    {"iframe", DROP, 0},
    {"object", DROP, 0},
    {"noscript", DROP, 0},
    {"noembed", DROP, 0},
    {"noframes", DROP, 0},
    {"template", DROP, 0},
    {"textarea", DROP, 0},
    {"title", DROP, 0},
    {"xmp", DROP, 0},
    {"svg", DROP, 0},
    {"math", DROP, 0},
    {"select", DROP, 0},
    {"head", DROP, 0},
    {"plaintext", DROP, 0},
};

struct in {
    const char *p, *end;
    struct buf *out;
    const struct element *open[MAX_OPEN];
    unsigned n_open;
};

static bool space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static const struct element *element_find(sv name)
{
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (sv_ieq(name, sv_of(elements[i].name))) return &elements[i];
    return NULL;
}

/* ---- character references --------------------------------------------------------- */

/* Length of "&name;" or "&#123;" at p, 0 when it is no reference. */
static size_t reference(const char *p, const char *end)
{
    const char *q = p + 1;
    bool number = q < end && *q == '#';
    if (number) q++;
    if (number && q < end && (*q == 'x' || *q == 'X')) q++;
    const char *from = q;
    while (q < end && q - p < 34 && (letter(*q) || digit(*q)))
        q++;
    return q > from && q < end && *q == ';' ? (size_t)(q - p) + 1 : 0;
}

static void escaped(struct buf *out, char c)
{
    switch (c) {
    case '<':
        buf_str(out, "&lt;");
        break;
    case '>':
        buf_str(out, "&gt;");
        break;
    case '&':
        buf_str(out, "&amp;");
        break;
    case '"':
        buf_str(out, "&quot;");
        break;
    default:
        buf_chr(out, c);
    }
}

static void utf8(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_chr(out, (char)c);
    } else if (c < 0x800) {
        buf_add(out, (char[]){(char)(0xc0 | c >> 6), (char)(0x80 | (c & 63))}, 2);
    } else if (c < 0x10000) {
        buf_add(
            out,
            (char[]){(char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63))},
            3);
    } else {
        buf_add(out,
                (char[]){(char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 63)),
                         (char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63))},
                4);
    }
}

/* The character that a reference stands for; 0 when it is not one we need to
 * know (it is then kept as text and cannot mean anything else). */
static uint32_t resolve(sv ref)
{
    static const struct {
        const char *name;
        uint32_t c;
    } named[] = {{"&amp;", '&'},      {"&lt;", '<'},    {"&gt;", '>'},    {"&quot;", '"'},
                 {"&apos;", '\''},    {"&nbsp;", 0xa0}, {"&colon;", ':'}, {"&Tab;", '\t'},
                 {"&NewLine;", '\n'}, {"&sol;", '/'},   {"&bsol;", '\\'}, {"&num;", '#'},
                 {"&lpar;", '('},     {"&rpar;", ')'},  {"&semi;", ';'}};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (sv_eqs(ref, named[i].name)) return named[i].c;
    if (ref.n < 4 || ref.p[1] != '#') return 0;
    bool hex = ref.p[2] == 'x' || ref.p[2] == 'X';
    uint32_t c = 0;
    for (size_t i = hex ? 3 : 2; i + 1 < ref.n; i++) {
        char d = ref.p[i];
        unsigned v = digit(d)           ? (unsigned)(d - '0')
                     : hex && letter(d) ? (unsigned)((d | 32) - 'a') + 10
                                        : 99;
        if (v >= (hex ? 16u : 10u)) return 0;
        c = c * (hex ? 16 : 10) + v;
        if (c > 0x10ffff) return 0xfffd;
    }
    return c == 0 || (c >= 0xd800 && c < 0xe000) ? 0xfffd : c;
}

/* An attribute's raw text as its value. */
static void decode(struct buf *out, sv raw)
{
    const char *p = raw.p, *end = raw.p + raw.n;
    while (p < end) {
        size_t n = *p == '&' ? reference(p, end) : 0;
        uint32_t c = n ? resolve(sv_make(p, n)) : 0;
        if (c) {
            utf8(out, c);
            p += n;
        } else {
            buf_chr(out, *p++);
        }
    }
}

/* ---- attributes ------------------------------------------------------------------- */

/* Relative, or of a scheme that cannot run code. */
static bool url_ok(sv url, bool image)
{
    static const char *const schemes[] = {"https", "http", "mailto", "tel"};
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] < 0x20 || url.p[i] == 0x7f) return false;
    size_t n = 0;
    while (n < url.n && !strchr(":/?#", url.p[n]))
        n++;
    if (n == url.n || url.p[n] != ':') return true;
    for (size_t i = 0; i < (image ? 2u : 4u); i++)
        if (sv_ieq(sv_make(url.p, n), sv_of(schemes[i]))) return true;
    return false;
}

static bool number_ok(sv v)
{
    for (size_t i = 0; i < v.n; i++)
        if (!digit(v.p[i])) return false;
    return v.n > 0 && v.n <= 4;
}

static bool style_value_ok(sv name, sv v)
{
    static const char *const aligns[] = {"left", "right", "center", "justify"};
    if (sv_ieq(name, SV("text-align"))) {
        for (size_t i = 0; i < 4; i++)
            if (sv_ieq(v, sv_of(aligns[i]))) return true;
        return false;
    }
    if (!sv_ieq(name, SV("color")) && !sv_ieq(name, SV("background-color"))) return false;
    bool rgb = sv_starts(v, SV("rgb(")) && sv_ends(v, SV(")"));
    if (rgb) v = sv_make(v.p + 4, v.n - 5);
    if (!v.n || v.n > 24) return false;
    for (size_t i = 0; i < v.n; i++)
        if (!digit(v.p[i]) &&
            !(rgb ? v.p[i] == ',' || v.p[i] == ' ' : letter(v.p[i]) || (v.p[i] == '#' && i == 0)))
            return false;
    return true;
}

/* The harmless declarations of a style, written anew. */
static void style(struct buf *out, sv v)
{
    bool any = false;
    while (v.p) {
        sv rest, value, one = sv_cut(v, ';', &rest);
        sv name = sv_trim(sv_cut(one, ':', &value));
        value = sv_trim(value);
        if (value.p && style_value_ok(name, value)) {
            buf_str(out, any ? ";" : " style=\"");
            buf_sv(out, name);
            buf_chr(out, ':');
            buf_sv(out, value);
            any = true;
        }
        v = rest;
    }
    if (any) buf_chr(out, '"');
}

static void plain(struct buf *out, const char *name, sv v)
{
    buf_chr(out, ' ');
    buf_str(out, name);
    buf_str(out, "=\"");
    for (size_t i = 0; i < v.n; i++)
        escaped(out, v.p[i]);
    buf_chr(out, '"');
}

static void attribute(struct buf *out, const struct element *e, sv name, sv raw, unsigned *seen)
{
    static const struct {
        const char *name;
        unsigned group;
    } known[] = {{"href", A_HREF},    {"src", A_SRC},      {"alt", A_ALT},
                 {"title", A_TITLE},  {"width", A_SIZE},   {"height", A_SIZE},
                 {"colspan", A_SPAN}, {"rowspan", A_SPAN}, {"style", A_STYLE}};
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
        if (!sv_ieq(name, sv_of(known[i].name))) continue;
        unsigned group = known[i].group;
        if (!(e->attrs & group) || (*seen >> i & 1)) return;
        *seen |= 1u << i; /* the first of two counts, as in a browser */
        struct buf b = BUF_HEAP;
        decode(&b, raw);
        sv v = group == A_ALT || group == A_TITLE ? buf_view(&b) : sv_trim(buf_view(&b));
        if (group == A_STYLE) {
            style(out, v);
        } else if (group == A_HREF || group == A_SRC    ? url_ok(v, group == A_SRC)
                   : group == A_SIZE || group == A_SPAN ? number_ok(v)
                                                        : true) {
            plain(out, known[i].name, v);
            if (group == A_HREF) buf_str(out, " rel=\"noopener noreferrer\"");
        }
        buf_free(&b);
        return;
    }
}

/* Reads attributes up to '>'; false when the input ends before. `e` NULL: reads
 * over them. */
static bool attributes(struct in *in, const struct element *e, struct buf *out)
{
    unsigned seen = 0;
    for (;;) {
        while (in->p < in->end && (space(*in->p) || *in->p == '/'))
            in->p++;
        if (in->p == in->end) return false;
        if (*in->p == '>') {
            in->p++;
            return true;
        }
        const char *from = in->p++;
        while (in->p < in->end && !space(*in->p) && !strchr("/>=", *in->p))
            in->p++;
        sv name = {from, (size_t)(in->p - from)}, value = SV("");
        while (in->p < in->end && space(*in->p))
            in->p++;
        if (in->p < in->end && *in->p == '=') {
            do
                in->p++;
            while (in->p < in->end && space(*in->p));
            if (in->p == in->end) return false;
            char quote = *in->p == '"' || *in->p == '\'' ? *in->p : 0;
            from = quote ? ++in->p : in->p;
            while (in->p < in->end && (quote ? *in->p != quote : !space(*in->p) && *in->p != '>'))
                in->p++;
            if (in->p == in->end) return false;
            value = sv_make(from, (size_t)(in->p - from));
            if (quote) in->p++;
        }
        if (e) attribute(out, e, name, value, &seen);
    }
}

/* ---- tags ------------------------------------------------------------------------- */

static void close_down_to(struct in *in, unsigned n)
{
    while (in->n_open > n) {
        buf_str(in->out, "</");
        buf_str(in->out, in->open[--in->n_open]->name);
        buf_chr(in->out, '>');
    }
}

/* Skips to behind the end tag of an element that is dropped whole. */
static void skip_content(struct in *in, const struct element *e)
{
    size_t n = strlen(e->name);
    for (; in->p < in->end; in->p++) {
        if (*in->p != '<' || (size_t)(in->end - in->p) < n + 2 || in->p[1] != '/') continue;
        if (!sv_ieq(sv_make(in->p + 2, n), sv_of(e->name))) continue;
        const char *q = in->p + 2 + n;
        if (q < in->end && !space(*q) && *q != '>' && *q != '/') continue;
        while (q < in->end && *q != '>')
            q++;
        in->p = q < in->end ? q + 1 : q;
        return;
    }
}

static sv tag_name(struct in *in)
{
    const char *from = in->p;
    while (in->p < in->end && !space(*in->p) && *in->p != '/' && *in->p != '>')
        in->p++;
    return sv_make(from, (size_t)(in->p - from));
}

static void start_tag(struct in *in)
{
    in->p++;
    sv name = tag_name(in);
    const struct element *e = name.n <= MAX_NAME ? element_find(name) : NULL;
    struct buf attrs = BUF_HEAP;
    bool whole = attributes(in, e && !(e->kind & DROP) ? e : NULL, &attrs);
    if (whole && e && (e->kind & DROP)) {
        skip_content(in, e);
    } else if (whole && e && ((e->kind & VOID) || in->n_open < MAX_OPEN)) {
        buf_chr(in->out, '<');
        buf_str(in->out, e->name);
        buf_sv(in->out, buf_view(&attrs));
        buf_chr(in->out, '>');
        if (!(e->kind & VOID)) in->open[in->n_open++] = e;
    }
    buf_free(&attrs);
}

static void end_tag(struct in *in)
{
    in->p += 2;
    sv name = tag_name(in);
    if (!attributes(in, NULL, NULL)) return;
    const struct element *e = element_find(name);
    for (unsigned i = in->n_open; e && i > 0; i--) {
        if (in->open[i - 1] != e) continue;
        close_down_to(in, i - 1);
        return;
    }
}

/* Comments, doctypes and processing instructions. */
static void skip_markup(struct in *in)
{
    bool comment = in->end - in->p >= 4 && memcmp(in->p, "<!--", 4) == 0;
    in->p += comment ? 4 : 2;
    for (; in->p < in->end; in->p++) {
        if (*in->p != '>') continue;
        if (comment && !(in->p[-1] == '-' && in->p[-2] == '-')) continue;
        in->p++;
        return;
    }
}

void sanitise_html(sv html, struct buf *out)
{
    struct in in = {.p = html.p, .end = html.p + html.n, .out = out};
    while (in.p < in.end) {
        char next = in.end - in.p > 1 ? in.p[1] : '\0';
        size_t n;
        if (*in.p == '<' && letter(next)) {
            start_tag(&in);
        } else if (*in.p == '<' && next == '/' && in.end - in.p > 2 && letter(in.p[2])) {
            end_tag(&in);
        } else if (*in.p == '<' && (next == '!' || next == '?' || next == '/')) {
            skip_markup(&in);
        } else if (*in.p == '&' && (n = reference(in.p, in.end)) != 0) {
            buf_add(out, in.p, n);
            in.p += n;
        } else if (*in.p == '\0') {
            in.p++;
        } else {
            escaped(out, *in.p++);
        }
    }
    close_down_to(&in, 0);
}
