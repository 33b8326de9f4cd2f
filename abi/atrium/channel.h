/* atrium.channel/1: live messages to browsers.
 *
 * The manifest declares channels and who may listen; below a channel are topics,
 * named by the plugin (a poll's id). Messages are JSON. Nobody waits for a slow
 * listener: one that owes too much is cut off and comes back by itself. */
#ifndef ATRIUM_CHANNEL_H
#define ATRIUM_CHANNEL_H

#include "atrium/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ATRIUM_CHANNEL_1 "atrium.channel/1"

struct atrium_channel_1 {
    /* [worker] Sends an event with JSON data to all who listen to the topic. In
     * a batch it is sent after the commit and dropped on rollback. In a check or
     * transition hook: ATRIUM_E_STATE, since that transaction is not the
     * plugin's; publish from the event that follows. ATRIUM_E_ARGUMENT: channel
     * not declared, topic above 64 bytes, data above 64 KiB. */
    atrium_status (*publish)(struct atrium_ctx *ctx, struct atrium_str channel,
                             struct atrium_str topic, struct atrium_str event,
                             struct atrium_str json);
    /* [worker] Same for a state of which only the newest matters: at most one
     * message each `interval_ms` (at most 60,000) goes out per topic and event;
     * what comes in between replaces what waits. The last one is always sent. */
    atrium_status (*publish_latest)(struct atrium_ctx *ctx, struct atrium_str channel,
                                    struct atrium_str topic, struct atrium_str event,
                                    struct atrium_str json, uint32_t interval_ms);

    /* [worker] Turns the request into a stream of server-sent events of the
     * topic; the handler then returns ATRIUM_LATER. `first` (an event with its
     * data, absent: none) is sent before anything else. ATRIUM_E_DENIED when the
     * channel is not for this person. Handlers only. */
    atrium_status (*subscribe)(struct atrium_ctx *ctx, struct atrium_str channel,
                               struct atrium_str topic, struct atrium_str first_event,
                               struct atrium_str first_json, struct atrium_error *err);
    /* [worker] How many listen to the topic on this node. */
    uint32_t (*listeners)(const struct atrium_ctx *ctx, struct atrium_str channel,
                          struct atrium_str topic);
};

#ifdef __cplusplus
}
#endif
#endif
