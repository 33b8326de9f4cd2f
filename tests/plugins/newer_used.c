/* Built with a later header, and counts on a member this host does not know. */
#include "tiny.h"

struct newer {
    struct atrium_plugin_entry known;
    void *later[4];
};
extern ATRIUM_EXPORT const struct newer newer_entry __asm__("atrium_plugin_entry");
const struct newer newer_entry = {.known = {TINY_HEAD(sizeof(struct newer))},
                                  .later = {NULL, (void *)1, NULL, NULL}};
