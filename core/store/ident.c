#include "store/internal.h"

void store_ident(struct buf *b, const char *name)
{
    size_t n = strlen(name);
    /* Names come from the registry, which has checked them. One that could end
     * the quotes is a broken promise inside the core, not an input error. */
    if (n == 0 || n > 64) panic("store: identifier of bad length");
    for (size_t i = 0; i < n; i++) {
        char ch = name[i];
        bool ok = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                  (ch >= '0' && ch <= '9') || ch == '_';
        if (!ok) panic("store: identifier with a character that is not allowed");
    }
    buf_chr(b, '`');
    buf_add(b, name, n);
    buf_chr(b, '`');
}
