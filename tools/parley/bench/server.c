/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - see server.h.
 *
 * CPU time is the clock of its process, to the nanosecond; what the kernel does
 * in interrupts for loopback is billed to the process that was running, mostly
 * the sender.
 *
 * Our parleyd has a process group of its own, because Ctrl-C in a terminal goes
 * to all processes of ours, and the broker is stopped after the clients. */
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
#include "clock.h"
#include "cpus.h"

enum { DEADLINE_S = 60, LOG_MAX = 1 << 16 };

static void read_log(const struct bench_server *s, char out[LOG_MAX])
{
    ssize_t n = pread(s->log, out, LOG_MAX - 1, 0);

    out[n < 0 ? 0 : n] = '\0';
}

static _Noreturn void fail(const struct bench_server *s, const char *what)
{
    static char text[LOG_MAX];

    read_log(s, text);
    fprintf(stderr, "%sparley bench: %s\n", text, what);
    kill(s->pid, SIGKILL);
    bench_certificate_remove(s->folder);
    exit(1);
}

static void nap(void)
{
    static const struct timespec some = {0, 2000000};

    nanosleep(&some, NULL);
}

/* --- Life --- */

struct arguments {
    const char *at[2 * BENCH_SETS_MAX + 32];
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

static _Noreturn void become(const struct bench_server *s,
                             const struct bench_plan *plan,
                             const struct bench_kind *kind)
{
    struct arguments a = {0};
    char listen[64], certificate[96], key[96], secret[96];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    bench_cpus_use(plan->server_cpus);
    snprintf(listen, sizeof listen, "%s=[127.0.0.1:%u]",
             kind->tls ? "listen_tls" : "listen", s->port);
    snprintf(certificate, sizeof certificate, "tls.certificate=[%s/a.pem]",
             s->folder);
    snprintf(key, sizeof key, "tls.key=[%s/a.key]", s->folder);
    snprintf(secret, sizeof secret, "auth.hmac_secret=%s", plan->secret);
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
static bool is_running(struct bench_server *s)
{
    static char text[LOG_MAX];

    read_log(s, text);
    const char *port = strstr(text, " port=");
    if (port == NULL || strstr(text, "event=running") == NULL)
        return false;
    s->port = (uint16_t)strtoul(port + 6, NULL, 10);
    return true;
}

static void launch(struct bench_server *s, const struct bench_plan *plan,
                   const struct bench_kind *kind)
{
    double until = bench_now_s() + DEADLINE_S;

    s->folder[0] = '\0';
    if (kind->tls)
        bench_certificate_make(s->folder, sizeof s->folder);
    s->log = memfd_create("log", MFD_CLOEXEC);
    fflush(NULL);
    s->pid = fork();
    if (s->log < 0 || s->pid < 0) {
        perror("parley bench: no process");
        exit(1);
    }
    if (s->pid == 0)
        become(s, plan, kind);
    while (!is_running(s)) {
        if (waitpid(s->pid, NULL, WNOHANG) != 0 || bench_now_s() > until)
            fail(s, "the broker does not run");
        nap();
    }
    bench_certificate_remove(
        s->folder); /* read; nothing is left if we are killed */
    s->folder[0] = '\0';
}

void bench_server_start(struct bench_server *s, const struct bench_plan *plan,
                        const struct bench_kind *kind)
{
    memset(s, 0, sizeof *s);
    s->is_ours = plan->parleyd != NULL;
    if (s->is_ours) {
        launch(s, plan, kind);
        snprintf(s->url, sizeof s->url,
                 "%s://127.0.0.1:%u/connection/websocket",
                 kind->tls ? "wss" : "ws", s->port);
    } else {
        s->pid = plan->pid;
        snprintf(s->url, sizeof s->url, "%s", plan->url);
    }
}

static double end(struct bench_server *s)
{
    double from = bench_now_s();
    int status;
    pid_t pid;

    kill(s->pid, SIGTERM);
    while ((pid = waitpid(s->pid, &status, WNOHANG)) == 0) {
        if (bench_now_s() - from > DEADLINE_S)
            fail(s, "the broker does not stop");
        nap();
    }
    if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail(s, "the broker ended badly");
    close(s->log);
    return bench_now_s() - from;
}

void bench_server_stop(struct bench_server *s)
{
    if (s->is_ours)
        end(s);
}

double bench_server_restart(struct bench_server *s,
                            const struct bench_plan *plan,
                            const struct bench_kind *kind)
{
    double took = end(s);

    launch(s, plan, kind);
    return took;
}

/* --- What it uses --- */

double bench_server_cpu(const struct bench_server *s)
{
    struct timespec t;
    clockid_t clock;

    if (s->pid == 0 || clock_getcpuclockid(s->pid, &clock) != 0 ||
        clock_gettime(clock, &t) != 0)
        return 0;
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

bool bench_server_memory(const struct bench_server *s, struct bench_memory *out)
{
    return s->pid != 0 && bench_memory_read((int)s->pid, out);
}
