#include "poll_rules.h"

#include <arpa/inet.h>
#include <string.h>

#define MINUTE_US INT64_C(60000000)
#define DAY_MINUTES INT64_C(1440)

const char *const poll_kind_names[POLL_KINDS] = {"person", "device", "address"};

static bool is(const char *text, size_t n, const char *name)
{
    return n == strlen(name) && memcmp(text, name, n) == 0;
}

enum poll_state poll_state_of(const char *text, size_t n)
{
    return is(text, n, "published") ? POLL_PUBLISHED : is(text, n, "closed") ? POLL_CLOSED
                                                                             : POLL_DRAFT;
}

enum poll_results poll_results_of(const char *text, size_t n)
{
    if (is(text, n, "always")) return POLL_ALWAYS;
    if (is(text, n, "after_vote")) return POLL_AFTER_VOTE;
    return is(text, n, "after_end") ? POLL_AFTER_END : POLL_NEVER;
}

/* ---- hours ------------------------------------------------------------------------ */

enum poll_phase poll_phase(const struct poll_rules *r, int64_t now_us)
{
    if (r->state == POLL_DRAFT) return POLL_HIDDEN;
    if (r->state == POLL_CLOSED || now_us >= r->ends_us) return POLL_ENDED;
    return now_us < r->starts_us ? POLL_UPCOMING : POLL_OPEN;
}

const char *poll_phase_name(enum poll_phase p)
{
    switch (p) {
    case POLL_UPCOMING: return "upcoming";
    case POLL_OPEN: return "open";
    case POLL_HIDDEN:
    case POLL_ENDED: break;
    }
    return "ended";
}

enum poll_verdict poll_admits(const struct poll_rules *r, int64_t now_us, bool logged_in,
                              size_t n_choices)
{
    switch (poll_phase(r, now_us)) {
    case POLL_HIDDEN:
    case POLL_UPCOMING: return POLL_NOT_OPEN;
    case POLL_ENDED: return POLL_HAS_ENDED;
    case POLL_OPEN: break;
    }
    if (r->login_required && !logged_in) return POLL_LOGIN_REQUIRED;
    if (n_choices == 0) return POLL_NO_OPTION;
    int64_t most = r->multiple ? r->max_choices : 1;
    return (int64_t)n_choices > most ? POLL_TOO_MANY_OPTIONS : POLL_YES;
}

/* ---- limits ------------------------------------------------------------------------- */

bool poll_limits(const struct poll_rules *r, enum poll_kind kind, bool logged_in)
{
    return r->limit[kind] > 0 && (kind != POLL_PERSON || logged_in);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t poll_period(const struct poll_rules *r, enum poll_kind kind, int64_t now_us,
                    int offset_minutes, int64_t window_minutes)
{
    if (!r->per_day) return 0;
    int64_t local = floor_div(now_us, MINUTE_US) + offset_minutes;
    bool own_window = kind == POLL_ADDRESS && window_minutes > 0;
    return floor_div(local, own_window ? window_minutes : DAY_MINUTES);
}

enum poll_verdict poll_within_limits(const struct poll_rules *r, bool logged_in,
                                     const int64_t cast[POLL_KINDS])
{
    static const enum poll_verdict verdicts[POLL_KINDS] = {POLL_LIMIT_PERSON, POLL_LIMIT_DEVICE,
                                                           POLL_LIMIT_ADDRESS};
    for (int k = 0; k < POLL_KINDS; k++) {
        if (poll_limits(r, (enum poll_kind)k, logged_in) && cast[k] >= r->limit[k])
            return verdicts[k];
    }
    return POLL_YES;
}

int64_t poll_left(const struct poll_rules *r, bool logged_in, const int64_t cast[POLL_KINDS])
{
    int64_t left = -1;
    for (int k = 0; k < POLL_KINDS; k++) {
        if (!poll_limits(r, (enum poll_kind)k, logged_in)) continue;
        int64_t here = cast[k] < r->limit[k] ? r->limit[k] - cast[k] : 0;
        if (left < 0 || here < left) left = here;
    }
    return left;
}

int64_t poll_per_period(const struct poll_rules *r, bool logged_in)
{
    bool by_person = poll_limits(r, POLL_PERSON, logged_in);
    bool by_device = poll_limits(r, POLL_DEVICE, logged_in);
    int64_t person = r->limit[POLL_PERSON], device = r->limit[POLL_DEVICE];
    if (by_person && by_device) return person < device ? person : device;
    return by_person ? person : by_device ? device : 0;
}

/* ---- results ------------------------------------------------------------------------- */

bool poll_shows_results(const struct poll_rules *r, enum poll_phase p, bool has_voted, bool staff)
{
    if (staff) return true;
    if (p == POLL_HIDDEN) return false;
    switch (r->results) {
    case POLL_ALWAYS: return true;
    case POLL_AFTER_VOTE: return has_voted || p == POLL_ENDED;
    case POLL_AFTER_END: return p == POLL_ENDED;
    case POLL_NEVER: break;
    }
    return false;
}

int64_t poll_share(int64_t count, int64_t total)
{
    if (total <= 0 || count <= 0) return 0;
    /* Counts stay far below 2^63 / 10000. */
    return (count * 10000 + total / 2) / total;
}

/* ---- privacy --------------------------------------------------------------------------- */

void poll_mask_address(const char *text, size_t n, char out[46])
{
    char copy[46];
    unsigned char a[16];
    out[0] = '\0';
    if (n >= sizeof copy) return;
    memcpy(copy, text, n);
    copy[n] = '\0';
    if (inet_pton(AF_INET, copy, a) == 1) {
        a[3] = 0;
        inet_ntop(AF_INET, a, out, 46);
    } else if (inet_pton(AF_INET6, copy, a) == 1) {
        static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        if (memcmp(a, mapped, sizeof mapped) == 0)
            a[15] = 0;               /* ::ffff:192.0.2.1 is IPv4 in disguise */
        else
            memset(a + 6, 0, 10);
        inet_ntop(AF_INET6, a, out, 46);
    }
}

/* ---- words ------------------------------------------------------------------------------- */

struct joined {
    char *out;
    size_t bytes, chars, cut;        /* cut: bytes when there was room for one more character */
};

/* False when the text does not fit; whole characters only. */
static bool join(struct joined *j, const char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t size = 1;
        while (i + size < n && ((unsigned char)p[i + size] & 0xc0) == 0x80) size++;
        if (j->chars == POLL_CHOSEN_CHARS || size > 4) return false;
        if (j->chars == POLL_CHOSEN_CHARS - 1) j->cut = j->bytes;
        memcpy(j->out + j->bytes, p + i, size);
        j->bytes += size;
        j->chars++;
        i += size;
    }
    return true;
}

size_t poll_join_titles(const char *const *titles, const size_t *sizes, size_t n, char *out)
{
    static const char comma[] = "、", more[] = "…";
    struct joined j = {.out = out};
    for (size_t i = 0; i < n; i++) {
        if ((i == 0 || join(&j, comma, sizeof comma - 1)) && join(&j, titles[i], sizes[i]))
            continue;
        memcpy(out + j.cut, more, sizeof more - 1);
        return j.cut + sizeof more - 1;
    }
    return j.bytes;
}
