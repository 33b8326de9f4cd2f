/* Events as a contract: what webhooks are told, in the document's own section. */
#define LOG_ROOM "model"
#include "model/internal.h"

static void event(const struct model_policy *p, const char *name, const char *title,
                  struct jsonw *w)
{
    struct arena *a = arena_new(512);
    const struct model_resource *r = p->res;
    bool gone = strcmp(name, "deleted") == 0;
    sv id = arena_printf(a, "%.*s.%s", SVARG(r->name), name);
    jsonw_key(w, id);
    jsonw_obj(w);
    jsonw_key(w, SV("post"));
    jsonw_obj(w);
    jsonw_kv_sv(w, "operationId", arena_printf(a, "event.%.*s", SVARG(id)));
    jsonw_kv_str(w, "summary", title);
    jsonw_key(w, SV("tags"));
    jsonw_arr(w);
    jsonw_sv(w, r->name);
    jsonw_end_arr(w);
    jsonw_kv_raw(w, "security", SV("[]"));
    jsonw_key(w, SV("requestBody"));
    jsonw_obj(w);
    jsonw_key(w, SV("content"));
    jsonw_obj(w);
    jsonw_key(w, SV("application/json"));
    jsonw_obj(w);
    jsonw_kv_raw(
        w, "schema",
        arena_printf(a,
                     "{\"allOf\":[{\"$ref\":\"#/components/schemas/Event\"},{\"properties\":"
                     "{\"event\":{\"const\":\"%.*s\"},\"data\":{\"$ref\":"
                     "\"#/components/schemas/%.*s\"}}}]}",
                     SVARG(id), gone ? 7 : (int)r->name.n, gone ? "Deleted" : r->name.p));
    jsonw_end_obj(w);
    jsonw_end_obj(w);
    jsonw_end_obj(w);
    jsonw_kv_raw(w, "responses",
                 SV("{\"2XX\":{\"description\":\"Taken\"},\"410\":{\"description\":"
                    "\"Send nothing here any more\"},\"default\":{\"description\":"
                    "\"Sent again later\"}}"));
    jsonw_end_obj(w);
    jsonw_end_obj(w);
    arena_free(a);
}

void openapi_event(const struct model_policy *p, struct jsonw *w)
{
    const struct mf_resource *mf = p->res->mf;
    event(p, "created", "Added", w);
    if (mf->traits & MF_APPEND_ONLY) return;
    event(p, "updated", "Changed", w);
    event(p, "deleted", "Deleted", w);
    if (p->res->deleted_at) event(p, "restored", "Taken back from deletion", w);
    for (size_t i = 0; i < mf->n_transitions; i++)
        event(p, mf->transitions[i].name,
              mf->transitions[i].title.en ? mf->transitions[i].title.en : mf->transitions[i].name,
              w);
}

void openapi_event_schema(struct jsonw *w)
{
    jsonw_key(w, SV("Event"));
    jsonw_raw(w,
              SV("{\"type\":\"object\",\"required\":[\"id\",\"event\",\"sequence\",\"created_at\","
                 "\"tenant\",\"resource\",\"row_id\",\"data\"],\"properties\":{\"id\":{\"type\":"
                 "\"string\",\"description\":\"Of the event; a repeated delivery has the same\"},"
                 "\"event\":{\"type\":\"string\"},\"sequence\":{\"type\":\"string\","
                 "\"description\":\"Rises with time; compare as an integer\"},\"created_at\":"
                 "{\"type\":\"string\",\"format\":\"date-time\"},\"tenant\":{\"type\":\"string\"},"
                 "\"resource\":{\"type\":\"string\"},\"row_id\":{\"type\":\"string\"},\"data\":"
                 "{\"type\":\"object\"}}}"));
    jsonw_key(w, SV("Deleted"));
    jsonw_raw(w, SV("{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{\"id\":{\"type\":"
                    "\"string\"}}}"));
}
