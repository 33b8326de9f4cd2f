/* A QR code as an SVG that stands in a data: address. */
#include <openssl/evp.h>
#include <qrencode.h>

#include "auth/login.h"

#define QUIET 4                      /* modules of white around, as the standard asks */

static bool dark(const QRcode *q, int x, int y)
{
    return q->data[y * q->width + x] & 1;
}

static void svg(const QRcode *q, struct buf *b)
{
    int side = q->width + 2 * QUIET;
    buf_printf(b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
                  "shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/>"
                  "<path d=\"", side, side, side, side);
    for (int y = 0; y < q->width; y++) {
        for (int x = 0, run; x < q->width; x += run) {
            for (run = 1; x + run < q->width && dark(q, x, y) == dark(q, x + run, y);) run++;
            if (dark(q, x, y))
                buf_printf(b, "M%d %dh%dv1h-%dz", x + QUIET, y + QUIET, run, run);
        }
    }
    buf_str(b, "\"/></svg>");
}

void data_address(struct buf *out, const char *type, sv bytes)
{
    buf_printf(out, "data:%s;base64,", type);
    buf_reserve(out, bytes.n * 4 / 3 + 8);
    out->n += (size_t)EVP_EncodeBlock((unsigned char *)out->p + out->n,
                                      (const unsigned char *)bytes.p, (int)bytes.n);
}

int qr_data(struct arena *a, sv text, sv *out, struct err *err)
{
    QRcode *q = QRcode_encodeString8bit(arena_str(a, text), 0, QR_ECLEVEL_M);
    if (!q) return err_internal(err, "libqrencode failed");
    struct buf picture = BUF_IN(a), address = BUF_IN(a);
    svg(q, &picture);
    QRcode_free(q);
    data_address(&address, "image/svg+xml", buf_view(&picture));
    *out = buf_view(&address);
    return 0;
}
