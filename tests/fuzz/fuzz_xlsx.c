/* Workbooks: any bytes as the archive; and, since a checksum stops most of those,
 * the parts themselves in a sound archive, parted by NUL: workbook, relations,
 * styles, strings, sheet. */
#include <minizip/zip.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/sheet_read.h"

static bool on_row(void *arg, const struct sheet_row *row)
{
    uint32_t *line = arg;
    if (row->n == 0 || row->n > SHEET_MAX_COLS || row->line <= *line) abort();
    *line = row->line;
    for (unsigned i = 0; i < row->n; i++)
        if (!row->cells[i].p || row->cells[i].n > SHEET_MAX_CELL + 64) abort();
    return true;
}

static void read_it(const char *path)
{
    uint32_t line = 0;
    struct err err = {0};
    xlsx_read(path, "/tmp", on_row, &line, &err);
}

static void pack(const char *path, sv parts)
{
    static const char *const names[] = {"xl/workbook.xml", "xl/_rels/workbook.xml.rels",
                                        "xl/styles.xml", "xl/sharedStrings.xml",
                                        "xl/worksheets/sheet1.xml"};
    zipFile z = zipOpen64(path, APPEND_STATUS_CREATE);
    if (!z) abort();
    for (size_t i = 0; i < 5 && parts.p; i++) {
        sv one = sv_cut(parts, '\0', &parts);
        if (zipOpenNewFileInZip(z, names[i], NULL, NULL, 0, NULL, 0, NULL, 0, 0) != ZIP_OK) abort();
        zipWriteInFileInZip(z, one.p, (unsigned)one.n);
        zipCloseFileInZip(z);
    }
    zipClose(z, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static int fd = -1;
    char path[40];
    if (fd < 0) fd = memfd_create("xlsx", 0);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, n, 0) != (ssize_t)n) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (n >= 4 && memcmp(data, "PK\3\4", 4) == 0) {
        read_it(path);
        return 0;
    }
    pack(path, sv_make((const char *)data, n));
    read_it(path);
    return 0;
}
