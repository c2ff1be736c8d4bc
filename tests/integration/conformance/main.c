/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - conformance: RFC 6455 and 7692 case by case against /echo.
 *
 *   conformance --parleyd PATH [OPTION]...   starts a broker of its own
 *   conformance --port PORT [OPTION]...      one that runs already
 *     --tls        over TLS
 *     --deflate    with permessage-deflate
 *     --echoes     messages in volume instead (echoes.h); a broker that runs
 *                  already needs websocket.max_message=16MiB
 *     --only TEXT  cases whose name has it
 *
 * Every case runs in every way of cutting its bytes (run.h), with the same
 * expectation: what a peer gets must not depend on how the network cut what it
 * sent.  The exit status is 1 when a case failed. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "echoes.h"
#include "remote.h"
#include "run.h"
#include "suite.h"
#include "tls_client.h"

struct run {
    struct target target;
    const char *program;
    bool echoes;
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
    struct suite s = {.deflates = r->target.deflates};

    add_framing(&s);
    add_fragments(&s);
    add_control(&s);
    add_close(&s);
    add_text(&s);
    add_limits(&s);
    if (s.deflates)
        add_deflate(&s);
    for (size_t i = 0; i < s.count; i++) {
        if (!is_wanted(r, s.at[i].name))
            continue;
        r->cases++;
        for (enum way w = 0; w < WAY_COUNT; w++, r->runs++)
            r->failed += !run_exchange(&r->target, &s.at[i], w);
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
            r->failed += !run_opening(&r->target, &openings[i], ways[w]);
    }
}

static void run_offers(struct run *r)
{
    static const enum way ways[] = {WAY_WHOLE, WAY_CUTS};

    for (size_t i = 0; i < offer_count; i++) {
        if (!is_wanted(r, offers[i].name))
            continue;
        r->cases++;
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++, r->runs++)
            r->failed += !run_offer(&r->target, &offers[i], ways[w]);
    }
}

static void run_echoes(struct run *r)
{
    struct echo_counts n;

    echoes_run(&r->target, r->only, &n);
    r->cases = n.cases;
    r->runs = n.messages;
    r->failed = n.failed;
}

static void run_all(struct run *r)
{
    if (r->echoes) {
        run_echoes(r);
        return;
    }
    run_exchanges(r);
    run_openings(r);
    run_offers(r);
}

/* A broker of our own, for as long as the cases run. */
static void run_with_broker(struct run *r)
{
    struct tls_folder folder;
    char certificate[512], key[512], deflate[64];
    const char *sets[] = {"websocket.echo=true",
                          "loops=2",
                          "connect.timeout=1m", /* we may be slow */
                          deflate,
                          r->echoes ? "websocket.max_message=16MiB"
                                    : "websocket.max_message=64KiB",
                          r->target.is_tls ? "listen=[]" : NULL,
                          "listen_tls=[127.0.0.1:0]",
                          certificate,
                          key,
                          NULL};
    struct remote broker;

    tls_folder_init(&folder);
    tls_make(&folder, "server", "localhost", NULL);
    snprintf(certificate, sizeof certificate, "tls.certificate=[%s]",
             tls_file(&folder, "server.pem"));
    snprintf(key, sizeof key, "tls.key=[%s]", tls_file(&folder, "server.key"));
    snprintf(deflate, sizeof deflate, "websocket.deflate=%s",
             r->target.deflates ? "true" : "false");
    remote_start(&broker, r->program, sets);
    r->target.port = broker.port;
    run_all(r);
    remote_await(&broker, "connections.open", 0);
    remote_stop(&broker);
    tls_folder_fini(&folder);
}

static int usage(void)
{
    fputs("conformance (--parleyd PATH | --port PORT) [--tls] [--deflate] "
          "[--echoes] [--only TEXT]\n",
          stderr);
    return 2;
}

/* The option at `at`; how many arguments it is, 0: it is none. */
static int read_option(char **at, struct run *r)
{
    if (strcmp(at[0], "--tls") == 0)
        r->target.is_tls = true;
    else if (strcmp(at[0], "--deflate") == 0)
        r->target.deflates = true;
    else if (strcmp(at[0], "--echoes") == 0)
        r->echoes = true;
    else if (at[1] == NULL)
        return 0;
    else if (strcmp(at[0], "--parleyd") == 0)
        r->program = at[1];
    else if (strcmp(at[0], "--port") == 0)
        r->target.port = (uint16_t)strtoul(at[1], NULL, 10);
    else if (strcmp(at[0], "--only") == 0)
        r->only = at[1];
    else
        return 0;
    return strchr("tde", at[0][2]) != NULL ? 1 : 2;
}

int main(int argc, char **argv)
{
    struct run r = {0};

    for (int i = 1, n; i < argc; i += n) {
        if ((n = read_option(&argv[i], &r)) == 0)
            return usage();
    }
    if ((r.program == NULL) == (r.target.port == 0))
        return usage();
    signal(SIGPIPE, SIG_IGN); /* TLS writes with write() */
    if (r.program != NULL)
        run_with_broker(&r);
    else
        run_all(&r);
    printf("%u cases, %u %s, %u failed\n", r.cases, r.runs,
           r.echoes ? "messages" : "runs", r.failed);
    return r.failed > 0 || r.runs == 0;
}
