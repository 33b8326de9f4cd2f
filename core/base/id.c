#include "base/id.h"

#include <stdatomic.h>

#include "base/clock.h"

#define EPOCH_US INT64_C(1704067200000000) /* 2024-01-01T00:00:00Z */
#define SEQ_BITS 12
#define NODE_BITS 10
#define SEQ_MASK ((UINT64_C(1) << SEQ_BITS) - 1)
#define MS_MASK ((UINT64_C(1) << 41) - 1)

static uint64_t node_part;
/* Milliseconds and sequence in one word, ms << 12 | seq: the successor of any
 * state is state + 1, which carries into the milliseconds when the sequence is
 * full, and a clock that steps back simply does not count. */
static _Atomic uint64_t state;

void id_init(unsigned node)
{
    node_part = (uint64_t)(node & ((1u << NODE_BITS) - 1)) << SEQ_BITS;
}

int64_t id_next(void)
{
    int64_t us = clock_now_us() - EPOCH_US;
    uint64_t now = us > 0 ? (uint64_t)(us / 1000) << SEQ_BITS : 0;
    uint64_t old = atomic_load_explicit(&state, memory_order_relaxed), next;
    do {
        next = old + 1 > now ? old + 1 : now;
    } while (!atomic_compare_exchange_weak_explicit(&state, &old, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    uint64_t ms = next >> SEQ_BITS & MS_MASK;
    return (int64_t)(ms << (SEQ_BITS + NODE_BITS) | node_part | (next & SEQ_MASK));
}

int64_t id_time_us(int64_t id)
{
    return (id >> (SEQ_BITS + NODE_BITS)) * 1000 + EPOCH_US;
}
