/* Any bytes to the JSON reader. What it takes must be written again as JSON that
 * it takes, equal to the first. */
#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct err e = {0};
    sv text = sv_make((const char *)data, size);
    json_t *v, *again;
    if (json_parse(a, text, &v, &e) == 0) {
        struct buf b = BUF_IN(a);
        struct jsonw w = jsonw_on(&b);
        jsonw_json(&w, v);
        if (json_parse(a, buf_view(&b), &again, &e) != 0) panic("written JSON does not parse");
        /* Whole reals come back as integers, so values are compared as text. */
        struct buf b2 = BUF_IN(a);
        w = jsonw_on(&b2);
        jsonw_json(&w, again);
        if (!sv_eq(buf_view(&b), buf_view(&b2))) panic("JSON differs after a second reading");
    } else if (e.status != 400 || strcmp(e.code, "bad_json") != 0) {
        panic("refused without saying why");
    }

    /* The same bytes as a string's content: always JSON, whatever they are. */
    struct buf b = BUF_IN(a);
    struct jsonw w = jsonw_on(&b);
    jsonw_arr(&w);
    jsonw_sv(&w, text);
    jsonw_end_arr(&w);
    bool has_nul = size && memchr(data, 0, size);
    err_clear(&e);
    if ((json_parse(a, buf_view(&b), &again, &e) != 0) != has_nul) panic("a string is not JSON");
    struct buf problem = BUF_IN(a);
    err_problem(&e, "zh", text, &problem);
    arena_free(a);
    return 0;
}
