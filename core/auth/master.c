/* The master keys of the deployment: a file with one key a line, under which the
 * control database keeps tenants' secrets and keys. There may be several, by
 * number; the highest seals, all open. The file lies in the state directory, made
 * at the first start, or where the settings say (a mounted secret), which nobody
 * but the operator writes.
 *
 *   <64 hexadecimal digits>        number 1
 *   2:<64 hexadecimal digits> */
#define LOG_ROOM "auth"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/room.h"

#define KEY_HEX 64
#define MAX_FILE (MASTER_MAX * (KEY_HEX + 12))

/* ---- reading the file -------------------------------------------------------------------- */

static bool unhex(sv hex, unsigned char *out)
{
    if (hex.n != KEY_HEX) return false;
    for (size_t i = 0; i < hex.n; i++) {
        char c = hex.p[i];
        int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (v < 0) return false;
        out[i / 2] = (unsigned char)(i % 2 ? out[i / 2] | v : v << 4);
    }
    return true;
}

/* Pure. Numbers rise from line to line, so that the last is the newest. */
bool master_parse(sv text, struct master_keys *out)
{
    *out = (struct master_keys){0};
    while (text.n) {
        if (!memchr(text.p, '\n', text.n)) return false;     /* cut off */
        sv rest, line = sv_cut(text, '\n', &rest), hex;
        sv number = sv_cut(line, ':', &hex);
        uint64_t n = 1;
        if (!hex.p)
            hex = line;
        else if (!sv_u64(number, &n) || n == 0 || n > 1000000)
            return false;
        if (out->n == MASTER_MAX || (out->n && out->k[out->n - 1].number >= n)) return false;
        out->k[out->n].number = (unsigned)n;
        if (!unhex(hex, out->k[out->n].b)) return false;
        out->n++;
        text = rest;
    }
    return out->n > 0;
}

/* 1: read, 0: there is none, -1: it is there and cannot be used. */
static int read_file(const char *path, bool own, struct master_keys *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return 0;
    if (fd < 0) return err_internal(err, "cannot read %s: %s", path, strerror(errno));
    struct stat st;
    char text[MAX_FILE + 1];
    ssize_t n = read(fd, text, sizeof text);
    bool stat_ok = fstat(fd, &st) == 0;
    close(fd);
    /* A mounted secret belongs to root and a group; nobody else may read it. */
    if (!stat_ok || (st.st_mode & (own ? 077 : 027)) != 0)
        return err_internal(err, "%s may be read by others: give it mode 0600", path);
    bool ok = n > 0 && n <= MAX_FILE && master_parse(sv_make(text, (size_t)n), out);
    OPENSSL_cleanse(text, sizeof text);
    if (ok) return 1;
    return err_internal(err, "%s holds no keys: lines of 64 hexadecimal digits, the second and "
                        "further ones with their number and a colon before them", path);
}

/* ---- making and adding ------------------------------------------------------------------- */

static void sync_dir(const char *dir)
{
    int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at < 0) return;
    fsync(at);
    close(at);
}

static size_t write_text(const struct master_keys *keys, char *out)
{
    size_t n = 0;
    for (unsigned i = 0; i < keys->n; i++) {
        if (keys->k[i].number != 1)
            n += (size_t)snprintf(out + n, 12, "%u:", keys->k[i].number);
        seal_hex(keys->k[i].b, 32, out + n);
        n += KEY_HEX;
        out[n++] = '\n';
    }
    return n;
}

/* The file gets its name only when it is whole. A first one never replaces
 * another: two nodes on one state directory agree on the first. */
static int write_file(const char *dir, const char *path, const struct master_keys *keys,
                      bool replace, struct err *err)
{
    char temp[512], text[MAX_FILE + 1];
    if (snprintf(temp, sizeof temp, "%s/.master.key.%ld", dir, (long)getpid()) >= (int)sizeof temp)
        return err_internal(err, "the path of %s is too long", dir);
    unlink(temp);
    int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return err_internal(err, "cannot write %s: %s", temp, strerror(errno));
    size_t n = write_text(keys, text);
    bool ok = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    OPENSSL_cleanse(text, sizeof text);
    if (ok && replace) ok = rename(temp, path) == 0;
    if (ok && !replace) ok = link(temp, path) == 0 || errno == EEXIST;
    int why = errno;
    unlink(temp);
    if (!ok) return err_internal(err, "cannot write %s: %s", path, strerror(why));
    sync_dir(dir);
    return 0;
}

static int own_path(const char *dir, char path[512], struct err *err)
{
    if (snprintf(path, 512, "%s/master.key", dir) < 512) return 0;
    return err_internal(err, "the path of %s is too long", dir);
}

int master_load(const char *dir, const char *file, struct master_keys *out, struct err *err)
{
    char path[512];
    if (file) {
        int found = read_file(file, false, out, err);
        return found == 0 ? err_internal(err, "there is no %s", file) : found < 0 ? -1 : 0;
    }
    if (own_path(dir, path, err) != 0) return -1;
    int found = read_file(path, true, out, err);
    if (found == 0) {
        struct master_keys first = {.n = 1, .k = {{.number = 1}}};
        rand_bytes(first.k[0].b, sizeof first.k[0].b);
        int rc = write_file(dir, path, &first, false, err);
        OPENSSL_cleanse(&first, sizeof first);
        if (rc != 0) return -1;
        log_info("made the master key %s: keep a copy of it, apart from the backups", path);
        found = read_file(path, true, out, err);
        if (found == 0) return err_internal(err, "%s has gone", path);
    }
    return found < 0 ? -1 : 0;
}

int master_add(const char *dir, struct err *err)
{
    char path[512];
    struct master_keys keys;
    if (master_load(dir, NULL, &keys, err) != 0 || own_path(dir, path, err) != 0) return -1;
    int rc = -1;
    if (keys.n == MASTER_MAX) {
        err_internal(err, "%s holds %d keys: take out those that no backup needs", path,
                     MASTER_MAX);
    } else {
        keys.k[keys.n].number = keys.k[keys.n - 1].number + 1;
        rand_bytes(keys.k[keys.n++].b, 32);
        rc = write_file(dir, path, &keys, true, err);
    }
    OPENSSL_cleanse(&keys, sizeof keys);
    return rc;
}

/* ---- use --------------------------------------------------------------------------------- */

int master_reload(struct auth *a, struct err *err)
{
    struct master_keys keys;
    if (master_load(a->settings->state_dir, a->settings->master_key_file, &keys, err) != 0)
        return -1;
    pthread_mutex_lock(&a->master_lock);
    a->master = keys;
    pthread_mutex_unlock(&a->master_lock);
    OPENSSL_cleanse(&keys, sizeof keys);
    return 0;
}

unsigned master_newest(struct auth *a)
{
    pthread_mutex_lock(&a->master_lock);
    unsigned n = a->master.k[a->master.n - 1].number;
    pthread_mutex_unlock(&a->master_lock);
    return n;
}

static bool key_of(struct auth *a, unsigned number, unsigned char out[32])
{
    bool found = false;
    pthread_mutex_lock(&a->master_lock);
    for (unsigned i = 0; i < a->master.n; i++) {
        if (a->master.k[i].number != number) continue;
        memcpy(out, a->master.k[i].b, 32);
        found = true;
    }
    pthread_mutex_unlock(&a->master_lock);
    return found;
}

unsigned master_number(sv sealed)
{
    uint64_t n;
    sv box, head = sv_cut(sealed, '.', &box);
    if (!box.p) return 1;            /* as it was written while there was one key */
    if (head.n < 2 || head.p[0] != 'm' || !sv_u64(sv_make(head.p + 1, head.n - 1), &n)) return 0;
    return n && n <= 1000000 ? (unsigned)n : 0;
}

sv master_seal(struct auth *a, struct arena *arena, sv about, sv plain)
{
    unsigned char key[32];
    unsigned number = master_newest(a);
    if (!key_of(a, number, key)) panic("auth: the master key has gone");
    sv box = seal_text(arena, key, about, plain);
    OPENSSL_cleanse(key, sizeof key);
    return arena_printf(arena, "m%u.%.*s", number, SVARG(box));
}

int master_open(struct auth *a, struct arena *arena, sv about, sv sealed, sv *plain)
{
    unsigned char key[32];
    unsigned number = master_number(sealed);
    struct err none = {0};
    sv box, head = sv_cut(sealed, '.', &box);
    if (!box.p) box = head;
    if (!number) return -1;
    if (!key_of(a, number, key) && (master_reload(a, &none) != 0 || !key_of(a, number, key)))
        return -1;
    int rc = seal_open(arena, key, about, box, plain);
    OPENSSL_cleanse(key, sizeof key);
    return rc;
}
