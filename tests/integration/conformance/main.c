/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - conformance: RFC 6455 case by case against /echo.
 *
 *   conformance --parleyd PATH [--only TEXT]   starts a broker of its own
 *   conformance --port PORT [--only TEXT]      one that runs already
 *
 * Every case runs in every way of cutting its bytes (run.h), with the same
 * expectation: what a peer gets must not depend on how the network cut what it
 * sent.  The exit status is 1 when a case failed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote.h"
#include "run.h"
#include "suite.h"

struct run {
    uint16_t port;
    const char *only; /* a part of the names that are wanted; NULL: all */
    unsigned cases;
    unsigned runs;
    unsigned failed;
};

static bool is_wanted(const struct run *r, const char *name)
{
    return r->only == NULL || strstr(name, r->only) != NULL;
}

static void run_exchanges(struct run *r)
{
    struct suite s = {0};

    add_framing(&s);
    add_fragments(&s);
    add_control(&s);
    add_close(&s);
    add_text(&s);
    add_limits(&s);
    for (size_t i = 0; i < s.count; i++) {
        if (!is_wanted(r, s.at[i].name))
            continue;
        r->cases++;
        for (enum way w = 0; w < WAY_COUNT; w++, r->runs++)
            r->failed += !run_exchange(r->port, &s.at[i], w);
    }
    suite_fini(&s);
}

static void run_openings(struct run *r)
{
    static const enum way ways[] = {WAY_WHOLE, WAY_BYTES, WAY_CUTS};

    for (size_t i = 0; i < opening_count; i++) {
        if (!is_wanted(r, openings[i].name))
            continue;
        r->cases++;
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++, r->runs++)
            r->failed += !run_opening(r->port, &openings[i], ways[w]);
    }
}

static int usage(void)
{
    fputs("conformance (--parleyd PATH | --port PORT) [--only TEXT]\n", stderr);
    return 2;
}

static int read_arguments(int argc, char **argv, struct run *r,
                          const char **program)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--parleyd") == 0)
            *program = argv[i + 1];
        else if (strcmp(argv[i], "--port") == 0)
            r->port = (uint16_t)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--only") == 0)
            r->only = argv[i + 1];
        else
            return usage();
    }
    return argc % 2 == 0 || (*program == NULL) == (r->port == 0) ? usage() : 0;
}

int main(int argc, char **argv)
{
    static const char *const sets[] = {"websocket.echo=true", "loops=2", NULL};
    const char *program = NULL;
    struct remote broker;
    struct run r = {0};

    if (read_arguments(argc, argv, &r, &program) != 0)
        return 2;
    if (program != NULL) {
        remote_start(&broker, program, sets);
        r.port = broker.port;
    }
    run_exchanges(&r);
    run_openings(&r);
    if (program != NULL) {
        remote_await(&broker, "connections.open", 0);
        remote_rest(&broker);
        remote_stop(&broker);
    }
    printf("%u cases, %u runs, %u failed\n", r.cases, r.runs, r.failed);
    return r.failed > 0 || r.runs == 0;
}
