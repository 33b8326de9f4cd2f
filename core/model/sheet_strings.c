/* The shared strings of a workbook. A million rows may have millions of them, so
 * they go to two files that are mapped: the texts, and where each one ends. */
#define LOG_ROOM "model"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/sheet_zip.h"

#define MAX_STRINGS 8000000u
#define MAX_TEXT (1ull << 30)
#define FLUSH_AT (256u << 10)

struct loader {
    struct strings *s;
    struct zip_part part;
    struct buf text, ends;
    uint64_t here; /* bytes of the string at hand */
    unsigned phonetic;
    bool in_t;
    struct err *err;
};

static int temp_file(const char *dir, struct err *err)
{
    char path[1200];
    snprintf(path, sizeof path, "%s/strings-XXXXXX", dir);
    int fd = mkstemp(path);
    if (fd < 0) return err_internal(err, "cannot make %s: %s", path, strerror(errno));
    unlink(path);
    return fd;
}

static void flush(struct loader *l, int fd, struct buf *b)
{
    for (size_t at = 0; at < b->n && !err_is(l->err);) {
        ssize_t n = write(fd, b->p + at, b->n - at);
        if (n < 0 && errno == EINTR) continue;
        if (n >= 0) {
            at += (size_t)n;
            continue;
        }
        if (errno == ENOSPC || errno == EDQUOT)
            err_set(l->err, 507, "disk_full", NULL);
        else
            err_internal(l->err, "xlsx: cannot write: %s", strerror(errno));
        zip_stop(&l->part);
    }
    buf_clear(b);
}

static void on_start(void *arg, const char *name, const char **attrs)
{
    struct loader *l = arg;
    (void)attrs;
    if (strcmp(name, "si") == 0)
        l->here = 0;
    else if (strcmp(name, "rPh") == 0)
        l->phonetic++;
    else if (strcmp(name, "t") == 0)
        l->in_t = l->phonetic == 0;
}

static void on_end(void *arg, const char *name)
{
    struct loader *l = arg;
    if (strcmp(name, "t") == 0) {
        l->in_t = false;
    } else if (strcmp(name, "rPh") == 0) {
        if (l->phonetic) l->phonetic--;
    } else if (strcmp(name, "si") == 0) {
        if (++l->s->n > MAX_STRINGS || l->s->bytes > MAX_TEXT) {
            err_set(l->err, 422, "import_bomb", NULL);
            zip_stop(&l->part);
            return;
        }
        buf_add(&l->ends, &l->s->bytes, sizeof l->s->bytes);
        if (l->ends.n >= FLUSH_AT) flush(l, l->s->ends_fd, &l->ends);
    }
}

static void on_text(void *arg, sv text)
{
    struct loader *l = arg;
    if (!l->in_t) return;
    if (l->here + text.n > SHEET_MAX_CELL) text.n = (size_t)(SHEET_MAX_CELL - l->here);
    l->here += text.n;
    l->s->bytes += text.n;
    buf_sv(&l->text, text);
    if (l->text.n >= FLUSH_AT) flush(l, l->s->text_fd, &l->text);
}

static const void *map(int fd, uint64_t bytes, struct err *err)
{
    if (!bytes) return NULL;
    void *p = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p != MAP_FAILED) return p;
    err_internal(err, "xlsx: cannot map: %s", strerror(errno));
    return NULL;
}

int strings_load(unzFile z, const char *tmp_dir, struct strings *out, struct err *err)
{
    bool found;
    *out = (struct strings){.text_fd = -1, .ends_fd = -1};
    if ((out->text_fd = temp_file(tmp_dir, err)) < 0 ||
        (out->ends_fd = temp_file(tmp_dir, err)) < 0)
        return -1;
    struct loader l = {.s = out, .err = err};
    l.part = (struct zip_part){.arg = &l, .start = on_start, .end = on_end, .text = on_text};
    int rc = zip_parse(z, "xl/sharedStrings.xml", &l.part, &found, err);
    if (rc == 0 && !err_is(err)) flush(&l, out->text_fd, &l.text);
    if (rc == 0 && !err_is(err)) flush(&l, out->ends_fd, &l.ends);
    buf_free(&l.text);
    buf_free(&l.ends);
    if (rc < 0 || err_is(err)) return -1;
    out->text = map(out->text_fd, out->bytes, err);
    out->ends = map(out->ends_fd, out->n * sizeof *out->ends, err);
    return err_is(err) ? -1 : 0;
}

sv strings_at(const struct strings *s, uint64_t i)
{
    if (i >= s->n || !s->ends) return SV("");
    uint64_t from = i ? s->ends[i - 1] : 0, to = s->ends[i];
    return to > from && s->text ? sv_make(s->text + from, (size_t)(to - from)) : SV("");
}

void strings_free(struct strings *s)
{
    if (s->text) munmap((void *)(uintptr_t)s->text, s->bytes);
    if (s->ends) munmap((void *)(uintptr_t)s->ends, s->n * sizeof *s->ends);
    if (s->text_fd >= 0) close(s->text_fd);
    if (s->ends_fd >= 0) close(s->ends_fd);
}
