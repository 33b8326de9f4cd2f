/* How protected values look to those who may not see them. Pure. */
#define LOG_ROOM "model"
#include "model/internal.h"

#define FEW 4 /* characters of a person's name */

/* The first `n` characters of a text in UTF-8. */
static sv head(sv v, size_t n)
{
    size_t i = 0;
    while (i < v.n && n > 0) {
        i++;
        while (i < v.n && ((unsigned char)v.p[i] & 0xc0) == 0x80)
            i++;
        n--;
    }
    return sv_make(v.p, i);
}

static sv last(sv v)
{
    size_t i = v.n;
    while (i > 0 && ((unsigned char)v.p[--i] & 0xc0) == 0x80) {
    }
    return sv_make(v.p + i, v.n - i);
}

static void stars(struct buf *b, size_t n)
{
    while (n--)
        buf_chr(b, '*');
}

/* Digits at both ends stay, as many as tell nobody the number. */
static void ends(struct buf *b, sv v, size_t first, size_t last_n, size_t n_stars)
{
    if (v.n < first + last_n + 4) {
        stars(b, 4);
        return;
    }
    buf_add(b, v.p, first);
    stars(b, n_stars ? n_stars : v.n - first - last_n);
    buf_add(b, v.p + v.n - last_n, last_n);
}

static void email(struct buf *b, sv v)
{
    sv domain, local = sv_cut(v, '@', &domain);
    buf_sv(b, head(local, 1));
    stars(b, 3);
    if (domain.p) {
        buf_chr(b, '@');
        buf_sv(b, domain);
    }
}

static void text(struct buf *b, sv v)
{
    size_t n = sv_utf8_len(v);
    if (n > 1) buf_sv(b, head(v, 1));
    if (n <= FEW) {
        stars(b, n > 1 ? n - 1 : 1);
        return;
    }
    stars(b, 4);
    buf_sv(b, last(v));
}

sv mask_text(struct arena *a, enum mf_type type, sv v)
{
    struct buf b = BUF_IN(a);
    buf_reserve(&b, v.n + 8);
    if (!v.n) return SV("");
    switch (type) {
    case MF_PHONE:
        ends(&b, v, v.n >= 11 ? v.n - 8 : 0, v.n >= 8 ? 4 : 0, 4);
        break;
    case MF_ID_NUMBER:
        ends(&b, v, 4, 4, 0);
        break;
    case MF_EMAIL:
        email(&b, v);
        break;
    default:
        text(&b, v);
        break;
    }
    return buf_view(&b);
}
