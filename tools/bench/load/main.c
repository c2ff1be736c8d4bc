/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - parley-load: what real connections cost a parleyd, by the memory
 * and the CPU time of the broker's process. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "check.h"
#include "cpus.h"
#include "crowd.h"
#include "modes.h"

static const char help[] =
    "usage: parley-load MODE --parleyd PATH [OPTION]...\n"
    "\n"
    "Starts a parleyd for each measurement, connects clients that speak the\n"
    "protocol in protobuf, and prints medians.  Every message is checked: one\n"
    "that is lost, double or damaged makes the exit status 1.\n"
    "\n"
    "MODE\n"
    "  idle     memory of each connection, in the broker and in the kernel, "
    "as\n"
    "           the difference between a quarter of --clients and all of them\n"
    "  return   all are cut at once (--restart: the broker is restarted), "
    "come\n"
    "           back at once and recover what was published meanwhile\n"
    "  storm    connect, log in, leave, again: logins a CPU second\n"
    "  fanout   one publisher a process, with --window messages under way:\n"
    "           deliveries a CPU second\n"
    "\n"
    "  --kinds LIST     of plain, tls, resumed (TLS, with tickets), deflate,\n"
    "                   tls+deflate; each round measures all, the ratio is to\n"
    "                   the first (default plain)\n"
    "  --rounds N       default 1, at most 31\n"
    "  --clients N      connections of all processes (idle and return 1000,\n"
    "                   storm 32, fanout 100)\n"
    "  --processes N    of clients (default 1, at most 16)\n"
    "  --channels N     of each client (idle and return 5, storm 0, fanout 1)\n"
    "  --share N        clients of each channel (default 10; fanout: all of a\n"
    "                   process)\n"
    "  --token          clients show a token, so each user has an inbox\n"
    "  --inbox          and ask for an inbox of the connection\n"
    "  --at-once N      return: connections of a process in the making\n"
    "                   (default: all)\n"
    "  --missed N       return: messages a channel meanwhile (default 3)\n"
    "  --restart        return: see above; the memory store forgets, so each\n"
    "                   must read that it cannot recover\n"
    "  --window N       fanout: messages under way (default 64)\n"
    "  --size BYTES     of a message (default 64, 32 to 60000)\n"
    "  --seconds S      storm and fanout: measured (default 5); idle: waited\n"
    "                   before memory is read (default 1)\n"
    "  --cpus S/C       cores of the broker and of the clients, as 0/1-3\n"
    "  --set KEY=VALUE  a setting of the broker, again and again; before them\n"
    "                   come --insecure and loops=1\n"
    "  --json           one object a line\n";

static int usage(const char *what)
{
    fprintf(stderr, "parley-load: %s; see --help\n", what);
    return 2;
}

static bool read_number(const char *text, unsigned low, unsigned high,
                        unsigned *out)
{
    char *end;

    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || n < low || n > high)
        return false;
    *out = (unsigned)n;
    return true;
}

/* --- What is given --- */

static bool take_kind(struct plan *p, const char *name)
{
    static const struct plan_kind known[] = {
        {"plain", false, false, false},     {"tls", true, false, false},
        {"resumed", true, true, false},     {"deflate", false, false, true},
        {"tls+deflate", true, false, true},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(name, known[i].name) == 0 &&
            p->kind_count < PLAN_KINDS_MAX) {
            p->kinds[p->kind_count++] = known[i];
            return true;
        }
    }
    return false;
}

static bool take_kinds(struct plan *p, char *list)
{
    char *rest = list;

    p->kind_count = 0;
    for (char *name; (name = strsep(&rest, ",")) != NULL;) {
        if (!take_kind(p, name))
            return false;
    }
    return true;
}

static bool take_cpus(struct plan *p, char *list)
{
    char *slash = strchr(list, '/');

    if (slash == NULL)
        return false;
    *slash = '\0';
    p->server_cpus = list;
    p->client_cpus = slash + 1;
    return cpus_are(p->server_cpus) && cpus_are(p->client_cpus);
}

static bool take_seconds(struct plan *p, const char *text)
{
    char *end;

    p->seconds = strtod(text, &end);
    return end != text && *end == '\0' && p->seconds > 0 && p->seconds <= 3600;
}

static bool take_set(struct plan *p, const char *text)
{
    if (p->set_count == PLAN_SETS_MAX)
        return false;
    p->sets[p->set_count++] = text;
    return true;
}

static bool take_number(struct plan *p, int option, const char *text)
{
    switch (option) {
    case 'r':
        return read_number(text, 1, REPORT_ROUNDS_MAX, &p->rounds);
    case 'n':
        return read_number(text, 1, 1000000, &p->clients);
    case 'p':
        return read_number(text, 1, CROWD_MAX, &p->processes);
    case 'c':
        return read_number(text, 0, 1000, &p->channels);
    case 's':
        return read_number(text, 1, 1000000, &p->share);
    case 'a':
        return read_number(text, 1, 1000000, &p->at_once);
    case 'm':
        return read_number(text, 0, 1000, &p->missed);
    case 'w':
        return read_number(text, 1, 100000, &p->window);
    case 'b':
        return read_number(text, CHECK_SIZE_MIN, CHECK_SIZE_MAX, &p->size);
    default:
        return false;
    }
}

static bool take(struct plan *p, int option)
{
    switch (option) {
    case 'k':
        return take_kinds(p, optarg);
    case 'C':
        return take_cpus(p, optarg);
    case 'S':
        return take_seconds(p, optarg);
    case 'e':
        return take_set(p, optarg);
    case 'P':
        p->parleyd = optarg;
        return true;
    case 't':
        return p->token = true;
    case 'i':
        return p->inbox = true;
    case 'R':
        return p->restart = true;
    case 'j':
        return p->json = true;
    default:
        return take_number(p, option, optarg);
    }
}

/* --- What is not given --- */

static bool take_mode(struct plan *p, const char *name)
{
    static const struct {
        const char *name;
        struct plan plan;
    } modes[] = {
        {"idle",
         {.mode = PLAN_IDLE, .clients = 1000, .channels = 5, .seconds = 1}},
        {"return",
         {.mode = PLAN_RETURN, .clients = 1000, .channels = 5, .seconds = 1}},
        {"storm", {.mode = PLAN_STORM, .clients = 32, .seconds = 5}},
        {"fanout",
         {.mode = PLAN_FANOUT, .clients = 100, .channels = 1, .seconds = 5}},
    };

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(name, modes[i].name) == 0) {
            *p = modes[i].plan;
            p->rounds = p->processes = 1;
            p->at_once = 1000000;
            p->missed = 3;
            p->window = p->size = 64;
            return true;
        }
    }
    return false;
}

static void complete(struct plan *p)
{
    static char plain[] = "plain";

    if (p->kind_count == 0)
        take_kinds(p, plain);
    if (p->share == 0)
        p->share = p->mode == PLAN_FANOUT
                       ? (p->clients + p->processes - 1) / p->processes
                       : 10;
}

/* Each connection is a descriptor here and one there. */
static void raise_limit(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

static int measure(const struct plan *p)
{
    static struct report r; /* large */

    for (r.round = 0; r.round < p->rounds; r.round++) {
        for (r.kind = 0; r.kind < p->kind_count; r.kind++)
            modes_measure(p, &p->kinds[r.kind], &r);
    }
    report_print(&r, p);
    return r.faults == 0 ? 0 : 1;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"kinds", required_argument, NULL, 'k'},
        {"rounds", required_argument, NULL, 'r'},
        {"clients", required_argument, NULL, 'n'},
        {"processes", required_argument, NULL, 'p'},
        {"channels", required_argument, NULL, 'c'},
        {"share", required_argument, NULL, 's'},
        {"at-once", required_argument, NULL, 'a'},
        {"missed", required_argument, NULL, 'm'},
        {"window", required_argument, NULL, 'w'},
        {"size", required_argument, NULL, 'b'},
        {"seconds", required_argument, NULL, 'S'},
        {"cpus", required_argument, NULL, 'C'},
        {"set", required_argument, NULL, 'e'},
        {"parleyd", required_argument, NULL, 'P'},
        {"token", no_argument, NULL, 't'},
        {"inbox", no_argument, NULL, 'i'},
        {"restart", no_argument, NULL, 'R'},
        {"json", no_argument, NULL, 'j'},
        {0}};
    struct plan plan;
    int option;

    if (asks_for_help(argc, argv)) {
        fputs(help, stdout);
        return 0;
    }
    if (argc < 2 || !take_mode(&plan, argv[1]))
        return usage("the first argument is a mode");
    optind = 2;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (!take(&plan, option))
            return usage("an option is not good");
    }
    if (optind != argc || plan.parleyd == NULL)
        return usage("--parleyd PATH is needed");
    complete(&plan);
    raise_limit();
    return measure(&plan);
}
