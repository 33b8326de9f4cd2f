/* What the files of this room share: the compiled resource, the compiled
 * policy, the SQL builder, and the few functions that cross files. */
#ifndef ATRIUM_CORE_MODEL_INTERNAL_H
#define ATRIUM_CORE_MODEL_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "model/model.h"
#include "model/reltime.h"

/* ---- columns ---------------------------------------------------------------------- */

#define MODEL_MAX_COLS 192 /* columns and children fields of one resource */
#define MODEL_EXPORT_CHUNK 500

/* A set of columns and children fields by their number. */
struct colset {
    uint64_t w[MODEL_MAX_COLS / 64];
};
static inline bool colset_has(const struct colset *s, unsigned i)
{
    return s->w[i / 64] >> (i % 64) & 1;
}
static inline void colset_put(struct colset *s, unsigned i)
{
    s->w[i / 64] |= UINT64_C(1) << (i % 64);
}
static inline void colset_drop(struct colset *s, unsigned i)
{
    s->w[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

/* How a column's value travels between database and JSON. */
enum col_kind {
    COL_ID,
    COL_INT,
    COL_BOOL,
    COL_TIME,
    COL_DATE,
    COL_CLOCK,   /* of a day */
    COL_DECIMAL, /* text of digits */
    COL_TEXT,
    COL_JSON
};

struct model_col {
    const struct mf_field *f; /* the manifest's or the engine's own (columns.c) */
    unsigned at;              /* its number */
    enum col_kind kind;
    sv name, ident, key; /* poll  `poll`  ,"poll": */
    bool system;         /* id, times, trait columns */
    bool secret;         /* never shown: `hidden` in the manifest, engine marks */
    bool not_null;
    bool filter, sort;                 /* covered by an index */
    bool file;                         /* refers to core.file */
    const struct model_resource *ref;  /* refers to rows of, or NULL */
    const struct model_resource *tree; /* `under` asks for a branch of, or NULL */
    const struct model_col *part_of;   /* written by the engine from that one, or NULL */
    const struct model_resource *many; /* a set of references to, or NULL */
    sv link;                           /* a set's table of links, quoted, or SV_NULL */
    sv *hide;                          /* of `custom`: what a grant takes away */
    unsigned n_hide;
    sv param;                          /* how a value of it is bound: ?, perhaps cast */
    bool sealed;                       /* encrypted in the table */
    sv hash;               /* `phone_hash`, by which it is found; SV_NULL: not */
    const char *hash_name; /* the same without quotes */
};

/* A field of type children: rows of `res` whose column `by` names us. */
struct model_child {
    const struct mf_field *f;
    unsigned at;
    sv key;
    const struct model_resource *res;
    const struct model_col *by, *position; /* position: NULL when the child has none */
};

struct model_index {
    const char *name;
    const char **cols; /* "-created_at": descending */
    unsigned n;
    bool unique;
    const struct model_col *blame; /* whose complaint a duplicate is */
};

/* Somebody's column that refers to this resource. */
struct model_referrer {
    const struct model_resource *res;
    const struct model_col *col;
};

/* ---- SQL -------------------------------------------------------------------------- */

/* A statement being put together: text made of registry names and '?', and the
 * values bound to it. Lives in one arena. */
struct sql {
    struct arena *a;
    struct buf text;
    struct store_val *args;
    unsigned n, cap;
};
void sql_start(struct sql *s, struct arena *a);
void sql_val(struct sql *s, struct store_val v); /* binds, adds no text */
void sql_text(struct sql *s, const char *text);
void sql_ident(struct sql *s, const struct model_col *c);
/* "(?,?,?)" padded to a power of two by repeating the last id, so that lists of
 * many lengths share few prepared statements. n > 0. */
void sql_in_ids(struct sql *s, const int64_t *ids, size_t n);

/* A compiled condition: text in which '\1' stands for a list of departments,
 * and what is bound at its question marks. */
enum frag_var {
    VAR_VALUE,
    VAR_USER,
    VAR_DEPT,
    VAR_DEPTS,
    VAR_PARTNER,
    VAR_CUSTOM, /* the departments that the grant on the resource `v` names for `act` */
    VAR_TIME
};
struct frag_arg {
    enum frag_var var;
    unsigned char hat, act; /* of whom it speaks, if the caller acts for others */
    struct store_val v;
    struct reltime when; /* VAR_TIME: its first moment or, `end`, the one behind it; */
    bool end, date;      /* as a local date: its first or last day */
};
struct frag {
    sv text; /* SV_NULL: always true */
    struct frag_arg *args;
    unsigned n_args;
    bool by_depts; /* the text depends on the caller */
};
void frag_render(const struct frag *f, const struct auth_principal *who, struct sql *s);
/* Dates in words become values, by this clock and zone. What is not settled is
 * rendered by the clock and the caller's zone. */
void frag_settle(struct frag *f, struct arena *a, int64_t now_us, int offset_minutes);
/* What is bound for an argument that is no list. */
struct store_val frag_value(const struct frag_arg *arg, const struct auth_principal *who,
                            struct arena *a);

/* ---- conditions (filter and scope language) --------------------------------------- */

enum cond_op {
    OP_AND,
    OP_OR,
    OP_NOT,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_IN,
    OP_LIKE,
    OP_STARTS,
    OP_ENDS,
    OP_NULL,
    OP_NOT_NULL,
    OP_BETWEEN,
    OP_UNDER,
    OP_HAS
};
struct cond {
    enum cond_op op;
    const struct model_col *col;
    sv custom; /* of the column `custom`: which field of the tenant's; its definition */
    const struct mf_field *custom_field;
    const char *custom_in; /* the table it is of */
    struct cond_val {
        enum frag_var var; /* VAR_TIME: `when` */
        sv text;
        struct reltime when;
        bool quoted;
        unsigned at; /* where it stands, in characters from 1 */
    } * vals;
    unsigned n_vals, at;
    struct cond *first, *next; /* of AND, OR and NOT / siblings */
};
/* 400 "bad_filter" at character `at`; `code` says of the field "filter" what is
 * wrong there, `text` what was found. -1. */
int cond_fail(struct err *err, const char *code, unsigned at, sv text, const char *field);
/* Parses; `scope` allows `==`. Complaints are cond_fail's. Names are looked up
 * among all columns of `r`. */
int cond_parse(const struct model_resource *r, struct arena *a, sv text, bool scope,
               struct cond **out, struct err *err);
/* Values are checked against their columns here. */
int cond_compile(const struct cond *c, struct arena *a, struct frag *out, struct err *err);
/* Of whose rows: what encrypted columns are compared by is the tenant's. */
struct cond_at {
    const struct model_resource *r;
    struct auth_tenant *tenant;
};
int cond_compile_for(const struct cond *c, const struct cond_at *at, struct arena *a,
                     struct frag *out, struct err *err);
/* Calls fn for each column that the condition names, until false. */
bool cond_each_col(const struct cond *c, bool (*fn)(void *, const struct model_col *), void *arg);

/* ---- resource --------------------------------------------------------------------- */

struct model_policy;

struct model_resource {
    const struct mf_resource *mf;
    struct model *model;
    sv name;           /* "vote.poll" */
    const char *table; /* vote_poll */
    sv ident;          /* `vote_poll` */
    struct model_col *cols;
    unsigned n_cols;
    struct model_child *kids;
    unsigned n_kids;
    struct model_index *indexes;
    unsigned n_indexes;
    struct model_referrer *referrers;
    unsigned n_referrers;
    const struct model_col *id, *created_at, *updated_at, *created_by;
    const struct model_col *approval; /* the pending one's id, or NULL */
    const struct model_col *custom;   /* or NULL */
    const struct model_col *owner, *dept, *partner, *version, *state, *deleted_at,
        *live;                           /* or NULL */
    const struct model_col *label;       /* or NULL: the id */
    const struct model_resource *parent; /* edited in place there */
    const struct model_col *parent_by;
    bool guarded;                 /* has columns that are sealed or masked */
    struct frag *scopes;          /* by the manifest's order, then the built-in ones */
    struct cond **scope_trees;    /* the same, as they were written; NULL: there is no such text */
    bool linked;                  /* has sets with tables of links */
    const struct model_col *sort; /* default order */
    bool sort_desc;

    const struct model_policy *_Atomic policies; /* newest first; policy.c */
    unsigned _Atomic n_policies;
};

static inline bool has_trait(const struct model_resource *r, uint32_t t)
{
    return (r->mf->traits & t) != 0;
}

struct model_plugin {
    const struct mf_manifest *mf;
    struct model_resource **res;
    size_t n_res;
    bool dropped;
};

struct model {
    struct auth *auth;
    struct arena *a;
    struct model_hooks hooks;
    struct model_outbox outbox;
    struct model_plugin **plugins;
    size_t n_plugins, cap_plugins;
    struct model_resource **all; /* of the plugins that stand */
    size_t n_all;
    bool sealed;
    struct plan_memory *plans;
    pthread_mutex_t lock; /* compiling policies */
    struct core_job *core_jobs;
    struct task_kind *task_kinds;
    struct work_jobs *_Atomic jobs;
};

/* scopes.c: the declared ones by the manifest's order, then those that follow from
 * the traits: own, department, subtree, custom; a declared one of that name wins. */
void scopes_build(struct model_resource *r, struct arena *a);
unsigned scope_count(const struct model_resource *r);
int scope_find(const struct model_resource *r, sv name); /* -1: there is none */

/* columns.c */
enum col_kind kind_of(enum mf_type t);
int columns_build(struct model_resource *r, struct arena *a, struct cfg_errors *e);
const struct model_col *col_find(const struct model_resource *r, sv name);
const struct model_child *kid_find(const struct model_resource *r, sv name);
/* indexes.c: declared and implied indexes, and what they cover. */
void indexes_build(struct model_resource *r, struct arena *a, struct cfg_errors *e);
void indexes_check(const struct model_resource *r, struct cfg_errors *e);
/* Reports at a resource's or field's place in its file. */
void seal_error(struct cfg_errors *e, const struct mf_resource *r, const struct mf_field *f,
                const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* ---- branches of scopes (branch.c) ------------------------------------------------ */

/* One part of an OR: rows whose `col` is one of the values and for which `rest`
 * holds. */
struct branch {
    const struct branch *next;
    const struct model_col *col;
    struct frag_arg *vals;
    unsigned n_vals;
    bool depts; /* the values are the caller's departments */
    struct frag rest;
};
/* Adds the condition's parts to the list; false when some part has no such column. */
bool branches_of(const struct cond *c, struct arena *a, struct branch **list);
/* The columns that it would be asked by: they need indexes. */
void branch_drivers(const struct cond *c, struct arena *a, struct colset *out);

/* ---- policy ----------------------------------------------------------------------- */

/* Everything a caller may do with a resource, compiled once per combination of
 * scopes and field rights; immutable, shared by all requests. */
struct model_policy {
    const struct auth_grant *grant; /* while it is looked for */
    const struct model_col *custom; /* `custom` with what the grant hides */
    const struct model_policy *next;
    const struct model_resource *res;
    const struct model_policy *parent; /* rows are those of this one's rows */
    /* Scopes by number, or ALL_ROWS; the caller's own, then of whom he acts for. */
    uint64_t read_mask[AUTH_HATS], update_mask[AUTH_HATS], del_mask[AUTH_HATS];
    bool partner; /* only rows of the caller's organisation */
    bool hats;    /* more than the first of each mask counts */
    struct colset hidden, fixed;               /* what the grant takes away */
    struct colset marked, lifted;              /* what it masks, and may unmask */
    struct colset masked, unmaskable;          /* shown masked; those that reveal may show */
    bool guarded;                              /* some readable column is masked or sealed */
    bool can_read, can_create, can_update, can_delete, can_export, everything;
    struct frag read, update, del;             /* of rows */
    const struct branch *branches;             /* `read` in parts that an index serves, or NULL */
    struct frag own_read, own_update, own_del; /* what of it the caller has himself */
    struct colset readable, writable;
    sv columns; /* "`id`,`created_at`,..." of the readable ones */
    const struct model_col **cols;
    unsigned n_cols;
    sv get_text; /* one row by id; SV_NULL: depends on the caller */
};
/* NULL and 401 or 403 when the caller has no right at all on the resource. `a`:
 * where one of a resource's rarest combinations lives, else it is kept. */
const struct model_policy *policy_of(const struct model_resource *r,
                                     const struct auth_principal *who, struct arena *a,
                                     struct err *err);
/* Whom the caller acts for when he does this (AUTH_READ ..., or by name): the first
 * whose grant has it; NULL when his own has. */
const struct auth_hat *policy_behalf(const struct model_resource *r,
                                     const struct auth_principal *who, sv action);
/* May people add rows at all? */
bool resource_creatable(const struct mf_resource *mf);
/* 401 for nobody, else 403; -1. */
int policy_refuse(const struct auth_principal *who, struct err *err);
/* " WHERE <live> AND <scope>" or " WHERE 1". `deleted`: rows in the bin too. */
void policy_where(const struct model_policy *p, const struct auth_principal *who,
                  const struct frag *rows, bool deleted, struct sql *s);
/* Ends with 403 for a column taken away by the grant, 400 `code` for one that
 * does not exist; both name it. */
const struct model_col *policy_col(const struct model_policy *p, sv name, const char *code,
                                   struct err *err);
/* Of who may only see the labels of rows: masks and no rights. */
const struct model_policy *policy_of_nobody(const struct model_resource *r, struct arena *a);
/* Rights on children rows, which follow their parent's. */
const struct model_policy *policy_of_child(const struct model_child *k,
                                           const struct auth_principal *who, struct arena *a);

/* ---- rows ------------------------------------------------------------------------- */

/* Rows kept beyond their callback. */
struct rows {
    struct arena *a;
    const struct model_col *const *cols;
    unsigned n_cols;
    struct store_val *vals; /* n * n_cols */
    size_t n, cap, limit;   /* limit 0: none */
};
bool rows_collect(void *arg, const struct store_val *row, unsigned n_cols);
static inline const struct store_val *rows_at(const struct rows *r, size_t i)
{
    return r->vals + i * r->n_cols;
}
struct store_val val_copy(struct arena *a, const struct store_val *v);

void row_value(struct buf *out, const struct model_col *c, const struct store_val *v);
/* `,"a":1,"b":2`: all columns of a row, each with a comma before it. */
void row_fields(struct buf *out, const struct model_col *const *cols, unsigned n,
                const struct store_val *row);

/* ---- protected fields (mask.c, protect.c, reveal.c, reseal.c) ---------------------- */

/* "138****8000", "a***@x.com", "王**". */
sv mask_text(struct arena *a, enum mf_type type, sv v);

/* Columns that a request asks to see in the clear. */
struct model_reveal {
    const struct model_resource *r;
    struct colset cols;
    sv names, reason; /* for the audit line */
};
bool protect_masked(const struct model_policy *p, const struct model_ctx *c, unsigned at);
/* Stored values to what the caller sees, in place. For the system all is clear,
 * and what does not open is an error. Rows hold their id. */
int protect_vals(const struct model_policy *p, const struct model_ctx *c,
                 const struct model_col *const *cols, unsigned n, int64_t id,
                 struct store_val *vals, struct err *err);
int protect_rows(const struct model_policy *p, const struct model_ctx *c, struct rows *rows,
                 struct err *err);
/* One {field, before, after} of the history, in place. */
void protect_change(const struct model_policy *p, const struct model_ctx *c, int64_t id,
                    json_t *change);
/* A copy of a row in the clear, masked as the caller sees it; the caller's reference. */
json_t *protect_seen(const struct model_policy *p, const struct model_ctx *c, const json_t *row);
/* A copy of a row in the clear for listeners; the caller's reference. */
json_t *protect_told(const struct model_resource *r, struct arena *a, const json_t *row);
void protect_strip(const struct model_policy *p, const struct model_ctx *c, json_t *body,
                   const json_t *before);
struct write;
/* A value as the table takes it, and its hash; as it is when not protected. */
int protect_store(struct write *w, const struct model_resource *r, const struct model_col *c,
                  int64_t id, struct store_val *v, struct store_val *hash, struct err *err);
int protect_unique(struct write *w, const struct model_resource *r, const struct model_col *c,
                   int64_t id, sv plain, struct err *err);
/* A value as the history keeps it; the caller's reference, NULL: no keys. */
json_t *protect_seal_json(struct write *w, const struct model_resource *r,
                          const struct model_col *c, int64_t id, const json_t *v,
                          struct err *err);
/* What a filter and an order may ask of protected columns: equality with `find:
 * exact`, and whether there is a value. 403 for a masked column, else 400, named. */
int protect_filter(const struct model_policy *p, const struct cond *c, struct err *err);
int protect_order(const struct model_policy *p, const struct model_col *c, struct err *err);
#define PROTECT_HASHES 4
int protect_hashes(struct auth_tenant *t, struct arena *a, const struct model_resource *r,
                   const struct model_col *c, sv plain, sv out[PROTECT_HASHES], unsigned *n,
                   struct err *err);

/* `reveal=phone,email` and `reason=` of a request, checked: 403 without the right
 * to unmask, 422 without a reason where one is asked. (reveal.c) */
int reveal_read(const struct model_resource *r, struct model_ctx *c, sv names, sv reason,
                struct err *err);
/* One line of the operation log: who, which rows (or which filter), fields, reason. */
void reveal_audit(const struct model_ctx *c, int64_t id, sv detail);
void reveal_post(struct http_req *req);

/* Brings what a resource's tables hold to the present keys, from where the last
 * run stopped; false from `more` ends it between two batches. (reseal.c) */
struct reseal {
    void *arg;
    bool (*more)(void *arg, uint64_t rows, struct err *err);
};
int reseal_resource(const struct model_resource *r, struct auth_tenant *t,
                    const struct reseal *how, struct err *err);
/* After a migration: rows from before a field was protected. */
int reseal_new_fields(const struct model_resource *r, struct auth_tenant *t, struct err *err);
/* Does a row still have a hash by this key? */
int reseal_uses_hash(const struct model_resource *r, struct store_conn *conn, unsigned number,
                     bool *used, struct err *err);
/* Has the tenant this resource's table? */
int reseal_there(const struct model_resource *r, struct store_conn *conn, bool *there,
                 struct err *err);
bool reseal_needed(const struct model_resource *r);
/* The next pass goes through everything once more. */
int reseal_again(struct auth_tenant *t, struct err *err);
struct task_run;
int rekey_task(struct task_run *run, struct err *err);

/* ---- expand ----------------------------------------------------------------------- */

struct expand; /* what was asked for, one level */
/* "cover,options,options.picture". `kids`: all children too (GET of one row). */
int expand_parse(const struct model_policy *p, struct model_ctx *c, sv text, bool kids,
                 struct expand **out, struct err *err);
bool expand_any(const struct expand *x);
/* Fetches what the rows refer to: one query per name. Rows hold their id first. */
int expand_load(struct expand *x, struct store_conn *conn, const struct rows *rows,
                struct err *err);
/* The label column's value of what a loaded reference names, NULL when it may not
 * be seen. */
const struct store_val *expand_label(const struct expand *x, const struct model_col *c, int64_t id,
                                     const struct model_col **label);
/* The first `n_shown` columns of a row as an object, with what was loaded. */
void expand_row(const struct expand *x, const struct rows *rows, size_t i, unsigned n_shown,
                struct buf *out);
/* Address of a file, relative to the tenant's base: /files/<id>/<name>. */
void file_url(struct buf *out, int64_t id, sv name);

/* ---- connection of a call --------------------------------------------------------- */

/* The context's connection, or one of the tenant's own that conn_leave gives back. */
int conn_enter(struct model_ctx *c, struct store_conn **conn, struct err *err);
void conn_leave(struct model_ctx *c, struct store_conn *conn);

/* ---- values ----------------------------------------------------------------------- */

/* Is the JSON value one of this field's? Complains at `path`. Pure. */
int value_check(const struct mf_field *f, const json_t *v, const char *path, struct err *err);
bool value_empty(const json_t *v); /* absent, null, "", blanks, [] */
/* The same for one field: an address without anything is none, [] may be JSON. */
bool value_void(const struct mf_field *f, const json_t *v);
/* The one way a value is kept, as a new reference. (value_normal.c) */
json_t *value_normal(const struct mf_field *f, const json_t *v);
/* A checked value as the database takes it; false when it is none of the column's. */
bool value_store(const struct model_col *c, const json_t *v, struct arena *a,
                 struct store_val *out);
/* Text of a filter as a value of the column; false when it cannot be one. */
bool value_of_text(const struct model_col *c, sv text, struct arena *a, struct store_val *out);
bool value_date_ok(sv text);

struct write;
/* The manifest's condition trees (visible_if and so on) on a row. */
bool rule_holds_at(sv tree, const json_t *row, int utc_offset);
bool rule_holds(sv tree, const json_t *row); /* where it is China's time */
/* Does the tree name a field that the body brings? */
bool rule_concerns(sv tree, const json_t *body);
/* Calls fn for each field that the tree names, until false; `by_value`: not only
 * whether it is filled. */
typedef bool rule_field_fn(void *arg, const char *field, bool by_value);
bool rule_each_field(sv tree, rule_field_fn *fn, void *arg);
/* The validator with the row as it is (`before`, NULL: a new one or not known) and
 * as it will be (`merged`, for conditions and comparisons between fields; NULL:
 * the body). `system`: the core's and plugins'
 * own code, for which hidden and read-only fields are fields. */
int validate_body(const struct mf_resource *r, const json_t *body, const json_t *before,
                  const json_t *merged, bool create, bool system, struct err *err);

/* The same of a write: w->before, w->after, the tenant's day. */
int validate_write(struct write *w, const json_t *body, bool create, struct err *err);

/* Paths of fields in complaints. (path.c) */
#define MODEL_PATH 160
const char *path_join(char out[MODEL_PATH], const char *prefix, const char *name);
const char *path_item(char out[MODEL_PATH], const char *name, size_t i, const char *end);
const char *path_member(char out[MODEL_PATH], const char *path, const char *name);

/* HTML by allow-list, appended to `out`. */
void sanitise_html(sv html, struct buf *out);

/* ---- writes ----------------------------------------------------------------------- */

/* One write of one row, from lock to history. The JSON lives in `a`. */
struct write {
    const struct model_resource *r;
    const struct model_policy *p;
    struct model_ctx *c;
    struct store_conn *conn;
    struct arena *a;
    const char *action;       /* "create", "update", ... or the transition */
    const char *event;        /* "created", ... or the transition */
    int64_t id, version, now; /* version < 0: not compared */
    const json_t *body;       /* as it came, never changed */
    json_t *before, *after;   /* rows with their children; NULL: none */
    const struct mf_transition *transition;
    json_t *numbers;               /* sequence numbers taken before the transaction, or NULL */
    const struct auth_hat *behalf; /* by whose right, when it is not the caller's own */
    bool quiet;                    /* nothing changed: no history, no event */
    struct model_done *done;       /* for after the commit: hooks' writes, then this one */
};
/* Runs fn in the caller's transaction or in one of its own (again after a
 * deadlock), and sends what is due after the commit. (write.c) */
int write_run(struct write *w, int (*fn)(struct write *w, struct err *err), struct err *err);
/* Locks the row and reads it into w->before: 404 when it cannot be seen, 403
 * when `rows`, the scope of this action, does not hold, 409 for the version. */
int write_lock(struct write *w, const struct frag *rows, bool deleted, struct err *err);
int write_load_children(struct write *w, struct err *err);
int write_hook(struct write *w, const char *hook, const char *event, struct err *err);
int write_done(struct write *w, struct err *err);
/* The row is about to go: who keeps an outbox hears it while it can be read. */
int write_going(struct write *w, struct err *err);
/* A failed statement: names the field of a broken unique index. */
int write_failed(struct write *w, const struct model_resource *r, const char *prefix,
                 struct err *err);
json_t *json_keep(struct arena *a, json_t *v); /* freed with the arena */

/* core_hooks.c: the C behind the core's own manifest. */
bool core_resource(const struct mf_resource *mf);
int core_hook_call(const char *name, struct model_hook_call *call, struct err *err);
void core_hooks_check(const struct mf_resource *mf, struct cfg_errors *e);
/* core_manage.c: what somebody who is no administrator may do to people and roles. */
model_core_hook_fn manage_staff, staff_depart, role_check, post_roles_check, staff_post_check,
    partner_check;
/* core_delegation.c, core_seat.c, core_grants.c */
model_core_hook_fn delegation_check, seat_check;
/* A role's document against the registry: 422 names what there is not. */
int grants_check(const struct model *m, const json_t *doc, const json_t *before, struct err *err);
/* org_routes.c, org_explain.c, hand_over.c */
int org_routes(struct model *m, struct http_router *router, struct err *err);
void org_explain(struct http_req *req);
void org_hand_over(struct http_req *req);
/* core_staff.c */
int staff_check(struct model_hook_call *call, struct err *err);
int custom_field_check(struct model_hook_call *call, struct err *err);
/* Is the person an administrator after this as well? `role`: the built-in one. Pure. */
bool staff_stays_admin(const char *event, const json_t *after, int64_t role);

/* write_row.c */
int write_insert(struct write *w, const struct model_resource *r, int64_t id, const json_t *row,
                 const char *prefix, struct err *err);
/* *changed is set when a column differs; `touch` counts as a change. */
int write_update(struct write *w, const struct model_resource *r, int64_t id, const json_t *before,
                 const json_t *after, bool touch, const char *prefix, bool *changed,
                 struct err *err);
/* What changed references name is there, and stays until the commit. */
int write_refs(struct write *w, const struct model_resource *r, const struct model_col *skip,
               const json_t *before, const json_t *after, const char *prefix, struct err *err);
int write_children(struct write *w, bool *changed, struct err *err);
int write_children_refs(struct write *w, struct err *err);
/* What follows from the rest of the row and its children: parts, computed fields. */
int write_derive(struct write *w, struct err *err);
/* The check's hook, those of computed fields, and what follows from what they did. */
int write_hooks(struct write *w, struct err *err);

/* write_remove.c: for good, with what depends on the row. */
int write_remove(struct write *w, const struct model_resource *r, int64_t id, unsigned depth,
                 struct err *err);
/* Is it still referred to by somebody who forbids that? */
int write_unused(struct write *w, const struct model_resource *r, int64_t id, bool soft,
                 struct err *err);

/* links.c: the tables of links beside sets. */
void link_table(const struct model_resource *r, const struct model_col *c, struct arena *a,
                struct store_table *out);
bool link_holds(const json_t *list, const json_t *one);
int links_write(struct write *w, const struct model_resource *r, int64_t id, const json_t *before,
                const json_t *after, struct err *err);
int links_remove(struct write *w, const struct model_resource *r, int64_t id, struct err *err);
/* Takes the reference to `id` out of every row of `r`. */
int links_clear(struct write *w, const struct model_resource *r, const struct model_col *c,
                int64_t id, struct err *err);
int links_complete(struct store_conn *conn, const struct model_resource *r, struct arena *a,
                   struct err *err);

/* parts.c: what the engine writes beside addresses, points and polygons. */
void parts_write(const struct model_resource *r, json_t *row);
const struct mf_field *parts_field(const struct mf_field *of, const char *end, struct arena *a);

/* compute.c: a computed field's value on a row, as a new reference. Pure. */
json_t *compute_value(const struct mf_field *f, const json_t *row, int utc_offset, struct arena *a,
                      bool *overflow);
int compute_row(struct write *w, const struct model_resource *r, json_t *row, const char *prefix,
                struct err *err);

/* dict.c: options that are rows of core.dictionary_item of the tenant. */
struct dict_item {
    sv code, title, color;
    bool off; /* no longer offered */
};
struct dict {
    struct dict_item *items;
    size_t n;
};
int dict_load(struct store_conn *conn, struct arena *a, const char *code, struct dict *out,
              struct err *err);
sv dict_title(const struct dict *d, sv code);
/* Are the codes that a write brings offered by their dictionaries? */
int dict_check(struct write *w, const struct model_resource *r, const json_t *before,
               const json_t *after, const char *prefix, struct err *err);

/* tree.c: the closure table of a resource with the trait tree. */
void tree_table(const struct model_resource *r, struct arena *a, struct store_table *out);
int tree_insert(struct write *w, const struct model_resource *r, int64_t id, const json_t *row,
                const char *prefix, struct err *err);
int tree_move(struct write *w, const struct model_resource *r, int64_t id, const json_t *before,
              const json_t *after, const char *prefix, struct err *err);
int tree_remove(struct write *w, const struct model_resource *r, int64_t id, struct err *err);
/* Enters rows that the closure table does not know; after a migration. */
int tree_complete(struct store_conn *conn, const struct model_resource *r, struct arena *a,
                  struct err *err);

/* merge.c: the body against the policy, then laid over the row (or over the
 * defaults), children row by row. */
int merge_check(struct write *w, json_t *body, struct err *err);
json_t *merge_row(struct write *w, const json_t *body);

int sequence_next(struct write *w, const struct mf_field *f, json_t **out, struct err *err);
/* Numbers of sequences that may have gaps, taken before the row's transaction and
 * committed at once, so that creators do not wait for each other. */
int sequence_early(struct write *w, struct err *err);
int delete_versioned(const struct model_resource *r, struct model_ctx *c, int64_t id,
                     int64_t version, struct err *err);

/* A line for the operation log and an event of `r`, sent after the commit. */
void write_tell(struct write *w, const struct model_resource *r, const char *action,
                const char *event, int64_t id, sv row);
/* The same of the written row itself, with a detail for the line. */
void write_tell_detail(struct write *w, sv detail, sv row);

/* rich_files.c: files that rich text shows. */
struct rich_ids {
    int64_t *v;
    size_t n, cap;
};
/* Of a sanitised text. Pure. */
struct rich_ids rich_ids(sv html, struct arena *a);
bool rich_any(const struct model_resource *r);
/* 422 for one that the writer may not see and that was not there before. */
int rich_check(struct write *w, const struct model_resource *r, const json_t *before,
               const json_t *row, const char *prefix, struct err *err);
int rich_write(struct write *w, const struct model_resource *r, int64_t id, const json_t *before,
               const json_t *row, struct err *err);
int rich_remove(struct write *w, const struct model_resource *r, int64_t id, struct err *err);
int rich_show_file(struct model_ctx *c, struct store_conn *conn, const struct model *m, int64_t id,
                   bool *yes, struct err *err);

/* notes.c: comments and attachments of a row that is removed for good; a file that
 * one of them refers to, seen by who reads the record. */
int notes_remove(struct write *w, const struct model_resource *r, int64_t id, unsigned depth,
                 struct err *err);
bool notes_kept_in(const struct model_resource *r);
int notes_show_file(struct model_ctx *c, struct store_conn *conn, const struct model_referrer *ref,
                    int64_t id, bool *yes, struct err *err);

/* ---- approvals and sensitive operations (approval*.c, sensitive.c) ----------------- */

/* In a write, once the row as it will be is known and checked: 0: go on; 1: others
 * have to agree first and were asked, end well; -1: refused. */
int approval_gate(struct write *w, const char *action, struct err *err);
/* 409 "approval_needed" when others have to agree to every `action` that brings these
 * fields, whatever the row: what many rows would each be refused with. */
int approval_never(const struct model_resource *r, struct model_ctx *c, const char *action,
                   const char *const *fields, size_t n, struct err *err);
/* What is carried out finds the record as it was when it was asked for. */
int approval_fresh(struct write *w, struct err *err);
/* The gate of an export; `what` stands for its query. */
int approval_gate_export(const struct model_resource *r, struct model_ctx *c, sv what,
                         struct err *err);
/* The approval that is being carried out; 0: none. */
int64_t approval_agreed(const struct model_ctx *c);
int approval_routes(struct model *m, struct http_router *router, struct err *err);
/* Answers 202 with the approval that the call of `c` asked for. */
int approval_answer(const struct model_resource *r, struct model_ctx *c, struct buf *out,
                    struct err *err);
void approvals_init(struct model *m);

#define DEMAND_REAUTH 1u
#define DEMAND_SECOND 2u
/* What the manifest and the tenant's setting demand for an action. */
unsigned sensitive_demand(const struct model_resource *r, struct model_ctx *c, const char *action);
/* 403 "reauth_required" unless the caller's session has proved itself lately. */
int sensitive_check(const struct model_resource *r, struct model_ctx *c, const char *action,
                    struct err *err);

/* ---- history ---------------------------------------------------------------------- */

/* [{field, before, after}] of what a write changed. */
struct history_note {
    sv changes;
    sv fields; /* JSON array of the names alone; of a change of a row that was there */
    int64_t id;
};
int history_changes(struct write *w, struct history_note *out, struct err *err);
int history_add(struct write *w, struct history_note *n, struct err *err);
/* What the log's line points to: the history row, the names, the approval. */
sv history_pointer(struct write *w, const struct history_note *n);
/* 404 unless the caller sees the row; `bin`: also as a deleted one. (history_read.c) */
int row_visible(const struct model_policy *p, struct model_ctx *c, struct store_conn *conn,
                int64_t id, bool bin, struct err *err);
void history_table(const struct model_resource *r, struct arena *a, struct store_table *out);

/* ---- lists ------------------------------------------------------------------------ */

/* A list request, checked and compiled; shared by list and export. */
struct query {
    const struct model_resource *r;
    const struct model_policy *p;
    const struct auth_principal *who;
    struct auth_tenant *tenant;
    struct arena *a;
    int utc_offset;                /* of the tenant */
    struct colset show;            /* columns and children to write */
    const struct model_col **cols; /* selected: the id, what is shown, the sort's if need be */
    unsigned n_cols, n_shown;
    bool id_unasked;         /* `fields` does not name the id */
    unsigned at_sort, at_id; /* places in cols */
    const struct model_col *sort;
    bool desc;
    struct frag filter;
    /* Columns that every row must pass a test on that an index can serve. */
    const struct model_col *narrows[8];
    unsigned n_narrows, n_equals; /* the first ones must equal a value */
    bool deleted;                 /* the filter asks for rows in the bin */
    sv search;
    bool after; /* a cursor is set */
    struct store_val after_val;
    int64_t after_id;
    uint64_t shape; /* of sort, for the cursor */
};
int query_prepare(const struct model_resource *r, struct model_ctx *c, const struct model_list *q,
                  struct query *out, struct err *err);
void query_select(const struct query *q, unsigned limit, struct sql *s);
void query_count(const struct query *q, unsigned cap, struct sql *s);
/* Parts of statements: "SELECT a,b", " WHERE ..." with scope, filter and search,
 * " AND ..." of filter and search alone, " AND ..." of the cursor. */
void query_columns(const struct query *q, struct sql *s);
void query_where(const struct query *q, struct sql *s);
void query_narrow(const struct query *q, struct sql *s);
void query_keyset(const struct query *q, struct sql *s);

/* plan.c: statements for callers who see part of the rows. */
struct plan_rows {
    store_row_fn *row;
    void (*again)(void *arg); /* forget the rows so far: they come anew */
    void *arg;
};
struct plan_memory *plan_memory_new(struct arena *a);
/* False: the scope is no matter of branches; nothing was written. */
bool plan_select(const struct query *q, unsigned limit, struct sql *s);
int plan_run(const struct query *q, unsigned limit, struct store_conn *conn, struct plan_rows *to,
             struct err *err);
int plan_count(const struct query *q, unsigned cap, struct store_conn *conn, int64_t *n,
               struct err *err);
/* The opaque cursor after a row. */
void cursor_write(const unsigned char secret[32], uint64_t shape, const struct store_val *v,
                  int64_t id, struct buf *out);
int cursor_read(const unsigned char secret[32], uint64_t shape, struct arena *a, sv text,
                struct store_val *v, int64_t *id, struct err *err);

/* ---- files (files.c, upload.c) ---------------------------------------------------- */

/* Removes exports whose time is over. */
void exports_sweep(void);
/* The directory of the deployment's state; NULL while nobody has set it. */
const char *state_dir(void);
/* Makes <state>/<name> when it is not there. */
const char *state_subdir(struct arena *a, const char *name, struct err *err);
const char *file_path(struct arena *a, const struct auth_tenant *t, sv path);
/* Type by content; the name helps only among kinds that share a container. */
const char *file_sniff(sv data, sv name);
bool file_accepted(const struct mf_field *f, const char *type);
/* file_rights.c */
void file_rights_init(const struct model *m);
int file_allowed(struct model_ctx *c, struct store_conn *conn, int64_t id, bool *yes,
                 struct err *err);
int file_keep_path(struct model_ctx *c, const char *path, sv name, const char *type, int64_t *id,
                   struct err *err);
void files_get(struct http_req *req);
void files_post(struct http_req *req);

/* ---- jobs and tasks (core_jobs.c, task.c, task_store.c) ---------------------------- */

/* The kinds of tasks and the jobs that are the engine's own. */
void tasks_init(struct model *m);

/* ---- HTTP ------------------------------------------------------------------------- */

struct model_ctx request_ctx(struct http_req *req);
/* One POST: runs `op` and answers with what it wrote, once per Idempotency-Key
 * and principal for a day. `op` writes the answer and its status. */
struct post {
    struct http_req *req;
    struct model_ctx c;
    const struct model_resource *r;
    int64_t id;
    int64_t note; /* of a comment or an attachment of that row */
    bool aside;   /* what is answered is not the row: no version, no place of it */
    sv name;      /* of the transition */
    json_t *body;
    int64_t version; /* demanded by If-Match; 0 or less: none was */
    int status;
    int (*op)(struct post *p, struct err *err);
};
void post_run(struct post *p);
void tag_version(struct http_req *req, const struct model_resource *r, sv row);
/* The last part of a path, without control characters, of at most 200 characters. */
sv upload_clean_name(struct arena *a, sv name);
int upload_save(struct post *p, struct err *err);
int bulk_op(struct post *p, struct err *err);

void schema_get(struct http_req *req);
void export_get(struct http_req *req, const struct model_resource *r, const struct model_list *l,
                sv format);
/* export_task.c */
struct task_run;
int export_task(struct task_run *run, struct err *err);
int export_add_routes(struct http_router *router, struct arena *a, const struct model_resource *r,
                      struct err *err);
const char *title_of(const struct mf_title *t, const char *lang);

/* JSON Schemas of a resource for the OpenAPI document, cut to what one may see and
 * write. (openapi_schema.c) */
struct custom_defs;
void openapi_row(const struct model_policy *p, const struct custom_defs *own, struct jsonw *w);
void openapi_body(const struct model_policy *p, const struct custom_defs *own, bool create,
                  struct jsonw *w);
void openapi_value(const struct mf_field *f, bool may_be_null, struct jsonw *w);
/* Paths and schemas that are the core's own. (openapi_core.c) */
void openapi_core_paths(const struct auth_principal *who, struct jsonw *w);
/* Events as this caller's webhooks hear them. (openapi_events.c) */
void openapi_event(const struct model_policy *p, struct jsonw *w);
void openapi_event_schema(struct jsonw *w);
/* 304 when If-None-Match has the answer's tag already; else the tag with it. (etag.c) */
void answer_tagged(struct http_req *req, bool by_version);
void openapi_core_components(struct jsonw *w);
/* Logging in and one's own account. (openapi_auth.c) */
void openapi_auth_paths(const struct auth_principal *who, struct jsonw *w);
void openapi_auth_schemas(struct jsonw *w);

/* ---- the engine's own tables (engine.c) ------------------------------------------- */

extern const struct store_table engine_tables[];
extern const size_t engine_n_tables;

#endif
