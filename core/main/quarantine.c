#include "main/quarantine.h"

#define RING (sizeof((struct main_quarantine *)0)->p[0].deaths / sizeof(int64_t))

bool main_quarantine_note(struct main_quarantine *q, sv plugin, int64_t now_us, unsigned deaths,
                          unsigned window_s)
{
    unsigned i = 0;
    while (i < q->n && !sv_eqs(plugin, q->p[i].plugin))
        i++;
    if (i == q->n) {
        if (plugin.n == 0 || plugin.n >= sizeof q->p[0].plugin || q->n == QUARANTINE_MAX)
            return false;
        memset(&q->p[i], 0, sizeof q->p[i]);
        memcpy(q->p[i].plugin, plugin.p, plugin.n);
        q->n++;
    }
    q->p[i].deaths[q->p[i].next++ % RING] = now_us;
    if (q->p[i].out)
        return false;
    unsigned recent = 0;
    for (unsigned k = 0; k < RING; k++)
        if (q->p[i].deaths[k] && now_us - q->p[i].deaths[k] <= (int64_t)window_s * 1000000)
            recent++;
    q->p[i].out = recent >= (deaths < RING ? deaths : (unsigned)RING);
    return q->p[i].out;
}

sv main_quarantine_text(struct arena *a, const struct main_quarantine *q)
{
    struct buf b = BUF_IN(a);
    for (unsigned i = 0; i < q->n; i++)
        if (q->p[i].out)
            buf_printf(&b, "%s%s", b.n ? "," : "", q->p[i].plugin);
    return arena_sv(a, buf_view(&b));
}

void main_quarantine_pardon(struct main_quarantine *q)
{
    *q = (struct main_quarantine){0};
}
