/* The manifest of a plugin (and of the core's own data), as typed, checked
 * structures. Format: docs/manifest.md. plugin.yaml holds everything but
 * resources, which are one file each in resources/<name>.yaml beside it.
 *
 * All pointers live in the arena given to cfg_load_manifest; immutable then. */
#ifndef ATRIUM_CORE_MANIFEST_H
#define ATRIUM_CORE_MANIFEST_H

#include <regex.h>

#include "config/config.h"

struct mf_title { const char *zh, *en; };     /* title: {zh, en}; both required */

/* ---- fields ----------------------------------------------------------------- */

enum mf_type {
    MF_TEXT,        /* one line; max (default 200) characters -> VARCHAR */
    MF_LONGTEXT,    /* several lines, plain; max (default 20000) */
    MF_RICHTEXT,    /* HTML, sanitised on write */
    MF_INT,         /* min, max -> BIGINT */
    MF_MONEY,       /* whole cents -> BIGINT */
    MF_PERCENT,     /* whole hundredths of a percent -> INT */
    MF_BOOL,
    MF_DATE,        /* "2026-11-20" */
    MF_DATETIME,    /* RFC 3339 */
    MF_ENUM,        /* options: {code: {zh, en}} */
    MF_MULTI_ENUM,  /* JSON array of codes */
    MF_SEQUENCE,    /* pattern "P{yyyyMM}-{0000}", read-only */
    MF_PHONE,       /* mainland mobile or +E.164 */
    MF_EMAIL,
    MF_LINK,        /* http(s) URL */
    MF_COLOR,       /* "#rrggbb" */
    MF_JSON,
    MF_IMAGE, MF_FILE, MF_VIDEO,   /* id of core.file */
    MF_REF,         /* to: plugin.resource; on_delete: restrict | clear */
    MF_CHILDREN,    /* of: resource of this plugin, by its ref field `by`; edited in place */
    MF_USER,        /* ref to core.staff */
    MF_DEPT,        /* ref to core.dept */
    MF_DECIMAL,     /* scale 0..6, min, max -> DECIMAL(20,scale) */
    MF_TIME,        /* "HH:MM:SS" */
    MF_ID_NUMBER,   /* mainland identity number, GB 11643 */
    MF_ADDRESS,     /* {region, text, point} */
    MF_POINT,       /* {lng, lat}, WGS-84 */
    MF_POLYGON,     /* GeoJSON Polygon */
    MF_IMAGES, MF_FILES,    /* JSON arrays of ids of core.file */
    MF_TAGS,        /* JSON array of short texts, perhaps of a dictionary */
    MF_REFS,        /* JSON array of ids; to, on_delete: restrict | clear */
    MF_TYPE_COUNT
};
extern const char *const mf_type_names[MF_TYPE_COUNT + 1];   /* "text", ... , NULL */

struct mf_option { const char *code; struct mf_title title; const char *color; };

/* A computed field's expression, typed. Numbers are in millionths. */
enum mf_expr_op {
    MF_EX_NUMBER, MF_EX_TEXT, MF_EX_BOOL, MF_EX_FIELD,
    MF_EX_ADD, MF_EX_SUB, MF_EX_MUL, MF_EX_DIV, MF_EX_NEG,
    MF_EX_EQ, MF_EX_NE, MF_EX_LT, MF_EX_LE, MF_EX_GT, MF_EX_GE,
    MF_EX_AND, MF_EX_OR, MF_EX_NOT,
    MF_EX_IF, MF_EX_CONCAT, MF_EX_ROUND, MF_EX_COALESCE, MF_EX_DAYS
};
enum mf_expr_kind { MF_K_NUMBER, MF_K_TEXT, MF_K_BOOL, MF_K_DAY };
struct mf_field;
struct mf_expr {
    enum mf_expr_op op;
    enum mf_expr_kind kind;
    const struct mf_expr **args;
    unsigned n;
    int64_t units;               /* NUMBER, BOOL */
    sv text;
    const struct mf_field *field;
};

struct mf_field {
    const char *name;            /* snake_case, also the column */
    const char *was;
    enum mf_type type;
    struct mf_title title, help; /* help may be {NULL, NULL} */
    bool required, unique, search, read_only, hidden;
    bool has_min, has_max, has_default;
    int64_t min, max;            /* characters, items or value, by type; DECIMAL: in
                                  * units of its last place */
    unsigned scale;              /* DECIMAL: places behind the point */
    const char *dictionary;      /* ENUM, MULTI_ENUM, TAGS: code of core.dictionary, or NULL */
    sv schema;                   /* JSON: the part of JSON Schema it must fit, or SV_NULL */
    bool computed;               /* by one of the next two; read-only */
    const struct mf_expr *compute;
    const char *compute_hook;
    sv compute_text;             /* as it was written */
    bool gapless;                /* SEQUENCE: numbers of failed writes are not lost */
    const char *pattern;         /* POSIX extended regex, whole value */
    const regex_t *matcher;      /* the same, compiled; NULL for a sequence's */
    sv dflt;                     /* JSON text of the default */
    struct mf_option *options;
    size_t n_options;
    const char *to;              /* REF: "plugin.resource"; CHILDREN: resource name */
    const char *by;              /* CHILDREN: the child's ref field */
    const char *after;           /* DATETIME/DATE: must be later than this field */
    enum { MF_RESTRICT, MF_CLEAR, MF_CASCADE } on_delete;
    struct {                     /* protect: {store, show, find} */
        bool encrypted, masked, exact;
    } protect;
    const char *accept;          /* IMAGE/FILE/VIDEO: "image/png,image/jpeg" or NULL */
    sv visible_if, required_if, read_only_if;   /* JSON expression trees, or SV_NULL */
    unsigned line, column;
    const struct mf_resource *ref;   /* resolved by model, NULL here */
};

/* ---- resources ---------------------------------------------------------------- */

enum mf_trait {
    MF_OWNED = 1 << 0,           /* owner -> core.staff */
    MF_DEPT_TRAIT = 1 << 1,      /* dept -> core.dept, from the creator */
    MF_VERSIONED = 1 << 2,       /* version, If-Match */
    MF_AUDITED = 1 << 3,         /* core_audit and field-level history */
    MF_SOFT_DELETE = 1 << 4,     /* deleted_at */
    MF_APPEND_ONLY = 1 << 5,     /* no update, no delete through the API */
    MF_TREE = 1 << 6,            /* parent -> the own resource, no cycles, closure table */
    MF_PARTNER = 1 << 8,         /* partner -> core.partner, whose row it is; NULL: the host's */
    MF_CUSTOM = 1 << 9,          /* custom: values of the fields that tenants add */
    MF_COMMENTS = 1 << 10,       /* people who read a row say something to it */
    MF_ATTACHMENTS = 1 << 11,    /* files beside a row */
    MF_MANAGED = 1 << 7,         /* made, changed and removed by C only; people read them and do
                                  * their transitions */
};
#define MF_NO_EDIT (MF_APPEND_ONLY | MF_MANAGED)
/* Every resource also has id, created_at, updated_at, created_by. */

struct mf_transition {
    const char *name;
    struct mf_title title;
    const char *const *from;     /* states */
    size_t n_from;
    const char *to;
    const char *const *require;  /* fields that must be filled */
    size_t n_require;
    const char *hook;            /* bound by name at init, or NULL */
    bool confirm, danger;        /* what the button asks */
};

/* ---- approvals and sensitive operations ---- */

enum mf_by {
    MF_BY_ROLE,          /* role: code of a role, "crm.manager" */
    MF_BY_SUPERIOR,      /* superior: 1..5, levels above who asks */
    MF_BY_POST,          /* post: name of a post */
    MF_BY_USER_FIELD,    /* user_field: "owner" or a user field of the row */
    MF_BY_DEPT_MANAGER,  /* dept_manager: "dept" or a dept field of the row */
    MF_BY_STAFF,         /* staff: a text setting with log-in names, by commas */
    MF_BY_RIGHT,         /* of second_person: everybody else who may do it */
};
struct mf_approver { enum mf_by by; const char *name; int level; };
enum mf_on_timeout { MF_REMIND, MF_APPROVE, MF_REJECT, MF_ESCALATE };
struct mf_approval_step {
    struct mf_title title;
    struct mf_approver *by;      /* all of them together */
    size_t n_by;
    sv when;                     /* condition on the row as it will be, or SV_NULL */
    bool all;                    /* mode: all; else any one decides */
    int deadline_hours;          /* 0: none */
    enum mf_on_timeout on_timeout;
};
struct mf_approval {
    const char *name;
    struct mf_title title;
    const char *const *on;       /* create, update, delete, export, transitions */
    size_t n_on;
    sv when;
    const char *const *fields;   /* of an update: only when one of these changes */
    size_t n_fields;
    struct mf_approval_step *steps;
    size_t n_steps;
};
/* sensitive: {delete: reauth, do.pay: second_person}. A second person is an approval
 * of one step as well, called second_person, at the end of `approvals`. */
enum mf_demand { MF_NO_DEMAND, MF_REAUTH, MF_SECOND_PERSON };
struct mf_sensitive { const char *action; enum mf_demand demand; };

struct mf_state { const char *name; struct mf_title title; const char *color; };

struct mf_index { const char *const *cols; size_t n; bool unique; };

struct mf_scope { const char *name; struct mf_title title; sv expr; };   /* where: "owner == $user" */

/* permissions: {<role template>: {read: [scope], create, update: [scope], delete: [scope],
 * export, do: [transition], fields: {name: hidden|masked|unmasked|read_only}}} */
struct mf_grant {
    const char *role;
    const char *const *read, *const *update, *const *del;   /* scopes; "all" is built in */
    size_t n_read, n_update, n_del;
    bool create, export, import, partners;
    const char *const *doing;
    size_t n_doing;
    struct { const char *field, *mark; } *fields;
    size_t n_fields;
};

/* rules: [{that: condition, message: {zh, en}, fields: [..]}] */
struct mf_rule {
    sv that;                     /* JSON expression tree */
    struct mf_title message;
    const char *code;            /* message id */
    const char *const *fields;   /* that the complaint is told at */
    size_t n_fields;
};

/* import: {key: [field], on_match: [skip, update, fail], fields: [field]} */
enum mf_on_match { MF_SKIP, MF_UPDATE, MF_FAIL };
struct mf_import {
    bool on;
    const char *const *key;      /* by what a row is known; none: every row is a new one */
    size_t n_key;
    enum mf_on_match on_match[3];   /* what may be chosen, the first is the default */
    size_t n_on_match;
    const char *const *fields;   /* what a file may bring; none: all that people may write */
    size_t n_fields;
};

struct mf_resource {
    const char *name;            /* "poll"; table is <plugin>_<name> */
    const char *was;
    const struct mf_manifest *manifest;
    struct mf_title title;
    uint32_t traits;             /* enum mf_trait */
    const char *label;           /* field shown where the row is referred to */
    struct mf_field *fields;
    size_t n_fields;
    struct mf_index *indexes;
    size_t n_indexes;
    struct mf_state *states;
    size_t n_states;
    const char *initial;         /* NULL: no states */
    struct mf_transition *transitions;
    size_t n_transitions;
    struct mf_scope *scopes;
    size_t n_scopes;
    struct mf_grant *grants;
    size_t n_grants;
    struct mf_approval *approvals;
    size_t n_approvals;
    struct mf_sensitive *sensitive;    /* action: "delete" or the transition's bare name */
    size_t n_sensitive;
    struct mf_rule *rules;
    size_t n_rules;
    const char *check_hook;      /* validate: <hook>, called before create and update */
    sv views;                    /* JSON: {list, form, detail} as the console reads it */
    const char *const *list_filters;   /* from views.list, for the index check */
    size_t n_list_filters;
    const char *const *list_sorts;     /* sortable columns, "-created_at" first is default */
    size_t n_list_sorts;
    const char *const *retire;   /* columns of fields that are gone; kept until an operator drops them */
    size_t n_retire;
    bool internal;               /* no REST routes (rows only for the plugin's own C) */
    struct mf_import import;
    const char *parent;          /* name of the parent resource when edited in place */
    unsigned line, column;
    const char *file;
};

/* ---- the plugin ---------------------------------------------------------------- */

struct mf_route {
    const char *method, *path;   /* "/public/poll/:id", below /api/<plugin> */
    const char *hook;            /* C function, bound by name */
    enum { MF_AUTH_PUBLIC, MF_AUTH_MEMBER, MF_AUTH_STAFF } auth;
    const char *permission;      /* "poll:read" checked for staff, or NULL */
    bool upload;
    struct mf_title title;
    sv request, response;        /* JSON Schemas for OpenAPI, or SV_NULL */
};
struct mf_hook {                 /* hooks: [{on: core.member.created, hook: fn, order: 0}] */
    const char *on, *hook;
    int order;
};
struct mf_job { const char *id, *cron, *hook; struct mf_title title; };
struct mf_stream { const char *id, *hook; unsigned max_batch; };  /* group-commit streams */
struct mf_channel { const char *name; enum { MF_CH_PUBLIC, MF_CH_MEMBER, MF_CH_STAFF } who; };
struct mf_menu {                 /* console menus */
    const char *id, *parent;
    struct mf_title title;
    const char *icon;
    const char *resource;        /* opens its list page */
    const char *page;            /* or a plugin page */
    const char *permission;      /* "poll:read" */
    int order;
};
struct mf_page { const char *id, *module; struct mf_title title; };  /* ui/<module>.mjs */
struct mf_slot { const char *at, *module; struct mf_title title; };  /* "vote.poll.detail" tab */
struct mf_client_page { const char *id, *path; struct mf_title title; };
struct mf_setting { struct mf_field field; };
struct mf_role { const char *id; struct mf_title title; };           /* role templates */
struct mf_message { const char *id, *zh, *en; };                     /* i18n */

struct mf_manifest {
    const char *id, *version;
    const char *dir;             /* where it was loaded from */
    unsigned abi;
    struct mf_title title, summary;
    const char *library;         /* "vote.so" in dir or the plugin dir; NULL: no C */
    const char *const *requires;
    size_t n_requires;
    const char *const *interfaces;      /* "atrium.storage/1" */
    size_t n_interfaces;
    struct mf_resource *resources; size_t n_resources;
    struct mf_route *routes; size_t n_routes;
    struct mf_hook *hooks; size_t n_hooks;
    struct mf_job *jobs; size_t n_jobs;
    struct mf_stream *streams; size_t n_streams;
    struct mf_channel *channels; size_t n_channels;
    struct mf_menu *menus; size_t n_menus;
    struct mf_page *pages; size_t n_pages;
    struct mf_slot *slots; size_t n_slots;
    struct mf_client_page *client_pages; size_t n_client_pages;
    struct mf_setting *settings; size_t n_settings;
    struct mf_role *roles; size_t n_roles;
    struct mf_message *messages; size_t n_messages;
};

/* Loads <dir>/plugin.yaml, <dir>/resources/<all>.yaml and <dir>/i18n/<all>.yaml. Checks
 * everything that can be checked inside one plugin: names, types, references
 * to own fields, states, scopes, hooks named once. -1 with complaints in e. */
int cfg_load_manifest(struct arena *a, const char *dir, struct mf_manifest **out,
                      struct cfg_errors *e);

/* Ends of the names of the columns that the engine writes beside a field of this
 * type (address: "_region", "_lng", "_lat"); NULL-terminated. */
const char *const *mf_parts(enum mf_type t);
/* Is the value a set that has a table of links beside the row's? */
bool mf_linked(enum mf_type t);
/* Is a default the caller's or the day's: "$today", "$now", "$user", "$dept"? */
bool mf_default_var(const struct mf_field *f);

const struct mf_field *mf_field_find(const struct mf_resource *r, sv name);
const struct mf_resource *mf_resource_find(const struct mf_manifest *m, sv name);

/* Condition trees shared with console and client, as JSON: ["==", "field",
 * value], "!=", "in", "filled", ["and", ...], ["or", ...], ["not", x].
 * cfg_cond_check complains of unknown operators and fields. */
int cfg_cond_check(const struct mf_resource *r, struct cfg_node *n, struct cfg_errors *e);

#endif
