/* Tables that belong to the engine and are no resource: nobody reads or edits
 * their rows as records. */
#define LOG_ROOM "model"
#include "model/internal.h"

/* The counters behind fields of type sequence. */
static const struct store_col sequence_cols[] = {
    {.name = "name", .type = STORE_COL_VARCHAR, .size = 190, .not_null = true},
    {.name = "value", .type = STORE_COL_I64, .not_null = true},
};
static const char *const sequence_primary[] = {"name"};

const struct store_table engine_tables[] = {
    {.name = "core_sequence",
     .cols = sequence_cols,
     .n_cols = 2,
     .primary = sequence_primary,
     .n_primary = 1},
};
const size_t engine_n_tables = sizeof engine_tables / sizeof *engine_tables;
