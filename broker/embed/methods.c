/* SPDX-License-Identifier: Apache-2.0 */
/* methods.c - the calls of parley.h about custom messages: handlers, and the
 * answers that they give.
 *
 * A new table of handlers travels to each loop by mail, so no loop takes a lock
 * to find a handler.  Either all loops get the table or none does: all mails
 * are created before the first is sent.
 *
 * The last holder of a table releases the contexts of its handlers, which may
 * call parley.h.  So no table is released while the guard is entered. */
#include "broker_private.h"

#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "handlers_mail.h"
#include "mail.h"
#include "refs.h"
#include "system.h"

/* --- Handlers of a program that has lent its base --- */

/* Held by the tables that have the handler, and by calls in transit. */
struct method {
    struct pl_refs refs;
    struct pl_broker *broker;
    pl_broker_handler *handler;
    void *context;
    void (*release)(void *context); /* may be NULL */
};

/* A call in transit to the program's loop. */
struct call_mail {
    struct pl_host_mail mail; /* first */
    struct pl_call *call;     /* NULL: the handler has it */
    struct method *method;    /* held */
};

static void release_method(void *context)
{
    struct method *m = context;

    if (!pl_refs_release(&m->refs))
        return;
    if (m->release != NULL)
        m->release(m->context);
    free(m);
}

/* A call that cannot reach its handler. */
static void fail_call(struct pl_call *call)
{
    if (pl_call_refuse(call, PL_ERROR_INTERNAL, (struct pl_span){0}) != PL_OK)
        pl_call_destroy(call); /* the client waits until it is overdue */
}

static void destroy_call_mail(struct pl_msg *msg)
{
    struct call_mail *c = (struct call_mail *)msg;

    if (c->call != NULL)
        fail_call(c->call);
    release_method(c->method);
    free(c);
}

static void run_call(struct pl_host_mail *mail)
{
    struct call_mail *c = (struct call_mail *)mail;
    struct pl_call *call = c->call;

    c->call = NULL;
    c->method->handler(call, c->method->context);
    destroy_call_mail(&mail->msg);
}

static void relay_call(struct pl_call *call, void *context)
{
    struct method *m = context;
    struct call_mail *c = calloc(1, sizeof *c);

    if (c == NULL) {
        fail_call(call);
        return;
    }
    c->mail.msg.destroy = destroy_call_mail;
    c->mail.run = run_call;
    c->call = call;
    c->method = m;
    pl_refs_hold(&m->refs);
    pl_host_mark(m->broker->host, call);
    pl_host_post(m->broker->host, &c->mail);
}

static struct method *create_method(struct pl_broker *b,
                                    pl_broker_handler *handler, void *context,
                                    void (*release)(void *context))
{
    struct method *m = malloc(sizeof *m);

    if (m == NULL)
        return NULL;
    *m = (struct method){.broker = b,
                         .handler = handler,
                         .context = context,
                         .release = release};
    pl_refs_init(&m->refs);
    return m;
}

/* --- Tables --- */

/* Create `count` mails; on error none is left. */
static enum pl_err address(struct pl_handlers_mail **mail, unsigned count,
                           struct pl_handlers *table)
{
    for (unsigned i = 0; i < count; i++) {
        mail[i] = pl_handlers_mail_create();
        if (mail[i] == NULL) {
            while (i > 0)
                pl_mail_destroy(&mail[--i]->msg);
            return PL_ENOMEM;
        }
        mail[i]->handlers = pl_handlers_hold(table);
        mail[i]->release = pl_handlers_release;
    }
    return PL_OK;
}

/* Send the new table to every session manager, or to none if allocation fails.
 * Call this with the guard entered.
 * Owner: on PL_OK takes the reference to *table and gives that to the old
 *        one. */
static enum pl_err spread(struct pl_broker *b, struct pl_handlers **table)
{
    struct pl_handlers_mail *mail[PL_NET_LOOPS_MAX];
    unsigned count = b->is_running ? b->workers : 0;
    struct pl_handlers *old = b->handlers;

    if (address(mail, count, *table) != PL_OK)
        return PL_ENOMEM;
    for (unsigned i = 0; i < count; i++)
        pl_system_post(b->system, b->managers[i], &mail[i]->msg);
    b->handlers = *table;
    *table = old;
    return PL_OK;
}

static enum pl_err add(struct pl_broker *b, const char *name,
                       pl_handler *handler, void *context,
                       void (*release)(void *context))
{
    struct pl_handlers *table = NULL;

    pl_guard_enter(b->guard);
    enum pl_err rc = pl_handlers_with_release(b->handlers, name, handler,
                                              context, release, &table);
    if (rc == PL_OK) {
        rc = spread(b, &table);
        if (rc != PL_OK)
            pl_handlers_forget_newest(table);
    }
    pl_guard_leave(b->guard);
    pl_handlers_release(table);
    return rc;
}

static enum pl_err add_relayed(struct pl_broker *b, const char *name,
                               pl_broker_handler *handler, void *context,
                               void (*release)(void *context))
{
    if (handler == NULL)
        return PL_EINVAL;
    struct method *m = create_method(b, handler, context, release);
    if (m == NULL)
        return PL_ENOMEM;
    enum pl_err rc = add(b, name, relay_call, m, release_method);
    if (rc != PL_OK)
        free(m);
    return rc;
}

enum pl_err pl_broker_method(struct pl_broker *b, const char *name,
                             pl_broker_handler *handler, void *context,
                             void (*release)(void *context))
{
    return b->setup.base == NULL
               ? add(b, name, handler, context, release)
               : add_relayed(b, name, handler, context, release);
}

/* That of may_connect() is no method of the program. */
static bool is_judge(const struct pl_broker *b, const char *name)
{
    return b->events.may_connect != NULL && name != NULL &&
           strcmp(name, "connect") == 0;
}

enum pl_err pl_broker_drop_method(struct pl_broker *b, const char *name)
{
    struct pl_handlers *table = NULL;

    if (is_judge(b, name))
        return PL_ENOENT;
    pl_guard_enter(b->guard);
    enum pl_err rc = pl_handlers_without(b->handlers, name, &table);
    if (rc == PL_OK)
        rc = spread(b, &table);
    pl_guard_leave(b->guard);
    pl_handlers_release(table);
    return rc;
}

/* --- Calls --- */

const char *pl_call_data(const struct pl_call *call, size_t *len)
{
    if (len != NULL)
        *len = call->data.len;
    return call->data.at;
}

const char *pl_call_type(const struct pl_call *call)
{
    return call->type.at;
}

const char *pl_call_user(const struct pl_call *call)
{
    return call->user.at;
}

const char *pl_call_client(const struct pl_call *call)
{
    return call->client.at;
}

const char *pl_call_token(const struct pl_call *call)
{
    return call->token.at;
}

enum pl_err pl_call_reply(struct pl_call *call, const void *data, size_t len)
{
    return pl_call_answer(call, (struct pl_span){data, len});
}

enum pl_err pl_call_fail(struct pl_call *call, uint32_t code, const char *text)
{
    return pl_call_refuse(call, code, pl_span_of(text));
}

enum pl_err pl_call_accept(struct pl_call *call, const char *user,
                           const char *info)
{
    return pl_call_admit(call, pl_span_of(user), pl_span_of(info));
}
