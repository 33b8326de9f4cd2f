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

/* Rows of files that are being brought in (import_*.c): as they were typed. */
static const struct store_col import_cols[] = {
    {.name = "import", .type = STORE_COL_ID, .not_null = true},
    {.name = "line", .type = STORE_COL_I32, .not_null = true},
    {.name = "state", .type = STORE_COL_I32, .not_null = true},
    {.name = "cells", .type = STORE_COL_TEXT},
    {.name = "errors", .type = STORE_COL_TEXT},
    {.name = "row_id", .type = STORE_COL_ID},
};
static const char *const import_primary[] = {"import", "line"};
static const char *const import_state[] = {"import", "state", "line"};
static const struct store_idx import_idx[] = {
    {.name = "i_state", .cols = import_state, .n_cols = 3}};

/* How far the protected fields of each resource are under which keys (reseal.c). */
static const struct store_col protected_cols[] = {
    {.name = "resource", .type = STORE_COL_ASCII, .size = 80, .not_null = true},
    {.name = "fields", .type = STORE_COL_TEXT, .not_null = true},
    {.name = "part", .type = STORE_COL_ASCII, .size = 8, .not_null = true},
    {.name = "data_key", .type = STORE_COL_I32, .not_null = true},
    {.name = "hash_key", .type = STORE_COL_I32, .not_null = true},
    {.name = "want_data", .type = STORE_COL_I32, .not_null = true},
    {.name = "want_hash", .type = STORE_COL_I32, .not_null = true},
    {.name = "at_id", .type = STORE_COL_ID, .not_null = true},
};
static const char *const protected_primary[] = {"resource"};

const struct store_table engine_tables[] = {
    {.name = "core_import_row",
     .cols = import_cols,
     .n_cols = sizeof import_cols / sizeof *import_cols,
     .primary = import_primary,
     .n_primary = 2,
     .idx = import_idx,
     .n_idx = 1},
    {.name = "core_protected",
     .cols = protected_cols,
     .n_cols = sizeof protected_cols / sizeof *protected_cols,
     .primary = protected_primary,
     .n_primary = 1},
    {.name = "core_sequence",
     .cols = sequence_cols,
     .n_cols = 2,
     .primary = sequence_primary,
     .n_primary = 1},
};
const size_t engine_n_tables = sizeof engine_tables / sizeof *engine_tables;
