/* Inflating and parsing one part, within bounds that are counted here and not
 * read from the archive. */
#define LOG_ROOM "model"
#include "model/sheet_zip.h"

#include <stdio.h>

#define MAX_ENTRIES 2000
#define MAX_NAME 200
#define PIECE (64 << 10)
#define FREE_BYTES (32ull << 20) /* of a part, whatever its ratio */
#define MAX_BYTES (4ull << 30)
#define MAX_RATIO 250
#define MAX_DEPTH 64

static int bad(struct err *err, const char *why)
{
    err_set(err, 422, "import_bad_file", NULL);
    err_detail(err, "xlsx: %s", why);
    return -1;
}

int zip_check(unzFile z, struct err *err)
{
    unz_global_info64 all;
    if (unzGetGlobalInfo64(z, &all) != UNZ_OK) return bad(err, "no directory");
    if (all.number_entry > MAX_ENTRIES) return bad(err, "too many entries");
    int rc = unzGoToFirstFile(z);
    for (; rc == UNZ_OK; rc = unzGoToNextFile(z)) {
        unz_file_info64 info;
        char name[MAX_NAME + 1];
        if (unzGetCurrentFileInfo64(z, &info, name, sizeof name, NULL, 0, NULL, 0) != UNZ_OK)
            return bad(err, "broken directory");
        if (info.size_filename > MAX_NAME) return bad(err, "a long name");
        if (info.flag & 1) return err_set(err, 422, "import_encrypted", NULL);
    }
    return rc == UNZ_END_OF_LIST_OF_FILE ? 0 : bad(err, "broken directory");
}

/* ---- parsing ----------------------------------------------------------------------- */

struct run {
    struct zip_part *part;
    unsigned depth;
    bool refused;
};

static const char *local(const char *name)
{
    const char *colon = strrchr(name, ':');
    return colon ? colon + 1 : name;
}

static void XMLCALL on_start(void *arg, const char *name, const char **attrs)
{
    struct run *r = arg;
    if (++r->depth > MAX_DEPTH) {
        r->refused = true;
        XML_StopParser(r->part->parser, XML_FALSE);
        return;
    }
    r->part->start(r->part->arg, local(name), attrs);
}

static void XMLCALL on_end(void *arg, const char *name)
{
    struct run *r = arg;
    r->depth--;
    if (!r->part->stopped) r->part->end(r->part->arg, local(name));
}

static void XMLCALL on_text(void *arg, const char *p, int n)
{
    struct run *r = arg;
    if (r->part->text && !r->part->stopped) r->part->text(r->part->arg, sv_make(p, (size_t)n));
}

/* No part of a workbook has a document type; with none there are no entities. */
static void XMLCALL on_doctype(void *arg, const char *name, const char *sys, const char *pub, int has)
{
    struct run *r = arg;
    (void)name;
    (void)sys;
    (void)pub;
    (void)has;
    r->refused = true;
    XML_StopParser(r->part->parser, XML_FALSE);
}

void zip_stop(struct zip_part *part)
{
    part->stopped = true;
    XML_StopParser(part->parser, XML_FALSE);
}

const char *zip_attr(const char **attrs, const char *name)
{
    for (; attrs && attrs[0]; attrs += 2)
        if (strcmp(local(attrs[0]), name) == 0) return attrs[1];
    return NULL;
}

static int inflate_all(unzFile z, struct run *r, uint64_t packed, struct err *err)
{
    uint64_t total = 0, limit = packed * MAX_RATIO + FREE_BYTES;
    if (limit > MAX_BYTES) limit = MAX_BYTES;
    for (;;) {
        void *p = XML_GetBuffer(r->part->parser, PIECE);
        if (!p) return err_internal(err, "xlsx: out of memory");
        int n = unzReadCurrentFile(z, p, PIECE);
        if (n < 0) return bad(err, "broken data");
        total += (uint64_t)n;
        if (total > limit) return err_set(err, 422, "import_bomb", NULL);
        if (XML_ParseBuffer(r->part->parser, n, n == 0) == XML_STATUS_ERROR) {
            if (r->part->stopped) return 0;
            return bad(err, r->refused ? "refused XML"
                                       : XML_ErrorString(XML_GetErrorCode(r->part->parser)));
        }
        if (n == 0) return 0;
    }
}

int zip_parse(unzFile z, const char *name, struct zip_part *part, bool *found, struct err *err)
{
    unz_file_info64 info;
    *found = unzLocateFile(z, name, 2) == UNZ_OK;
    if (!*found) return 0;
    if (unzGetCurrentFileInfo64(z, &info, NULL, 0, NULL, 0, NULL, 0) != UNZ_OK ||
        unzOpenCurrentFile(z) != UNZ_OK)
        return bad(err, "a part that does not open");
    struct run r = {.part = part};
    part->stopped = false;
    part->parser = XML_ParserCreate(NULL);
    if (!part->parser) panic("xlsx: out of memory");
    XML_SetUserData(part->parser, &r);
    XML_SetElementHandler(part->parser, on_start, on_end);
    XML_SetCharacterDataHandler(part->parser, on_text);
    XML_SetStartDoctypeDeclHandler(part->parser, on_doctype);
    int rc = inflate_all(z, &r, info.compressed_size, err);
    XML_ParserFree(part->parser);
    part->parser = NULL;
    unzCloseCurrentFile(z);
    return rc;
}
