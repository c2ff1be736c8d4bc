/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.c - see daemon.h.
 *
 * The main thread builds the broker, does what signals.h orders and waits for
 * the end.  Each of these may hang: a configuration or a certificate that is
 * read from a pipe, a join.  So another thread takes the signals.
 *
 * libevent says what is wrong on stderr by itself, in the middle of a turn; it
 * is given the log instead. */
#include "daemon.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "buf.h"
#include "config.h"
#include "log.h"
#include "reactor.h"
#include "signals.h"
#include "tls_check.h"

enum { USAGE_STATUS = 2 };

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

static void on_complaint(const char *text)
{
    PL_LOG_LIMITED(PL_LOG_KIND_LIBRARY, PL_LOG_WARN, "libevent",
                   pl_log_string("message", text));
}

/* Lines of the program's own threads are wanted as those of its broker are. */
static void share_level(struct pl_broker *b)
{
    pl_log_set_level(pl_log_level(pl_broker_log(b)));
}

/* Do what signals say until the broker has stopped. */
static void watch(struct pl_broker *b, struct pl_signals *signals)
{
    for (;;) {
        switch (pl_signals_wait(signals)) {
        case PL_SIGNALS_STOPPED:
            return;
        case PL_SIGNALS_STOP:
            pl_broker_stop(b);
            break;
        case PL_SIGNALS_HURRY:
            pl_broker_hurry(b);
            break;
        case PL_SIGNALS_RELOAD:
            pl_broker_reload(b); /* the log says how it went */
            share_level(b);
            break;
        }
    }
}

static int run_broker(struct pl_broker_options *options,
                      struct pl_signals *signals, pl_broker_stores *stores)
{
    struct pl_broker *b;

    options->on_stopped = pl_signals_stopped;
    options->arg = signals;
    enum pl_err rc = pl_broker_create(&b, options);
    if (rc != PL_OK)
        return rc == PL_ENOMEM ? EXIT_FAILURE : USAGE_STATUS;
    share_level(b);
    if (stores != NULL)
        pl_broker_set_stores(b, stores, NULL);
    rc = pl_broker_start(b);
    if (rc == PL_OK) {
        watch(b, signals);
        rc = pl_broker_wait(b);
        if (rc != PL_OK) { /* a thread still runs: leave all as it is */
            pl_log_flush_last();
            _exit(EXIT_FAILURE);
        }
    }
    bool is_good = rc == PL_OK && pl_broker_is_settled(b);
    pl_broker_destroy(b);
    return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(struct pl_broker_options *options, pl_broker_stores *stores)
{
    struct pl_signals *signals = NULL;
    int status = EXIT_FAILURE;

    pl_log_detect_journal();
    raise_descriptor_limit();
    pl_reactor_on_complaint(on_complaint);
    if (pl_log_start() != PL_OK)
        return EXIT_FAILURE;
    if (pl_signals_create(&signals) == PL_OK)
        status = run_broker(options, signals, stores);
    pl_signals_destroy(signals);
    pl_log_stop();
    return status;
}

int pl_daemon_run(int argc, char **argv, pl_broker_stores *stores)
{
    struct arguments a = {.status = -1};

    a.sets = calloc((size_t)argc + 1, sizeof *a.sets);
    if (a.sets == NULL)
        return EXIT_FAILURE;
    read_arguments(&a, argc, argv);
    if (a.status < 0 && a.check)
        a.status = check(&a);
    if (a.status < 0)
        a.status = run(&a.broker, stores);
    free(a.sets);
    return a.status;
}
