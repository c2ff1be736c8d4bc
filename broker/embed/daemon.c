/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.c - see daemon.h.
 *
 * The main thread creates the broker, follows the orders of signals.h and waits
 * for the end.  A start and a join may block, so another thread receives the
 * signals.  A reload may block too, on a pipe or an unresponsive disk: the
 * broker's pool runs it, one at a time.  If it still blocks when the broker has
 * stopped, the process exits beside it, without running what exit() would.
 *
 * libevent reports errors on stderr by default, which may block a turn; the
 * daemon redirects them to the log. */
#include "daemon.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "buf.h"
#include "config_load.h"
#include "settings.h"
#include "log.h"
#include "reactor.h"
#include "signals.h"
#include "tls_check.h"

enum { USAGE_STATUS = 2 };

struct arguments {
    struct pl_broker_setup broker;
    const char **sets; /* owned */
    bool check;
    int status; /* exit at once with this status; -1: continue */
};

static void print_usage(FILE *to)
{
    fputs(
        "usage: parleyd [-c FILE | --centrifugo FILE] [--set KEY=VALUE]...\n"
        "               [--insecure] [--check] [--version] [--help]\n"
        "\n"
        "  -c, --config FILE    read the configuration from FILE (YAML)\n"
        "  --centrifugo FILE    read a configuration of Centrifugo 6 (JSON or\n"
        "                       YAML), and its CENTRIFUGO_* variables\n"
        "  --set KEY=VALUE      one setting; wins over the environment\n"
        "                       (PARLEY_KEY=VALUE), which wins over the file\n"
        "  --insecure           anonymous clients may do everything;\n"
        "                       listens on loopback addresses only\n"
        "  --check              check the configuration and exit\n"
        "  --version            print the version and exit\n",
        to);
}

/* A second file would be read instead of the first and not with it. */
static void take_file(struct arguments *a, bool is_centrifugo)
{
    if (a->broker.config_file != NULL) {
        fputs("parleyd: more than one configuration file\n", stderr);
        a->status = USAGE_STATUS;
    }
    a->broker.config_file = optarg;
    if (is_centrifugo)
        a->broker.flags |= PL_CENTRIFUGO;
}

static void take_option(struct arguments *a, int option)
{
    switch (option) {
    case 'c':
    case 'f':
        take_file(a, option == 'f');
        return;
    case 's':
        a->sets[a->broker.set_count++] = optarg;
        return;
    case 'i':
        a->broker.flags |= PL_INSECURE;
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
        {"centrifugo", required_argument, NULL, 'f'},
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

static size_t count_texts(char *const *texts)
{
    size_t count = 0;

    while (texts != NULL && texts[count] != NULL)
        count++;
    return count;
}

/* Name the variables that count, because no file shows them. */
static void look(struct pl_config_loading *l)
{
    for (size_t i = 0; i < l->settings.count; i++) {
        const char *variable = l->settings.at[i].place.variable;

        if (variable != NULL)
            printf("%.*s sets %s\n", (int)strcspn(variable, "="), variable,
                   l->settings.at[i].key->name);
    }
    pl_settings_check_tls(l);
}

/* Print all configuration errors to stderr, in the format of compilers. */
static int check(const struct arguments *a)
{
    struct pl_buf report = {0};
    struct pl_settings *config = NULL;
    struct pl_config_source src = {
        .file = a->broker.config_file,
        .variables = (const char *const *)environ,
        .variable_count = count_texts(environ),
        .sets = a->broker.sets,
        .set_count = a->broker.set_count,
        .insecure = a->broker.flags & PL_INSECURE,
        .is_centrifugo = a->broker.flags & PL_CENTRIFUGO,
        .has_listeners = true, /* systemd may pass some to a start */
        .look = look,
    };
    enum pl_err rc = pl_settings_load(&config, &src, &report);

    if (report.len > 0)
        fwrite(report.data, 1, report.len, stderr);
    if (rc == PL_OK)
        puts("configuration is good");
    pl_buf_fini(&report);
    pl_settings_destroy(config);
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

/* Log lines of the program's own threads use the level of its broker. */
static void share_level(struct pl_broker *b)
{
    pl_log_set_level(pl_log_level(pl_broker_log(b)));
}

struct running {
    struct pl_broker *broker;
    struct pl_signals *signals;
};

static void begin_reload(struct running *r)
{
    enum pl_err rc =
        pl_broker_reload_soon(r->broker, pl_signals_reloaded, r->signals);

    if (rc == PL_OK) /* the broker logs the result */
        return;
    PL_LOG(PL_LOG_WARN, "configuration not reloaded, all stays as it was",
           pl_log_string("reason", pl_err_text(rc)));
    pl_signals_reloaded(r->signals);
}

/* Follow the orders of the signal thread until the broker has stopped. */
static void watch(struct running *r)
{
    for (;;) {
        switch (pl_signals_wait(r->signals)) {
        case PL_SIGNALS_STOPPED:
            return;
        case PL_SIGNALS_STOP:
            pl_broker_stop(r->broker);
            break;
        case PL_SIGNALS_HURRY:
            pl_broker_hurry(r->broker);
            break;
        case PL_SIGNALS_RELOAD:
            begin_reload(r);
            break;
        case PL_SIGNALS_RELOADED:
            share_level(r->broker);
            break;
        }
    }
}

/* Exit without freeing anything, beside a thread that blocks. */
_Noreturn static void leave(int status)
{
    pl_log_flush_last();
    _exit(status);
}

/* Run the broker from start to shutdown and return the exit status.  Exit from
 * here if a thread cannot be joined. */
static int live(struct running *r)
{
    enum pl_err rc = pl_broker_start(r->broker);

    if (rc != PL_OK)
        return EXIT_FAILURE;
    watch(r);
    rc = pl_broker_wait(r->broker);
    if (rc != PL_OK)
        leave(EXIT_FAILURE);
    int status = pl_broker_is_balanced(r->broker) ? EXIT_SUCCESS : EXIT_FAILURE;
    if (pl_broker_is_blocked(r->broker))
        leave(status);
    return status;
}

static int run_broker(struct pl_broker_setup *setup, struct pl_signals *signals,
                      pl_broker_stores *stores)
{
    struct running r = {.signals = signals};

    setup->stopped = pl_signals_stopped;
    setup->arg = signals;
    enum pl_err rc = pl_broker_open(&r.broker, setup);
    if (rc != PL_OK)
        return rc == PL_ENOMEM ? EXIT_FAILURE : USAGE_STATUS;
    share_level(r.broker);
    if (stores != NULL)
        pl_broker_set_stores(r.broker, stores, NULL);
    int status = live(&r);
    pl_broker_destroy(r.broker);
    return status;
}

static int fail(const char *what, enum pl_err rc)
{
    PL_LOG(PL_LOG_ERROR, "cannot start", pl_log_string("what", what),
           pl_log_string("reason", pl_err_text(rc)));
    return EXIT_FAILURE;
}

static int run(struct pl_broker_setup *setup, pl_broker_stores *stores)
{
    struct pl_signals *signals = NULL;
    int status;

    pl_log_detect_journal();
    raise_descriptor_limit();
    pl_reactor_on_complaint(on_complaint);
    enum pl_err rc = pl_log_start();
    if (rc != PL_OK)
        return fail("the thread of the log", rc);
    rc = pl_signals_create(&signals);
    status = rc == PL_OK ? run_broker(setup, signals, stores)
                         : fail("the thread of signals", rc);
    pl_signals_destroy(signals);
    pl_log_stop();
    return status;
}

int pl_daemon_run(int argc, char **argv, pl_broker_stores *stores)
{
    struct arguments a = {
        .broker = {.size = sizeof a.broker,
                   .flags = PL_SYSTEMD_SOCKETS | PL_ENVIRONMENT},
        .status = -1};

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
