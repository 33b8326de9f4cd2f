/* config: YAML to typed settings. Errors are `file:line:column: message`, one a
 * line, several at once; unknown and doubled keys are errors; anchors, aliases,
 * tags and several documents are refused; input is bounded. */
#ifndef ATRIUM_CORE_CONFIG_H
#define ATRIUM_CORE_CONFIG_H

#include "base/base.h"

/* ---- YAML tree ------------------------------------------------------------ */

enum cfg_kind { CFG_SCALAR, CFG_LIST, CFG_MAP };

struct cfg_node {
    enum cfg_kind kind;
    bool plain;                  /* scalar without quotes: may be null, bool, number */
    bool used;                   /* a reader asked for it; else "unknown key" */
    unsigned line, column;       /* from 1 */
    sv scalar;
    sv key;                      /* of this node in its map */
    unsigned key_line, key_column;
    struct cfg_node *first, *next;   /* children / siblings, in file order */
    size_t n;                    /* number of children */
    struct cfg_asked *asked;     /* of a map: the keys readers looked for, which are the
                                  * keys it may have (for "did you mean") */
};

/* Collects complaints, at most 50; `text` grows in the arena. */
struct cfg_errors {
    struct arena *a;
    const char *file;            /* shown before line:column; cfg_parse_file sets it */
    struct buf text;
    unsigned n;
};
void cfg_error(struct cfg_errors *e, const struct cfg_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Parses text; NULL and complaints in `e` on failure. A text without content (only
 * comments) is an empty map. */
struct cfg_node *cfg_parse(struct arena *a, sv text, struct cfg_errors *e);
struct cfg_node *cfg_parse_file(struct arena *a, const char *path, struct cfg_errors *e);

/* Typed readers: NULL/default when absent; a complaint when of another kind.
 * Each marks the node as used. Keys are kept by pointer: literals, or strings
 * that live as long as the tree. */
struct cfg_node *cfg_get(struct cfg_node *map, const char *key);
struct cfg_node *cfg_map(struct cfg_node *map, const char *key, struct cfg_errors *e);
struct cfg_node *cfg_list(struct cfg_node *map, const char *key, struct cfg_errors *e);
sv cfg_str(struct cfg_node *map, const char *key, sv dflt, struct cfg_errors *e);
const char *cfg_cstr(struct cfg_node *map, const char *key, const char *dflt, struct cfg_errors *e);
int64_t cfg_int(struct cfg_node *map, const char *key, int64_t dflt, int64_t min, int64_t max,
                struct cfg_errors *e);
bool cfg_bool(struct cfg_node *map, const char *key, bool dflt, struct cfg_errors *e);
/* One of `names` (NULL-terminated); the index, or `dflt`. */
int cfg_choice(struct cfg_node *map, const char *key, const char *const *names, int dflt,
               struct cfg_errors *e);
/* Complains of every key of `map` that no reader asked for; call it when all
 * keys have been read. */
void cfg_no_unknown(struct cfg_node *map, struct cfg_errors *e);
/* The tree as JSON (for settings schemas, view definitions, pages). Marks all
 * of it as used. Plain scalars become numbers, booleans and null. */
void cfg_to_json(struct cfg_node *n, struct jsonw *w);

/* ---- settings of the deployment (conf/atrium.yaml) ------------------------- */

struct cfg_listen {
    const char *address;         /* "127.0.0.1", "::", or "unix:/path" */
    unsigned port;
    const char *cert, *key;      /* tls: {cert, key} */
    bool operator_side;
};

struct cfg_settings {
    const char *state_dir;       /* everything that Atrium writes */
    const char *master_key_file; /* NULL: <state_dir>/master.key */
    struct cfg_listen *listen;
    size_t n_listen;
    unsigned loops, workers, queue;      /* threads: {loops, workers, queue} */
    struct {
        size_t header, body, upload, spill;
        unsigned connections, connections_per_ip, rate_per_ip, header_timeout, idle_timeout;
        unsigned trusted_proxies;
        unsigned request;        /* seconds that a request's statements may take */
    } limits;
    struct {
        bool embedded;           /* neither host nor socket given: a private MariaDB */
        const char *host, *socket, *user, *password_file;
        unsigned port, max_conns;
        const char *buffer_pool; /* embedded only: "256M" */
    } database;
    const char *default_tenant;  /* NULL: none */
    const char *const *plugin_dirs;
    size_t n_plugin_dirs;
    const char *www_dir;         /* console/ and client/ below it */
    struct { int level; const char *file, *access; } log;    /* NULL: stderr / none */
    struct {
        unsigned idle_minutes, absolute_hours, lock_after, lock_minutes;
    } session;
    unsigned node;               /* 0..1023 */
    unsigned drain_seconds;
    struct { unsigned deaths, window_s; } quarantine;
    struct { bool allow_private, allow_http; } webhooks, outer_login;
    int utc_offset;              /* minutes, default 480 (China) */
};

/* Reads the file (NULL: all defaults). `state_dir` (may be NULL) goes before the
 * file's. Relative paths of the file are taken from the file's directory.
 * Everything lives in `a`. -1 with complaints in `e`. */
int cfg_load_settings(struct arena *a, const char *path, const char *state_dir,
                      struct cfg_settings *out, struct cfg_errors *e);

#endif
