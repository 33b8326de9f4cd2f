/* Many rows by few statements. Round trips are what inserts cost, so rows go in
 * chunks; the chunks are powers of two, so that the statement cache holds ten
 * texts of an insert and not as many as there are lengths of a batch. */
#include "store/internal.h"

#define MAX_ROWS 256
#define MAX_PLACEHOLDERS 32768 /* the protocol counts them in 16 bits */
#define MAX_BYTES (4u << 20)   /* a quarter of the server's usual packet limit */

static size_t row_bytes(const struct store_val *row, unsigned n_cols)
{
    size_t n = 0;
    for (unsigned i = 0; i < n_cols; i++)
        n += row[i].type == STORE_TEXT || row[i].type == STORE_BLOB ? row[i].u.s.n + 9 : 12;
    return n;
}

/* How many of the `n` rows make the next statement. */
static size_t chunk(const struct store_val *args, unsigned n_cols, size_t n)
{
    size_t fit = 0, bytes = 0;
    while (fit < n && fit < MAX_ROWS && (fit + 1) * n_cols <= MAX_PLACEHOLDERS) {
        bytes += row_bytes(args + fit * n_cols, n_cols);
        if (fit && bytes > MAX_BYTES) break;
        fit++;
    }
    size_t rows = 1;
    while (rows * 2 <= fit)
        rows *= 2;
    return rows;
}

static void write_sql(struct buf *b, sv head, sv tail, unsigned n_cols, size_t rows)
{
    buf_clear(b);
    buf_sv(b, head);
    for (size_t i = 0; i < rows; i++) {
        for (unsigned k = 0; k < n_cols; k++)
            buf_str(b, k ? ",?" : i ? ",(?" : "(?");
        buf_chr(b, ')');
    }
    buf_sv(b, tail);
}

int store_insert(struct store_conn *c, sv head, sv tail, const struct store_val *args,
                 unsigned n_cols, size_t n_rows, uint64_t *affected, struct err *err)
{
    if (!n_cols) return err_internal(err, "an insert without columns");
    struct buf sql = BUF_HEAP;
    uint64_t sum = 0;
    size_t written = 0;
    int rc = 0;
    while (rc == 0 && n_rows) {
        size_t rows = chunk(args, n_cols, n_rows);
        uint64_t n = 0;
        if (rows != written) write_sql(&sql, head, tail, n_cols, rows);
        written = rows;
        rc = store_exec(c, buf_view(&sql), args, (unsigned)(rows * n_cols), &n, err);
        sum += n;
        args += rows * n_cols;
        n_rows -= rows;
    }
    buf_free(&sql);
    if (rc == 0 && affected) *affected = sum;
    return rc;
}
