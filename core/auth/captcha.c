/* Captchas: asked for after failures, so that guessing costs a person. The letters
 * are strokes of our own, drawn by cairo: no font has to be installed. The answer
 * lies sealed in a ticket bound to the address, serves once, for two minutes. */
#define LOG_ROOM "auth"

#include <cairo.h>
#include <math.h>
#include <stdio.h>

#include "auth/login.h"

#define CHARS 5
#define WIDTH 180
#define HEIGHT 60
#define KIND "captcha"
#define LIFE_US (120 * 1000000LL)
#define PER_ADDRESS 60               /* pictures in the time that one lives */
#define ADDRESS_FACTOR 10            /* failures of an address for one of a name */

/* Polylines on a grid of 4 x 6: two digits a point, '/' lifts the pen. Without
 * signs that look alike. */
static const struct { char sign; const char *strokes; } glyphs[] = {
    {'2', "01103041420646"},
    {'3', "0040224445361605"},
    {'4', "36300444"},
    {'5', "400002324345361605"},
    {'6', "30110305163645443303"},
    {'7', "004016"},
    {'8', "13020110304142331304051636454433"},
    {'9', "16354341301001021343"},
    {'A', "062046/1434"},
    {'C', "4130100105163645"},
    {'E', "40000646/0333"},
    {'F', "400006/0333"},
    {'H', "0006/4046/0343"},
    {'J', "1040/3035261605"},
    {'K', "0006/400346"},
    {'L', "000646"},
    {'M', "0600234046"},
    {'N', "06004640"},
    {'P', "06003041423303"},
    {'R', "06003041423303/2346"},
    {'T', "0040/2026"},
    {'U', "000516364540"},
    {'V', "002640"},
    {'W', "0016233640"},
    {'X', "0046/4006"},
    {'Y', "002340/2326"},
};
#define N_GLYPHS (sizeof glyphs / sizeof glyphs[0])

/* ---- drawing ----------------------------------------------------------------------------- */

struct pen { cairo_t *c; uint64_t seed; };

/* splitmix64: the same seed draws the same picture. */
static double chance(struct pen *p, double from, double to)
{
    uint64_t z = p->seed += 0x9e3779b97f4a7c15ULL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return from + (to - from) * (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

static void ink(struct pen *p, double alpha)
{
    cairo_set_source_rgba(p->c, chance(p, 0, .35), chance(p, 0, .35), chance(p, .2, .6), alpha);
}

static void draw_sign(struct pen *p, char sign, double x)
{
    const char *s = "";
    for (size_t i = 0; i < N_GLYPHS; i++)
        if (glyphs[i].sign == sign) s = glyphs[i].strokes;
    cairo_save(p->c);
    cairo_translate(p->c, x + chance(p, -3, 3), HEIGHT / 2.0 + chance(p, -5, 5));
    cairo_rotate(p->c, chance(p, -.4, .4));
    cairo_scale(p->c, chance(p, 4.6, 6), chance(p, 5, 6.4));
    bool down = false;
    for (; *s; s++) {
        if (*s == '/') {
            down = false;
            continue;
        }
        double px = s[0] - '0' - 2 + chance(p, -.18, .18), py = s[1] - '0' - 3 + chance(p, -.18, .18);
        if (down) cairo_line_to(p->c, px, py);
        else cairo_move_to(p->c, px, py);
        down = true;
        s++;
    }
    cairo_restore(p->c);
    ink(p, 1);
    cairo_set_line_width(p->c, chance(p, 2.4, 3.6));
    cairo_stroke(p->c);
}

static void draw_noise(struct pen *p)
{
    for (int i = 0; i < 5; i++) {
        cairo_move_to(p->c, chance(p, -10, 20), chance(p, 0, HEIGHT));
        cairo_curve_to(p->c, chance(p, 30, 80), chance(p, -20, HEIGHT + 20), chance(p, 90, 140),
                       chance(p, -20, HEIGHT + 20), chance(p, 160, WIDTH + 10),
                       chance(p, 0, HEIGHT));
        ink(p, .55);
        cairo_set_line_width(p->c, chance(p, .8, 1.8));
        cairo_stroke(p->c);
    }
    for (int i = 0; i < 90; i++) {
        cairo_rectangle(p->c, chance(p, 0, WIDTH), chance(p, 0, HEIGHT), chance(p, .8, 2.2),
                        chance(p, .8, 2.2));
        ink(p, .5);
        cairo_fill(p->c);
    }
}

static cairo_status_t on_png(void *arg, const unsigned char *data, unsigned n)
{
    buf_add(arg, data, n);
    return CAIRO_STATUS_SUCCESS;
}

int captcha_draw(struct arena *a, sv text, uint64_t seed, sv *png, struct err *err)
{
    cairo_surface_t *s = cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
    struct pen p = {cairo_create(s), seed};
    struct buf out = BUF_IN(a);
    cairo_set_source_rgb(p.c, .96, .97, .99);
    cairo_paint(p.c);
    cairo_set_line_cap(p.c, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(p.c, CAIRO_LINE_JOIN_ROUND);
    for (size_t i = 0; i < text.n; i++)
        draw_sign(&p, text.p[i], WIDTH * (i + .5) / (double)text.n);
    draw_noise(&p);
    cairo_status_t rc = cairo_status(p.c);
    if (rc == CAIRO_STATUS_SUCCESS) rc = cairo_surface_write_to_png_stream(s, on_png, &out);
    cairo_destroy(p.c);
    cairo_surface_destroy(s);
    if (rc != CAIRO_STATUS_SUCCESS) return err_internal(err, "cairo: %s", cairo_status_to_string(rc));
    *png = buf_view(&out);
    return 0;
}

sv captcha_text(struct arena *a)
{
    char *p = arena_zalloc(a, CHARS + 1);
    for (int i = 0; i < CHARS; i++) p[i] = glyphs[rand_below(N_GLYPHS)].sign;
    return sv_make(p, CHARS);
}

bool captcha_equal(sv answer, sv text)
{
    return text.n == CHARS && sv_ieq(sv_trim(answer), text);
}

/* ---- asking ------------------------------------------------------------------------------ */

bool captcha_wanted(unsigned after, int64_t name_failures, int64_t address_failures)
{
    return after && (name_failures >= after || address_failures >= (int64_t)after * ADDRESS_FACTOR);
}

static void seal_key(const struct tenant *t, unsigned char key[32])
{
    seal_hmac(t->pub.secret, SV("key:captcha"), key);
}

static sv about(struct arena *a, int64_t id)
{
    return arena_printf(a, "captcha/%lld", (long long)id);
}

static int too_many(struct http_req *req, struct store_conn *c, struct err *err)
{
    struct store_val args[] = {STORE_S(http_remote(req)), STORE_T(clock_now_us() - LIFE_US)}, v[1];
    bool found;
    if (store_one(c, http_arena(req), SV("SELECT COUNT(*) FROM core_ticket WHERE address = ?"
                                         " AND created_at > ? AND kind = '" KIND "'"),
                  args, 2, v, 1, &found, err) != 0)
        return -1;
    if (v[0].u.i < PER_ADDRESS) return 0;
    err_set(err, 429, "too_many_requests", NULL);
    err->retry_after = LIFE_US / 1000000;
    return -1;
}

static int make(struct http_req *req, struct store_conn *c, struct jsonw *w, struct err *err)
{
    struct arena *a = http_arena(req);
    unsigned char key[32];
    uint64_t seed;
    int64_t id = id_next();
    char text[AUTH_TOKEN_CHARS + 1];
    sv answer = captcha_text(a), png;
    struct buf image = BUF_IN(a);
    rand_bytes(&seed, sizeof seed);
    seal_key(login_tenant(req), key);
    struct ticket_new n = {.kind = KIND, .id = id, .life_us = LIFE_US, .address = http_remote(req),
                           .data = seal_text(a, key, about(a, id), answer)};
    if (too_many(req, c, err) != 0 || captcha_draw(a, answer, seed, &png, err) != 0 ||
        ticket_make(c, &n, text, err) != 0)
        return -1;
    data_address(&image, "image/png", png);
    jsonw_kv_str(w, "id", text);
    jsonw_kv_sv(w, "image", buf_view(&image));
    jsonw_kv_i64(w, "expires_in", LIFE_US / 1000000);
    return 0;
}

static int wanted(struct http_req *req, struct store_conn *c, const struct lockout *l, bool *yes,
                  struct err *err)
{
    struct auth_rules rules = auth_rules_of(auth_tenant_of(req));
    int64_t name, address;
    if (lockout_failures(l, c, &name, &address, err) != 0) return -1;
    *yes = captcha_wanted(rules.captcha_after, name, address);
    return 0;
}

static int show(struct http_req *req, struct store_conn *c, struct err *err)
{
    struct auth_rules rules = auth_rules_of(auth_tenant_of(req));
    struct lockout l;
    bool yes;
    sv login = http_query(req, "login"), phone = phone_normal(http_arena(req), login);
    sv subject = phone.p ? phone_pseudonym(http_arena(req), login_tenant(req), phone) : sv_trim(login);
    lockout_init(&l, &rules, "login", subject, http_remote(req));
    if (wanted(req, c, &l, &yes, err) != 0) return -1;
    if (sv_eqs(http_query(req, "for"), "code")) yes = yes || rules.captcha_codes;
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_bool(&w, "required", yes);
    if (yes && make(req, c, &w, err) != 0) return -1;
    jsonw_end_obj(&w);
    http_type(req, "application/json");
    http_add_header(req, "cache-control", SV("no-store"));
    return 0;
}

void captcha_get(struct http_req *req)
{
    struct err e = {0};
    struct store_conn *c;
    auth_rules_of(auth_tenant_of(req));
    if (store_get(auth_tenant_of(req)->db, &c, &e) != 0) {
        http_fail(req, &e);
        return;
    }
    if (show(req, c, &e) != 0) {
        buf_clear(http_out(req));
        http_fail(req, &e);
    }
    store_put(c);
}

/* ---- answering --------------------------------------------------------------------------- */

/* Right or wrong, it has served. */
static int judge(struct http_req *req, struct store_conn *c, sv id, sv answer, bool *right,
                 struct err *err)
{
    struct arena *a = http_arena(req);
    struct ticket t;
    unsigned char key[32];
    sv text;
    *right = false;
    if (ticket_try(c, a, KIND, id, &t, err) != 0 || ticket_use(c, &t, err) != 0) {
        if (err->status != 401) return -1;
        err_clear(err);
        return 0;
    }
    seal_key(login_tenant(req), key);
    if (seal_open(a, key, about(a, t.id), t.data, &text) != 0) return 0;
    *right = sv_eq(t.address, http_remote(req)) && captcha_equal(answer, text);
    return 0;
}

int captcha_check(struct http_req *req, struct store_conn *c, const struct lockout *l, bool always,
                  const json_t *body, struct err *err)
{
    const json_t *given = json_object_get(body, "captcha");
    bool yes = always, right;
    if (!yes && wanted(req, c, l, &yes, err) != 0) return -1;
    if (!yes) return 0;
    sv id = json_get_sv(given, "id"), answer = json_get_sv(given, "answer");
    if (!id.n || !answer.n) return err_field(err, "captcha", "auth.captcha_required", NULL);
    if (judge(req, c, id, answer, &right, err) != 0) return -1;
    return right ? 0 : err_field(err, "captcha", "auth.captcha_wrong", NULL);
}
