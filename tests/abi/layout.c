/* Sizes and places that the border relies on. A change here is a change of the
 * ABI: it needs a new revision, or while ABI 1 is not promised yet, a line in
 * abi/HISTORY.md. Compiled as C and as C++ by check-headers.sh. */
#include "atrium/easy.h"

#ifdef __cplusplus
#define CHECK(x) static_assert(x, #x)
#else
#define CHECK(x) _Static_assert(x, #x)
#endif

/* Frozen for ever: what a host reads before anything else. */
CHECK(offsetof(struct atrium_plugin_entry, magic) == 0);
CHECK(offsetof(struct atrium_plugin_entry, size) == 4);
CHECK(offsetof(struct atrium_plugin_entry, abi_major) == 8);
CHECK(ATRIUM_MAGIC == UINT32_C(0x4d525441));

/* ABI 1. */
CHECK(sizeof(struct atrium_str) == 16);
CHECK(sizeof(atrium_status) == 4);
CHECK(sizeof(struct atrium_value) == 24);
CHECK(offsetof(struct atrium_value, u) == 8);
CHECK(sizeof(struct atrium_field_error) == 160);
CHECK(offsetof(struct atrium_error, code) == 16);
CHECK(offsetof(struct atrium_error, fields) == 400);
CHECK(sizeof(struct atrium_error) == 400 + ATRIUM_ERROR_FIELDS * 160);
CHECK(offsetof(struct atrium_plugin_entry, id) == 16);
CHECK(offsetof(struct atrium_plugin_entry, version) == 32);
CHECK(offsetof(struct atrium_plugin_entry, load) == 48);
CHECK(offsetof(struct atrium_plugin_entry, init) == 56);
CHECK(sizeof(struct atrium_plugin_entry) == 128);
CHECK(sizeof(struct atrium_host) == 32);
CHECK(sizeof(struct atrium_change) == 64);
CHECK(sizeof(struct atrium_job) == 32);
CHECK(sizeof(struct atrium_enqueue) == 40);
CHECK(sizeof(struct atrium_principal) == 56);
CHECK(sizeof(struct atrium_part) == 72);
CHECK(sizeof(struct atrium_list) == 112);

/* Tables: a new function is a new revision, so these never grow. */
CHECK(sizeof(struct atrium_auth_1) == 3 * sizeof(void (*)(void)));
CHECK(sizeof(struct atrium_channel_1) == 4 * sizeof(void (*)(void)));
CHECK(sizeof(struct atrium_crypto_1) == 14 * sizeof(void (*)(void)));
CHECK(sizeof(struct atrium_hooks_1) == 4 * sizeof(void (*)(void)));
CHECK(sizeof(struct atrium_http_1) == 20 * sizeof(void (*)(void)));
CHECK(sizeof(struct atrium_jobs_1) == 3 * sizeof(void (*)(void)));
CHECK(sizeof(struct atrium_json_1) == 27 * sizeof(void (*)(void)));
CHECK(sizeof(struct atrium_log_1) == 2 * sizeof(void (*)(void)));
CHECK(sizeof(struct atrium_memory_1) == 7 * sizeof(void (*)(void)));
CHECK(sizeof(struct atrium_model_1) == 7 * sizeof(void (*)(void)));
CHECK(sizeof(struct atrium_settings_1) == 4 * sizeof(void (*)(void)));
CHECK(sizeof(struct atrium_storage_1) == 10 * sizeof(void (*)(void)));
CHECK(sizeof(struct atrium_time_1) == 10 * sizeof(void (*)(void)));

ATRIUM_TABLES_DEFINE;
