/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.c - see verdict.h: a session calls a judge.
 *
 * A judge that decides at once costs the call and no memory.  A judge that
 * keeps the question gets a call with a number, as handlers of messages do, and
 * the command waits (wait.c).  The number is assigned before the judge returns,
 * because another thread may answer at any moment.  The answer travels by mail,
 * so the command waits before the session reads the answer.
 *
 * If the question cannot be kept, or the judge returns LATER and has not kept
 * it, no answer will follow; the client gets a temporary error.
 *
 * Invariant: nothing that a judge has to decide happens without its YES. */
#include "verdict_private.h"

#include "call.h"
#include "call_table.h"
#include "handlers.h"
#include "hold.h"
#include "replies.h"
#include "session_mail.h"
#include "wait.h"

static const char *const names[PL_ASKS_COUNT] = {
    [PL_ASKS_NOTHING] = "message", [PL_ASKS_CONNECT] = "connect",
    [PL_ASKS_REFRESH] = "refresh", [PL_ASKS_SUBSCRIBE] = "subscribe",
    [PL_ASKS_PUBLISH] = "publish", [PL_ASKS_SUB_REFRESH] = "sub_refresh",
};

struct pl_verdict pl_verdict_of(const struct pl_answer_mail *m)
{
    if (m->error != 0)
        return (struct pl_verdict){.kind = PL_NO,
                                   .code = m->error,
                                   .is_temporary = m->is_temporary,
                                   .text = pl_blob_span(m->data)};
    return (struct pl_verdict){.kind = PL_YES,
                               .user = pl_blob_span(m->user),
                               .info = pl_blob_span(m->info),
                               .data = pl_blob_span(m->data),
                               .channels = pl_blob_span(m->channels),
                               .is_anonymous = m->is_anonymous,
                               .expires_at_s = m->expires_at_s};
}

struct pl_verdict pl_verdict_overdue(void)
{
    return (struct pl_verdict){
        .kind = PL_NO, .code = PL_ERROR_TIMED_OUT, .is_temporary = true};
}

void pl_session_deny(struct pl_session *s, uint32_t id,
                     const struct pl_verdict *v)
{
    uint32_t code = v->code == 0 ? PL_ERROR_INTERNAL : v->code;

    if (code >= PL_APPLICATION_CODES) {
        pl_count(metrics(s), PL_METRIC_ERRORS, 1);
        pl_session_resolve(s, PL_METRIC_COMMANDS_REFUSED);
        pl_session_close(s, (uint16_t)code, v->text);
    } else if (id == 0) {
        pl_session_refuse(s, 0, code);
    } else {
        pl_session_refuse_as(s, id, code,
                             v->text.len > 0 ? v->text
                                             : pl_span_of(pl_code_text(code)),
                             v->is_temporary || pl_code_is_temporary(code));
    }
}

bool pl_session_is_judged(const struct pl_session *s, enum pl_asks asks)
{
    return pl_session_judged(s) >> asks & 1;
}

/* A command that has waited was counted when it arrived: undo the second count.
 * Return true if its verdict is NO; the command is then denied. */
static bool is_refused(struct pl_session *s, const struct pl_command *c)
{
    const struct pl_verdict *given = pl_session_all_waits(s)->given;

    pl_session_uncount(s);
    if (given == NULL || given->kind != PL_NO)
        return false;
    pl_session_deny(s, c->id, given);
    return true;
}

/* Too many commands wait: do not read the client, either. */
static void refuse_wait(struct pl_session *s, uint32_t id)
{
    pl_session_refuse(s, id, PL_ERROR_TOO_MANY_REQUESTS);
    pl_session_hold(s, PL_HOLD_WAITS);
}

/* Return false if command `id` runs now.  Otherwise it waits after another one,
 * or was refused. */
static bool is_placed(struct pl_session *s, uint32_t id,
                      enum pl_wait_place place)
{
    if (place == PL_WAIT_FULL)
        refuse_wait(s, id);
    else if (place == PL_WAIT_NO_MEMORY)
        pl_session_refuse(s, id, PL_ERROR_INTERNAL);
    return place != PL_WAIT_NONE;
}

bool pl_session_joins(struct pl_session *s, struct pl_span channel, uint32_t id)
{
    return pl_session_all_waits(s)->parked == NULL &&
           is_placed(s, id, pl_wait_joins(s, channel));
}

bool pl_session_is_stopped(struct pl_session *s, const struct pl_command *c,
                           struct pl_span rest, size_t left)
{
    pl_session_all_waits(s)->raw = (struct pl_span){rest.at, rest.len - left};
    if (pl_session_all_waits(s)->parked != NULL)
        return is_refused(s, c);
    return is_placed(s, c->id, pl_wait_takes(s, c));
}

/* --- Calling a judge --- */

struct pl_call *pl_question_keep(struct pl_question *q)
{
    struct pl_session *s = q->asker;
    struct pl_call fields = {.asks = (uint8_t)q->asks,
                             .type = pl_span_of(names[q->asks]),
                             .channel = q->channel,
                             .data = q->data,
                             .token = q->token};

    if (q->number != 0 || q->error != 0)
        return NULL;
    pl_session_sign_call(s, &fields);
    pl_session_note_peer(s, &fields);
    struct pl_call *call;
    enum pl_err rc =
        pl_session_create_call(s, &fields, names[q->asks], true, 0, &call);
    if (rc != PL_OK) {
        q->error =
            rc == PL_EFULL ? PL_ERROR_TOO_MANY_REQUESTS : PL_ERROR_INTERNAL;
        return NULL;
    }
    q->number = call->number;
    return call;
}

/* Remove the call of `q` from the table, so that a later answer is ignored. */
static void give_up(struct pl_session *s, const struct pl_question *q)
{
    uint32_t command;

    if (q->number != 0)
        pl_call_table_take(pl_session_calls(s), pl_session_address(s),
                           q->number, &command);
}

static void deny_for_now(struct pl_session *s, uint32_t id, uint32_t code)
{
    struct pl_verdict v = {.kind = PL_NO, .code = code, .is_temporary = true};

    pl_session_deny(s, id, &v);
}

static enum pl_verdict_kind wait(struct pl_session *s, uint32_t id,
                                 const struct pl_question *q)
{
    if (q->number == 0) {
        deny_for_now(s, id, PL_ERROR_INTERNAL);
    } else if (!pl_wait_begin(s, q->channel, q->number)) {
        give_up(s, q);
        deny_for_now(s, id, PL_ERROR_INTERNAL);
    }
    return PL_LATER;
}

void pl_session_wait_for(struct pl_session *s, uint32_t id,
                         struct pl_span channel, uint32_t number)
{
    if (pl_session_all_waits(s)->parked == NULL && !pl_wait_has_space(s))
        refuse_wait(s, id);
    else if (!pl_wait_begin(s, channel, number))
        deny_for_now(s, id, PL_ERROR_INTERNAL);
}

static enum pl_verdict_kind ask(struct pl_session *s, struct pl_question *q,
                                struct pl_verdict *v)
{
    struct pl_handlers *table = pl_handlers_hold(pl_session_handlers(s));
    void *context;
    pl_judge *judge = pl_handlers_find_judge(table, q->asks, &context);
    const char *name = names[q->asks];

    q->asker = s;
    q->user = pl_session_user(s);
    q->client = pl_session_id(s);
    uint64_t began_ms = pl_session_enter(s, name);
    enum pl_verdict_kind kind = judge(q, context, v);
    pl_session_leave(s, name, began_ms);
    pl_handlers_release(table);
    return kind;
}

/* Copy the values of a YES into the question. */
static void follow(struct pl_question *q, const struct pl_verdict *v)
{
    q->expires_at_s = v->expires_at_s;
    if (q->asks == PL_ASKS_PUBLISH && v->data.at != NULL)
        q->data = v->data;
    if (q->asks == PL_ASKS_SUBSCRIBE) {
        q->reply = v->data;
        if (v->info.len > 0)
            q->info = v->info;
    }
}

static enum pl_verdict_kind ask_judge(struct pl_session *s, uint32_t id,
                                      struct pl_question *q)
{
    struct pl_verdict v = {0};
    enum pl_verdict_kind kind = ask(s, q, &v);

    if (q->error != 0) {
        give_up(s, q);
        deny_for_now(s, id, q->error);
        return PL_NO;
    }
    if (kind == PL_LATER)
        return wait(s, id, q);
    give_up(s, q);
    if (kind == PL_NO)
        pl_session_deny(s, id, &v);
    else
        follow(q, &v);
    return kind;
}

enum pl_verdict_kind pl_session_judge(struct pl_session *s, uint32_t id,
                                      struct pl_question *q)
{
    const struct pl_waits *w = pl_session_all_waits(s);

    if (w->given != NULL) {
        follow(q, w->given);
        return PL_YES;
    }
    if (w->parked == NULL && !pl_wait_has_space(s)) {
        refuse_wait(s, id);
        return PL_NO;
    }
    return ask_judge(s, id, q);
}
