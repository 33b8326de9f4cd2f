/* Message catalogue: id -> text in zh and en with {0} {1} {2}. The core's own
 * table is in msg.c; plugins add theirs at load from their i18n files as
 * "<plugin>.<id>". Lookup is lock-free after start. [any] */
#ifndef ATRIUM_CORE_MSG_H
#define ATRIUM_CORE_MSG_H

#include "base/buf.h"

/* Text of `id` in `lang` ("zh", else English); the id itself when unknown. */
const char *msg_text(const char *lang, const char *id);
/* Registers one message; strings are copied. [init, one thread] */
void msg_add(const char *id, const char *zh, const char *en);
/* Appends the text with its arguments put in. */
void msg_format(struct buf *out, const char *lang, const char *id, const char *const args[3]);

#endif
