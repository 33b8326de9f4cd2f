/* Inside the config room: what the readers of settings and manifests share. */
#ifndef ATRIUM_CORE_CONFIG_READER_H
#define ATRIUM_CORE_CONFIG_READER_H

#include "config/config.h"

/* A piece of the file in a message, for "%.*s": never more than 60 bytes. */
#define CFG_SHOW(v) (int)((v).n < 60 ? (v).n : 60), ((v).p ? (v).p : "")

/* A list of names that something may have, for look-ups with suggestions. */
struct cfg_names {
    const char **v;
    size_t n;
};
void cfg_names_add(struct arena *a, struct cfg_names *s, const char *name);
/* "a, b, c", for a message. */
sv cfg_names_text(struct arena *a, const struct cfg_names *s);
bool cfg_names_has(const struct cfg_names *s, sv name);

struct cfg_asked {
    struct arena *a;
    struct cfg_names names;
};
struct cfg_asked *cfg_asked_new(struct arena *a);

/* The name of `s` that was probably meant by `text`; NULL when none is near. */
const char *cfg_nearest(sv text, const struct cfg_names *s);
/* "no such <what> 'x'", with the nearest name or the list of all. */
void cfg_no_such(struct cfg_errors *e, const struct cfg_node *at, const char *what, sv text,
                 const struct cfg_names *s);

/* How a node is called in a message: "'port'", or "the entry" in a list. */
const char *cfg_called(struct cfg_errors *e, const struct cfg_node *n);
bool cfg_is_null(const struct cfg_node *n);
/* Complains unless `n` is a map, a list, a text. */
bool cfg_want(struct cfg_node *n, enum cfg_kind kind, struct cfg_errors *e);
void cfg_missing(struct cfg_node *map, const char *key, struct cfg_errors *e);

/* Bytes: 4096, 64K, 8M, 2G. */
size_t cfg_size(struct cfg_node *map, const char *key, size_t dflt, size_t min, size_t max,
                struct cfg_errors *e);
/* A list of texts; *n 0 when absent. `allowed` (may be NULL) with `what` it is. */
const char *const *cfg_texts(struct cfg_node *map, const char *key, const struct cfg_names *allowed,
                             const char *what, size_t *n, struct cfg_errors *e);
/* A text that is one of `allowed`; NULL when absent or wrong. */
const char *cfg_one_of(struct cfg_node *map, const char *key, const struct cfg_names *allowed,
                       const char *what, struct cfg_errors *e);
/* The tree under `key` as JSON text in the arena; SV_NULL when absent. */
sv cfg_json(struct cfg_node *map, const char *key, struct cfg_errors *e);

#endif
