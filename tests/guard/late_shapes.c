/* SPDX-License-Identifier: Apache-2.0 */
/* late_shapes.c - what requests that wait for late stores cost, for
 * instructions.sh.
 *
 *   late_shapes --count SHAPE --repeat N --waiting REQUESTS
 *
 * The shapes are: `outbox`, publications of one channel; `channels`, one each
 * of many; `attaching`, clients that come and go before their attach is
 * answered; `leaving`, clients that go while presence is away, and others that
 * come; `stop`, publications that a stop answers.  --repeat is ignored: with
 * many requests once is enough. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "count.h"
#include "monitor.h"
#include "rig.h"

static unsigned waiting;
static unsigned long answered;
static struct pl_client **client;

static void on_mail(struct rig_hub *h, struct pl_msg *msg)
{
    (void)h;
    answered++;
    pl_mail_destroy(msg);
}

/* --- A presence store that can be away --- */

static bool is_away;

static enum pl_store_reply change(struct pl_presence *p,
                                  struct pl_presence_change *r)
{
    (void)p;
    r->op.error = is_away ? PL_EIO : PL_OK;
    return PL_STORE_DONE;
}

static void destroy(struct pl_presence *p)
{
    (void)p;
}

static const struct pl_presence_ops ops = {
    .add = change, .remove = change, .destroy = destroy};
static struct pl_presence away = {&ops};

/* --- The shapes --- */

static void make_clients(struct rig *r)
{
    client = calloc(2 * (size_t)waiting, sizeof(struct pl_client *));
    assert(client != NULL);
    for (unsigned i = 0; i < 2 * waiting; i++) {
        enum pl_err rc = pl_client_create(
            &client[i], pl_actor_address(&r->hub[1]->actor),
            pl_sim_random(r->sim), PL_SPAN("u"), (struct pl_span){NULL, 0});
        assert(rc == PL_OK);
        (void)rc;
    }
}

static void each_client(struct rig *r, unsigned from, bool attach)
{
    struct pl_client *mine = r->client[1];

    for (unsigned i = from; i < from + waiting; i++) {
        r->client[1] = client[i];
        if (attach)
            rig_attach(r, 1, "a", 0);
        else
            rig_detach(r, 1, "a", 0);
        if (i % 1000 == 0)
            rig_run(r, 0);
    }
    rig_run(r, 0);
    r->client[1] = mine;
}

static void publish(struct rig *r, bool one)
{
    char name[16] = "a";

    for (unsigned i = 0; i < waiting; i++) {
        if (!one)
            snprintf(name, sizeof name, "c%u", i);
        rig_publish(r, 1, name, "x");
        if (i % 1000 == 0)
            rig_run(r, 0);
    }
    rig_run(r, 0);
}

/* callgrind counts what is called from here. */
__attribute__((noinline)) static void shape_run(struct rig *r,
                                                const char *shape)
{
    if (strcmp(shape, "attaching") == 0) {
        each_client(r, 0, true);
        each_client(r, 0, false);
    } else if (strcmp(shape, "leaving") == 0) {
        is_away = true;
        each_client(r, 0, false);
        each_client(r, waiting, true);
        is_away = false;
    } else {
        publish(r, strcmp(shape, "channels") != 0);
    }
    if (strcmp(shape, "stop") == 0)
        pl_stop_send(&r->hub[1]->actor, r->owner);
    rig_run(r, 10000);
}

int main(int argc, char **argv)
{
    struct rig_options o = {.rules.history_size = 100,
                            .rules.history_ttl_ms = 100000000,
                            .rules.meta_ttl_ms = 100000000,
                            .rules.sub.flags =
                                PL_RULE_PRESENCE | PL_RULE_JOIN_LEAVE};
    struct pl_late_options late = {.seed = 3, .latency_ms = 1000};

    if (argc != 7 || strcmp(argv[1], "--count") != 0)
        return 2;
    waiting = (unsigned)strtoul(argv[6], NULL, 10);
    bool leaves = strcmp(argv[2], "leaving") == 0;
    if (leaves)
        o.owner.presence_store = &away;
    struct rig *r = rig_create(3, &o, leaves ? NULL : &late);
    r->on_mail = on_mail;
    make_clients(r);
    if (leaves) {
        each_client(r, 0, true);
        rig_run(r, 10000);
    }
    count_begin();
    shape_run(r, argv[2]);
    count_end();
    printf("%s %u counted, %lu mails\n", argv[2], waiting, answered);
    for (unsigned i = 0; i < 2 * waiting; i++)
        pl_client_release(client[i]);
    free(client);
    rig_destroy(r);
    return 0;
}
