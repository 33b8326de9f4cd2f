/* Pieces that the constant parts of the OpenAPI document are put together from. */
#ifndef ATRIUM_CORE_MODEL_OPENAPI_TEXT_H
#define ATRIUM_CORE_MODEL_OPENAPI_TEXT_H

#define OBJECT(props)                                                                              \
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{" props "}}"
#define JSON_BODY(schema)                                                                          \
    "\"requestBody\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":" schema "}" \
                                                                                               "}" \
                                                                                               "}"
#define ANSWER(code, text, schema)                                                                 \
    "\"" code "\":{\"description\":\"" text                                                        \
    "\",\"content\":{\"application/json\":{\"schema\":" schema "}}}"
#define EMPTY(code, text) "\"" code "\":{\"description\":\"" text "\"}"
#define PROBLEM                                                                                    \
    "\"4XX\":{\"$ref\":\"#/components/responses/Problem\"},"                                       \
    "\"5XX\":{\"$ref\":\"#/components/responses/Problem\"}"
#define STRING "{\"type\":\"string\"}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define ID "{\"type\":\"string\",\"pattern\":\"^[0-9]{1,19}$\"}"

#define PLUGIN_ID "{\"name\":\"id\",\"in\":\"path\",\"required\":true,\"schema\":" STRING "}"

#define OBJECTS(name)                                                                              \
    "{\"type\":\"object\",\"required\":[\"items\",\"next\"],\"properties\":{\"items\":{\"type\":"         \
    "\"array\",\"items\":{\"$ref\":\"#/components/schemas/" name "\"}},\"next\":{\"type\":[\"string\","  \
    "\"null\"]},\"count\":{\"type\":\"integer\"},\"count_capped\":{\"type\":\"boolean\"}}}"

struct openapi_path {
    const char *path, *json;
};

#endif
