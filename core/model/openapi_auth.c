/* The part of the OpenAPI document about who one is: logging in and its steps, one's
 * own account, sessions, second factors, outer log-ins. The room below has no
 * resources to generate it from. */
#define LOG_ROOM "model"
#include "model/internal.h"
#include "model/openapi_text.h"

#define OP(method, id, summary, rest)                                                              \
    "\"" method "\":{\"operationId\":\"auth." id "\",\"tags\":[\"session\"],\"summary\":\"" summary \
    "\"," rest "}"
#define OPEN "\"security\":[],"
#define GIVES(answers) "\"responses\":{" answers "," PROBLEM "}"
#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define NEEDS(names, props)                                                                        \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[" names                     \
    "],\"properties\":{" props "}}"
#define MAYBE_BODY(schema)                                                                         \
    "\"requestBody\":{\"content\":{\"application/json\":{\"schema\":" schema "}}}"
#define AT_ID "\"parameters\":[{\"$ref\":\"#/components/parameters/Id\"}],"
#define IN_QUERY(name, schema)                                                                     \
    "{\"name\":\"" name "\",\"in\":\"query\",\"schema\":" schema "}"
#define AT_CODE                                                                                    \
    "\"parameters\":[{\"name\":\"code\",\"in\":\"path\",\"required\":true,\"schema\":" STRING "}],"
#define MAYBE "{\"type\":[\"string\",\"null\"]}"
#define BOOLEAN "{\"type\":\"boolean\"}"
#define INTEGER "{\"type\":\"integer\"}"
#define LIST(of) "{\"type\":\"array\",\"items\":" of "}"
#define PROP(name, schema) "\"" name "\":" schema
#define LOGGED_IN ANSWER("200", "Signed in, or the next step", REF("Login"))

/* Whom a path is for, beside administrators. */
enum audience { EVERYONE, STAFF, ADMINS };

static const struct {
    const char *path, *json;
    enum audience to;
} paths[] = {
    {"/api/auth/login",
     "{" OP("post", "login", "Sign in as staff, by password or by a one-time code",
            OPEN JSON_BODY(OBJECT(PROP("login", STRING) "," PROP("password", STRING) ","
                                  PROP("phone", STRING) "," PROP("code", STRING) ","
                                  PROP("captcha", REF("Captcha")))) ","
            GIVES(LOGGED_IN)) "}", EVERYONE},
    {"/api/auth/login/totp",
     "{" OP("post", "login.totp", "A step of the log-in: a code of the second factor, or a recovery code",
            OPEN JSON_BODY(NEEDS("\"ticket\",\"code\"", PROP("ticket", STRING) "," PROP("code", STRING))) ","
            GIVES(LOGGED_IN)) "}", EVERYONE},
    {"/api/auth/login/password",
     "{" OP("post", "login.password", "A step of the log-in: a new password",
            OPEN JSON_BODY(NEEDS("\"ticket\",\"new\"", PROP("ticket", STRING) "," PROP("new", STRING))) ","
            GIVES(LOGGED_IN)) "}", EVERYONE},
    {"/api/auth/login/step",
     "{" OP("post", "login.step", "Which step a ticket waits for",
            OPEN JSON_BODY(NEEDS("\"ticket\"", PROP("ticket", STRING))) ","
            GIVES(LOGGED_IN)) "}", EVERYONE},
    {"/api/auth/captcha",
     "{" OP("get", "captcha", "A picture to read, where one is asked for",
            OPEN "\"parameters\":[" IN_QUERY("login", STRING) "," IN_QUERY("for", "{\"enum\":[\"code\"]}") "],"
            GIVES(ANSWER("200", "The picture as a data address; required false: none is asked for",
                         OBJECT(PROP("required", BOOLEAN) "," PROP("id", STRING) ","
                                PROP("image", STRING) "," PROP("expires_in", INTEGER))))) "}", EVERYONE},
    {"/api/auth/code",
     "{" OP("post", "code", "Have a one-time code sent",
            OPEN JSON_BODY(NEEDS("\"phone\",\"purpose\"", PROP("phone", STRING) ","
                                 PROP("purpose", "{\"enum\":[\"staff\",\"member\"]}") ","
                                 PROP("captcha", REF("Captcha")))) ","
            GIVES(EMPTY("202", "Accepted, whether or not the number is known"))) "}", EVERYONE},
    {"/api/auth/outer",
     "{" OP("get", "outer", "Outer log-ins that are on",
            OPEN GIVES(ANSWER("200", "Their codes and names",
                              LIST(OBJECT(PROP("code", STRING) "," PROP("name", STRING) ","
                                          PROP("kind", STRING) "," PROP("enabled", BOOLEAN) ","
                                          PROP("has_secret", BOOLEAN)))))) "}", EVERYONE},
    {"/api/auth/outer/{code}/start",
     "{" OP("post", "outer.start", "Begin an outer log-in, or link an outer account to one's own",
            "\"security\":[{},{\"bearer\":[]},{\"cookie\":[]}]," AT_CODE
            JSON_BODY(OBJECT(PROP("back", STRING) "," PROP("link", BOOLEAN))) ","
            GIVES(ANSWER("200", "Where the browser goes", OBJECT(PROP("url", STRING))))) "}", EVERYONE},
    {"/api/auth/outer/{code}/callback",
     "{" OP("get", "outer.callback", "The way back of the browser; bound to it by a cookie",
            OPEN "\"parameters\":[{\"name\":\"code\",\"in\":\"path\",\"required\":true,\"schema\":" STRING
            "}," IN_QUERY("state", STRING) "," IN_QUERY("error", STRING) "],"
            GIVES(EMPTY("302", "Into the console"))) "}", EVERYONE},
    {"/api/auth/outer/{code}/secret",
     "{" OP("post", "outer.secret", "Administrators: the secret that the provider has given us",
            AT_CODE JSON_BODY(NEEDS("\"secret\"", PROP("secret", STRING))) ","
            GIVES(EMPTY("204", "Kept, sealed"))) "}", ADMINS},
    {"/api/auth/logout",
     "{" OP("post", "logout", "End the session", GIVES(EMPTY("204", "Ended"))) "}", EVERYONE},
    {"/api/auth/password",
     "{" OP("post", "password", "Change one's own password; other sessions end",
            JSON_BODY(NEEDS("\"new\"", PROP("old", STRING) "," PROP("totp", STRING) ","
                            PROP("new", STRING))) ","
            GIVES(EMPTY("204", "Changed"))) "}", STAFF},
    {"/api/auth/me",
     "{" OP("get", "me", "One's own account", GIVES(ANSWER("200", "It", REF("Account")))) ","
         OP("patch", "me.change", "Change name, email or login; a new login asks for a proof",
            JSON_BODY(OBJECT(PROP("name", STRING) "," PROP("email", STRING) "," PROP("login", STRING) ","
                             PROP("password", STRING) "," PROP("totp", STRING))) ","
            GIVES(EMPTY("204", "Changed"))) "}", STAFF},
    {"/api/auth/me/phone/code",
     "{" OP("post", "me.phone.code", "Have a code sent to the phone that is to be one's own",
            JSON_BODY(NEEDS("\"phone\"", PROP("phone", STRING))) "," GIVES(EMPTY("202", "Sent"))) "}", STAFF},
    {"/api/auth/me/phone",
     "{" OP("post", "me.phone", "Change one's own phone",
            JSON_BODY(NEEDS("\"phone\",\"code\"", PROP("phone", STRING) "," PROP("code", STRING) ","
                            PROP("password", STRING) "," PROP("totp", STRING))) ","
            GIVES(EMPTY("204", "Changed"))) "}", STAFF},
    {"/api/auth/me/sessions",
     "{" OP("get", "me.sessions", "One's own sessions", GIVES(ANSWER("200", "Newest first", REF("Sessions")))) "}",
     EVERYONE},
    {"/api/auth/me/sessions/{id}",
     "{" OP("delete", "me.sessions.end", "End one of one's own sessions",
            AT_ID GIVES(EMPTY("204", "Ended"))) "}", EVERYONE},
    {"/api/auth/me/identities/{id}",
     "{" OP("delete", "me.identities.remove", "Unlink an outer account",
            AT_ID GIVES(EMPTY("204", "Unlinked"))) "}", STAFF},
    {"/api/auth/totp/begin",
     "{" OP("post", "totp.begin", "A secret for an authenticator, to be confirmed by a code",
            JSON_BODY(OBJECT(PROP("password", STRING))) ","
            GIVES(ANSWER("200", "The secret, its address and its picture",
                         OBJECT(PROP("secret", STRING) "," PROP("uri", STRING) "," PROP("qr", STRING))))) "}",
     STAFF},
    {"/api/auth/totp/confirm",
     "{" OP("post", "totp.confirm", "The second factor is on from now",
            JSON_BODY(NEEDS("\"code\"", PROP("code", STRING))) ","
            GIVES(ANSWER("200", "Shown once", REF("RecoveryCodes")))) "}", STAFF},
    {"/api/auth/totp/codes",
     "{" OP("post", "totp.codes", "New recovery codes; the old ones are void",
            JSON_BODY(NEEDS("\"code\"", PROP("code", STRING))) ","
            GIVES(ANSWER("200", "Shown once", REF("RecoveryCodes")))) "}", STAFF},
    {"/api/auth/totp/remove",
     "{" OP("post", "totp.remove", "No second factor any more, where the rules allow it",
            JSON_BODY(NEEDS("\"code\"", PROP("code", STRING))) "," GIVES(EMPTY("204", "Removed"))) "}", STAFF},
    {"/api/auth/reauth",
     "{" OP("get", "reauth.ways", "How one can prove who one is",
            GIVES(ANSWER("200", "The ways", OBJECT(PROP("ways", LIST("{\"enum\":[\"password\",\"code\",\"totp\"]}")) ","
                                                   PROP("phone", MAYBE))))) ","
         OP("post", "reauth", "Prove who one is, for sensitive operations",
            JSON_BODY(OBJECT(PROP("password", STRING) "," PROP("code", STRING) "," PROP("totp", STRING))) ","
            GIVES(EMPTY("204", "Proved, for five minutes"))) "}", STAFF},
    {"/api/auth/reauth/code",
     "{" OP("post", "reauth.code", "Have a code sent to one's own phone",
            GIVES(ANSWER("202", "Sent", OBJECT(PROP("wait", INTEGER))))) "}", STAFF},
    {"/api/auth/sessions",
     "{" OP("get", "sessions", "Administrators: everybody's sessions",
            "\"parameters\":[" IN_QUERY("kind", "{\"enum\":[\"staff\",\"member\"]}") ","
            IN_QUERY("staff", ID) ",{\"$ref\":\"#/components/parameters/Limit\"},"
            "{\"$ref\":\"#/components/parameters/After\"}],"
            GIVES(ANSWER("200", "Newest first", REF("Sessions")))) "}", ADMINS},
    {"/api/auth/sessions/{id}",
     "{" OP("delete", "sessions.end", "Administrators: end a session",
            AT_ID GIVES(EMPTY("204", "Ended"))) "}", ADMINS},
    {"/api/auth/staff/{id}/password",
     "{" OP("post", "staff.password", "Administrators: give a member of staff a new password",
            AT_ID MAYBE_BODY(OBJECT(PROP("password", STRING))) ","
            GIVES(ANSWER("200", "The password, generated when none was given",
                         OBJECT(PROP("password", STRING))))) "}", ADMINS},
    {"/api/auth/staff/{id}/totp/reset",
     "{" OP("post", "staff.totp.reset", "Administrators: take a lost second factor away",
            AT_ID GIVES(EMPTY("204", "Taken away"))) "}", ADMINS},
    {"/api/auth/member/login",
     "{" OP("post", "member.login", "Sign in as a member of the public, who is registered if new",
            OPEN JSON_BODY(NEEDS("\"phone\",\"code\"", PROP("phone", STRING) "," PROP("code", STRING))) ","
            GIVES(ANSWER("200", "Signed in", REF("Login")))) "}", EVERYONE},
    {"/api/auth/member/logout",
     "{" OP("post", "member.logout", "End the member's session", GIVES(EMPTY("204", "Ended"))) "}", EVERYONE},
    {"/api/auth/member/session",
     "{" OP("get", "member.session", "Who am I as a member",
            "\"security\":[{},{\"bearer\":[]},{\"member\":[]}],"
            GIVES(ANSWER("200", "The caller", REF("Session")))) "}", EVERYONE},
};

void openapi_auth_paths(const struct auth_principal *who, struct jsonw *w)
{
    bool staff = auth_is_staff(who), admin = staff && who->admin;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if ((paths[i].to == STAFF && !staff) || (paths[i].to == ADMINS && !admin)) continue;
        jsonw_key(w, sv_of(paths[i].path));
        jsonw_raw(w, sv_of(paths[i].json));
    }
}

static const struct openapi_path schemas[] = {
    {"Captcha", NEEDS("\"id\",\"answer\"", PROP("id", STRING) "," PROP("answer", STRING))},
    {"RecoveryCodes", OBJECT(PROP("recovery_codes", LIST(STRING)))},
    {"Login",
     "{\"type\":\"object\",\"description\":\"A session, or what is wanted first: step and ticket\","
     "\"properties\":{"
     PROP("token", STRING) "," PROP("expires_at", TIME) ","
     PROP("user", OBJECT(PROP("id", ID) "," PROP("name", STRING))) ","
     PROP("recovery_codes", LIST(STRING)) "," PROP("agreements", LIST("{\"type\":\"object\"}")) ","
     PROP("step", "{\"enum\":[\"totp\",\"enrol\",\"password\"]}") "," PROP("ticket", STRING) ","
     PROP("expires_in", INTEGER) "," PROP("secret", STRING) "," PROP("uri", STRING) ","
     PROP("qr", STRING) "}}"},
    {"Account",
     "{\"type\":\"object\",\"required\":[\"id\",\"login\",\"name\"],\"properties\":{"
     PROP("id", ID) "," PROP("login", STRING) "," PROP("name", STRING) ","
     PROP("email", MAYBE) "," PROP("phone", MAYBE) ","
     PROP("has_password", BOOLEAN) ","
     PROP("password_changed_at", "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}") ","
     PROP("totp", OBJECT(PROP("enrolled", BOOLEAN) "," PROP("required", BOOLEAN) ","
                         PROP("recovery_left", INTEGER))) ","
     PROP("password_rule", OBJECT(PROP("min", INTEGER) "," PROP("kinds", INTEGER))) ","
     PROP("identities", LIST(OBJECT(PROP("id", ID) "," PROP("provider", STRING) "," PROP("title", STRING) ","
                                    PROP("name", MAYBE)))) "}}"},
    {"Sessions",
     OBJECT(PROP("items", LIST(OBJECT(
                 PROP("id", ID) "," PROP("created_at", TIME) "," PROP("last_seen", TIME) ","
                 PROP("expires_at", TIME) "," PROP("address", MAYBE) "," PROP("agent", MAYBE) ","
                 PROP("client", MAYBE) "," PROP("kind", "{\"enum\":[\"staff\",\"member\"]}") ","
                 PROP("who", OBJECT(PROP("id", ID) "," PROP("name", MAYBE) "," PROP("login", MAYBE))) ","
                 PROP("device", MAYBE) "," PROP("current", BOOLEAN)))) ","
            PROP("next", MAYBE))},
};

void openapi_auth_schemas(struct jsonw *w)
{
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        jsonw_key(w, sv_of(schemas[i].path));
        jsonw_raw(w, sv_of(schemas[i].json));
    }
}
