#include "qr.h"

#include <png.h>
#include <qrencode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUIET 4                      /* modules of white around, as the standard asks */

static QRcode *encode(const char *text)
{
    return QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
}

static bool dark(const QRcode *q, int x, int y)
{
    return x >= 0 && y >= 0 && x < q->width && y < q->width && (q->data[y * q->width + x] & 1);
}

/* ---- SVG: one path, a run of modules is one rectangle ------------------------------- */

bool qr_svg(const char *text, struct qr_image *out)
{
    QRcode *q = encode(text);
    if (!q) return false;
    int side = q->width + 2 * QUIET;
    /* A run needs at most "M177 177h177v1h-177z" and there are at most w*w/2. */
    size_t room = 512 + (size_t)q->width * (size_t)q->width * 12, n = 0;
    char *p = malloc(room);
    if (p) {
        n = (size_t)snprintf(p, room,
                             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
                             "shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/>"
                             "<path d=\"",
                             side, side, side, side);
        for (int y = 0; y < q->width; y++) {
            for (int x = 0, run; x < q->width; x += run) {
                for (run = 1; dark(q, x, y) == dark(q, x + run, y) && x + run < q->width;) run++;
                if (dark(q, x, y))
                    n += (size_t)snprintf(p + n, room - n, "M%d %dh%dv1h-%dz", x + QUIET, y + QUIET,
                                          run, run);
            }
        }
        n += (size_t)snprintf(p + n, room - n, "\"/></svg>\n");
    }
    QRcode_free(q);
    out->bytes = p;
    out->n = n;
    return p != NULL;
}

/* ---- PNG: one bit a pixel ------------------------------------------------------------- */

static void on_write(png_structp png, png_bytep data, size_t n)
{
    struct qr_image *out = png_get_io_ptr(png);
    char *p = realloc(out->bytes, out->n + n);
    if (!p) png_error(png, "out of memory");
    memcpy(p + out->n, data, n);
    out->bytes = p;
    out->n += n;
}

static void on_flush(png_structp png)
{
    (void)png;
}

/* libpng leaves by longjmp on errors: nothing that is needed after one may live
 * in a local variable of this frame. */
static bool write_png(png_structp png, png_infop info, const QRcode *q, unsigned scale,
                      unsigned char *row, struct qr_image *out)
{
    if (setjmp(png_jmpbuf(png))) return false;
    unsigned side = ((unsigned)q->width + 2 * QUIET) * scale;
    png_set_write_fn(png, out, on_write, on_flush);
    png_set_IHDR(png, info, side, side, 1, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (unsigned y = 0; y < side; y++) {
        memset(row, 0xff, (side + 7) / 8);
        for (unsigned x = 0; x < side; x++) {
            if (dark(q, (int)(x / scale) - QUIET, (int)(y / scale) - QUIET))
                row[x / 8] &= (unsigned char)~(0x80u >> x % 8);
        }
        png_write_row(png, row);
    }
    png_write_end(png, NULL);
    return true;
}

bool qr_png(const char *text, unsigned scale, struct qr_image *out)
{
    out->bytes = NULL;
    out->n = 0;
    QRcode *q = encode(text);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    bool sound = q && info && scale >= 1 && scale <= 32;
    unsigned char *row = sound ? malloc(((size_t)q->width + 2 * QUIET) * scale / 8 + 1) : NULL;
    bool ok = row && write_png(png, info, q, scale, row, out);
    free(row);
    if (png) png_destroy_write_struct(&png, &info);
    if (q) QRcode_free(q);
    if (!ok) {
        free(out->bytes);
        out->bytes = NULL;
    }
    return ok;
}
