/* What the console asks before it can draw anything: who am I, which menus,
 * which pages of plugins; and the page where plugins are switched. */
#ifndef ATRIUM_MAIN_CONSOLE_H
#define ATRIUM_MAIN_CONSOLE_H

#include "main/worker.h"

int main_console_routes(struct main_worker *w, struct http_router *r, struct err *err);

/* One's own row of core.staff. */
int main_profile_routes(struct main_worker *w, struct http_router *r, struct err *err);
int main_plugin_settings_routes(struct main_worker *w, struct http_router *r, struct err *err);

/* True for a tenant's administrator; else the answer is written: 401 or 403. */
bool main_admin_only(struct http_req *req);

/* Switches the plugin named by the path's ":id", writes the audit line and the
 * answer; also for the operator's side. [worker] */
void main_switch_plugin(struct main_worker *w, struct http_req *req, struct auth_tenant *t,
                        const struct auth_principal *who, bool on);

#endif
