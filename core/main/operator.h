/* The operator's side: health and metrics, and the calls behind atriumctl. Only
 * on operator listeners (the unix socket in the state directory, and those that
 * settings mark so); /healthz alone is on public ones too. */
#ifndef ATRIUM_MAIN_OPERATOR_H
#define ATRIUM_MAIN_OPERATOR_H

#include "main/worker.h"

int main_health_routes(struct main_worker *w, struct http_router *r, struct err *err);
/* operator_keys.c */
int main_operator_key_routes(struct main_worker *w, struct http_router *r, struct err *err);
int main_operator_routes(struct main_worker *w, struct http_router *r, struct err *err);

#endif
