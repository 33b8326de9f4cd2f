/* Inside the config room: what the parts of the manifest reader share. */
#ifndef ATRIUM_CORE_CONFIG_MANIFEST_READER_H
#define ATRIUM_CORE_CONFIG_MANIFEST_READER_H

#include "config/manifest.h"
#include "config/reader.h"

/* What C functions of the plugin are called for; one name serves one kind,
 * because each kind is called in its own way. */
enum mf_hook_kind { MF_H_CHECK, MF_H_TRANSITION, MF_H_ROUTE, MF_H_EVENT, MF_H_JOB, MF_H_STREAM };

struct mf_bound {
    const char *name;
    enum mf_hook_kind kind;
    struct mf_bound *next;
};

struct mf_reader {
    struct arena *a;
    struct cfg_errors *e;
    struct mf_manifest *m;
    struct cfg_names roles;
    struct mf_bound *bound;
};

/* manifest_names.c: small pieces that everything is made of. ----------------- */

/* Lower case, digits and underscore, beginning with a letter; `max` bytes. */
bool mf_is_ident(sv name, size_t max);
/* The same, joined by dots ("vote.poll.created"). */
bool mf_is_dotted(sv name, size_t max);
/* Complains of a key or a text that is not a name. */
bool mf_want_ident(struct mf_reader *r, const struct cfg_node *at, sv name, size_t max);
/* A text that must be a name; NULL when absent (a complaint if required). */
const char *mf_ident(struct mf_reader *r, struct cfg_node *map, const char *key, size_t max,
                     bool required);
const char *mf_dotted(struct mf_reader *r, struct cfg_node *map, const char *key, bool required);
/* A text that must be there and not be empty. */
const char *mf_text(struct mf_reader *r, struct cfg_node *map, const char *key);
/* {zh, en}; both {NULL, NULL} when absent or wrong. */
struct mf_title mf_title(struct mf_reader *r, struct cfg_node *map, const char *key, bool required);
struct mf_title mf_title_of(struct mf_reader *r, struct cfg_node *n);
/* A colour's name or #rrggbb; NULL when absent. */
const char *mf_color(struct mf_reader *r, struct cfg_node *map);
/* The name of a C function, noted with its kind; NULL when absent. */
const char *mf_bind(struct mf_reader *r, struct cfg_node *map, const char *key,
                    enum mf_hook_kind kind, bool required);
/* "<resource>:<right>" of this plugin; NULL when absent. */
const char *mf_permission(struct mf_reader *r, struct cfg_node *map);
bool mf_cron_ok(sv text);

/* manifest_field.c ------------------------------------------------------------- */

/* The checked JSON Schema of a json field as JSON text; n NULL: SV_NULL. (manifest_schema.c) */
sv mf_read_schema(struct mf_reader *r, struct cfg_node *n);
/* compute: what can be read with the field, and what needs to know all of them. */
void mf_read_compute(struct mf_reader *r, struct cfg_node *n, struct mf_field *f);
void mf_check_compute(struct mf_reader *r, const struct mf_resource *res, struct cfg_node *n,
                      struct mf_field *f);
void mf_read_rules(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res);
/* What is wrong with the scalar as a value of the field's type, or NULL. */
const char *mf_wrong_value(const struct mf_field *f, const struct cfg_node *d);
/* Reads the fields of a map (a resource's or the settings'). */
void mf_read_fields(struct mf_reader *r, struct cfg_node *map, struct mf_field **out, size_t *n,
                    bool settings);
/* Checks what fields say of each other: after, conditions. Same map, same order. */
void mf_check_fields(struct mf_reader *r, const struct mf_resource *res, struct cfg_node *map);

/* manifest_protect.c: protect: {store, show, find}. */
void mf_read_protect(struct mf_reader *r, struct cfg_node *n, struct mf_field *f);
/* Encrypted, or masked for everybody: no order, no ranges, no search. */
bool mf_protected(const struct mf_resource *res, sv field);
bool mf_can_be_masked(enum mf_type t);

/* manifest_resource.c, manifest_access.c --------------------------------------- */

/* Names that may stand where a column is meant: fields and what the engine adds. */
void mf_columns(struct mf_reader *r, const struct mf_resource *res, struct cfg_names *out);
/* trait tree: the field `parent`, checked where the file has one, else added. */
void mf_tree_parent(struct mf_reader *r, struct cfg_node *fields, struct mf_resource *res);
/* Reads one file's tree into `res`, whose name and file are set. */
void mf_read_resource(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res);
void mf_read_states(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res);
void mf_read_scopes(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res);
/* manifest_import.c */
void mf_read_import(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res);
void mf_read_grants(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res);
/* manifest_approval.c: `approvals` and `sensitive`. */
void mf_read_approvals(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res);
void mf_read_views(struct mf_reader *r, struct cfg_node *root, struct mf_resource *res);

/* manifest_plugin.c: plugin.yaml in two parts, because resources name the roles of
 * the first and the second names the resources. */
void mf_read_head(struct mf_reader *r, struct cfg_node *root);
void mf_read_parts(struct mf_reader *r, struct cfg_node *root);

#endif
