/* SPDX-License-Identifier: Apache-2.0 */
/* calls.c - see calls.h.
 *
 * The thread that calls takes a share of the quota, encodes the command and
 * posts it: one allocation and one post.  The loop copies the bytes into the
 * message of the turn.  When the call has ended, the same struct becomes the
 * event that runs the completion.
 *
 * Rejected: encoding on the loop, which all threads of the program would then
 * wait for.
 *
 * Invariant: an accepted call is counted under exactly one outcome, in
 * complete(), and returns its share when its completion has run. */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

#include "client_private.h"
#include "outgoing.h"
#include "quota.h"
#include "results.h"
#include "subs_private.h"

static void run_done(struct plc_event *e)
{
    struct plc_call *call = (struct plc_call *)e;

    if (call->done != NULL)
        call->done(&call->result, call->arg);
}

static void destroy_call(struct pl_msg *msg)
{
    struct plc_call *call = (struct plc_call *)msg;

    pl_quota_return(call->client->part.quota, call->share);
    pl_arena_fini(&call->answer);
    free(call);
}

/* The only place where a call ends. */
static void complete(struct plc_call *call, const struct plc_answer *s)
{
    struct plc_client *c = call->client;

    call->result.outcome = s->outcome;
    call->result.err = s->err;
    if (s->reply != NULL &&
        !plc_result_read(&call->result, &call->answer, &c->item, s->reply))
        call->result.err = PL_ENOMEM;
    plc_part_count_ended(&c->part, s->outcome, call->share);
    call->mail.event.run = run_done;
    call->mail.event.size = sizeof *call + call->answer.used;
    plc_events_put(c->events, &call->mail.event);
    plc_client_check(c);
}

static void on_answered(struct plc_request *r, const struct plc_answer *s)
{
    complete(PL_CONTAINER(r, struct plc_call, request), s);
}

static void fail(struct plc_call *call, enum pl_err err)
{
    complete(call, &(struct plc_answer){.outcome = PLC_NOT_SENT, .err = err});
}

/* --- Sending --- */

/* Give the waiting `call` to the link. */
static void send_call(struct plc_client *c, struct plc_call *call)
{
    struct pl_span bytes = {call->bytes, call->len};
    uint64_t from;

    if (!plc_client_put(c, bytes, &from)) {
        plc_requests_fail(&call->request, PL_ENOMEM, 0);
        return;
    }
    plc_requests_sent(&call->request, from);
    if (!call->is_send)
        return;
    plc_requests_remove(&call->request);
    call->request.is_sent = true;
    call->request.from = from;
    call->sent_to = UINT64_MAX; /* until its message is written */
    pl_list_append(&c->sends, &call->link);
}

/* plc_sub_publish() waits for its subscription. */
static bool may_go(const struct plc_call *call)
{
    return call->sub == NULL ||
           pl_cell_get(&call->sub->state) == PLC_SUBSCRIBED;
}

void plc_client_send_waiting(struct plc_client *c)
{
    struct pl_list *at = c->requests.waiting.next;

    while (at != &c->requests.waiting && plc_client_is_connected(c)) {
        struct plc_request *r = PL_CONTAINER(at, struct plc_request, link);
        struct plc_call *call = PL_CONTAINER(r, struct plc_call, request);

        at = at->next;
        if (may_go(call))
            send_call(c, call);
    }
}

void plc_calls_lose_sub(struct plc_sub *s)
{
    struct plc_requests *all = &s->client->requests;
    struct pl_list *at = all->waiting.next;

    while (at != &all->waiting) {
        struct plc_request *r = PL_CONTAINER(at, struct plc_request, link);
        bool is_of_sub = r->answered == on_answered &&
                         PL_CONTAINER(r, struct plc_call, request)->sub == s;

        at = at->next;
        if (is_of_sub)
            plc_requests_fail(r, PL_ECLOSED, 0);
    }
}

/* --- Sends, which have no reply --- */

/* The bytes of the message that was written last end at `position`. */
void plc_calls_written(struct plc_client *c, uint64_t position)
{
    struct pl_list *at = c->sends.prev;

    for (; at != &c->sends; at = at->prev) {
        struct plc_call *call = PL_CONTAINER(at, struct plc_call, link);

        if (call->sent_to != UINT64_MAX)
            return;
        call->sent_to = position;
    }
}

static struct plc_call *first_send(const struct plc_client *c)
{
    return pl_list_is_empty(&c->sends)
               ? NULL
               : PL_CONTAINER(c->sends.next, struct plc_call, link);
}

void plc_calls_taken(struct plc_client *c, uint64_t position)
{
    struct plc_call *call;

    while ((call = first_send(c)) != NULL && call->sent_to <= position) {
        pl_list_remove(&call->link);
        complete(call, &(struct plc_answer){.outcome = PLC_DONE});
    }
}

void plc_calls_lose(struct plc_client *c, uint64_t left)
{
    struct plc_call *call;

    while ((call = first_send(c)) != NULL) {
        struct plc_answer s = {
            .outcome = left > call->request.from ? PLC_UNKNOWN : PLC_NOT_SENT,
            .err = PL_ECLOSED};

        pl_list_remove(&call->link);
        complete(call, &s);
    }
}

/* --- Accepting --- */

static void handle_call(struct plc_mail *m)
{
    struct plc_call *call = (struct plc_call *)m;
    struct plc_client *c = call->client;

    plc_part_count_accepted(&c->part, call->share);
    if (c->ending == PLC_CLOSING || c->is_over) {
        fail(call, c->is_over ? PL_ECLOSED : PL_ESTOPPING);
        return;
    }
    if (call->sub != NULL &&
        pl_cell_get(&call->sub->state) == PLC_UNSUBSCRIBED) {
        fail(call, PL_ECLOSED);
        return;
    }
    call->request.answered = on_answered;
    if (plc_requests_add(&c->requests, &call->request, c->options.timeout_ms) !=
        PL_OK)
        fail(call, PL_ENOMEM);
    else if (plc_client_is_connected(c) && may_go(call))
        send_call(c, call);
}

/* Errors: as plc_publish(). */
static enum pl_err encode(struct plc_client *c, struct plc_call **out,
                          const struct pl_command *command)
{
    struct pl_buf b = {0};
    const char *why;
    size_t at;
    enum pl_err rc = pl_command_encode(c->encoding, &b, c->terms.message_out,
                                       command, &why, &at);
    struct plc_call *call = rc == PL_OK ? malloc(sizeof *call + b.len) : NULL;

    if (rc == PL_EINVAL)
        plc_group_log(c->part.group, PLC_ERROR, "bad data at byte %zu: %s", at,
                      why);
    if (rc == PL_OK && call == NULL)
        rc = PL_ENOMEM;
    if (rc == PL_OK) {
        memset(call, 0, sizeof *call);
        call->len = b.len;
        memcpy(call->bytes, b.data, b.len);
        *out = call;
    }
    pl_buf_fini(&b);
    return rc;
}

static enum pl_err post(struct plc_client *c, struct plc_call *call)
{
    call->share = sizeof *call + call->len;
    call->mail.event.msg.destroy = destroy_call;
    call->mail.part = &c->part;
    call->mail.handle = handle_call;
    call->client = c;
    return plc_part_post_call(&call->mail, call->share, c->terms.full_wait_ms);
}

enum pl_err plc_call_post(struct plc_client *c, struct plc_sub *s,
                          struct pl_command *command, plc_done *done, void *arg)
{
    struct plc_call *call = NULL;

    command->id = command->verb == PL_VERB_SEND ? 0 : plc_client_take_id(c);
    if (!plc_group_is_here(c->part.group))
        return PL_ECLOSED;
    enum pl_err rc = plc_group_is_stopping(c->part.group)
                         ? PL_ESTOPPING
                         : encode(c, &call, command);
    if (rc == PL_OK) {
        call->request.id =
            command->id != 0 ? command->id : plc_client_take_id(c);
        call->request.wants = plc_requests_kind(command->verb);
        call->is_send = command->verb == PL_VERB_SEND;
        call->sub = s;
        call->done = done;
        call->arg = arg;
        rc = post(c, call);
        if (rc != PL_OK)
            free(call);
    }
    if (rc != PL_OK)
        plc_group_turn_away(c->part.group);
    return rc;
}
