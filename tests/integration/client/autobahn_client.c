/* SPDX-License-Identifier: Apache-2.0 */
/* autobahn_client.c - runs the cases of a fuzzing server of the Autobahn test
 * suite against the client library: asks how many there are, echoes what each
 * of them sends, and has the report written.
 *
 *   autobahn_client URL [AGENT] */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parley_client.h"

enum { QUEUE_BYTES = 128 << 20, MESSAGE_MAX = 32 << 20, URL_SIZE = 512 };

/* One connection, from its first attempt to its end. */
struct run {
    sem_t ended;
    char text[64]; /* the newest text message, if it is short */
    bool has_opened;
};

static struct plc_group *group;

static void echo(struct plc_ws *w, enum plc_kind kind,
                 const struct plc_bytes *data, void *arg)
{
    struct run *r = arg;

    /* After a close a send would connect again. */
    if ((kind != PLC_TEXT && kind != PLC_BINARY) ||
        plc_ws_state(w) != PLC_WS_OPEN)
        return;
    snprintf(r->text, sizeof r->text, "%.*s", (int)data->len,
             (const char *)data->at);
    plc_ws_send(w, kind, data, 1, NULL, NULL);
}

static void hear(struct plc_ws *w, enum plc_kind kind,
                 const struct plc_bytes *data, void *arg)
{
    struct run *r = arg;

    (void)w, (void)kind;
    snprintf(r->text, sizeof r->text, "%.*s", (int)data->len,
             (const char *)data->at);
}

static void on_open(struct plc_ws *w, const char *subprotocol, void *arg)
{
    (void)w, (void)subprotocol;
    ((struct run *)arg)->has_opened = true;
}

static void on_closed(struct plc_ws *w, uint16_t code, const char *reason,
                      bool clean, void *arg)
{
    (void)w, (void)code, (void)reason, (void)clean;
    sem_post(&((struct run *)arg)->ended);
}

static void on_failed(struct plc_ws *w, enum pl_err err, int http_status,
                      const char *why, void *arg)
{
    (void)w, (void)err, (void)http_status;
    fprintf(stderr, "autobahn_client: %s\n", why);
    sem_post(&((struct run *)arg)->ended);
}

/* Return true if the connection opened; it is over then. */
static bool run(const char *url, bool echoes, struct run *r)
{
    struct plc_link link = {.size = sizeof link,
                            .queue_bytes = QUEUE_BYTES,
                            .message_in = MESSAGE_MAX,
                            .message_out = MESSAGE_MAX};
    struct plc_ws_options o = {.size = sizeof o,
                               .url = url,
                               .link = &link,
                               .open = on_open,
                               .message = echoes ? echo : hear,
                               .closed = on_closed,
                               .failed = on_failed,
                               .arg = r};
    struct plc_ws *w;

    memset(r, 0, sizeof *r);
    sem_init(&r->ended, 0, 0);
    if (plc_ws_create(&w, group, &o) != PL_OK || plc_ws_open(w) != PL_OK)
        exit(1);
    while (sem_wait(&r->ended) != 0)
        ;
    plc_ws_destroy(w);
    sem_destroy(&r->ended);
    return r->has_opened;
}

int main(int argc, char **argv)
{
    struct plc_group_options go = {.size = sizeof go};
    const char *agent = argc > 2 ? argv[2] : "parley-client";
    char url[URL_SIZE];
    struct run r;

    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: autobahn_client URL [AGENT]\n");
        return 2;
    }
    if (plc_group_create(&group, &go) != PL_OK)
        return 1;
    snprintf(url, sizeof url, "%s/getCaseCount", argv[1]);
    bool is_well = run(url, false, &r);
    int count = atoi(r.text);
    for (int i = 1; is_well && i <= count; i++) {
        snprintf(url, sizeof url, "%s/runCase?case=%d&agent=%s", argv[1], i,
                 agent);
        is_well = run(url, true, &r);
    }
    snprintf(url, sizeof url, "%s/updateReports?agent=%s", argv[1], agent);
    is_well = is_well && run(url, false, &r);
    printf("%d cases\n", count);
    plc_group_destroy(group);
    return is_well && count > 0 ? 0 : 1;
}
