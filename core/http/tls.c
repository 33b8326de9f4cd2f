/* TLS by OpenSSL 3: 1.2 and 1.3, forward secrecy only, h2 before http/1.1. */
#define LOG_ROOM "http"
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "http/internal.h"

static const h2o_iovec_t protocols[] = {
    HTTP_IOV("h2"),
    HTTP_IOV("http/1.1"),
    {NULL, 0},
};

static int fail(struct err *err, const char *what, const char *file)
{
    char text[160] = "unknown error";
    unsigned long e = ERR_peek_last_error();
    if (e) ERR_error_string_n(e, text, sizeof(text));
    ERR_clear_error();
    return err_internal(err, "%s %s: %s", what, file, text);
}

SSL_CTX *http_tls_load(const char *cert, const char *key, struct err *err)
{
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx) {
        fail(err, "TLS", "context");
        return NULL;
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    /* Resumption by tickets alone; nothing is kept here for each client. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)HTTP_SERVER_NAME,
                                   sizeof(HTTP_SERVER_NAME) - 1);
    SSL_CTX_set_max_early_data(ctx, 0);
    const char *step = "cipher list";
    const char *file = "";
    if (SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
        (step = "certificate", file = cert, SSL_CTX_use_certificate_chain_file(ctx, cert) == 1) &&
        (step = "key", file = key, SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1) &&
        (step = "key does not fit", SSL_CTX_check_private_key(ctx) == 1)) {
        h2o_ssl_register_alpn_protocols(ctx, protocols);
        return ctx;
    }
    fail(err, step, file);
    SSL_CTX_free(ctx);
    return NULL;
}
