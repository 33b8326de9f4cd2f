/* QR codes as SVG and PNG. Pure: text in, malloc'ed bytes out. */
#ifndef VOTE_QR_H
#define VOTE_QR_H

#include <stdbool.h>
#include <stddef.h>

struct qr_image {
    char *bytes;                     /* owner: the caller, freed with free() */
    size_t n;
};

/* false: the text is too long, or memory is short. */
bool qr_svg(const char *text, struct qr_image *out);
/* `scale` pixels a module, 1..32. */
bool qr_png(const char *text, unsigned scale, struct qr_image *out);

#endif
