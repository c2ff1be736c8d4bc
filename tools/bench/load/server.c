/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - see server.h.
 *
 * What the kernel uses is only known for the whole machine, so it has both
 * ends of the connections and whatever else runs.  CPU time is the process's
 * own clock, to the nanosecond; what the kernel does in interrupts for
 * loopback is billed to whoever was running, mostly the sender. */
#include "server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "certificate.h"
#include "cpus.h"

enum { DEADLINE_S = 60, LOG_MAX = 1 << 16 };

static void read_log(const struct server *s, char out[LOG_MAX])
{
    ssize_t n = pread(s->log, out, LOG_MAX - 1, 0);

    out[n < 0 ? 0 : n] = '\0';
}

static _Noreturn void fail(const struct server *s, const char *what)
{
    static char text[LOG_MAX];

    read_log(s, text);
    fprintf(stderr, "%sparley-load: %s\n", text, what);
    kill(s->pid, SIGKILL);
    certificate_remove(s->folder);
    exit(1);
}

double server_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void nap(void)
{
    static const struct timespec some = {0, 2000000};

    nanosleep(&some, NULL);
}

/* --- Life --- */

struct arguments {
    const char *at[2 * PLAN_SETS_MAX + 32];
    unsigned count;
};

static void add(struct arguments *a, const char *text)
{
    a->at[a->count++] = text;
}

static void set(struct arguments *a, const char *text)
{
    add(a, "--set");
    add(a, text);
}

static _Noreturn void become(const struct server *s, const struct plan *plan,
                             const struct plan_kind *kind)
{
    struct arguments a = {0};
    char listen[64], certificate[96], key[96], secret[96];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    cpus_use(plan->server_cpus);
    snprintf(listen, sizeof listen, "%s=[127.0.0.1:%u]",
             kind->tls ? "listen_tls" : "listen", s->port);
    snprintf(certificate, sizeof certificate, "tls.certificate=[%s/a.pem]",
             s->folder);
    snprintf(key, sizeof key, "tls.key=[%s/a.key]", s->folder);
    snprintf(secret, sizeof secret, "auth.hmac_secret=%s", plan_secret);
    add(&a, plan->parleyd);
    add(&a, "--insecure");
    if (kind->tls) {
        set(&a, "listen=[]");
        set(&a, certificate);
        set(&a, key);
    }
    set(&a, listen);
    set(&a, "admin.listen=off");
    set(&a, "admin.socket=off");
    set(&a, "loops=1");
    set(&a, "limits.loop_lag=0"); /* full load is what is measured */
    set(&a, secret);
    if (kind->deflate)
        set(&a, "websocket.deflate=true");
    for (unsigned i = 0; i < plan->set_count; i++)
        set(&a, plan->sets[i]);
    dup2(s->log, STDERR_FILENO);
    execv(plan->parleyd, (char *const *)a.at);
    _exit(127);
}

/* It runs when its log says so; the port is logged before. */
static bool is_running(struct server *s)
{
    static char text[LOG_MAX];

    read_log(s, text);
    const char *port = strstr(text, " port=");
    if (port == NULL || strstr(text, "event=running") == NULL)
        return false;
    s->port = (uint16_t)strtoul(port + 6, NULL, 10);
    return true;
}

static void launch(struct server *s, const struct plan *plan,
                   const struct plan_kind *kind)
{
    double until = server_now() + DEADLINE_S;

    s->folder[0] = '\0';
    if (kind->tls)
        certificate_make(s->folder, sizeof s->folder);
    s->log = memfd_create("log", MFD_CLOEXEC);
    fflush(NULL);
    s->pid = fork();
    if (s->log < 0 || s->pid < 0) {
        perror("parley-load: no process");
        exit(1);
    }
    if (s->pid == 0)
        become(s, plan, kind);
    while (!is_running(s)) {
        if (waitpid(s->pid, NULL, WNOHANG) != 0 || server_now() > until)
            fail(s, "the broker does not run");
        nap();
    }
    certificate_remove(s->folder); /* read; nothing is left if we are killed */
    s->folder[0] = '\0';
}

void server_start(struct server *s, const struct plan *plan,
                  const struct plan_kind *kind)
{
    memset(s, 0, sizeof *s);
    launch(s, plan, kind);
}

static double end(struct server *s)
{
    double from = server_now();
    int status;
    pid_t pid;

    kill(s->pid, SIGTERM);
    while ((pid = waitpid(s->pid, &status, WNOHANG)) == 0) {
        if (server_now() - from > DEADLINE_S)
            fail(s, "the broker does not stop");
        nap();
    }
    if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail(s, "the broker ended badly");
    close(s->log);
    return server_now() - from;
}

void server_stop(struct server *s)
{
    end(s);
}

double server_restart(struct server *s, const struct plan *plan,
                      const struct plan_kind *kind)
{
    double took = end(s);

    launch(s, plan, kind);
    return took;
}

/* --- What it uses --- */

double server_cpu(const struct server *s)
{
    struct timespec t;
    clockid_t clock;

    if (clock_getcpuclockid(s->pid, &clock) != 0 ||
        clock_gettime(clock, &t) != 0)
        fail(s, "its CPU time cannot be read");
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The sum of the numbers behind `name` at the front of a line. */
static double sum_of(const struct server *s, const char *path, const char *name)
{
    FILE *f = fopen(path, "re");
    char line[256];
    double sum = 0;

    if (f == NULL)
        fail(s, path);
    while (fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0)
            sum += strtod(line + strlen(name), NULL);
    }
    fclose(f);
    return sum;
}

/* Pages of TCP's buffers: "TCP: inuse 5 orphan 0 tw 0 alloc 6 mem 2". */
static double socket_pages(const struct server *s)
{
    FILE *f = fopen("/proc/net/sockstat", "re");
    char line[256];
    double pages = 0;

    if (f == NULL)
        fail(s, "/proc/net/sockstat");
    while (fgets(line, sizeof line, f) != NULL) {
        const char *mem = strstr(line, " mem ");

        if (strncmp(line, "TCP:", 4) == 0 && mem != NULL)
            pages = strtod(mem + 5, NULL);
    }
    fclose(f);
    return pages;
}

void server_memory(const struct server *s, struct server_memory *out)
{
    char rollup[64], status[64];

    snprintf(rollup, sizeof rollup, "/proc/%d/smaps_rollup", (int)s->pid);
    snprintf(status, sizeof status, "/proc/%d/status", (int)s->pid);
    out->private_bytes = 1024 * (sum_of(s, rollup, "Private_Clean:") +
                                 sum_of(s, rollup, "Private_Dirty:"));
    out->pss = 1024 * sum_of(s, rollup, "Pss:");
    out->page_tables = 1024 * sum_of(s, status, "VmPTE:");
    out->slab = 1024 * sum_of(s, "/proc/meminfo", "Slab:");
    out->sockets = socket_pages(s) * (double)sysconf(_SC_PAGESIZE);
}
