/* SPDX-License-Identifier: Apache-2.0 */
/* bench_options.c - see bench_options.h. */
#include "bench_options.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "cpus.h"
#include "message.h"
#include "report.h"

enum { SECRET_MAX = 4096, VALUE_SIZE = 256 };

/* --- Values --- */

static bool read_number(const char *text, unsigned low, unsigned high,
                        unsigned *out)
{
    char *end;

    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || n < low ||
        n > high)
        return false;
    *out = (unsigned)n;
    return true;
}

/* A positive number of at most `most` up to one of `ends`. */
static bool read_real(const char *text, double most, const char *ends,
                      char **end, double *out)
{
    double value = strtod(text, end);

    if (*end == text || !(value > 0) || value > most ||
        strchr(ends, **end) == NULL)
        return false;
    *out = value;
    return true;
}

static bool read_seconds(const char *text, double *out)
{
    char *end;

    return read_real(text, 3600, "", &end, out);
}

static bool read_rate(const char *text, double *out)
{
    char *end;

    return read_real(text, 1e9, "", &end, out);
}

/* LOW:HIGH:STEPS, each rate by the same factor above the one before. */
static bool read_range(struct bench_plan *p, const char *text)
{
    double low, high;
    unsigned steps;
    char *end;

    if (!read_real(text, 1e9, ":", &end, &low) || *end != ':' ||
        !read_real(end + 1, 1e9, ":", &end, &high) || *end != ':' ||
        !read_number(end + 1, 2, BENCH_POINTS_MAX, &steps) || low >= high)
        return false;
    for (unsigned i = 0; i < steps; i++)
        p->rates[i] = low * pow(high / low, (double)i / (steps - 1));
    p->rate_count = steps;
    return true;
}

static bool take_sweep(struct bench_plan *p, const char *text)
{
    char *end;

    if (strchr(text, ':') != NULL)
        return read_range(p, text);
    for (p->rate_count = 0; p->rate_count < BENCH_POINTS_MAX; text = end + 1) {
        double *rate = &p->rates[p->rate_count];

        if (!read_real(text, 1e9, ",", &end, rate) ||
            (p->rate_count > 0 && *rate <= rate[-1]))
            return false;
        p->rate_count++;
        if (*end == '\0')
            return true;
    }
    return false;
}

static bool take_kind(struct bench_plan *p, const char *name)
{
    static const struct bench_kind known[] = {
        {"plain", false, false, false},     {"tls", true, false, false},
        {"resumed", true, true, false},     {"deflate", false, false, true},
        {"tls+deflate", true, false, true},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(name, known[i].name) == 0 &&
            p->kind_count < BENCH_KINDS_MAX) {
            p->kinds[p->kind_count++] = known[i];
            return true;
        }
    }
    return false;
}

static bool take_kinds(struct bench_plan *p, const char *list)
{
    static char copy[VALUE_SIZE];
    char *rest = copy;

    p->kind_count = 0;
    snprintf(copy, sizeof copy, "%s", list);
    for (char *name; (name = strsep(&rest, ",")) != NULL;)
        if (!take_kind(p, name))
            return false;
    return true;
}

static bool take_cpus(struct bench_plan *p, const char *list)
{
    static char copy[VALUE_SIZE];

    snprintf(copy, sizeof copy, "%s", list);
    char *slash = strchr(copy, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    p->server_cpus = copy;
    p->client_cpus = slash + 1;
    return bench_cpus_are(p->server_cpus) && bench_cpus_are(p->client_cpus);
}

static bool take_set(struct bench_plan *p, const char *text)
{
    if (p->set_count == BENCH_SETS_MAX)
        return false;
    p->sets[p->set_count++] = text;
    return true;
}

static bool take_encoding(struct bench_plan *p, const char *text)
{
    p->speaks_json = strcmp(text, "json") == 0;
    return p->speaks_json || strcmp(text, "protobuf") == 0;
}

static bool take_prefix(struct bench_plan *p, const char *text)
{
    p->prefix = text;
    return strlen(text) <= BENCH_PREFIX_MAX;
}

static bool take_secret(struct bench_plan *p, const char *file)
{
    static char secret[SECRET_MAX + 2];
    FILE *f = fopen(file, "re");

    if (f == NULL)
        return false;
    bool is_read = fgets(secret, sizeof secret, f) != NULL;
    fclose(f);
    secret[strcspn(secret, "\r\n")] = '\0';
    p->secret = secret;
    p->users = true;
    return is_read && secret[0] != '\0';
}

static bool take_pid(struct bench_plan *p, const char *text)
{
    unsigned pid;

    if (!read_number(text, 1, 1u << 30, &pid))
        return false;
    p->pid = (int)pid;
    return true;
}

/* --- Options --- */

static bool take_number(struct bench_plan *p, enum bench_option option,
                        const char *text)
{
    switch (option) {
    case BENCH_OPTION_ROUNDS:
        return read_number(text, 1, BENCH_ROUNDS_MAX, &p->rounds);
    case BENCH_OPTION_CLIENTS:
        return read_number(text, 1, 1000000, &p->clients);
    case BENCH_OPTION_PROCESSES:
        return read_number(text, 1, BENCH_PROCESSES_MAX, &p->processes);
    case BENCH_OPTION_CHANNELS:
        return read_number(text, 0, 1000, &p->channels);
    case BENCH_OPTION_SHARE:
        return read_number(text, 1, 1000000, &p->share);
    case BENCH_OPTION_AT_ONCE:
        return read_number(text, 1, 1000000, &p->at_once);
    case BENCH_OPTION_MISSED:
        return read_number(text, 0, 1000, &p->missed);
    case BENCH_OPTION_WINDOW:
        return read_number(text, 1, 100000, &p->window);
    case BENCH_OPTION_SIZE:
        return read_number(text, BENCH_MESSAGE_MIN, BENCH_MESSAGE_MAX,
                           &p->size);
    case BENCH_OPTION_SECONDS:
        return read_seconds(text, &p->seconds);
    case BENCH_OPTION_PATIENCE:
        return read_seconds(text, &p->patience);
    case BENCH_OPTION_RATE:
        return read_rate(text, &p->rate);
    default:
        return false;
    }
}

static bool take_list(struct bench_plan *p, enum bench_option option,
                      const char *text)
{
    switch (option) {
    case BENCH_OPTION_KINDS:
        return take_kinds(p, text);
    case BENCH_OPTION_CPUS:
        return take_cpus(p, text);
    case BENCH_OPTION_SET:
        return take_set(p, text);
    case BENCH_OPTION_SWEEP:
        return take_sweep(p, text);
    case BENCH_OPTION_ENCODING:
        return take_encoding(p, text);
    case BENCH_OPTION_PREFIX:
        return take_prefix(p, text);
    case BENCH_OPTION_SECRET_FILE:
        return take_secret(p, text);
    case BENCH_OPTION_PID:
        return take_pid(p, text);
    default:
        return take_number(p, option, text);
    }
}

bool bench_plan_take(struct bench_plan *p, enum bench_option option,
                     const char *value)
{
    switch (option) {
    case BENCH_OPTION_PARLEYD:
        p->parleyd = value;
        return true;
    case BENCH_OPTION_URL:
        p->url = value;
        return true;
    case BENCH_OPTION_TOKEN:
        p->token = value;
        return true;
    case BENCH_OPTION_CA:
        p->ca_file = value;
        return true;
    case BENCH_OPTION_SVG:
        p->output.svg = value;
        return true;
    case BENCH_OPTION_RPC:
        p->method = value;
        return true;
    case BENCH_OPTION_NO_VERIFY:
        p->verifies = false;
        return true;
    case BENCH_OPTION_USERS:
        return p->users = true;
    case BENCH_OPTION_INBOX:
        return p->inbox = true;
    case BENCH_OPTION_RESTART:
        return p->restart = true;
    case BENCH_OPTION_PROGRESS:
        return p->output.shows_progress = true;
    default:
        return take_list(p, option, value);
    }
}

/* --- The mode --- */

bool bench_plan_begin(struct bench_plan *p, const char *name)
{
    static const struct bench_plan modes[] = {
        {.mode = BENCH_IDLE, .clients = 1000, .channels = 5, .seconds = 1},
        {.mode = BENCH_RETURN, .clients = 1000, .channels = 5, .seconds = 1},
        {.mode = BENCH_STORM, .clients = 32, .seconds = 5},
        {.mode = BENCH_FANOUT,
         .clients = 100,
         .channels = 1,
         .window = 64,
         .seconds = 5},
        {.mode = BENCH_ROOMS,
         .clients = 200,
         .channels = 1,
         .window = 2,
         .seconds = 5},
        {.mode = BENCH_ROUNDTRIP,
         .clients = 64,
         .channels = 1,
         .window = 1,
         .share = 1,
         .seconds = 5},
    };

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(name, bench_mode_name(modes[i].mode)) != 0)
            continue;
        *p = modes[i];
        p->rounds = p->processes = 1;
        p->at_once = 1000000;
        p->missed = 3;
        p->size = 64;
        p->patience = 30;
        p->prefix = "bench-";
        p->verifies = true;
        p->output.shows_progress = isatty(STDERR_FILENO) == 1;
        return true;
    }
    return false;
}

/* --- All together --- */

static bool is_tls(const struct bench_plan *p)
{
    return strncmp(p->url, "wss:", 4) == 0;
}

static const char *complete_ours(struct bench_plan *p)
{
    if (p->kind_count == 0)
        take_kinds(p, "plain");
    p->secret = "parley bench measures and keeps no secret";
    p->verifies = false; /* its certificate is made for each start */
    return NULL;
}

static const char *complete_theirs(struct bench_plan *p)
{
    if (p->kind_count == 0)
        take_kinds(p, is_tls(p) ? "tls" : "plain");
    for (unsigned i = 0; i < p->kind_count; i++)
        if (p->kinds[i].tls != is_tls(p))
            return "--kinds does not go with that URL";
    if (p->users && p->secret == NULL)
        return "--users needs --secret-file";
    if (p->restart || p->set_count > 0)
        return "--restart and --set need --parleyd";
    return NULL;
}

static const char *complete_load(struct bench_plan *p)
{
    bool publishes = p->mode == BENCH_FANOUT || bench_plan_all_publish(p);

    if (p->mode == BENCH_ROUNDTRIP)
        p->share = 1;
    if (p->share == 0)
        p->share = p->mode == BENCH_FANOUT
                       ? (p->clients + p->processes - 1) / p->processes
                       : 10;
    if (publishes && p->channels == 0)
        return "this mode needs --channels";
    if (p->method != NULL && p->mode != BENCH_ROUNDTRIP)
        return "--rpc goes with roundtrip";
    if (p->rate_count > 0 && !publishes && p->mode != BENCH_STORM)
        return "--sweep does not go with this mode";
    if (p->rate_count > 0 && (p->rounds > 1 || p->rate > 0))
        return "--sweep goes without --rounds and --rate";
    if (p->output.svg != NULL && p->rate_count == 0)
        return "--svg needs --sweep";
    if (bench_plan_all_publish(p) && p->clients / p->processes > 60000)
        return "more than 60000 publishers of a process";
    return NULL;
}

const char *bench_plan_complete(struct bench_plan *p)
{
    if ((p->parleyd == NULL) == (p->url == NULL))
        return "give --parleyd or --url";
    const char *why =
        p->parleyd != NULL ? complete_ours(p) : complete_theirs(p);
    return why != NULL ? why : complete_load(p);
}
