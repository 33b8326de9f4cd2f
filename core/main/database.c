#include "main/database.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_ROOM "main"
#define DB_USER "atrium"

static int read_password(struct arena *a, const char *path, const char **out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_internal(err, "cannot read %s: %s", path, strerror(errno));
    char text[512];
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    if (n <= 0)
        return err_internal(err, "%s is empty", path);
    *out = arena_str(a, sv_trim(sv_make(text, (size_t)n)));
    return 0;
}

int main_database_opts(struct arena *a, const struct cfg_settings *s, struct store_db_opts *out,
                       struct err *err)
{
    *out = (struct store_db_opts){.max_conns = s->database.max_conns};
    const char *password_file = s->database.password_file;
    if (s->database.embedded) {
        out->socket = main_state_path(a, s, "db.sock");
        out->user = DB_USER;
        password_file = main_state_path(a, s, "db-password");
    } else {
        out->host = s->database.host;
        out->socket = s->database.socket;
        out->port = s->database.port;
        out->user = s->database.user;
    }
    if (!password_file)
        return 0;
    return read_password(a, password_file, &out->password, err);
}

static bool accepts_connections(const struct store_db_opts *o)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (!o->socket || strlen(o->socket) >= sizeof un.sun_path)
        return true;             /* a remote server: the pool's own time-out decides */
    memcpy(un.sun_path, o->socket, strlen(o->socket) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof un) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

int main_database_wait(const struct store_db_opts *o, unsigned timeout_ms, struct err *err)
{
    int64_t until = clock_mono_us() + (int64_t)timeout_ms * 1000;
    while (!accepts_connections(o)) {
        if (clock_mono_us() > until)
            return err_internal(err, "the database does not answer on %s", o->socket);
        usleep(10 * 1000);
    }
    return 0;
}

/* ---- the private MariaDB ---------------------------------------------------- */

static int write_secret(const char *path, sv text, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_internal(err, "cannot write %s: %s", path, strerror(errno));
    bool ok = write(fd, text.p, text.n) == (ssize_t)text.n && fsync(fd) == 0;
    if (close(fd) != 0 || !ok)
        return err_internal(err, "cannot write %s: %s", path, strerror(errno));
    return 0;
}

static int run_and_wait(const char *const argv[], const char *log, struct err *err)
{
    pid_t pid = fork();
    if (pid < 0)
        return err_internal(err, "fork: %s", strerror(errno));
    if (pid == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (fd >= 0) {
            dup2(fd, 1);
            dup2(fd, 2);
        }
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return err_internal(err, "%s failed (see %s)", argv[0], log);
    return 0;
}

/* The install leaves the mark only at its end, so that one cut short is begun
 * anew instead of being taken for a database. */
static int install(struct arena *a, const struct cfg_settings *s, struct err *err)
{
    const char *mark = main_state_path(a, s, "db/installed");
    if (access(mark, F_OK) == 0)
        return 0;
    log_info("making the private MariaDB under %s/db", s->state_dir);
    const char *argv[] = {"mariadb-install-db",
                    "--no-defaults",
                    arena_printf(a, "--datadir=%s/db", s->state_dir).p,
                    "--skip-test-db",
                    "--auth-root-authentication-method=socket",
                    geteuid() == 0 ? "--user=root" : "--skip-name-resolve",
                    NULL};
    if (run_and_wait(argv, main_state_path(a, s, "db-install.log"), err) != 0)
        return -1;
    return write_secret(mark, SV("1\n"), err);
}

int main_embedded_prepare(struct arena *a, const struct cfg_settings *s, struct err *err)
{
    if (mkdir(main_state_path(a, s, "db"), 0700) != 0 && errno != EEXIST)
        return err_internal(err, "cannot make %s/db: %s", s->state_dir, strerror(errno));
    const char *secret_path = main_state_path(a, s, "db-password");
    if (access(secret_path, F_OK) != 0) {
        char secret[33];
        rand_text(secret, 32);
        if (write_secret(secret_path, sv_of(secret), err) != 0)
            return -1;
    }
    const char *password;
    if (read_password(a, secret_path, &password, err) != 0 || install(a, s, err) != 0)
        return -1;
    /* Run by the server at each start: the account exists with this password. */
    sv sql = arena_printf(a,
                          "CREATE USER IF NOT EXISTS '" DB_USER "'@'localhost';\n"
                          "ALTER USER '" DB_USER "'@'localhost' IDENTIFIED BY '%s';\n"
                          "GRANT ALL PRIVILEGES ON *.* TO '" DB_USER
                          "'@'localhost' WITH GRANT OPTION;\n",
                          password);
    return write_secret(main_state_path(a, s, "db-init.sql"), sql, err);
}

pid_t main_embedded_spawn(struct arena *a, const struct cfg_settings *s, struct err *err)
{
    const char *dir = s->state_dir;
    const char *log = main_state_path(a, s, "db.log");
    const char *argv[] = {
        "mariadbd",
        "--no-defaults",
        arena_printf(a, "--datadir=%s/db", dir).p,
        arena_printf(a, "--socket=%s/db.sock", dir).p,
        arena_printf(a, "--pid-file=%s/db.pid", dir).p,
        arena_printf(a, "--init-file=%s/db-init.sql", dir).p,
        arena_printf(a, "--innodb-buffer-pool-size=%s", s->database.buffer_pool).p,
        "--skip-networking",
        "--skip-name-resolve",
        "--innodb-flush-log-at-trx-commit=1",
        "--innodb-flush-method=O_DIRECT",
        "--innodb-log-file-size=256M",
        "--transaction-isolation=READ-COMMITTED",
        "--character-set-server=utf8mb4",
        "--collation-server=utf8mb4_unicode_520_ci",
        "--max-connections=400",
        "--max-allowed-packet=64M",
        "--max-prepared-stmt-count=200000",
        "--performance-schema=OFF",
        geteuid() == 0 ? "--user=root" : "--skip-symbolic-links",
        NULL,
    };
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        err_internal(err, "fork: %s", strerror(errno));
        return -1;
    }
    if (pid == 0) {
        /* The database outlives a crashed supervisor by nothing: it ends cleanly. */
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
            _exit(0);
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (fd >= 0) {
            dup2(fd, 1);
            dup2(fd, 2);
        }
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    return pid;
}
