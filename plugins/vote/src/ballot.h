/* A ballot on its way from the handler to its batch. */
#ifndef VOTE_BALLOT_H
#define VOTE_BALLOT_H

#include "vote.h"

#define VOTE_KEY_HEX 32

/* Copied into the stream as it is; it points nowhere. */
struct ballot {
    int64_t poll, member;
    int64_t at_us;                   /* when it arrived: hours and days count by this */
    char key[VOTE_KEY_HEX + 1];      /* Idempotency-Key, hashed with its owner */
    char device[VOTE_SUBJECT_MAX + 1];
    char address[46];
    char client[8];                  /* h5, mini, pc, api */
    uint32_t fresh_device;           /* 1: made for this request, so nothing is known of it */
    uint32_t n_options;
    int64_t options[VOTE_MAX_OPTIONS];    /* rising; only n_options are copied */
};

#endif
