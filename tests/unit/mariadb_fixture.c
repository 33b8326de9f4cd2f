#include "mariadb_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <mysql.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ARGS 64
#define READY_SECONDS 60

struct mariadb {
    char dir[80], data[96], sock[96], log[96];
    const char *const *extra;
    pid_t pid;
    struct mariadb *next;
};

static struct mariadb *started; /* for the end of the program */
static pid_t owner;             /* a child that a test forks must not stop the server */

static _Noreturn void die(const struct mariadb *m, const char *what)
{
    fprintf(stderr, "mariadb fixture: %s\n", what);
    FILE *f = m ? fopen(m->log, "r") : NULL;
    if (f) {
        char line[512];
        while (fgets(line, sizeof line, f))
            fputs(line, stderr);
        fclose(f);
    }
    exit(1);
}

/* Starts a program whose output goes to the log. It dies with this process. */
static pid_t spawn(const struct mariadb *m, char *const argv[])
{
    pid_t pid = fork();
    if (pid < 0) die(m, "fork failed");
    if (pid > 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int fd = open(m->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int null = open("/dev/null", O_RDONLY);
    if (fd < 0 || null < 0) _exit(126);
    dup2(null, 0);
    dup2(fd, 1);
    dup2(fd, 2);
    execvp(argv[0], argv);
    dprintf(2, "cannot run %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static int wait_end(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static MYSQL *connect_root(const struct mariadb *m, const char *database)
{
    MYSQL *c = mysql_init(NULL);
    if (!c) die(m, "no memory");
    mysql_options(c, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (mysql_real_connect(c, NULL, "root", NULL, database, 0, m->sock, 0)) return c;
    mysql_close(c);
    return NULL;
}

static void run(struct mariadb *m)
{
    char datadir[128], sock[128], pidfile[128], tmp[128];
    snprintf(datadir, sizeof datadir, "--datadir=%s", m->data);
    snprintf(sock, sizeof sock, "--socket=%s", m->sock);
    snprintf(pidfile, sizeof pidfile, "--pid-file=%s/pid", m->dir);
    snprintf(tmp, sizeof tmp, "--tmpdir=%s", m->dir);
    const char *argv[MAX_ARGS] = {"mariadbd",
                                  "--no-defaults",
                                  datadir,
                                  sock,
                                  pidfile,
                                  tmp,
                                  "--skip-networking",
                                  "--skip-name-resolve",
                                  "--innodb-buffer-pool-size=64M",
                                  "--innodb-log-file-size=32M",
                                  "--innodb-flush-log-at-trx-commit=1",
                                  "--performance-schema=OFF",
                                  "--max-connections=300",
                                  "--character-set-server=utf8mb4",
                                  "--thread-cache-size=64"};
    size_t n = 0;
    while (argv[n])
        n++;
    if (geteuid() == 0) argv[n++] = "--user=root";
    for (size_t i = 0; m->extra && m->extra[i] && n < MAX_ARGS - 1; i++)
        argv[n++] = m->extra[i];
    m->pid = spawn(m, (char *const *)argv);

    for (int i = 0; i < READY_SECONDS * 100; i++) {
        MYSQL *c = connect_root(m, NULL);
        if (c) {
            mysql_close(c);
            return;
        }
        int status;
        if (waitpid(m->pid, &status, WNOHANG) == m->pid) {
            m->pid = 0;
            die(m, "mariadbd ended before it was ready");
        }
        usleep(10000);
    }
    die(m, "mariadbd does not answer");
}

static void stop_all(void)
{
    while (started && getpid() == owner)
        mariadb_stop(started);
}

struct mariadb *mariadb_start(const char *const *extra)
{
    static bool registered;
    mysql_server_init(0, NULL, NULL);
    struct mariadb *m = calloc(1, sizeof *m);
    if (!m) die(NULL, "no memory");
    /* short, whatever TMPDIR says: a socket path has 107 bytes */
    snprintf(m->dir, sizeof m->dir, "/tmp/atrium-test-XXXXXX");
    if (!mkdtemp(m->dir)) die(NULL, "cannot make a directory");
    snprintf(m->data, sizeof m->data, "%s/data", m->dir);
    snprintf(m->sock, sizeof m->sock, "%s/sock", m->dir);
    snprintf(m->log, sizeof m->log, "%s/log", m->dir);
    m->extra = extra;
    m->next = started;
    started = m;
    owner = getpid();
    if (!registered) atexit(stop_all);
    registered = true;

    char datadir[128];
    snprintf(datadir, sizeof datadir, "--datadir=%s", m->data);
    const char *argv[] = {"mariadb-install-db",
                          "--no-defaults",
                          datadir,
                          "--skip-test-db",
                          "--auth-root-authentication-method=normal",
                          "--innodb-log-file-size=32M",
                          geteuid() == 0 ? "--user=root" : NULL,
                          NULL};
    if (wait_end(spawn(m, (char *const *)argv)) != 0) die(m, "mariadb-install-db failed");
    run(m);
    return m;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void mariadb_stop(struct mariadb *m)
{
    if (m->pid > 0) {
        kill(m->pid, SIGCONT);
        kill(m->pid, SIGKILL); /* the data is thrown away anyhow */
        wait_end(m->pid);
    }
    nftw(m->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    for (struct mariadb **p = &started; *p; p = &(*p)->next) {
        if (*p == m) {
            *p = m->next;
            break;
        }
    }
    free(m);
}

void mariadb_kill(struct mariadb *m)
{
    if (m->pid <= 0) return;
    kill(m->pid, SIGKILL);
    wait_end(m->pid);
    m->pid = 0;
}

void mariadb_restart(struct mariadb *m)
{
    mariadb_kill(m);
    run(m);
}

void mariadb_freeze(struct mariadb *m, bool frozen)
{
    kill(m->pid, frozen ? SIGSTOP : SIGCONT);
}

const char *mariadb_socket(const struct mariadb *m)
{
    return m->sock;
}

const char *mariadb_dir(const struct mariadb *m)
{
    return m->dir;
}

char *mariadb_sql(struct mariadb *m, const char *database, const char *sql)
{
    MYSQL *c = connect_root(m, database);
    if (!c) die(m, "cannot connect");
    if (mysql_real_query(c, sql, (unsigned long)strlen(sql)) != 0) {
        fprintf(stderr, "mariadb fixture: %s: %s\n", sql, mysql_error(c));
        exit(1);
    }
    char *out = NULL;
    MYSQL_RES *res = mysql_store_result(c);
    if (res) {
        MYSQL_ROW row = mysql_fetch_row(res);
        if (row && row[0]) out = strdup(row[0]);
        mysql_free_result(res);
    }
    mysql_close(c);
    return out;
}

struct store_db_opts mariadb_database(struct mariadb *m, const char *database)
{
    char sql[256];
    snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS `%s`", database);
    free(mariadb_sql(m, NULL, sql));
    snprintf(sql, sizeof sql, "CREATE DATABASE `%s` CHARACTER SET utf8mb4", database);
    free(mariadb_sql(m, NULL, sql));
    return (struct store_db_opts){.socket = m->sock, .user = "root", .database = database};
}
