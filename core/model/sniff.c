/* What a file is, by its first bytes; what a client says of it counts for
 * nothing. The name decides only among kinds that look alike: Office documents
 * are all zip files, and a table is plain text. */
#define LOG_ROOM "model"
#include "model/internal.h"

static bool at(sv d, size_t where, const char *bytes, size_t n)
{
    return d.n >= where + n && memcmp(d.p + where, bytes, n) == 0;
}
#define AT(d, where, lit) at(d, where, lit, sizeof(lit) - 1)

static bool named(sv name, const char *end)
{
    size_t n = strlen(end);
    return name.n > n && sv_ieq(sv_make(name.p + name.n - n, n), sv_of(end));
}

/* ISO base media: the brand says which. */
static const char *iso_media(sv d)
{
    if (AT(d, 8, "qt  ")) return "video/quicktime";
    if (AT(d, 8, "M4A ") || AT(d, 8, "M4B ")) return "audio/mp4";
    if (AT(d, 8, "avif") || AT(d, 8, "avis")) return "image/avif";
    if (AT(d, 8, "heic") || AT(d, 8, "heix") || AT(d, 8, "mif1")) return "image/heic";
    return "video/mp4";
}

static const char *zip(sv name)
{
    if (named(name, ".xlsx"))
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    if (named(name, ".docx"))
        return "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    if (named(name, ".pptx"))
        return "application/vnd.openxmlformats-officedocument.presentationml.presentation";
    return "application/zip";
}

static bool plain_text(sv d)
{
    size_t n = d.n < 4096 ? d.n : 4096;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)d.p[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') return false;
    }
    /* The first part may end inside a character. */
    for (size_t cut = 0; cut < 4 && cut < n; cut++) {
        if (sv_utf8_ok(sv_make(d.p, n - cut))) return true;
        if (n == d.n) return false;
    }
    return n == 0;
}

const char *file_sniff(sv d, sv name)
{
    if (AT(d, 0, "\x89PNG\r\n\x1a\n")) return "image/png";
    if (AT(d, 0, "\xff\xd8\xff")) return "image/jpeg";
    if (AT(d, 0, "GIF87a") || AT(d, 0, "GIF89a")) return "image/gif";
    if (AT(d, 0, "RIFF") && AT(d, 8, "WEBP")) return "image/webp";
    if (AT(d, 0, "RIFF") && AT(d, 8, "WAVE")) return "audio/wav";
    if (AT(d, 0, "BM") && AT(d, 6, "\0\0\0\0")) return "image/bmp";
    if (AT(d, 4, "ftyp")) return iso_media(d);
    if (AT(d, 0, "\x1a\x45\xdf\xa3")) return "video/webm";
    if (AT(d, 0, "%PDF-")) return "application/pdf";
    if (AT(d, 0, "ID3") || AT(d, 0, "\xff\xfb") || AT(d, 0, "\xff\xf3")) return "audio/mpeg";
    if (AT(d, 0, "OggS")) return "audio/ogg";
    if (AT(d, 0, "PK\x03\x04")) return zip(name);
    if (AT(d, 0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")) {
        if (named(name, ".xls")) return "application/vnd.ms-excel";
        if (named(name, ".ppt")) return "application/vnd.ms-powerpoint";
        return "application/msword";
    }
    if (d.n && plain_text(d)) return named(name, ".csv") ? "text/csv" : "text/plain";
    return "application/octet-stream";
}

/* "image/png,image/jpeg", "image/" followed by a star, or nothing: by the field's kind. */
bool file_accepted(const struct mf_field *f, const char *type)
{
    sv rest = sv_of(f->accept), one;
    if (!f->accept) {
        if (f->type == MF_IMAGE || f->type == MF_IMAGES)
            return sv_starts(sv_of(type), SV("image/"));
        if (f->type == MF_VIDEO) return sv_starts(sv_of(type), SV("video/"));
        return true;
    }
    while (rest.p) {
        one = sv_trim(sv_cut(rest, ',', &rest));
        if (sv_ends(one, SV("/*")) ? sv_starts(sv_of(type), sv_make(one.p, one.n - 1))
                                   : sv_eqs(one, type))
            return true;
    }
    return false;
}
