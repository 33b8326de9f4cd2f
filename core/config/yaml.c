/* YAML text to a tree with positions. libyaml's events are taken one by one,
 * so that what is refused is refused before it costs anything. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <yaml.h>

#include "config/reader.h"

#define MAX_BYTES (1u << 20)
#define MAX_NODES 50000
#define MAX_DEPTH 32

/* A map's keys, hashed, while it is being read: duplicates are found without
 * comparing each key with each. */
struct key_set {
    struct cfg_node **slots;
    size_t cap, n;
};

struct frame {
    struct cfg_node *node, *last; /* the collection and its last child */
    struct cfg_node *key;         /* of a map: read, its value not yet */
    struct key_set keys;
};

struct reader {
    struct arena *a;
    struct cfg_errors *e;
    struct cfg_node *root;
    struct frame stack[MAX_DEPTH];
    unsigned depth, nodes;
    bool document_seen;
};

static struct cfg_node *new_node(struct reader *r, enum cfg_kind kind, const yaml_mark_t *at)
{
    struct cfg_node *n = ARENA_NEW(r->a, struct cfg_node);
    n->kind = kind;
    n->line = (unsigned)at->line + 1;
    n->column = (unsigned)at->column + 1;
    if (kind == CFG_MAP) n->asked = cfg_asked_new(r->a);
    return n;
}

static struct cfg_node **key_slot(struct cfg_node **slots, size_t cap, sv key)
{
    size_t i = (size_t)sv_hash(key) & (cap - 1);
    while (slots[i] && !sv_eq(slots[i]->key, key))
        i = (i + 1) & (cap - 1);
    return &slots[i];
}

/* The earlier node of the same key, or NULL after noting this one. */
static const struct cfg_node *note_key(struct reader *r, struct key_set *s, struct cfg_node *n)
{
    if ((s->n + 1) * 2 > s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 16;
        struct cfg_node **slots = ARENA_ARRAY(r->a, struct cfg_node *, cap);
        for (size_t i = 0; i < s->cap; i++)
            if (s->slots[i]) *key_slot(slots, cap, s->slots[i]->key) = s->slots[i];
        s->slots = slots;
        s->cap = cap;
    }
    struct cfg_node **slot = key_slot(s->slots, s->cap, n->key);
    if (*slot) return *slot;
    *slot = n;
    s->n++;
    return NULL;
}

/* Hangs a finished or just opened node into its parent. */
static int attach(struct reader *r, struct cfg_node *n)
{
    if (++r->nodes > MAX_NODES) {
        cfg_error(r->e, n, "more than %d values in one file", MAX_NODES);
        return -1;
    }
    if (r->depth == 0) {
        r->root = n;
        return 0;
    }
    struct frame *f = &r->stack[r->depth - 1];
    if (f->node->kind == CFG_MAP) {
        n->key = f->key->scalar;
        n->key_line = f->key->line;
        n->key_column = f->key->column;
        f->key = NULL;
        const struct cfg_node *twin = note_key(r, &f->keys, n);
        if (twin) {
            struct cfg_node at = {.line = n->key_line, .column = n->key_column};
            cfg_error(r->e, &at, "duplicate key '%.*s' (first on line %u)", CFG_SHOW(n->key),
                      twin->key_line);
        }
    }
    if (f->last)
        f->last->next = n;
    else
        f->node->first = n;
    f->last = n;
    f->node->n++;
    return 0;
}

static bool expects_key(const struct reader *r)
{
    return r->depth && r->stack[r->depth - 1].node->kind == CFG_MAP && !r->stack[r->depth - 1].key;
}

static int on_open(struct reader *r, enum cfg_kind kind, const yaml_event_t *ev)
{
    struct cfg_node *n = new_node(r, kind, &ev->start_mark);
    if (expects_key(r)) {
        cfg_error(r->e, n, "a key must be plain text, not a list or map");
        return -1;
    }
    if (r->depth == MAX_DEPTH) {
        cfg_error(r->e, n, "nested more than %d deep", MAX_DEPTH);
        return -1;
    }
    if (attach(r, n) != 0) return -1;
    r->stack[r->depth++] = (struct frame){.node = n};
    return 0;
}

static int on_scalar(struct reader *r, const yaml_event_t *ev)
{
    struct cfg_node *n = new_node(r, CFG_SCALAR, &ev->start_mark);
    sv text = {(const char *)ev->data.scalar.value, ev->data.scalar.length};
    if (text.n && memchr(text.p, '\0', text.n)) {
        cfg_error(r->e, n, "NUL characters are not allowed");
        return -1;
    }
    n->scalar = arena_sv(r->a, text);
    n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (!expects_key(r)) return attach(r, n);
    if (text.n == 0) {
        cfg_error(r->e, n, "a key is empty");
        return -1;
    }
    r->stack[r->depth - 1].key = n;
    return 0;
}

static int refuse(struct reader *r, const yaml_mark_t *at, const char *why)
{
    struct cfg_node n = {.line = (unsigned)at->line + 1, .column = (unsigned)at->column + 1};
    cfg_error(r->e, &n, "%s", why);
    return -1;
}

static int refuse_extras(struct reader *r, const yaml_event_t *ev)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (ev->type) {
    case YAML_ALIAS_EVENT:
        return refuse(r, &ev->start_mark, "aliases (*name) are not allowed");
    case YAML_SCALAR_EVENT:
        anchor = ev->data.scalar.anchor;
        tag = ev->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = ev->data.sequence_start.anchor;
        tag = ev->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = ev->data.mapping_start.anchor;
        tag = ev->data.mapping_start.tag;
        break;
    case YAML_DOCUMENT_START_EVENT:
        if (r->document_seen) return refuse(r, &ev->start_mark, "a file holds one document only");
        r->document_seen = true;
        if (ev->data.document_start.version_directive ||
            ev->data.document_start.tag_directives.start !=
                ev->data.document_start.tag_directives.end)
            return refuse(r, &ev->start_mark, "directives (%...) are not allowed");
        break;
    default:
        break;
    }
    if (anchor) return refuse(r, &ev->start_mark, "anchors (&name) are not allowed");
    if (tag) return refuse(r, &ev->start_mark, "tags (!name) are not allowed");
    return 0;
}

static int on_event(struct reader *r, const yaml_event_t *ev)
{
    if (refuse_extras(r, ev) != 0) return -1;
    switch (ev->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(r, ev);
    case YAML_SEQUENCE_START_EVENT:
        return on_open(r, CFG_LIST, ev);
    case YAML_MAPPING_START_EVENT:
        return on_open(r, CFG_MAP, ev);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        r->depth--;
        return 0;
    default:
        return 0;
    }
}

/* The commonest mistake of all deserves its own words. */
static bool line_starts_with_tab(sv text, size_t line)
{
    while (line-- && text.p)
        sv_cut(text, '\n', &text);
    while (text.n && text.p[0] == ' ')
        text = sv_make(text.p + 1, text.n - 1);
    return text.n && text.p[0] == '\t';
}

static void syntax_error(struct reader *r, const yaml_parser_t *p, sv text)
{
    if (p->error == YAML_MEMORY_ERROR) panic("out of memory");
    if (p->error == YAML_READER_ERROR) {
        /* The position is a byte offset here. */
        struct cfg_node at = {.line = 1, .column = 1};
        size_t end = p->problem_offset < text.n ? p->problem_offset : text.n;
        for (size_t i = 0; i < end; i++) {
            at.column += ((unsigned char)text.p[i] & 0xc0) != 0x80;
            if (text.p[i] == '\n') {
                at.line++;
                at.column = 1;
            }
        }
        cfg_error(r->e, &at, "not valid UTF-8 text: %s", p->problem);
        return;
    }
    struct cfg_node at = {.line = (unsigned)p->problem_mark.line + 1,
                          .column = (unsigned)p->problem_mark.column + 1};
    if (line_starts_with_tab(text, p->problem_mark.line))
        cfg_error(r->e, &at, "a tab cannot indent YAML; use spaces");
    else if (p->context)
        cfg_error(r->e, &at, "%s %s that begins on line %zu", p->problem, p->context,
                  p->context_mark.line + 1);
    else
        cfg_error(r->e, &at, "%s", p->problem);
}

struct cfg_node *cfg_parse(struct arena *a, sv text, struct cfg_errors *e)
{
    unsigned before = e->n;
    if (text.n > MAX_BYTES) {
        cfg_error(e, NULL, "larger than %u KiB", MAX_BYTES >> 10);
        return NULL;
    }
    struct reader r = {.a = a, .e = e};
    yaml_parser_t p;
    if (!yaml_parser_initialize(&p)) panic("out of memory");
    yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p, (const yaml_char_t *)(text.p ? text.p : ""), text.n);
    for (bool end = false; !end;) {
        yaml_event_t ev;
        if (!yaml_parser_parse(&p, &ev)) {
            syntax_error(&r, &p, text);
            break;
        }
        end = ev.type == YAML_STREAM_END_EVENT || on_event(&r, &ev) != 0;
        yaml_event_delete(&ev);
    }
    yaml_parser_delete(&p);
    if (e->n != before) return NULL;
    if (!r.root) r.root = new_node(&r, CFG_MAP, &(yaml_mark_t){0});
    return r.root;
}

struct cfg_node *cfg_parse_file(struct arena *a, const char *path, struct cfg_errors *e)
{
    e->file = arena_str(a, sv_of(path));
    /* O_NONBLOCK: opening a pipe that nobody writes must not hang the start. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        cfg_error(e, NULL, "cannot open: %s", strerror(errno));
        if (fd >= 0) close(fd);
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        cfg_error(e, NULL, "not a regular file");
        close(fd);
        return NULL;
    }
    struct buf text = BUF_IN(a);
    ssize_t n;
    do {
        buf_reserve(&text, 16384);
        n = read(fd, text.p + text.n, 16384);
        if (n > 0) text.n += (size_t)n;
    } while ((n > 0 && text.n <= MAX_BYTES) || (n < 0 && errno == EINTR));
    if (n < 0) cfg_error(e, NULL, "cannot read: %s", strerror(errno));
    close(fd);
    return n < 0 ? NULL : cfg_parse(a, buf_view(&text), e);
}
