/* Agreements (协议) that somebody has still to accept. Which one is asked for where
 * is the agreement's own `places`; only its current version counts. */
#define LOG_ROOM "auth"

#include "auth/room.h"

struct listing {
    struct jsonw *w;
    bool all;
};

static sv text_or_empty(const struct store_val *v)
{
    return v->type == STORE_NULL ? SV("") : v->u.s;
}

static bool on_row(void *arg, const struct store_val *v, unsigned n)
{
    struct listing *l = arg;
    bool accepted = v[7].type != STORE_NULL;
    (void)n;
    if (accepted && !l->all) return true;
    struct jsonw *w = l->w;
    jsonw_obj(w);
    jsonw_kv_id(w, "version", v[0].u.i);
    jsonw_kv_sv(w, "code", v[1].u.s);
    jsonw_kv_sv(w, "kind", v[2].u.s);
    jsonw_key(w, SV("title"));
    jsonw_obj(w);
    jsonw_kv_sv(w, "zh", text_or_empty(&v[3]));
    jsonw_kv_sv(w, "en", text_or_empty(&v[4]));
    jsonw_end_obj(w);
    jsonw_kv_i64(w, "number", v[5].type == STORE_NULL ? 0 : v[5].u.i);
    if (v[6].type != STORE_NULL) jsonw_kv_time(w, "published_at", v[6].u.i);
    jsonw_kv_bool(w, "accepted", accepted);
    jsonw_end_obj(w);
    return true;
}

int auth_agreements(struct store_conn *c, enum auth_kind kind, int64_t who, sv place, bool all,
                    struct jsonw *w, struct err *err)
{
    struct listing l = {w, all};
    bool member = kind == AUTH_MEMBER;
    bool known = member || kind == AUTH_STAFF;
    struct store_val args[] = {STORE_I(known ? who : 0), STORE_S(place)};
    jsonw_arr(w);
    int rc = store_run(c, member ? SV("SELECT v.id, a.code, a.kind, a.title_zh, a.title_en, v.number,"
                                      " v.published_at, (SELECT MIN(x.id) FROM"
                                      " core_agreement_acceptance x WHERE x.version_of = v.id AND"
                                      " x.member = ?) FROM core_agreement a JOIN"
                                      " core_agreement_version v ON v.id = a.current"
                                      " WHERE FIND_IN_SET(?, REPLACE(a.places, ' ', ','))"
                                      " ORDER BY a.code")
                                 : SV("SELECT v.id, a.code, a.kind, a.title_zh, a.title_en, v.number,"
                                      " v.published_at, (SELECT MIN(x.id) FROM"
                                      " core_agreement_acceptance x WHERE x.version_of = v.id AND"
                                      " x.staff = ?) FROM core_agreement a JOIN"
                                      " core_agreement_version v ON v.id = a.current"
                                      " WHERE FIND_IN_SET(?, REPLACE(a.places, ' ', ','))"
                                      " ORDER BY a.code"),
                       args, 2, on_row, &l, err);
    jsonw_end_arr(w);
    return rc;
}
