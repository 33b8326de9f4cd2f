/* Static trees: the console at /console/, the public client at /, the run-time
 * modules of plugins at /console/plugins/<id>/<hash>/. */
#ifndef ATRIUM_MAIN_SITE_H
#define ATRIUM_MAIN_SITE_H

#include "config/manifest.h"
#include "http/http.h"

struct main_site;

/* Reads www_dir/{console,client} and the content hash of each manifest's ui/
 * folder. Everything lives in `a`. A missing tree is not an error: its pages
 * answer 404. */
struct main_site *main_site_new(struct arena *a, const char *www_dir,
                                const struct mf_manifest *const *manifests, size_t n);
/* Answers what no route matched; `main` calls it from the server's fallback. [loop] */
void main_site_serve(struct main_site *s, struct http_req *req);
/* "/console/plugins/vote/<hash>/<module>.mjs", or SV_NULL when there is no such
 * file. In the site's arena. [any] */
sv main_site_module(const struct main_site *s, struct arena *a, sv plugin, const char *module);

#endif
