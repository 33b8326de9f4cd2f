/* What the files about logging in share: tickets between its steps, the second
 * factor, captchas, devices, outer log-ins. Nobody outside the room includes it. */
#ifndef ATRIUM_CORE_AUTH_LOGIN_H
#define ATRIUM_CORE_AUTH_LOGIN_H

#include "auth/room.h"

#define LOGIN_TICKET "login"
#define LOGIN_TICKET_US (10 * 60 * 1000000LL)

static inline struct tenant *login_tenant(const struct http_req *req)
{
    return tenant_full(auth_tenant_of(req));
}

/* ---- ticket.c ---------------------------------------------------------------------------- */

struct ticket_new { const char *kind; int64_t id, staff, life_us; sv address, data; };
struct ticket { int64_t id, staff; sv address, data; };
/* A text nobody can guess. */
void ticket_text(char out[AUTH_TOKEN_CHARS + 1]);
int ticket_make(struct store_conn *c, const struct ticket_new *n, char out[AUTH_TOKEN_CHARS + 1],
                struct err *err);
/* Reads one and counts the try; 401 "auth.ticket" when it is over or was tried too often. */
int ticket_try(struct store_conn *c, struct arena *a, const char *kind, sv text,
               struct ticket *out, struct err *err);
/* It has served; 401 when somebody was quicker. */
int ticket_use(struct store_conn *c, const struct ticket *t, struct err *err);

/* ---- totp.c ------------------------------------------------------------------------------ */

int64_t totp_step(int64_t now_us);
uint32_t totp_code(sv secret, int64_t step, uint32_t modulus);
/* The step whose code this is, later than the last one used; 0: it is not right. */
int64_t totp_check(sv secret, sv code, int64_t now_us, int64_t last_step);
void totp_base32(struct buf *b, sv bytes);
void totp_uri(struct buf *b, sv issuer, sv login, sv base32);

/* ---- qr.c -------------------------------------------------------------------------------- */

void data_address(struct buf *out, const char *type, sv bytes);
int qr_data(struct arena *a, sv text, sv *out, struct err *err);

/* ---- login.c ----------------------------------------------------------------------------- */

struct person {
    enum auth_kind kind;
    int64_t id;
    sv name, phone, login, hash;     /* hash.p NULL: has no password */
    bool active, must_change;
    int64_t changed_at;              /* of the password */
};
/* By login (`by_phone` false), phone, or id; id 0 in *out: there is nobody. */
int login_find_staff(struct tenant *t, struct store_conn *c, struct arena *a, sv name,
                     bool by_phone, struct person *out, struct err *err);
int login_staff_by_id(struct tenant *t, struct store_conn *c, struct arena *a, int64_t id,
                      struct person *out, struct err *err);
/* One line of the log; `why`: what a refusal was for, NULL when it went well. */
void login_audit(struct http_req *req, const struct person *who, const char *by, const char *why);
/* The session, its cookie and the answer; `codes`: recovery codes to show, or NULL. */
struct admitted;
int login_open(struct http_req *req, struct store_conn *c, const struct person *who,
               const struct admitted *by, const json_t *codes, struct err *err);
/* The cookie and session without an answer, for redirects. */
struct session_made;
int login_session(struct http_req *req, struct store_conn *c, const struct person *who,
                  const struct admitted *by, struct session_made *made, struct err *err);

/* ---- steps.c: what follows the first proof ------------------------------------------------- */

enum { PASSED_PASSWORD = 1, PASSED_FACTOR = 2 };
struct steps {
    const char *by;                  /* "password", "code", "oidc" */
    unsigned passed;
    const json_t *codes;             /* recovery codes just made */
};
/* What is still wanted of this person; NULL: nothing. */
const char *steps_next(const struct auth_rules *r, const struct person *who, bool admin,
                       bool enrolled, const struct steps *s, int64_t now);
/* Answers with the next step and its ticket, or opens the session. */
int steps_go_on(struct http_req *req, struct store_conn *c, const struct person *who,
                const struct steps *s, struct err *err);
/* For the redirect of an outer log-in: the ticket of the next step in *ticket, or
 * "" when nothing is wanted and the session is open. */
int steps_ticket(struct http_req *req, struct store_conn *c, const struct person *who,
                 const struct steps *s, char ticket[AUTH_TOKEN_CHARS + 1], struct err *err);
void login_step_factor(struct http_req *req);
void login_step_password(struct http_req *req);
void login_step(struct http_req *req);

/* ---- factor.c: the second factor ----------------------------------------------------------- */

int factor_enrolled(struct store_conn *c, int64_t staff, bool *yes, struct err *err);
/* A secret to be confirmed by a code: members secret, uri and qr. 409 when there is
 * a confirmed one. */
int factor_begin(struct http_req *req, struct store_conn *c, const struct person *who,
                 struct jsonw *w, struct err *err);
/* 401 "auth.factor" unless the code is right: of the confirmed secret or a recovery
 * code; or, `confirm`, of the one to be confirmed, which makes *codes. Wrong ones
 * count towards a lock. */
int factor_check(struct http_req *req, struct store_conn *c, int64_t staff, sv code, bool confirm,
                 json_t **codes, struct err *err);
void factor_routes_begin(struct http_req *req);
void factor_routes_confirm(struct http_req *req);
void factor_routes_codes(struct http_req *req);
void factor_routes_remove(struct http_req *req);
void factor_routes_reset(struct http_req *req);

/* ---- captcha.c ----------------------------------------------------------------------------- */

/* 422 "captcha_required" or "captcha_wrong" at field captcha when one is wanted and
 * the body's {captcha: {id, answer}} is not right. */
int captcha_check(struct http_req *req, struct store_conn *c, const struct lockout *l, bool always,
                  const json_t *body, struct err *err);
/* Failures that a captcha is asked after; the address gets more. */
bool captcha_wanted(unsigned after, int64_t name_failures, int64_t address_failures);
/* The picture: PNG bytes. `seed` moves letters and lines. */
int captcha_draw(struct arena *a, sv text, uint64_t seed, sv *png, struct err *err);
sv captcha_text(struct arena *a);
bool captcha_equal(sv answer, sv text);
void captcha_get(struct http_req *req);

/* ---- register.c: the device register --------------------------------------------------------- */

/* What X-Atrium-Client says: "mini", "h5", "app", "pc", "api" or "". */
const char *device_client(const struct http_req *req);
/* What a log-in may be given where only registered devices are let in. */
struct admitted {
    int64_t device;                  /* 0: none was asked for */
    bool cookie_only;                /* the web console: its cookie, no token */
};
/* 403 "auth.device_pending", "auth.device_frozen" or 422 while a device may not be used.
 * Unknown ones are registered. `redirect`: the answer leads a browser into the console
 * and holds no token. */
int device_admit(struct http_req *req, struct store_conn *c, const struct person *who,
                 bool redirect, struct admitted *out, struct err *err);

/* ---- reauth.c ------------------------------------------------------------------------------ */

/* Who sits there is the one who logged in: the password, else a code of the second
 * factor, of the body; 422 at `password` or `totp`. */
int reauth_check(struct http_req *req, struct store_conn *c, const struct person *who,
                 const json_t *body, struct err *err);

/* ---- sessions.c, me.c ------------------------------------------------------------------------ */

void sessions_own(struct http_req *req);
void sessions_all(struct http_req *req);
void sessions_end_own(struct http_req *req);
void sessions_end_any(struct http_req *req);
void me_get(struct http_req *req);

#endif
