/* Parts of an XLSX file: XML in a ZIP archive, fed to expat as it is inflated.
 * Nobody but the files of the XLSX reader includes this. */
#ifndef ATRIUM_CORE_MODEL_SHEET_ZIP_H
#define ATRIUM_CORE_MODEL_SHEET_ZIP_H

#include <expat.h>
#include <minizip/unzip.h>

#include "model/sheet_read.h"

struct zip_part {
    void *arg; /* the handlers' */
    void (*start)(void *arg, const char *name, const char **attrs); /* names without prefix */
    void (*end)(void *arg, const char *name);
    void (*text)(void *arg, sv text);
    XML_Parser parser; /* set while it runs: for zip_stop */
    bool stopped;
};
/* Entries, names and sizes within bounds? 422 "import_bad_file". */
int zip_check(unzFile z, struct err *err);
/* *found false: there is no such part. Stops quietly after zip_stop. */
int zip_parse(unzFile z, const char *name, struct zip_part *part, bool *found, struct err *err);
void zip_stop(struct zip_part *part);
const char *zip_attr(const char **attrs, const char *name); /* or NULL */

/* ---- shared strings (sheet_strings.c) ---------------------------------------------- */

/* Texts by number, on disk and mapped. */
struct strings {
    int text_fd, ends_fd;
    const char *text;
    const uint64_t *ends;
    uint64_t n, bytes;
};
int strings_load(unzFile z, const char *tmp_dir, struct strings *out, struct err *err);
sv strings_at(const struct strings *s, uint64_t i); /* "" beyond the end */
void strings_free(struct strings *s);

#endif
