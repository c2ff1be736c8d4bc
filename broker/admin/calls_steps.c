/* SPDX-License-Identifier: Apache-2.0 */
/* calls_steps.c - begins the commands of a call, a bounded piece a turn.
 *
 * A body of 1 MiB can hold tens of thousands of commands and channels.  A call
 * that may hold many keeps a copy of its body with a cursor: the next command,
 * and in a broadcast the next channel.  All such calls wait in one ring.  Each
 * turn of the loop begins PIECE_PARTS parts or PIECE_BYTES of publications, of
 * one call or of several, so that other requests are answered between two
 * pieces.  Calls take turns when their piece ends; within a call the order of
 * the body holds, and with it the order in each channel.
 *
 * Commands about channels need not wait for one another: the owner of a channel
 * handles them in this order.  Commands about connections go another way, so
 * one of them begins when all before it have their results, and what follows
 * waits for its result.  With `parallel` nothing waits.
 *
 * Rejected: a command waits for the result of each one before it, as Centrifugo
 * does it without `parallel`.  In one channel no client sees a difference, and
 * a batch of a thousand publications takes a thousand round trips.
 *
 * Invariant: a call that is not done is in the ring, or waits for results and
 * has its timer running, or its create() has not returned. */
#include <stdlib.h>
#include <string.h>

#include "calls_private.h"
#include "code.h"
#include "loop.h"

enum {
    PIECE_PARTS = 256,
    PIECE_BYTES = 1 << 20,
    SHORT_BODY = 2 * PIECE_PARTS /* bytes that hold fewer channels */
};

static void put(struct pl_buf *b, const char *text)
{
    pl_buf_put_span(b, pl_span_of(text));
}

/* What may still begin in this turn. */
struct piece {
    uint32_t parts;
    size_t bytes;
};

static void take(struct piece *piece, size_t bytes)
{
    piece->parts--;
    piece->bytes -= bytes < piece->bytes ? bytes : piece->bytes;
}

/* Return 0, or the error of a part that cannot send a mail of `bytes`. */
static uint32_t take_space(struct pl_api_call *call, struct pl_api_part *p,
                           size_t bytes)
{
    if (call->calls->mails >= PL_CALLS_MAILS_MAX ||
        !pl_api_part_take_bytes(call, p, bytes))
        return PL_ERROR_TOO_MANY_REQUESTS;
    return 0;
}

/* --- From a body to parts --- */

static void set_fault(struct pl_api_part *p, const struct pl_api_fault *fault)
{
    p->error = fault->code;
    p->fault = *fault;
}

/* Return 0, or the error of a request by the rules of its channel and the
 * rights of the caller. */
static uint32_t judge(const struct pl_api_call *call,
                      const struct pl_api_request *r, struct pl_span channel)
{
    struct pl_api_calls *c = call->calls;
    const struct pl_api_key *key = call->caller.key;
    const struct pl_rules *rules =
        pl_rule_cache_find(&c->rules, channel,
                           pl_hash(c->options->key, channel))
            .rules;

    if (rules == NULL)
        return PL_ERROR_UNKNOWN_CHANNEL;
    if (key != NULL && !pl_api_key_permits_namespace(key, rules->name))
        return PL_ERROR_PERMISSION_DENIED;
    if (r->data.at != NULL && r->method != PL_API_SUBSCRIBE &&
        !pl_rules_accept(rules, r->data, r->is_json))
        return PL_ERROR_BAD_REQUEST;
    return 0;
}

/* With namespaces, judge() decides about the data of each channel. */
static bool takes_binary(const struct pl_api_calls *c)
{
    const struct pl_rulebook *b = c->rules.book;

    return pl_rulebook_count(b) > 1 ||
           !pl_rules_want_json(pl_rulebook_default(b));
}

static bool is_about_a_channel(enum pl_api_method method)
{
    return method == PL_API_PUBLISH || method == PL_API_PRESENCE ||
           method == PL_API_PRESENCE_STATS || method == PL_API_HISTORY ||
           method == PL_API_HISTORY_REMOVE || method == PL_API_UNSUBSCRIBE ||
           method == PL_API_SUBSCRIBE;
}

/* A key for some namespaces calls only methods that concern a channel. */
static bool permits(const struct pl_api_call *call, enum pl_api_method method)
{
    const struct pl_api_key *key = call->caller.key;

    if (key == NULL)
        return true;
    return pl_api_key_permits_method(key,
                                     pl_span_of(pl_api_method_text(method))) &&
           (key->namespaces.count == 0 || method == PL_API_BROADCAST ||
            is_about_a_channel(method));
}

/* --- Broadcasts --- */

/* Add the next channel of a broadcast.  A bad channel name is an error of this
 * part only. */
static bool add_channel(struct pl_api_call *call, struct piece *piece)
{
    struct pl_api_steps *s = &call->steps;
    const struct pl_api_request *r = &s->cast;
    struct pl_span channel = r->channels[s->channel];
    struct pl_api_fault fault = {0};

    if (s->channel++ > 0)
        put(&call->after, ",");
    struct pl_api_part *p = pl_api_part_add(call, PL_API_PUBLISH, false);
    if (p == NULL)
        return false;
    take(piece, r->data.len + r->tags.len);
    if (!pl_api_channel_check(channel, &fault)) {
        set_fault(p, &fault);
        return true;
    }
    p->error = judge(call, r, channel);
    if (p->error == 0)
        p->error = take_space(call, p, r->data.len + r->tags.len);
    if (p->error == 0 && !pl_api_part_publish(call, p, r, channel))
        p->error = PL_ERROR_INTERNAL;
    return true;
}

static void end_broadcast(struct pl_api_call *call)
{
    put(&call->after, "]}}");
    call->steps.is_casting = false;
}

/* A broadcast is one publish per channel, inside one result. */
static void begin_broadcast(struct pl_api_call *call,
                            const struct pl_api_request *r,
                            const struct pl_api_command *command)
{
    struct pl_api_steps *s = &call->steps;

    pl_buf_put_byte(&call->after, '{');
    pl_api_put_id(&call->after, command->id);
    pl_buf_printf(&call->after, "\"%s\":{\"responses\":[",
                  s->form == PL_CALL_BATCH ? "broadcast" : "result");
    s->cast = *r;
    s->channel = 0;
    s->is_casting = true;
}

/* --- Commands --- */

/* Reject publications while memory exceeds limits.memory. */
static uint32_t refusal(const struct pl_api_calls *c, enum pl_api_method method)
{
    struct pl_metrics *m = c->options->metrics;

    if (m->value[PL_METRIC_MEMORY_STATE] == 0 ||
        (method != PL_API_PUBLISH && method != PL_API_BROADCAST))
        return 0;
    pl_count(m, PL_METRIC_REFUSED_MEMORY, 1);
    return PL_ERROR_TOO_MANY_REQUESTS;
}

static struct pl_arena *arena_of(struct pl_api_call *call)
{
    return call->steps.body != NULL ? &call->steps.arena : &call->calls->arena;
}

/* Add the part of a command that has been read. */
static bool add_command(struct pl_api_call *call,
                        const struct pl_api_request *r,
                        const struct pl_api_command *command,
                        struct pl_api_fault *fault)
{
    enum pl_api_method method = command->method;
    struct pl_api_part *p =
        pl_api_part_add(call, method, call->steps.form == PL_CALL_BATCH);

    if (p == NULL)
        return false;
    p->id = command->id;
    if (fault->code == 0 && is_about_a_channel(method))
        fault->code = judge(call, r, r->channel);
    if (fault->code == 0)
        fault->code = take_space(call, p, r->data.len + r->tags.len);
    set_fault(p, fault);
    if (fault->code == 0 && !pl_api_part_send(call, p, r))
        p->error = PL_ERROR_INTERNAL;
    call->is_malformed = fault->is_malformed && call->steps.form == PL_CALL_ONE;
    return true;
}

static void put_separator(struct pl_api_call *call)
{
    const struct pl_api_steps *s = &call->steps;

    if (s->next > 0)
        put(&call->after, s->form == PL_CALL_BATCH ? "," : "\n");
}

/* Read and begin the next command.  Fault positions are offsets in the body. */
static bool begin_command(struct pl_api_call *call, struct piece *piece)
{
    struct pl_api_steps *s = &call->steps;
    struct pl_api_calls *c = call->calls;
    const struct pl_api_command *command = &s->list[s->next];
    struct pl_api_request r = {0};
    struct pl_api_fault fault;

    put_separator(call);
    s->next++;
    pl_arena_reset(arena_of(call));
    if (pl_api_request_read(&r, command->method, command->params,
                            takes_binary(c), arena_of(call), &fault) != 0 &&
        fault.is_malformed)
        fault.at += (size_t)(command->params.at - s->text);
    if (fault.code == 0 && !permits(call, command->method))
        fault.code = PL_ERROR_PERMISSION_DENIED;
    if (fault.code == 0)
        fault.code = refusal(c, command->method);
    if (fault.code == 0 && command->method == PL_API_BROADCAST) {
        begin_broadcast(call, &r, command);
        return true;
    }
    take(piece, r.data.len + r.tags.len);
    return add_command(call, &r, command, &fault);
}

/* Commands of one channel keep their order by themselves. */
static bool keeps_order(enum pl_api_method method)
{
    switch (method) {
    case PL_API_PUBLISH:
    case PL_API_BROADCAST:
    case PL_API_PRESENCE:
    case PL_API_PRESENCE_STATS:
    case PL_API_HISTORY:
    case PL_API_HISTORY_REMOVE:
        return true;
    default:
        return false;
    }
}

/* Return true if the next command begins only after the results of those
 * before it. */
static bool must_wait(const struct pl_api_call *call)
{
    const struct pl_api_steps *s = &call->steps;

    return !s->is_parallel && s->next > 0 && s->next < s->count &&
           call->waiting > 0 &&
           !(keeps_order(s->list[s->next - 1].method) &&
             keeps_order(s->list[s->next].method));
}

/* --- Pieces --- */

static void end(struct pl_api_call *call)
{
    struct pl_api_steps *s = &call->steps;

    if (s->form == PL_CALL_BATCH && s->list != NULL)
        put(&call->after, "]}");
    s->is_done = true;
}

/* Begin what fits into the piece.  Return false if allocation fails. */
static bool run(struct pl_api_call *call, struct piece *piece)
{
    struct pl_api_steps *s = &call->steps;

    while (s->is_casting || s->next < s->count) {
        bool ok = true;

        if (s->is_casting && s->channel == s->cast.channel_count)
            end_broadcast(call);
        else if (piece->parts == 0 || piece->bytes == 0 ||
                 (!s->is_casting && must_wait(call)))
            return true;
        else
            ok = s->is_casting ? add_channel(call, piece)
                               : begin_command(call, piece);
        if (!ok)
            return false;
    }
    end(call);
    return true;
}

static void queue(struct pl_api_call *call)
{
    struct pl_api_calls *c = call->calls;

    pl_list_append(&c->ring, &call->steps.link);
    pl_loop_defer(c->actor->loop, PL_STAGE_READY, &c->task);
}

/* A call without memory ends as soon as its mails are back. */
static void run_piece(struct pl_api_call *call, struct piece *piece)
{
    struct pl_api_steps *s = &call->steps;

    if (!run(call, piece)) {
        call->after.failed = true;
        s->is_done = true;
    }
    if (s->is_done || (!s->is_casting && must_wait(call)))
        pl_api_call_resolve(call);
    else
        queue(call);
}

void pl_api_steps_turn(struct pl_task *t)
{
    struct pl_api_calls *c = PL_CONTAINER(t, struct pl_api_calls, task);
    struct piece piece = {PIECE_PARTS, PIECE_BYTES};

    while (piece.parts > 0 && piece.bytes > 0 && !pl_list_is_empty(&c->ring))
        run_piece(
            PL_CONTAINER(pl_list_pop(&c->ring), struct pl_api_call, steps.link),
            &piece);
    if (!pl_list_is_empty(&c->ring))
        pl_loop_defer(c->actor->loop, PL_STAGE_READY, t);
}

void pl_api_steps_go_on(struct pl_api_call *call)
{
    pl_timer_stop(call->calls->actor->loop, &call->timer);
    if (!pl_list_is_linked(&call->steps.link))
        queue(call);
}

void pl_api_steps_give_up(struct pl_api_call *call)
{
    struct pl_api_steps *s = &call->steps;

    for (; s->next < s->count && !call->after.failed; s->next++) {
        put_separator(call);
        struct pl_api_part *p =
            pl_api_part_add(call, s->list[s->next].method, false);
        if (p == NULL) {
            call->after.failed = true;
            return;
        }
        p->id = s->list[s->next].id;
        p->error = PL_ERROR_INTERNAL;
    }
    if (!s->is_done)
        end(call);
}

/* --- The beginning --- */

static bool add_fault(struct pl_api_call *call,
                      const struct pl_api_fault *fault)
{
    struct pl_api_part *p = pl_api_part_add(call, PL_API_METHOD_COUNT, false);

    if (p == NULL)
        return false;
    set_fault(p, fault);
    call->is_malformed = fault->is_malformed;
    call->steps.is_done = true;
    return true;
}

static bool is_long(enum pl_api_call_form form, enum pl_api_method method,
                    struct pl_span body)
{
    return form != PL_CALL_ONE ||
           (method == PL_API_BROADCAST && body.len >= SHORT_BODY);
}

/* Copy a body of which parts begin in later turns. */
static enum pl_err keep_body(struct pl_api_call *call, struct pl_span *body)
{
    struct pl_api_steps *s = &call->steps;
    struct pl_api_calls *c = call->calls;

    if (c->kept > 0 && (c->kept > PL_CALLS_BYTES_MAX ||
                        body->len > PL_CALLS_BYTES_MAX - c->kept))
        return PL_EFULL;
    s->body = malloc(body->len + 1);
    if (s->body == NULL)
        return PL_ENOMEM;
    if (body->len > 0)
        memcpy(s->body, body->at, body->len);
    s->kept = body->len;
    c->kept += s->kept;
    *body = (struct pl_span){s->body, body->len};
    if (call->caller.access != NULL)
        s->access = pl_access_hold(call->caller.access);
    return PL_OK;
}

/* Return false if allocation fails. */
static bool read_list(struct pl_api_call *call, struct pl_span body)
{
    struct pl_api_steps *s = &call->steps;
    bool is_batch = s->form == PL_CALL_BATCH;
    struct pl_api_fault fault;

    if (pl_api_commands_read(&s->list, &s->count, &s->is_parallel, is_batch,
                             body, &s->commands, &fault) != 0)
        return add_fault(call, &fault);
    put(&call->after, is_batch ? "{\"replies\":[" : "");
    queue(call);
    return true;
}

/* One command is read at once, so that its faults are known; the channels of a
 * long broadcast begin later. */
static bool run_one(struct pl_api_call *call, enum pl_api_method method,
                    struct pl_span body)
{
    struct pl_api_steps *s = &call->steps;
    struct piece whole = {UINT32_MAX, SIZE_MAX};

    s->one = (struct pl_api_command){.method = method, .params = body};
    s->list = &s->one;
    s->count = 1;
    if (s->body == NULL)
        return run(call, &whole);
    if (!begin_command(call, &whole))
        return false;
    if (s->is_casting)
        queue(call);
    else
        end(call);
    return true;
}

enum pl_err pl_api_steps_begin(struct pl_api_call *call,
                               enum pl_api_call_form form,
                               enum pl_api_method method, struct pl_span body)
{
    struct pl_api_steps *s = &call->steps;
    enum pl_err rc = PL_OK;

    s->form = form;
    if (is_long(form, method, body))
        rc = keep_body(call, &body);
    if (rc != PL_OK)
        return rc;
    s->text = body.at;
    if (form == PL_CALL_ONE ? !run_one(call, method, body)
                            : !read_list(call, body))
        return PL_ENOMEM;
    if (s->body == NULL) { /* nothing refers to the body any more */
        pl_arena_reset(&call->calls->arena);
        s->list = NULL;
    }
    return PL_OK;
}

void pl_api_steps_fini(struct pl_api_call *call)
{
    struct pl_api_steps *s = &call->steps;

    pl_list_remove(&s->link);
    call->calls->kept -= s->kept;
    pl_arena_fini(&s->commands);
    pl_arena_fini(&s->arena);
    pl_access_release(s->access);
    free(s->body);
}
