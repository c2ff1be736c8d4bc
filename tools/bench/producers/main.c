/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - parley-producers: what a send of the client library costs, from one
 * to sixteen threads of the program through one connection. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cell.h"
#include "parley_client.h"
#include "sink.h"
#include "thread.h"

enum { MINUTE_MS = 60000, PRODUCERS_MAX = 16, MESSAGES = 1000000 };

struct producer {
    struct plc_client *client;
    unsigned long messages;
    struct pl_thread *thread;
};

static unsigned long done_by[4]; /* by outcome; only the group writes */

static void on_done(const struct plc_result *r, void *arg)
{
    (void)arg;
    done_by[r->outcome]++;
}

static void produce(void *arg)
{
    struct producer *p = arg;
    char text[64];

    for (unsigned long i = 0; i < p->messages; i++) {
        int n = snprintf(text, sizeof text, "{\"number\":%lu}", i);

        if (plc_send(p->client, text, (size_t)n, on_done, NULL) != PL_OK)
            exit(1);
    }
}

static double now_us(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static struct plc_client *connect_to(struct plc_group *g, const struct sink *s,
                                     bool is_tls)
{
    char url[80];
    struct plc_link link = {
        .size = sizeof link, .flags = PLC_NO_VERIFY, .full_wait_ms = MINUTE_MS};
    struct plc_client_options o = {
        .size = sizeof o, .url = url, .link = &link, .timeout_ms = MINUTE_MS};
    struct plc_client *c;

    snprintf(url, sizeof url, "%s://127.0.0.1:%u/", is_tls ? "wss" : "ws",
             sink_port(s));
    if (plc_client_create(&c, g, &o) != PL_OK || plc_client_connect(c) != PL_OK)
        exit(1);
    while (plc_client_state(c) != PLC_CONNECTED)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return c;
}

static void run(struct plc_client *c, unsigned count, unsigned long messages)
{
    struct producer all[PRODUCERS_MAX];

    for (unsigned i = 0; i < count; i++) {
        all[i] = (struct producer){.client = c, .messages = messages / count};
        if (pl_thread_start(&all[i].thread, "producer", produce, &all[i]) !=
            PL_OK)
            exit(1);
    }
    for (unsigned i = 0; i < count; i++)
        pl_thread_join(all[i].thread, PL_JOIN_FOREVER);
}

/* The time includes the stop, which waits for every completion. */
static void measure(unsigned count, unsigned long messages, const char *folder)
{
    struct plc_group_options go = {.size = sizeof go};
    struct sink *s = sink_start(folder, NULL, NULL);
    struct plc_group *g;

    memset(done_by, 0, sizeof done_by);
    if (plc_group_create(&g, &go) != PL_OK)
        exit(1);
    struct plc_client *c = connect_to(g, s, folder != NULL);
    double from = now_us(CLOCK_MONOTONIC);
    double cpu = now_us(CLOCK_PROCESS_CPUTIME_ID);
    run(c, count, messages);
    plc_group_stop(g, MINUTE_MS);
    plc_group_wait(g, MINUTE_MS);
    double us = now_us(CLOCK_MONOTONIC) - from;
    cpu = now_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    plc_group_destroy(g);
    sink_stop(s);
    printf("%-5s %9u %9lu %12.2f %12.2f %9lu %9lu\n",
           folder == NULL ? "plain" : "TLS", count, messages,
           us / (double)messages, cpu / (double)messages, done_by[PLC_DONE],
           messages / count * count - done_by[PLC_DONE]);
}

int main(int argc, char **argv)
{
    char folder[64] = "", *end = NULL;
    unsigned long messages = MESSAGES;

    if (argc == 2)
        messages = strtoul(argv[1], &end, 10);
    if (argc > 2 || (argc == 2 && (*end != '\0' || messages < 16))) {
        fprintf(stderr, "usage: parley-producers [MESSAGES]\n");
        return 2;
    }
    sink_certificate_make(folder, sizeof folder);
    printf("%-5s %9s %9s %12s %12s %9s %9s\n", "", "producers", "messages",
           "us/message", "cpu us", "done", "lost");
    for (int tls = 0; tls < 2; tls++)
        for (unsigned count = 1; count <= PRODUCERS_MAX; count *= 4)
            measure(count, messages, tls == 1 ? folder : NULL);
    sink_certificate_remove(folder);
    return 0;
}
