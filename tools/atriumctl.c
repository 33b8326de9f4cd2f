/* atriumctl: the operator's command. Speaks HTTP to the running atriumd over
 * <state>/operator.sock; whoever may open that socket is the operator. */
#include <curl/curl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

struct args {
    const char *state;
    bool json;
    const char *words[8];
    unsigned n;
    json_t *options;             /* --name value pairs for the request's body */
};

struct command {
    const char *words;           /* "tenant create" */
    const char *usage;           /* what follows */
    unsigned n_args;
    const char *method;
    const char *path;            /* %s: arguments in order */
    const char *first;           /* body member that takes the first argument, or NULL */
    const char *second;
    const char *help;
};

static const struct command commands[] = {
    {"status", "", 0, "GET", "/operator/status", NULL, NULL,
     "processes, database, plugins, queues"},
    {"doctor", "", 0, "GET", "/operator/doctor", NULL, NULL,
     "checks what commonly goes wrong, with advice"},
    {"tenant list", "", 0, "GET", "/operator/tenants", NULL, NULL, "all tenants"},
    {"tenant create", "SLUG --name NAME [--host H] [--admin LOGIN] [--admin-name N] [--phone P]", 1,
     "POST", "/operator/tenants", "slug", NULL,
     "makes database, account and first administrator"},
    {"tenant seats", "TENANT N|none", 2, "PUT", "/operator/tenants/%s/seats", NULL, "seats",
     "licences for active staff"},
    {"plugin list", "TENANT", 1, "GET", "/operator/tenants/%s/plugins", NULL, NULL,
     "plugins and their state"},
    {"plugin enable", "TENANT PLUGIN", 2, "POST", "/operator/tenants/%s/plugins/%s/enable", NULL,
     NULL, "switches a plugin on"},
    {"plugin disable", "TENANT PLUGIN", 2, "POST", "/operator/tenants/%s/plugins/%s/disable", NULL,
     NULL, "switches it off; its data stays"},
    {"user create", "TENANT LOGIN --name NAME [--phone P] [--admin true]", 2, "POST",
     "/operator/tenants/%s/users", NULL, "login", "makes a member of staff, prints the password"},
    {"audit verify", "TENANT", 1, "GET", "/operator/tenants/%s/audit/verify", NULL, NULL,
     "walks the operation log's chain; says the first bad line"},
    {"plan", "TENANT", 1, "GET", "/operator/tenants/%s/plan", NULL, NULL,
     "statements that would change the schema"},
    {"drop-retired", "TENANT --sure TENANT", 1, "POST", "/operator/tenants/%s/drop-retired", NULL,
     NULL, "drops the columns that manifests retire, for good"},
    {"key list", "TENANT", 1, "GET", "/operator/tenants/%s/keys", NULL, NULL,
     "data and hash keys, their suites and states"},
    {"key rotate", "TENANT [--suite aes|sm4]", 1, "POST", "/operator/tenants/%s/keys/rotate", NULL,
     NULL, "a new data key; rows are re-encrypted in the background"},
    {"key rotate-hash", "TENANT [--suite aes|sm4]", 1, "POST",
     "/operator/tenants/%s/keys/rotate-hash", NULL, NULL,
     "a new key of the hashes by which values are found"},
    {"key rotate-master", "", 0, "POST", "/operator/keys/rotate-master", NULL, NULL,
     "a new master key; everything it wraps is wrapped anew"},
    {"migrate", "TENANT", 1, "POST", "/operator/tenants/%s/migrate", NULL, NULL, "runs that plan"},
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

static int usage(FILE *out)
{
    fputs("Usage: atriumctl [--state DIR] [--json] COMMAND\n\n", out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-15s %-28s %s\n", commands[i].words, commands[i].usage, commands[i].help);
    fputs("\nDIR is $ATRIUM_STATE or /var/lib/atrium without --state.\n", out);
    return out == stdout ? 0 : 2;
}

static int parse(int argc, char **argv, struct args *a)
{
    const char *env = getenv("ATRIUM_STATE");
    *a = (struct args){.state = env ? env : "/var/lib/atrium", .options = json_object()};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            a->json = true;
        } else if (strncmp(argv[i], "--", 2) == 0) {
            if (i + 1 == argc)
                return -1;
            char name[40];
            size_t n = 0;
            for (const char *p = argv[i] + 2; *p && n + 1 < sizeof name; p++)
                name[n++] = *p == '-' ? '_' : *p;
            name[n] = 0;
            const char *value = argv[++i];
            if (strcmp(name, "state") == 0)
                a->state = value;
            else if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
                json_object_set_new(a->options, name, json_boolean(value[0] == 't'));
            else
                json_object_set_new(a->options, name, json_string(value));
        } else if (a->n < sizeof a->words / sizeof a->words[0]) {
            a->words[a->n++] = argv[i];
        } else {
            return -1;
        }
    }
    return a->n ? 0 : -1;
}

static const struct command *find(const struct args *a, unsigned *n_words)
{
    char two[80];
    snprintf(two, sizeof two, "%s %s", a->words[0], a->n > 1 ? a->words[1] : "");
    for (size_t i = 0; i < N_COMMANDS; i++) {
        bool pair = strchr(commands[i].words, ' ') != NULL;
        if (strcmp(commands[i].words, pair ? two : a->words[0]) == 0) {
            *n_words = pair ? 2 : 1;
            return &commands[i];
        }
    }
    return NULL;
}

/* ---- the call ----------------------------------------------------------------- */

struct answer {
    char *text;
    size_t n;
};

static size_t on_data(char *p, size_t size, size_t n, void *arg)
{
    struct answer *a = arg;
    char *more = realloc(a->text, a->n + size * n + 1);
    if (!more)
        return 0;
    a->text = more;
    memcpy(a->text + a->n, p, size * n);
    a->n += size * n;
    a->text[a->n] = 0;
    return size * n;
}

static long call(const char *state, const char *method, const char *path, json_t *body,
                 struct answer *out)
{
    char sock[512], url[640];
    snprintf(sock, sizeof sock, "%s/operator.sock", state);
    snprintf(url, sizeof url, "http://localhost%s", path);
    CURL *c = curl_easy_init();
    char *text = json_dumps(body, JSON_COMPACT);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Accept-Language: en");
    curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, sock);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
    if (strcmp(method, "POST") == 0)
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, text);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, out);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, 600L);
    CURLcode rc = curl_easy_perform(c);
    long status = 0;
    if (rc == CURLE_OK)
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    else
        fprintf(stderr, "atriumctl: no atriumd answers on %s (%s)\n", sock, curl_easy_strerror(rc));
    curl_slist_free_all(headers);
    free(text);
    curl_easy_cleanup(c);
    return status;
}

/* ---- printing ------------------------------------------------------------------ */

static void print_value(const json_t *v, const char *indent)
{
    char deeper[64];
    snprintf(deeper, sizeof deeper, "%s  ", indent);
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_object(v)) {
        json_object_foreach((json_t *)v, key, member) {
            bool nested = json_is_object(member) || json_is_array(member);
            printf("%s%s:%s", indent, key, nested ? "\n" : " ");
            print_value(member, nested ? deeper : "");
        }
    } else if (json_is_array(v)) {
        json_array_foreach(v, i, member) {
            printf("%s-%s", indent, json_is_object(member) ? "\n" : " ");
            print_value(member, json_is_object(member) ? deeper : "");
        }
    } else if (json_is_string(v)) {
        printf("%s\n", json_string_value(v));
    } else {
        char *text = json_dumps(v, JSON_ENCODE_ANY);
        printf("%s\n", text);
        free(text);
    }
}

static int show(const struct args *a, long status, const struct answer *answer)
{
    json_t *doc = answer->n ? json_loadb(answer->text, answer->n, 0, NULL) : NULL;
    bool ok = status >= 200 && status < 300;
    if (a->json || !doc) {
        fprintf(ok ? stdout : stderr, "%s\n", answer->n ? answer->text : "");
    } else if (ok) {
        print_value(doc, "");
    } else {
        const char *detail = json_string_value(json_object_get(doc, "detail"));
        fprintf(stderr, "atriumctl: %s\n", detail ? detail : answer->text);
        const char *field;
        json_t *message;
        json_object_foreach(json_object_get(doc, "fields"), field, message)
            fprintf(stderr, "  %s: %s\n", field, json_string_value(message));
    }
    json_decref(doc);
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct args a;
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        puts("atriumctl " PACKAGE_VERSION);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        return usage(stdout);
    if (parse(argc, argv, &a) != 0)
        return usage(stderr);
    unsigned skip;
    const struct command *c = find(&a, &skip);
    if (!c || a.n - skip != c->n_args) {
        json_decref(a.options);
        return usage(stderr);
    }
    const char *first = c->n_args > 0 ? a.words[skip] : "";
    const char *second = c->n_args > 1 ? a.words[skip + 1] : "";
    if (c->first)
        json_object_set_new(a.options, c->first, json_string(first));
    if (c->second)
        json_object_set_new(a.options, c->second, json_string(second));
    for (const char *p = first; *p; p++)
        if (strchr("/?#% ", *p))
            return usage(stderr);
    for (const char *p = second; *p; p++)
        if (strchr("/?#% ", *p))
            return usage(stderr);
    char path[512];
    snprintf(path, sizeof path, c->path, first, second);
    struct answer answer = {0};
    long status = call(a.state, c->method, path, a.options, &answer);
    int rc = status ? show(&a, status, &answer) : 1;
    free(answer.text);
    json_decref(a.options);
    return rc;
}
