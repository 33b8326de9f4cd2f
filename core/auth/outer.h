/* Outer log-ins: OpenID Connect and WeCom. */
#ifndef ATRIUM_CORE_AUTH_OUTER_H
#define ATRIUM_CORE_AUTH_OUTER_H

#include <stdio.h>

#include "auth/login.h"

struct provider {                    /* a row of core.login_provider with its secret */
    int64_t id, role;
    sv code, name, kind, issuer, client_id, agent_id, authorize_url, scopes, match, secret;
    bool create_staff, trust_factor;
};
struct outer_who { sv subject, name, login, email; };      /* email: verified, or SV_NULL */
struct outer_way { sv redirect, state, nonce, verifier; bool in_wecom; };

/* fetch.c */
struct fetch { const char *method; sv url, body; const char *const *headers; };
int fetch(struct auth *au, struct arena *a, const struct fetch *f, sv *answer, int *status,
          struct err *err);
int fetch_json(struct auth *au, struct arena *a, const struct fetch *f, json_t **out,
               struct err *err);

/* oidc.c */
int oidc_url(struct auth *au, struct arena *a, const struct provider *p,
             const struct outer_way *w, struct buf *out, struct err *err);
int oidc_who(struct auth *au, struct arena *a, const struct provider *p, const struct outer_way *w,
             sv code, struct outer_who *out, struct err *err);
void outer_cache_free(struct auth *au);

/* wecom.c */
void wecom_url(const struct provider *p, const struct outer_way *w, struct buf *out);
int wecom_who(struct auth *au, struct arena *a, const struct provider *p, sv code,
              struct outer_who *out, struct err *err);

/* Texts kept for a while by name: discovery documents, keys, WeCom's tokens. */
bool outer_cached(struct auth *au, struct arena *a, sv key, sv *text);
void outer_keep(struct auth *au, sv key, sv text, int64_t for_us);
void outer_drop(struct auth *au, sv key);

/* linked.c: whose the subject is. *who id 0: nobody's. */
int linked_staff(struct http_req *req, struct store_conn *c, const struct provider *p,
                 const struct outer_who *o, struct person *who, struct err *err);
int linked_add(struct http_req *req, struct store_conn *c, const struct provider *p,
               const struct outer_who *o, int64_t staff, struct err *err);

int outer_routes(struct auth *a, struct http_router *r, struct err *err);

#endif
