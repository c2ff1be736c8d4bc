/* SPDX-License-Identifier: Apache-2.0 */
/* resolver.c - see resolver.h.
 *
 * getaddrinfo() runs on a thread of a pool, and its result returns as mail.  So
 * names mean here what they mean to every other program of the machine, and a
 * changed resolv.conf counts from the next lookup.  A lookup that is cancelled
 * leaves its thread behind, which ends when the system's resolver gives up; two
 * threads and a bounded queue limit that.
 *
 * Rejected: evdns.  It reads resolv.conf and hosts on the loop, knows no other
 * source of names, and requests to servers that are down may never end.
 *
 * Invariant: a question (a job, or one that the program answers) outlives its
 * lookup, and points to it only until that is found or cancelled. */
#include "resolver.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "actor.h"
#include "loop_handle.h"
#include "loop.h"
#include "parley_client.h"
#include "pool.h"

enum {
    MAIL_JOB = 1,
    MAIL_ANSWER = 2,
    THREADS = 2,
    QUEUE = 256,
    HOST_SIZE = 256,
    WHY_SIZE = 400
};

struct plc_resolver {
    struct pl_actor actor; /* first */
    struct pl_pool *pool;
};

struct question {
    struct pl_job job; /* first */
    struct pl_loop_handle
        *line;                 /* owned; to the loop, if the program answers */
    struct pl_address to;      /* the resolver */
    struct plc_lookup *lookup; /* the loop's; NULL: cancelled */
    uint16_t port;
    int error; /* of getaddrinfo() */
    struct plc_addresses found;
    char host[HOST_SIZE];
};

struct plc_lookup {
    plc_found *found;
    void *user;
    struct pl_loop *loop;
    struct question *question; /* NULL: there is none */
    struct pl_task now;        /* the result is known at once */
    struct plc_addresses numeric;
};

static void end(struct plc_lookup *l, const struct plc_addresses *a,
                const char *why)
{
    plc_found *found = l->found;
    void *user = l->user;

    if (l->question != NULL)
        l->question->lookup = NULL;
    pl_loop_cancel(l->loop, &l->now);
    if (a != NULL) {
        struct plc_addresses sorted = *a;

        free(l);
        plc_addresses_interleave(&sorted);
        found(user, &sorted, NULL);
        return;
    }
    free(l);
    found(user, NULL, why);
}

void plc_lookup_cancel(struct plc_lookup *l)
{
    if (l->question != NULL)
        l->question->lookup = NULL;
    pl_loop_cancel(l->loop, &l->now);
    free(l);
}

/* --- What is known at once --- */

static void tell_numeric(struct pl_task *t)
{
    struct plc_lookup *l = PL_CONTAINER(t, struct plc_lookup, now);
    struct plc_addresses a = l->numeric;

    end(l, &a, NULL);
}

/* RFC 6761 section 6.3: localhost is the loopback address, without asking. */
static bool is_known(struct plc_lookup *l, const char *host, uint16_t port)
{
    if (strcasecmp(host, "localhost") == 0)
        return plc_addresses_add_text(&l->numeric, "127.0.0.1", port) &&
               plc_addresses_add_text(&l->numeric, "::1", port);
    return plc_addresses_add_text(&l->numeric, host, port);
}

/* --- Questions --- */

static void destroy_question(struct pl_msg *msg)
{
    struct question *q = (struct question *)msg;

    pl_loop_handle_release(q->line);
    free(q);
}

static void search(struct pl_job *job)
{
    struct question *q = (struct question *)job;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list;

    q->error = getaddrinfo(q->host, NULL, &hints, &list);
    if (q->error != 0)
        return;
    plc_addresses_add_list(&q->found, list, q->port);
    freeaddrinfo(list);
}

static void on_result(struct question *q)
{
    char why[WHY_SIZE];

    if (q->lookup == NULL)
        return;
    if (q->found.count > 0) {
        end(q->lookup, &q->found, NULL);
        return;
    }
    snprintf(why, sizeof why, "cannot resolve %s: %s", q->host,
             q->error != 0 ? gai_strerror(q->error) : "it has no address");
    end(q->lookup, NULL, why);
}

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    if (msg->type != MAIL_JOB && msg->type != MAIL_ANSWER) {
        pl_actor_refuse(a, msg);
        return;
    }
    on_result((struct question *)msg);
    msg->destroy(msg);
}

/* plc_resolver_destroy() frees it. */
static void reap(struct pl_actor *a)
{
    (void)a;
}

static const struct pl_actor_ops ops = {
    .name = "resolver",
    .mailbox_limit = 1, /* all its mail is reserved */
    .receive = receive,
    .reap = reap,
};

void plc_resolved(void *answer, const char *const *addresses, size_t count)
{
    struct question *q = answer;

    for (size_t i = 0; i < count && q->found.count < PLC_ADDRESSES_MAX; i++)
        plc_addresses_add_text(&q->found, addresses[i], q->port);
    pl_loop_handle_post(q->line, q->to, &q->job.msg);
}

static struct question *create_question(struct plc_resolver *r,
                                        struct plc_lookup *l, const char *host,
                                        uint16_t port)
{
    struct question *q = calloc(1, sizeof *q);

    if (q == NULL)
        return NULL;
    snprintf(q->host, sizeof q->host, "%s", host);
    q->job.msg.flags = PL_MSG_RESERVED;
    q->job.msg.destroy = destroy_question;
    q->job.name = "resolve a name";
    q->job.run = search;
    q->to = pl_actor_address(&r->actor);
    q->port = port;
    q->lookup = l;
    return q;
}

static enum pl_err ask(struct plc_resolver *r, struct plc_lookup *l,
                       const struct plc_target *target, const char *host,
                       uint16_t port)
{
    struct question *q = create_question(r, l, host, port);

    if (q == NULL)
        return PL_ENOMEM;
    l->question = q;
    if (target->resolve != NULL) {
        q->job.msg.type = MAIL_ANSWER;
        q->line = pl_loop_handle_hold(pl_loop_handle_of(r->actor.loop));
        target->resolve(host, q, target->resolve_arg);
        return PL_OK;
    }
    q->job.msg.type = MAIL_JOB;
    enum pl_err rc = pl_pool_submit(r->pool, &r->actor, &q->job);
    if (rc != PL_OK)
        destroy_question(&q->job.msg);
    return rc;
}

enum pl_err plc_lookup_start(struct plc_resolver *r, struct plc_lookup **out,
                             const struct plc_target *target, const char *host,
                             uint16_t port, plc_found *found, void *user)
{
    struct plc_lookup *l = calloc(1, sizeof *l);
    enum pl_err rc = PL_OK;

    if (l == NULL)
        return PL_ENOMEM;
    l->found = found;
    l->user = user;
    l->loop = r->actor.loop;
    l->now.run = tell_numeric;
    if (is_known(l, host, port))
        pl_loop_defer(l->loop, PL_STAGE_READY, &l->now);
    else
        rc = ask(r, l, target, host, port);
    if (rc != PL_OK) {
        free(l);
        return rc;
    }
    *out = l;
    return PL_OK;
}

enum pl_err plc_resolver_create(struct plc_resolver **out, struct pl_loop *loop)
{
    struct pl_pool_options o = {
        .name = "parley-names", .threads = THREADS, .queue_limit = QUEUE};
    struct plc_resolver *r = calloc(1, sizeof *r);

    if (r == NULL)
        return PL_ENOMEM;
    enum pl_err rc = pl_pool_create(&r->pool, &o);
    if (rc == PL_OK)
        rc = pl_actor_init(&r->actor, loop, &ops);
    if (rc != PL_OK) {
        plc_resolver_destroy(r);
        return rc;
    }
    *out = r;
    return PL_OK;
}

void plc_resolver_destroy(struct plc_resolver *r)
{
    if (r == NULL)
        return;
    pl_pool_destroy(r->pool);
    free(r);
}
