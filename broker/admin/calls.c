/* SPDX-License-Identifier: Apache-2.0 */
/* calls.c - see calls.h.
 *
 * A call is an array of parts.  Each part stands for one request, holds the
 * text before its result, and waits for its mails: one for most methods, one
 * per channel owner for `channels`, none for `info`.  Only these texts differ
 * between a single request, a broadcast and a batch.
 *
 * A mail names its call by a number with a generation instead of a pointer, so
 * a result that arrives after the timeout matches no call.
 *
 * A body of 1 MiB can ask for much more than its own size: a broadcast copies
 * its data once per channel, a history returns the whole channel.  So bounds
 * are checked for each part, against all pending bytes, and not once per body.
 *
 * Invariant: call->waiting and call->bytes are the sums over its parts;
 * calls->mails and calls->bytes are the sums over all calls. */
#include "calls.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "api_answer.h"
#include "calls_private.h"
#include "channels_mail.h"
#include "code.h"
#include "denial_mail.h"
#include "look_mail.h"
#include "loop.h"
#include "mail.h"
#include "mail_origin.h"
#include "supervisor_mail.h"
#include "user_state_mail.h"

enum { SLOT_BITS = 10 };
static_assert(PL_CALLS_MAX == 1 << SLOT_BITS, "a slot fits its bits");

/* --- Parts --- */

struct pl_api_part *pl_api_part_add(struct pl_api_call *call,
                                    enum pl_api_method method, bool is_named)
{
    if (call->count == call->cap) {
        size_t cap = call->cap == 0 ? 1 : call->cap * 2;
        struct pl_api_part *parts = realloc(call->parts, cap * sizeof *parts);
        if (parts == NULL)
            return NULL;
        call->parts = parts;
        call->cap = cap;
    }
    struct pl_api_part *p = &call->parts[call->count++];
    *p = (struct pl_api_part){.method = (uint8_t)method, .is_named = is_named};
    /* The text after the previous part becomes the text before this one. */
    p->before = call->after;
    call->after = (struct pl_buf){0};
    return p;
}

static void put(struct pl_buf *b, const char *text)
{
    pl_buf_put_span(b, pl_span_of(text));
}

static void put_error(struct pl_buf *out, const struct pl_api_part *p)
{
    struct pl_buf message = {0};

    if (p->fault.why != NULL && p->fault.code == p->error)
        pl_api_fault_write(&message, &p->fault);
    pl_api_write_error(out, p->error, pl_buf_span(&message));
    if (message.failed)
        out->failed = true;
    pl_buf_fini(&message);
}

static void put_part(struct pl_buf *out, const struct pl_api_part *p)
{
    pl_buf_put_span(out, pl_buf_span(&p->before));
    if (p->error == 0 && p->result.failed)
        out->failed = true;
    pl_buf_put_byte(out, '{');
    pl_api_put_id(out, p->id);
    if (p->error != 0) {
        put(out, "\"error\":");
        put_error(out, p);
    } else {
        pl_buf_printf(out, "\"%s\":",
                      p->is_named ? pl_api_method_text(p->method) : "result");
        pl_buf_put_span(out, pl_buf_span(&p->result));
    }
    pl_buf_put_byte(out, '}');
    if (p->before.failed)
        out->failed = true;
}

/* --- Life --- */

enum pl_err pl_api_calls_init(struct pl_api_calls *c, struct pl_actor *actor,
                              const struct pl_admin_options *options)
{
    *c = (struct pl_api_calls){.actor = actor, .options = options};
    c->slots = calloc(PL_CALLS_MAX, sizeof *c->slots);
    if (c->slots == NULL)
        return PL_ENOMEM;
    pl_list_init(&c->ring);
    c->task.run = pl_api_steps_turn;
    pl_rule_cache_set(&c->rules, options->rules);
    return PL_OK;
}

void pl_api_calls_fini(struct pl_api_calls *c)
{
    for (uint32_t i = 0; c->slots != NULL && i < PL_CALLS_MAX; i++) {
        if (c->slots[i].call != NULL)
            pl_api_call_forget(c->slots[i].call);
    }
    if (c->slots != NULL)
        pl_loop_cancel(c->actor->loop, &c->task);
    free(c->slots);
    pl_rule_cache_fini(&c->rules);
    c->slots = NULL;
    pl_arena_fini(&c->arena);
}

static struct pl_api_call_slot *slot_of(struct pl_api_calls *c, uint32_t id)
{
    return &c->slots[id & (PL_CALLS_MAX - 1)];
}

/* Ids are never 0: generations start at 1 and skip 0 when they overflow. */
static bool take_slot(struct pl_api_calls *c, struct pl_api_call *call)
{
    for (uint32_t i = 0; i < PL_CALLS_MAX; i++) {
        struct pl_api_call_slot *s = &c->slots[i];

        if (s->call != NULL)
            continue;
        s->call = call;
        s->generation = (s->generation + 1) & (UINT32_MAX >> SLOT_BITS);
        if (s->generation == 0)
            s->generation = 1;
        call->id = s->generation << SLOT_BITS | i;
        c->in_flight++;
        return true;
    }
    return false;
}

void pl_api_call_forget(struct pl_api_call *call)
{
    struct pl_api_calls *c = call->calls;

    slot_of(c, call->id)->call = NULL;
    c->in_flight--;
    c->mails -= call->waiting;
    c->bytes -= call->bytes;
    pl_timer_stop(c->actor->loop, &call->timer);
    for (size_t i = 0; i < call->count; i++) {
        pl_buf_fini(&call->parts[i].before);
        pl_buf_fini(&call->parts[i].result);
    }
    free(call->parts);
    pl_api_steps_fini(call);
    pl_buf_fini(&call->after);
    free(call);
}

static void put_parts(struct pl_buf *out, const struct pl_api_call *call)
{
    for (size_t i = 0; i < call->count; i++)
        put_part(out, &call->parts[i]);
    pl_buf_put_span(out, pl_buf_span(&call->after));
    if (call->after.failed)
        out->failed = true;
}

static void finish(struct pl_api_call *call)
{
    struct pl_buf body = {0};
    pl_api_call_done *done = call->done;
    void *arg = call->arg;
    /* A broadcast begins with text; a command that is not read has a part. */
    bool is_lone = call->steps.form == PL_CALL_ONE && call->count == 1 &&
                   call->parts[0].before.len == 0;
    uint32_t error = is_lone ? call->parts[0].error : 0;

    if (error != 0 && call->caller.is_bare)
        put_error(&body, &call->parts[0]);
    else
        put_parts(&body, call);
    pl_api_call_forget(call);
    done(arg, &body, error);
    pl_buf_fini(&body);
}

static void time_out(struct pl_timer *t)
{
    struct pl_api_call *call = PL_CONTAINER(t, struct pl_api_call, timer);

    for (size_t i = 0; i < call->count; i++) {
        if (call->parts[i].waiting > 0)
            call->parts[i].error = PL_ERROR_INTERNAL;
    }
    pl_api_steps_give_up(call);
    finish(call);
}

/* --- Bounds --- */

bool pl_api_part_take_bytes(struct pl_api_call *call, struct pl_api_part *p,
                            size_t n)
{
    struct pl_api_calls *c = call->calls;

    if (c->bytes > p->bytes &&
        (c->bytes > PL_CALLS_BYTES_MAX || n > PL_CALLS_BYTES_MAX - c->bytes))
        return false;
    p->bytes += n;
    call->bytes += n;
    c->bytes += n;
    return true;
}

static void give_back(struct pl_api_call *call, struct pl_api_part *p)
{
    call->calls->bytes -= p->bytes;
    call->bytes -= p->bytes;
    p->bytes = 0;
}

static struct pl_api_call *new_call(struct pl_api_calls *c)
{
    struct pl_api_call *call = calloc(1, sizeof *call);

    if (call == NULL)
        return NULL;
    call->calls = c;
    call->timer.fire = time_out;
    return call;
}

enum pl_err pl_api_call_create(struct pl_api_call **out, struct pl_api_calls *c,
                               const struct pl_api_caller *caller,
                               enum pl_api_call_form form,
                               enum pl_api_method method, struct pl_span body,
                               pl_api_call_done *done, void *arg)
{
    if (c->in_flight == PL_CALLS_MAX || c->mails >= PL_CALLS_MAILS_MAX)
        return PL_EFULL;
    struct pl_api_call *call = new_call(c);
    if (call == NULL)
        return PL_ENOMEM;
    take_slot(c, call);
    call->done = done;
    call->arg = arg;
    if (caller != NULL)
        call->caller = *caller;
    enum pl_err rc = pl_api_steps_begin(call, form, method, body);
    if (rc != PL_OK) {
        pl_api_call_forget(call);
        return rc;
    }
    *out = call;
    return PL_OK;
}

bool pl_api_call_is_malformed(const struct pl_api_call *call)
{
    return call->is_malformed;
}

void pl_api_call_resolve(struct pl_api_call *call)
{
    if (call->steps.is_done && call->waiting == 0)
        finish(call);
    else
        pl_timer_start(call->calls->actor->loop, &call->timer,
                       PL_CALLS_TIMEOUT_MS);
}

void pl_api_call_start(struct pl_api_call *call)
{
    if (call->steps.is_done)
        pl_api_call_resolve(call);
}

/* --- Mails back --- */

static uint32_t error_of(const struct pl_msg *msg, uint32_t error)
{
    if (!msg->returned)
        return error;
    return msg->status == PL_EFULL ? PL_ERROR_TOO_MANY_REQUESTS
                                   : PL_ERROR_STOPPING;
}

static void on_published(struct pl_api_part *p, const struct pl_publish_mail *m)
{
    p->error = error_of(&m->msg, m->error);
    if (p->error == 0)
        pl_api_write_published(&p->result, m);
}

static void on_queried(struct pl_api_part *p, const struct pl_query_mail *m)
{
    p->error = error_of(&m->msg, m->error);
    if (p->error == 0)
        pl_api_write_queried(&p->result, m);
}

static void on_user(struct pl_api_part *p, const struct pl_user_mail *m)
{
    p->error = error_of(&m->msg, m->lacks_memory ? PL_ERROR_INTERNAL : 0);
    if (p->error == 0)
        put(&p->result, "{}");
}

static void on_user_state(struct pl_api_part *p,
                          const struct pl_user_state_mail *m)
{
    p->error = error_of(
        &m->msg, m->lacks_memory || m->rows.failed ? PL_ERROR_INTERNAL : 0);
    if (p->error != 0)
        return;
    put(&p->result, m->ask == PL_USER_STATE_GET ? "{\"statuses\":[" : "{");
    pl_buf_put_span(&p->result, pl_buf_span(&m->rows));
    put(&p->result, m->ask == PL_USER_STATE_GET ? "]}" : "}");
}

/* Return 0, or the error of an order to revoke or to block; what is not blocked
 * need not be unblocked. */
static uint32_t error_of_denial(enum pl_err err)
{
    switch (err) {
    case PL_OK:
    case PL_ENOENT:
        return 0;
    case PL_EINVAL:
        return PL_ERROR_BAD_REQUEST;
    case PL_ELIMIT:
        return PL_ERROR_TOO_MANY_REQUESTS;
    default:
        return PL_ERROR_INTERNAL;
    }
}

static void on_denial(struct pl_api_part *p, const struct pl_denial_mail *m)
{
    p->error = error_of(&m->msg, error_of_denial(m->err));
    if (p->error == PL_ERROR_BAD_REQUEST)
        p->fault = (struct pl_api_fault){
            .code = p->error, .member = "expire_at", .why = "it has passed"};
    if (p->error == 0)
        put(&p->result, "{}");
}

/* An error of one owner becomes the error of the whole list. */
static void on_listed(struct pl_api_part *p, const struct pl_list_mail *m)
{
    uint32_t error = error_of(&m->msg, m->error);

    if (error != 0)
        p->error = error;
    else
        pl_api_write_listed(&p->result, m, &p->is_empty);
    if (p->waiting == 0)
        put(&p->result, "}}");
}

static void on_looked(struct pl_api_part *p, const struct pl_look_mail *m)
{
    p->error = error_of(&m->msg, 0);
    if (p->error == 0)
        pl_api_page_take(p, m);
}

static void write_result(struct pl_api_part *p, const struct pl_msg *msg)
{
    switch (msg->type) {
    case PL_MAIL_PUBLISH:
        on_published(p, (const struct pl_publish_mail *)msg);
        return;
    case PL_MAIL_QUERY:
        on_queried(p, (const struct pl_query_mail *)msg);
        return;
    case PL_MAIL_USER:
        on_user(p, (const struct pl_user_mail *)msg);
        return;
    case PL_MAIL_DENIAL:
        on_denial(p, (const struct pl_denial_mail *)msg);
        return;
    case PL_MAIL_USER_STATE:
        on_user_state(p, (const struct pl_user_state_mail *)msg);
        return;
    case PL_MAIL_LOOK:
        on_looked(p, (const struct pl_look_mail *)msg);
        return;
    default:
        on_listed(p, (const struct pl_list_mail *)msg);
    }
}

/* Bytes written per unit of pl_loop_add_work(). */
enum { WORK_BYTES = 8 };

/* Write the result of a part.  A query or list result that exceeds the bytes of
 * all calls becomes an error.  Other results are small, and the part no longer
 * counts its publication, which the channel owns now. */
static void fill(struct pl_api_call *call, struct pl_api_part *p,
                 const struct pl_msg *msg)
{
    size_t before = p->result.len;

    write_result(p, msg);
    pl_loop_add_work(call->calls->actor->loop,
                     (p->result.len - before) / WORK_BYTES);
    if (msg->type == PL_MAIL_PUBLISH || msg->type == PL_MAIL_USER) {
        give_back(call, p);
    } else if (!pl_api_part_take_bytes(call, p, p->result.len - before)) {
        pl_buf_fini(&p->result);
        p->error = PL_ERROR_TOO_MANY_REQUESTS;
    }
}

void pl_api_calls_receive(struct pl_api_calls *c, struct pl_msg *msg)
{
    const struct pl_origin *o = pl_mail_origin(msg);
    struct pl_api_call *call = o == NULL ? NULL : slot_of(c, o->command)->call;

    if (call != NULL && call->id == o->command) {
        struct pl_api_part *p = &call->parts[o->kind];

        p->waiting--;
        call->waiting--;
        c->mails--;
        fill(call, p, msg);
        if (msg->type == PL_MAIL_LOOK && p->error == 0 &&
            pl_api_page_go_on(call, p, (struct pl_look_mail *)msg))
            return;
    } else {
        call = NULL; /* the call timed out or was forgotten */
    }
    pl_mail_destroy(msg);
    if (call == NULL || call->waiting > 0)
        return;
    if (call->steps.is_done)
        finish(call);
    else
        pl_api_steps_go_on(call);
}
