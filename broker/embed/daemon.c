/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.c - see daemon.h.
 *
 * All signals are blocked before a thread starts and taken one by one by the
 * main thread, which has nothing else to do: no handler runs anywhere, and
 * nothing needs to be safe for one.  When the broker has stopped it sends the
 * main thread a signal of its own.  That is a real-time one, which is queued:
 * an ordinary one would be lost behind the same signal of somebody else.  From
 * others it means nothing, nor does SIGUSR1, which scripts that rotate logs
 * send to whatever writes them.
 *
 * Of several signals that wait the kernel gives the lowest number first, which
 * is SIGHUP's: sent faster than files are read, it would put off a stop for as
 * long.  So those that end the broker are looked for first, and once it stops
 * nothing is read again. */
#include "daemon.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "buf.h"
#include "config.h"
#include "log.h"
#include "tls_check.h"

enum { USAGE_STATUS = 2 };

#define STOPPED_SIGNAL SIGRTMIN /* no constant of the language */

struct arguments {
    struct pl_broker_options broker;
    const char **sets; /* owned */
    bool check;
    int status; /* to exit with at once; -1: go on */
};

static void print_usage(FILE *to)
{
    fputs("usage: parleyd [-c FILE] [--set KEY=VALUE]... [--insecure]\n"
          "               [--check] [--version] [--help]\n"
          "\n"
          "  -c, --config FILE    read the configuration from FILE (YAML)\n"
          "  --set KEY=VALUE      one setting; wins over the file\n"
          "  --insecure           anonymous clients may do everything;\n"
          "                       listens on loopback addresses only\n"
          "  --check              check the configuration and exit\n"
          "  --version            print the version and exit\n",
          to);
}

static void take_option(struct arguments *a, int option)
{
    switch (option) {
    case 'c':
        a->broker.config_file = optarg;
        return;
    case 's':
        a->sets[a->broker.set_count++] = optarg;
        return;
    case 'i':
        a->broker.insecure = true;
        return;
    case 'k':
        a->check = true;
        return;
    case 'v':
        puts("parleyd " PL_VERSION);
        a->status = EXIT_SUCCESS;
        return;
    case 'h':
        print_usage(stdout);
        a->status = EXIT_SUCCESS;
        return;
    default:
        print_usage(stderr);
        a->status = USAGE_STATUS;
    }
}

static void read_arguments(struct arguments *a, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"set", required_argument, NULL, 's'},
        {"insecure", no_argument, NULL, 'i'},
        {"check", no_argument, NULL, 'k'},
        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while (a->status < 0 &&
           (option = getopt_long(argc, argv, "c:h", options, NULL)) != -1)
        take_option(a, option);
    if (a->status < 0 && optind < argc) {
        fprintf(stderr, "parleyd: unexpected argument: %s\n", argv[optind]);
        a->status = USAGE_STATUS;
    }
    a->broker.sets = a->sets;
}

/* Say what is wrong, on stderr, as compilers do. */
static int check(const struct arguments *a)
{
    struct pl_buf report = {0};
    struct pl_config *config = NULL;
    struct pl_config_source src = {
        .file = a->broker.config_file,
        .sets = a->broker.sets,
        .set_count = a->broker.set_count,
        .insecure = a->broker.insecure,
        .look = pl_tls_check,
    };
    enum pl_err rc = pl_config_load(&config, &src, &report);

    if (report.len > 0)
        fwrite(report.data, 1, report.len, stderr);
    if (rc == PL_OK)
        puts("configuration is good");
    pl_buf_fini(&report);
    pl_config_destroy(config);
    return rc == PL_OK ? EXIT_SUCCESS : USAGE_STATUS;
}

static void raise_descriptor_limit(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

struct signals {
    sigset_t ends; /* the broker */
    sigset_t all;
};

static void block_signals(struct signals *s)
{
    sigemptyset(&s->ends);
    sigaddset(&s->ends, SIGTERM);
    sigaddset(&s->ends, SIGINT);
    sigaddset(&s->ends, STOPPED_SIGNAL);
    s->all = s->ends;
    sigaddset(&s->all, SIGHUP);
    sigaddset(&s->all, SIGUSR1);
    sigprocmask(SIG_BLOCK, &s->all, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* Wait for the next one; below 0: something else came between. */
static int take_signal(const struct signals *s, siginfo_t *info)
{
    const struct timespec at_once = {0};
    int got = sigtimedwait(&s->ends, info, &at_once);

    return got < 0 ? sigwaitinfo(&s->all, info) : got;
}

/* Called by the broker when it has stopped. */
static void wake_main(void *arg)
{
    (void)arg;
    kill(getpid(), STOPPED_SIGNAL);
}

/* Take signals until the broker has stopped. */
static void watch(struct pl_broker *b, const struct signals *s)
{
    siginfo_t info;
    int got, stops = 0;

    for (;;) {
        got = take_signal(s, &info);
        if (got < 0)
            continue;
        if (got == STOPPED_SIGNAL && info.si_pid == getpid())
            return;
        PL_LOG(PL_LOG_INFO, "signal", pl_log_number("number", got),
               pl_log_number("from", info.si_pid));
        if (got == SIGHUP && stops == 0)
            pl_broker_reload(b); /* the log says how it went */
        if (got != SIGTERM && got != SIGINT)
            continue;
        stops++;
        if (stops == 1)
            pl_broker_stop(b);
        else if (stops == 2)
            pl_broker_hurry(b);
        else
            _exit(EXIT_FAILURE);
    }
}

static int run(const struct arguments *a, pl_broker_stores *stores)
{
    struct pl_broker *b;
    struct signals signals;

    pl_log_detect_journal();
    raise_descriptor_limit();
    block_signals(&signals);
    enum pl_err rc = pl_broker_create(&b, &a->broker);
    if (rc != PL_OK)
        return rc == PL_ENOMEM ? EXIT_FAILURE : USAGE_STATUS;
    if (stores != NULL)
        pl_broker_set_stores(b, stores, NULL);
    rc = pl_broker_start(b);
    if (rc == PL_OK) {
        watch(b, &signals);
        rc = pl_broker_wait(b);
        if (rc != PL_OK) /* a thread still runs: leave all as it is */
            _exit(EXIT_FAILURE);
    }
    bool is_good = rc == PL_OK && pl_broker_is_settled(b);
    pl_broker_destroy(b);
    return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int pl_daemon_run(int argc, char **argv, pl_broker_stores *stores)
{
    struct arguments a = {.broker = {.on_stopped = wake_main}, .status = -1};

    a.sets = calloc((size_t)argc + 1, sizeof *a.sets);
    if (a.sets == NULL)
        return EXIT_FAILURE;
    read_arguments(&a, argc, argv);
    if (a.status < 0 && a.check)
        a.status = check(&a);
    if (a.status < 0)
        a.status = run(&a, stores);
    free(a.sets);
    return a.status;
}
