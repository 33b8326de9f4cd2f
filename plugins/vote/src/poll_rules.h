/* The rules of a poll (A-2.2.4f) as pure functions of plain data: no database,
 * no clock, no host. Everything that decides whether a ballot counts is here and
 * is tested in tests/unit/vote_rules.c. Times are microseconds UTC. */
#ifndef VOTE_POLL_RULES_H
#define VOTE_POLL_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whose ballots a limit counts. */
enum poll_kind { POLL_PERSON, POLL_DEVICE, POLL_ADDRESS, POLL_KINDS };
extern const char *const poll_kind_names[POLL_KINDS];   /* as in the tally's column */

enum poll_state { POLL_DRAFT, POLL_PUBLISHED, POLL_CLOSED };
enum poll_results { POLL_ALWAYS, POLL_AFTER_VOTE, POLL_AFTER_END, POLL_NEVER };

struct poll_rules {
    enum poll_state state;
    int64_t starts_us, ends_us;      /* open in [starts, ends) */
    bool multiple;
    bool per_day;                    /* else limits count in total */
    bool login_required;
    enum poll_results results;
    int64_t max_choices;             /* when multiple */
    int64_t limit[POLL_KINDS];       /* 0: none */
};

/* Texts of the manifest's enums. An unknown one takes the strictest reading. */
enum poll_state poll_state_of(const char *text, size_t n);
enum poll_results poll_results_of(const char *text, size_t n);

enum poll_phase {
    POLL_HIDDEN,                     /* a draft: not for the public */
    POLL_UPCOMING,
    POLL_OPEN,
    POLL_ENDED,
};
enum poll_phase poll_phase(const struct poll_rules *r, int64_t now_us);
const char *poll_phase_name(enum poll_phase p);   /* "upcoming", "open", "ended" */

/* Why a ballot does not count; POLL_YES when it does. */
enum poll_verdict {
    POLL_YES,
    POLL_NOT_OPEN,
    POLL_HAS_ENDED,
    POLL_LOGIN_REQUIRED,
    POLL_NO_OPTION,
    POLL_TOO_MANY_OPTIONS,
    POLL_UNKNOWN_OPTION,
    POLL_LIMIT_PERSON,
    POLL_LIMIT_DEVICE,
    POLL_LIMIT_ADDRESS,
};
/* Hours, log-in and number of choices: all that needs no count. */
enum poll_verdict poll_admits(const struct poll_rules *r, int64_t now_us, bool logged_in,
                              size_t n_choices);

/* Whether a limit applies to somebody: members are counted as persons, known
 * devices and addresses always. */
bool poll_limits(const struct poll_rules *r, enum poll_kind kind, bool logged_in);
/* Which period a ballot counts in: 0 for "in total", else the local day, or for
 * addresses the window of `window_minutes` (a day by default). */
int64_t poll_period(const struct poll_rules *r, enum poll_kind kind, int64_t now_us,
                    int offset_minutes, int64_t window_minutes);
/* `cast`: ballots that each kind's subject has cast in the period. */
enum poll_verdict poll_within_limits(const struct poll_rules *r, bool logged_in,
                                     const int64_t cast[POLL_KINDS]);
/* Ballots left to this person in the period; -1: no limit. */
int64_t poll_left(const struct poll_rules *r, bool logged_in, const int64_t cast[POLL_KINDS]);
/* Ballots that one may cast in a period; 0: no limit. What the page says. */
int64_t poll_per_period(const struct poll_rules *r, bool logged_in);

/* Whether somebody may see counts. Staff who may read the poll always do. */
bool poll_shows_results(const struct poll_rules *r, enum poll_phase p, bool has_voted, bool staff);

/* Share in hundredths of a percent, rounded half up; 0 of nothing. */
int64_t poll_share(int64_t count, int64_t total);

/* Zeroes what would name a person: the last octet of IPv4, the last 80 bits of
 * IPv6. `out` needs 46 bytes; "" when the text is no address. */
void poll_mask_address(const char *text, size_t n, char out[46]);

/* Titles with "、" between them, at most 500 characters, cut with "…". `out` takes
 * POLL_CHOSEN_BYTES; returns how many are used. */
#define POLL_CHOSEN_CHARS 500
#define POLL_CHOSEN_BYTES (4 * POLL_CHOSEN_CHARS)
size_t poll_join_titles(const char *const *titles, const size_t *sizes, size_t n, char *out);

#endif
