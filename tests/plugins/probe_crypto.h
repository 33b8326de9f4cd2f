/* atrium.crypto beyond hashes: values of fields as the engine has them, and what partners
 * speak. Part of probe.c; vectors of the algorithms themselves are in auth_suite.c. */
#ifndef ATRIUM_TESTS_PROBE_CRYPTO_H
#define ATRIUM_TESTS_PROBE_CRYPTO_H

static const char sm2_private[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqBHM9VAYItBG0wawIBAQQgOUUgj3shRLE/NuOK\n"
    "xtOflYiTk2koYLUaQvuB7033xbihRANCAAQJ+d8xHlQhoVDdfRYeS8XGchefrRgz\n"
    "/AdrsI/zVvNQIMzqSQziZ3WlLcbqcYzBqmAK7QX7814ISmYy9gctqa0T\n"
    "-----END PRIVATE KEY-----\n";
static const char sm2_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAECfnfMR5UIaFQ3X0WHkvFxnIXn60Y\n"
    "M/wHa7CP81bzUCDM6kkM4md1pS3G6nGMwapgCu0F+/NeCEpmMvYHLamtEw==\n"
    "-----END PUBLIC KEY-----\n";

static bool keep_text(void *arg, const struct atrium_value *row, uint32_t n_cols)
{
    struct atrium_str *kept = arg; /* phone, phone_hash: short enough for both */
    static char text[2][256];
    for (uint32_t i = 0; i < n_cols && i < 2; i++) {
        size_t n = row[i].u.text.len < 255 ? row[i].u.text.len : 255;
        memcpy(text[i], row[i].u.text.ptr, n);
        text[i][n] = 0;
        kept[i] = atrium_str_make(text[i], n);
    }
    return true;
}

/* The engine writes a row; C reads it by SQL, opens it, and writes another. */
static atrium_status crypto_fields(struct atrium_ctx *ctx, struct atrium_error *err)
{
    struct atrium_error own = ATRIUM_ERROR_INIT;
    struct atrium_str note = ATRIUM_STR("note"), phone = ATRIUM_STR("phone");
    struct atrium_str row[2], plain, sealed, hash;
    int64_t id;
    MUST(atrium.model->create(ctx, ATRIUM_AS_SYSTEM, ATRIUM_STR("probe.note"),
                              ATRIUM_STR("{\"text\":\"sealed\",\"phone\":\"13912345678\"}"), &id,
                              err) == ATRIUM_OK);
    struct atrium_value arg = {.type = ATRIUM_VALUE_I64, .u = {.i64 = id}};
    MUST(atrium.storage->query(ctx,
                               ATRIUM_STR("SELECT phone, phone_hash FROM probe_note WHERE id = ?"),
                               &arg, 1, keep_text, row, err) == ATRIUM_OK);
    MUST(!strstr(row[0].ptr, "139"));
    MUST(atrium.crypto->open_field(ctx, note, phone, id, row[0], &plain, err) == ATRIUM_OK);
    MUST(atrium_str_eq(plain, ATRIUM_STR("13912345678")));
    MUST(atrium.crypto->hash_field(ctx, note, phone, ATRIUM_STR("+86 13912345678"), &hash, err) ==
         ATRIUM_OK);
    MUST(atrium_str_eq(hash, row[1]));
    MUST(atrium.crypto->seal_field(ctx, note, phone, id + 1, plain, &sealed, err) == ATRIUM_OK);
    MUST(atrium.crypto->open_field(ctx, note, phone, id + 1, sealed, &plain, err) == ATRIUM_OK);
    MUST(atrium_str_eq(plain, ATRIUM_STR("13912345678")));
    MUST(atrium.crypto->open_field(ctx, note, phone, id, sealed, &plain, &own) ==
         ATRIUM_E_INTERNAL);
    MUST(atrium.crypto->seal_field(ctx, note, ATRIUM_STR("text"), id, plain, &sealed, NULL) ==
         ATRIUM_E_ARGUMENT);
    MUST(atrium.crypto->seal_field(ctx, ATRIUM_STR("core.staff"), phone, id, plain, &sealed,
                                   NULL) == ATRIUM_E_ARGUMENT);
    return atrium.model->remove(ctx, ATRIUM_AS_SYSTEM, ATRIUM_STR("probe.note"), id, err);
}

static atrium_status crypto_partners(struct atrium_ctx *ctx, struct atrium_error *err)
{
    static const uint8_t key[24] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                    0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01,
                                    0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23};
    static const uint8_t iv[16] = {0x12, 0x34, 0x56, 0x78, 0x90, 0xab, 0xcd, 0xef};
    static const uint8_t old[] = {0x35,0xb5,0x6d,0xf7,0x92,0x6c,0xc5,0xf0,0x57,0xf5,0x54,0x33,0x21,0xa7,0x07,0x31,0xce,0xaa,0x79,0x5d,0x4b,0x2a,0x1c,0x12,0x65,0x65,0x35,0x27,0x47,0xa6,0x38,0xa3,0xa9,0x62,0x85,0x18,0xfd,0xed,0x86,0xcd};
    struct atrium_error own = ATRIUM_ERROR_INIT;
    struct atrium_str out, back, absent = {NULL, 0}, text = ATRIUM_STR("message digest");
    struct atrium_str private_key = atrium_cstr(sm2_private), public_key = atrium_cstr(sm2_public);
    uint8_t a[ATRIUM_HASH_BYTES], b[ATRIUM_HASH_BYTES];
    MUST(atrium.crypto->digest(ATRIUM_SM3, ATRIUM_STR("abc"), a) && a[0] == 0x66 && a[31] == 0xe0);
    MUST(atrium.crypto->digest(ATRIUM_SHA256, ATRIUM_STR("abc"), a) && a[0] == 0xba);
    MUST(atrium.crypto->hmac(ATRIUM_SM3, text, text, a));
    MUST(atrium.crypto->hmac(ATRIUM_SHA256, text, text, b) && memcmp(a, b, sizeof a) != 0);
    MUST(!atrium.crypto->digest(7, text, a));
    MUST(atrium.crypto->sm4_encrypt(ctx, key, iv, text, &out, err) == ATRIUM_OK && out.len == 16);
    MUST(atrium.crypto->sm4_decrypt(ctx, key, iv, out, &back, err) == ATRIUM_OK);
    MUST(atrium_str_eq(back, text));
    MUST(atrium.crypto->sm4_decrypt(ctx, key, iv, ATRIUM_STR("x"), &back, NULL) ==
         ATRIUM_E_REFUSED);
    MUST(atrium.crypto->sm2_sign(ctx, private_key, absent, text, &out, err) == ATRIUM_OK);
    MUST(atrium.crypto->sm2_verify(ctx, public_key, absent, text, out, err) == ATRIUM_OK);
    MUST(atrium.crypto->sm2_verify(ctx, public_key, ATRIUM_STR("another"), text, out, NULL) ==
         ATRIUM_E_REFUSED);
    MUST(atrium.crypto->sm2_verify(ctx, public_key, absent, ATRIUM_STR("other"), out, &own) ==
         ATRIUM_E_REFUSED);
    MUST(atrium.crypto->open_3des(ctx, key, iv, atrium_str_make((const char *)old, sizeof old),
                                  &out, err) == ATRIUM_OK);
    MUST(atrium_str_eq(out, ATRIUM_STR("旧系统的手机号 13800000000")));
    MUST(atrium.crypto->open_3des(ctx, key, iv, atrium_str_make((const char *)old, 16), &out,
                                  NULL) == ATRIUM_E_REFUSED);
    return ATRIUM_OK;
}

static atrium_status crypto(void *self, struct atrium_ctx *ctx, struct atrium_error *err)
{
    (void)self;
    atrium_status s = crypto_fields(ctx, err);
    if (s == ATRIUM_OK) s = crypto_partners(ctx, err);
    if (s != ATRIUM_OK) return s;
    struct atrium_json_writer *w = begin(ctx);
    atrium_kv_bool(w, "done", true);
    return ok(w);
}

#endif
