/* CSV files of any bytes: detected, then read as each encoding; the machine in
 * pieces says the same as at once. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/sheet_read.h"

struct seen {
    uint64_t hash;
    uint32_t rows, line;
};

static bool on_row(void *arg, const struct sheet_row *row)
{
    struct seen *s = arg;
    if (row->n == 0 || row->n > SHEET_MAX_COLS || row->line <= s->line) abort();
    s->line = row->line;
    s->rows++;
    for (unsigned i = 0; i < row->n; i++) {
        if (row->cells[i].n > SHEET_MAX_CELL) abort();
        s->hash = s->hash * 31 + sv_hash(row->cells[i]);
    }
    return true;
}

static struct seen machine(sv text, size_t piece)
{
    struct csv c;
    struct seen s = {0};
    struct err err = {0};
    csv_init(&c, csv_delimiter(text), on_row, &s);
    for (size_t at = 0; at < text.n && !err_is(&err); at += piece)
        csv_feed(&c, sv_make(text.p + at, text.n - at < piece ? text.n - at : piece), &err);
    if (!err_is(&err)) csv_end(&c, &err);
    csv_free(&c);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    sv text = sv_make((const char *)data, n);
    struct seen whole = machine(text, n ? n : 1), bytes = machine(text, 3);
    if (whole.hash != bytes.hash || whole.rows != bytes.rows) abort();

    static int fd = -1;
    char path[40];
    if (fd < 0) fd = memfd_create("csv", 0);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, n, 0) != (ssize_t)n) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct sheet_spec spec;
    struct err err = {0};
    if (csv_detect(path, &spec, &err) == 0) {
        struct seen s = {0};
        csv_read(path, &spec, on_row, &s, &err);
    }
    for (int e = SHEET_GB18030; e <= SHEET_UTF16BE; e++) {
        struct seen s = {0};
        struct err ignored = {0};
        spec = (struct sheet_spec){.encoding = (enum sheet_encoding)e, .delimiter = ','};
        csv_read(path, &spec, on_row, &s, &ignored);
    }
    return 0;
}
