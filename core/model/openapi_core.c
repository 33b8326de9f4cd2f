/* The part of the OpenAPI document that is the same for every tenant: plugins,
 * approvals, files, shared parameters, errors. Kept as text, since it is text. */
#define LOG_ROOM "model"
#include "model/internal.h"
#include "model/openapi_text.h"

static const struct openapi_path paths[] = {
    {"/api/core/plugins",
     "{\"get\":{\"operationId\":\"core.plugins\",\"tags\":[\"plugin\"],"
     "\"summary\":\"Administrators: plugins and their state\",\"responses\":{"
     ANSWER("200", "Plugins", "{\"type\":\"array\",\"items\":{\"$ref\":"
                              "\"#/components/schemas/Plugin\"}}") "," PROBLEM "}}}"},
    {"/api/core/plugins/{id}/enable",
     "{\"post\":{\"operationId\":\"core.plugins.enable\",\"tags\":[\"plugin\"],"
     "\"summary\":\"Administrators: switch a plugin on\",\"parameters\":[" PLUGIN_ID "],"
     "\"responses\":{" ANSWER("200", "It is on", "{\"$ref\":\"#/components/schemas/Plugin\"}") ","
     PROBLEM "}}}"},
    {"/api/core/plugins/{id}/disable",
     "{\"post\":{\"operationId\":\"core.plugins.disable\",\"tags\":[\"plugin\"],"
     "\"summary\":\"Administrators: switch a plugin off\",\"parameters\":[" PLUGIN_ID "],"
     "\"responses\":{" ANSWER("200", "It is off", "{\"$ref\":\"#/components/schemas/Plugin\"}") ","
     PROBLEM "}}}"},
    {"/api/core/session",
     "{\"get\":{\"operationId\":\"core.session\",\"tags\":[\"session\"],"
     "\"security\":[{},{\"bearer\":[]},{\"cookie\":[]}],"
     "\"summary\":\"Who am I\",\"responses\":{"
     ANSWER("200", "The caller", "{\"$ref\":\"#/components/schemas/Session\"}") "," PROBLEM "}}}"},
    {"/api/core/approval/todo",
     "{\"get\":{\"operationId\":\"core.approval.todo\",\"tags\":[\"core.approval\"],"
     "\"summary\":\"What waits for me\",\"parameters\":[{\"$ref\":\"#/components/parameters/Limit\"},"
     "{\"$ref\":\"#/components/parameters/After\"}],\"responses\":{"
     ANSWER("200", "A page", OBJECTS("Approval")) "," PROBLEM "}}}"},
    {"/api/core/approval/mine",
     "{\"get\":{\"operationId\":\"core.approval.mine\",\"tags\":[\"core.approval\"],"
     "\"summary\":\"What I asked for\",\"parameters\":[{\"$ref\":\"#/components/parameters/Limit\"},"
     "{\"$ref\":\"#/components/parameters/After\"}],\"responses\":{"
     ANSWER("200", "A page", OBJECTS("Approval")) "," PROBLEM "}}}"},
    {"/api/core/approval/done",
     "{\"get\":{\"operationId\":\"core.approval.done\",\"tags\":[\"core.approval\"],"
     "\"summary\":\"What I decided\",\"parameters\":[{\"$ref\":\"#/components/parameters/Limit\"},"
     "{\"$ref\":\"#/components/parameters/After\"}],\"responses\":{"
     ANSWER("200", "A page", OBJECTS("Approval")) "," PROBLEM "}}}"},
    {"/api/core/approval/{id}/{act}",
     "{\"post\":{\"operationId\":\"core.approval.act\",\"tags\":[\"core.approval\"],"
     "\"summary\":\"Decide, withdraw, remind, hand over, add a signer, comment\",\"parameters\":["
     "{\"$ref\":\"#/components/parameters/Id\"},{\"name\":\"act\",\"in\":\"path\",\"required\":true,"
     "\"schema\":{\"enum\":[\"approve\",\"reject\",\"withdraw\",\"remind\",\"comment\",\"transfer\","
     "\"add_signer\"]}}],\"requestBody\":{\"content\":{\"application/json\":{\"schema\":"
     OBJECT("\"comment\":{\"type\":\"string\",\"maxLength\":500},\"staff\":" ID
            ",\"place\":{\"enum\":[\"before\",\"after\"]}")
     "}}},\"responses\":{"
     ANSWER("200", "The approval as it is now", "{\"$ref\":\"#/components/schemas/Approval\"}") ","
     PROBLEM "}}}"},
    {"/api/core/files",
     "{\"post\":{\"operationId\":\"core.files.upload\",\"tags\":[\"file\"],"
     "\"summary\":\"Upload a file\",\"parameters\":[{\"$ref\":"
     "\"#/components/parameters/IdempotencyKey\"}],\"requestBody\":{\"required\":true,\"content\":{"
     "\"multipart/form-data\":{\"schema\":{\"type\":\"object\",\"required\":[\"file\"],"
     "\"properties\":{\"file\":{\"type\":\"string\",\"contentMediaType\":"
     "\"application/octet-stream\"},\"use\":{\"type\":\"string\",\"description\":"
     "\"The field it is for, such as vote.poll.cover\"}}}}}},\"responses\":{"
     ANSWER("201", "Kept", "{\"$ref\":\"#/components/schemas/File\"}") "," PROBLEM "}}}"},
    {"/files/{id}/{name}",
     "{\"get\":{\"operationId\":\"files.get\",\"tags\":[\"file\"],"
     "\"security\":[{},{\"bearer\":[]},{\"cookie\":[]}],"
     "\"summary\":\"The bytes of a file\",\"parameters\":[{\"$ref\":\"#/components/parameters/Id\"},"
     "{\"name\":\"name\",\"in\":\"path\",\"required\":true,\"schema\":" STRING "}],"
     "\"responses\":{\"200\":{\"description\":\"The file\",\"content\":{"
     "\"application/octet-stream\":{}}},\"206\":{\"description\":\"A range of it\",\"content\":{"
     "\"application/octet-stream\":{}}}," PROBLEM "}}}"},
};

/* Paths that are not for everybody. */
static bool told(const char *path, const struct auth_principal *who)
{
    bool admin = who->kind == AUTH_STAFF && who->admin;
    return admin || !sv_starts(sv_of(path), SV("/api/core/plugins"));
}

void openapi_core_paths(const struct auth_principal *who, struct jsonw *w)
{
    openapi_auth_paths(who, w);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (!told(paths[i].path, who)) continue;
        jsonw_key(w, sv_of(paths[i].path));
        jsonw_raw(w, sv_of(paths[i].json));
    }
}

static const struct openapi_path schemas[] = {
    {"Groups", "{\"type\":\"object\",\"required\":[\"items\",\"capped\"],\"properties\":{"
               "\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
               "\"count\":{\"type\":\"integer\"}}}},\"capped\":{\"type\":\"boolean\"}}}"},
    {"Bulk",
     "{\"type\":\"object\",\"required\":[\"action\"],\"properties\":{\"action\":{\"enum\":["
     "\"update\",\"delete\",\"restore\",\"assign\",\"do\"]},\"ids\":{\"type\":\"array\","
     "\"items\":" ID ",\"maxItems\":10000},\"filter\":" STRING ",\"q\":" STRING ","
     "\"set\":{\"type\":\"object\"},\"transition\":" STRING ",\"owner\":" ID ",\"dept\":" ID "}}"},
    {"Reveal", "{\"type\":\"object\",\"required\":[\"fields\"],\"properties\":{\"fields\":{\"type\":"
               "\"array\",\"minItems\":1,\"items\":{\"type\":\"string\"}},\"reason\":{\"type\":"
               "\"string\",\"maxLength\":500}}}"},
    {"Revealed", "{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"null\"]}}"},
    {"BulkResult",
     "{\"type\":\"object\",\"properties\":{\"done\":{\"type\":\"integer\"},\"failed\":{"
     "\"type\":\"integer\"},\"task\":" ID ",\"items\":{\"type\":\"array\",\"items\":{"
     "\"type\":\"object\",\"properties\":{\"id\":" ID ",\"ok\":{\"type\":\"boolean\"},"
     "\"error\":{\"type\":\"object\"}}}}}}"},
    {"Author", "{\"type\":\"object\",\"properties\":{\"kind\":" STRING ",\"id\":" ID
               ",\"name\":{\"type\":[\"string\",\"null\"]}}}"},
    {"Comment",
     "{\"type\":\"object\",\"properties\":{\"id\":" ID ",\"text\":" STRING
     ",\"author\":{\"$ref\":\"#/components/schemas/Author\"},\"created_at\":" TIME
     ",\"edited_at\":{\"type\":[\"string\",\"null\"]},\"mentions\":{\"type\":\"array\",\"items\":{"
     "\"$ref\":\"#/components/schemas/Reference\"}},\"files\":{\"type\":\"array\",\"items\":{"
     "\"$ref\":\"#/components/schemas/File\"}},\"can_change\":{\"type\":\"boolean\"},"
     "\"can_remove\":{\"type\":\"boolean\"}}}"},
    {"NewComment",
     "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\",\"maxLength\":4000},"
     "\"mentions\":{\"type\":\"array\",\"items\":" ID ",\"maxItems\":50},\"files\":{\"type\":"
     "\"array\",\"items\":" ID ",\"maxItems\":20}},\"additionalProperties\":false}"},
    {"Comments", "{\"type\":\"object\",\"required\":[\"items\",\"next\"],\"properties\":{\"items\":{"
                 "\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Comment\"}},"
                 "\"next\":{\"type\":[\"string\",\"null\"]}}}"},
    {"Attachment",
     "{\"type\":\"object\",\"properties\":{\"id\":" ID
     ",\"file\":{\"$ref\":\"#/components/schemas/File\"},\"author\":{\"$ref\":"
     "\"#/components/schemas/Author\"},\"created_at\":" TIME "}}"},
    {"NewAttachment", "{\"type\":\"object\",\"required\":[\"file\"],\"properties\":{\"file\":" ID
                      "},\"additionalProperties\":false}"},
    {"Attachments",
     "{\"type\":\"object\",\"required\":[\"items\",\"next\",\"can_change\"],\"properties\":{"
     "\"items\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Attachment\"}},"
     "\"next\":{\"type\":[\"string\",\"null\"]},\"can_change\":{\"type\":\"boolean\"}}}"},
    {"Point",
     "{\"type\":\"object\",\"description\":\"WGS-84, degrees\",\"required\":[\"lng\",\"lat\"],"
     "\"additionalProperties\":false,\"properties\":{\"lng\":{\"type\":\"number\",\"minimum\":-180,"
     "\"maximum\":180},\"lat\":{\"type\":\"number\",\"minimum\":-90,\"maximum\":90}}}"},
    {"Address",
     "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"region\":{\"type\":"
     "\"string\",\"pattern\":\"^([1-8][0-9]{5})?$\",\"description\":\"GB/T 2260\"},\"text\":{"
     "\"type\":\"string\",\"maxLength\":200},\"point\":{\"$ref\":\"#/components/schemas/"
     "Point\"}}}"},
    {"Polygon",
     "{\"type\":\"object\",\"description\":\"GeoJSON; each ring ends where it began, none crosses "
     "itself or another\",\"required\":[\"type\",\"coordinates\"],\"additionalProperties\":false,"
     "\"properties\":{\"type\":{\"const\":\"Polygon\"},\"coordinates\":{\"type\":\"array\","
     "\"minItems\":1,\"items\":{\"type\":\"array\",\"minItems\":4,\"maxItems\":5000,\"items\":{"
     "\"type\":\"array\",\"minItems\":2,\"maxItems\":2,\"items\":{\"type\":\"number\"}}}}}}"},
    {"Problem",
     "{\"type\":\"object\",\"required\":[\"status\",\"code\",\"title\",\"detail\"],\"properties\":{"
     "\"type\":" STRING ",\"title\":" STRING ",\"status\":{\"type\":\"integer\"},\"code\":" STRING
     ",\"detail\":" STRING ",\"fields\":{\"type\":\"object\",\"description\":"
     "\"Complaints by field, children as options.1.title\",\"additionalProperties\":" STRING
     "},\"request_id\":" STRING "}}"},
    {"Reference", "{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{\"id\":" ID
                  ",\"label\":{\"type\":[\"string\",\"null\"]}}}"},
    {"Session",
     "{\"type\":\"object\",\"properties\":{\"kind\":{\"enum\":[\"anon\",\"staff\",\"member\","
     "\"key\"]},\"user\":{\"type\":[\"object\",\"null\"]},\"tenant\":{\"type\":\"object\"},"
     "\"roles\":{\"type\":\"array\"},\"admin\":{\"type\":\"boolean\"},\"lang\":" STRING "}}"},
    {"Plugin",
     "{\"type\":\"object\",\"required\":[\"id\",\"state\"],\"properties\":{\"id\":" STRING
     ",\"state\":{\"enum\":[\"on\",\"off\",\"quarantined\",\"failed\"]},\"version\":" STRING "}}"},
    {"File",
     "{\"type\":\"object\",\"properties\":{\"id\":" ID ",\"name\":" STRING ",\"type\":" STRING
     ",\"size\":{\"type\":\"integer\"},\"url\":" STRING "}}"},
    {"Asked",
     "{\"type\":\"object\",\"required\":[\"approval\"],\"properties\":{\"approval\":{\"type\":"
     "\"object\",\"properties\":{\"id\":" ID ",\"name\":" STRING ",\"state\":" STRING
     ",\"step\":{\"type\":\"object\"},\"approvers\":{\"type\":\"array\",\"items\":{\"type\":"
     "\"object\"}}}}}}"},
    {"Approval",
     "{\"type\":\"object\",\"required\":[\"id\",\"status\"],\"properties\":{\"id\":" ID ",\"name\":" STRING
     ",\"subject\":" STRING ",\"resource\":" STRING ",\"row_id\":{\"type\":[\"string\",\"null\"]},\"op\":"
     STRING ",\"status\":{\"enum\":[\"pending\",\"approved\",\"rejected\",\"withdrawn\",\"stale\","
     "\"failed\"]},\"steps\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},\"fields\":{\"type\":"
     "\"array\",\"items\":{\"type\":\"object\"}},\"log\":{\"type\":\"array\",\"items\":{\"type\":"
     "\"object\"}},\"can\":{\"type\":\"object\"}}}"},
    {"History",
     "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":"
     "\"object\",\"properties\":{\"id\":" ID ",\"at\":{\"type\":\"string\",\"format\":\"date-time\"},\"who\":{"
     "\"type\":\"object\",\"properties\":{\"kind\":" STRING ",\"id\":" ID
     ",\"name\":{\"type\":[\"string\",\"null\"]}}},\"action\":" STRING
     ",\"changes\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
     "\"field\":" STRING ",\"before\":{},\"after\":{}}}}}}}}}"},
};

#define QUERY(key, name, schema, text)                                                             \
    {                                                                                              \
        key, "{\"name\":\"" name "\",\"in\":\"query\",\"description\":\"" text                     \
             "\",\"schema\":" schema "}"                                                           \
    }

static const struct openapi_path parameters[] = {
    {"Id", "{\"name\":\"id\",\"in\":\"path\",\"required\":true,\"schema\":" ID "}"},
    {"Note", "{\"name\":\"note\",\"in\":\"path\",\"required\":true,\"schema\":" ID "}"},
    {"Import", "{\"name\":\"import\",\"in\":\"path\",\"required\":true,\"schema\":" ID "}"},
    QUERY("Filter", "filter", STRING,
          "Conditions such as: state = \\\"published\\\" and (created_at > "
          "2026-01-01T00:00:00Z or name ~ \\\"x\\\")"),
    QUERY("Search", "q", STRING, "Text to look for"),
    QUERY("Sort", "sort", STRING, "A column, with - in front for falling order"),
    QUERY("Limit", "limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":200,\"default\":20}",
          "Rows of a page"),
    QUERY("After", "after", STRING, "The cursor `next` of the page before"),
    QUERY("Fields", "fields", STRING, "Columns to show, separated by commas"),
    QUERY("Reveal", "reveal", STRING, "Masked fields to show in the clear, by commas; written down"),
    QUERY("Reason", "reason", STRING, "Why, where the tenant wants to know"),
    QUERY("Expand", "expand", STRING, "References and children to show in place"),
    QUERY("Deleted", "deleted", "{\"enum\":[\"only\"]}", "The rows in the bin"),
    QUERY("By", "by", STRING, "Fields to group by, times with a bucket: state,created_at:day"),
    QUERY("Sum", "sum", STRING, "Fields to add up"),
    QUERY("Avg", "avg", STRING, "Fields to average"),
    QUERY("Min", "min", STRING, "Fields whose least value is wanted"),
    QUERY("Max", "max", STRING, "Fields whose greatest value is wanted"),
    QUERY("Groups", "limit",
          "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":200}",
          "Groups at most"),
    QUERY("Count", "count", "{\"enum\":[0,1],\"default\":1}", "0 leaves the count out"),
    {"IdempotencyKey",
     "{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"description\":\"The first answer is given "
     "again for 24 hours\",\"schema\":{\"type\":\"string\",\"pattern\":"
     "\"^[A-Za-z0-9._-]{8,64}$\"}}"},
    {"IfMatch",
     "{\"name\":\"If-Match\",\"in\":\"header\",\"description\":\"The version as the ETag had it\","
     "\"schema\":" STRING "}"},
};

void openapi_core_components(struct jsonw *w)
{
    jsonw_key(w, SV("securitySchemes"));
    jsonw_raw(w, SV("{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
                    "\"cookie\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"atrium_s\"},"
                    "\"member\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"atrium_m\"}}"));
    jsonw_key(w, SV("responses"));
    jsonw_raw(w, SV("{\"Problem\":{\"description\":\"An error\",\"content\":{"
                    "\"application/problem+json\":{\"schema\":{\"$ref\":"
                    "\"#/components/schemas/Problem\"}}}}}"));
    jsonw_key(w, SV("parameters"));
    jsonw_obj(w);
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        jsonw_key(w, sv_of(parameters[i].path));
        jsonw_raw(w, sv_of(parameters[i].json));
    }
    jsonw_end_obj(w);
    jsonw_key(w, SV("schemas"));
    jsonw_obj(w);
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        jsonw_key(w, sv_of(schemas[i].path));
        jsonw_raw(w, sv_of(schemas[i].json));
    }
    openapi_auth_schemas(w);
    /* the resources' follow, and the caller closes */
}
