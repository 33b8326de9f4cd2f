/* Who was running when workers died, and who must stay out. Plain data and
 * arithmetic, so that the rule is tested without a process. */
#ifndef ATRIUM_MAIN_QUARANTINE_H
#define ATRIUM_MAIN_QUARANTINE_H

#include "base/base.h"

#define QUARANTINE_MAX 64
struct main_quarantine {
    struct {
        char plugin[64];
        int64_t deaths[16];      /* newest times, microseconds, a ring */
        unsigned next;
        bool out;
    } p[QUARANTINE_MAX];
    unsigned n;
};

/* Notes a death at `now_us` while `plugin` ran; true when this one puts it into
 * quarantine: `deaths` of them within `window_s`. */
bool main_quarantine_note(struct main_quarantine *q, sv plugin, int64_t now_us, unsigned deaths,
                          unsigned window_s);
/* "a,b" of those that are out. */
sv main_quarantine_text(struct arena *a, const struct main_quarantine *q);
/* A reload by the operator (SIGHUP) gives everyone a new chance. */
void main_quarantine_pardon(struct main_quarantine *q);

#endif
