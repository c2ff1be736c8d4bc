/* SPDX-License-Identifier: Apache-2.0 */
/* replies.c - the results of commands: each command gets exactly one of
 * answered, refused and silent, unless its connection closes first. */
#include "replies.h"

#include <stdio.h>

#include "ending.h"
#include "log.h"
#include "output.h"
#include "session_private.h"
#include "trace.h"

void pl_session_count(struct pl_session *s)
{
    pl_count(metrics(s), PL_METRIC_COMMANDS, 1);
    pl_count(metrics(s), PL_METRIC_COMMANDS_PENDING, 1);
    s->pending++;
}

void pl_session_uncount(struct pl_session *s)
{
    metrics(s)->value[PL_METRIC_COMMANDS]--;
    pl_gauge_drop(metrics(s), PL_METRIC_COMMANDS_PENDING, 1);
    s->pending--;
}

void pl_session_resolve(struct pl_session *s, enum pl_metric as)
{
    pl_count(metrics(s), as, 1);
    pl_gauge_drop(metrics(s), PL_METRIC_COMMANDS_PENDING, 1);
    s->pending--;
    if (s->holds & PL_HOLD_ENDING && s->pending == 0)
        pl_session_mark_dirty(s);
    if (s->holds & PL_HOLD_PENDING && s->pending <= PL_PENDING_RESUME)
        pl_session_release(s, PL_HOLD_PENDING);
}

void pl_session_answer(struct pl_session *s, const struct pl_reply *reply)
{
    pl_session_say(s, reply);
    if (pl_tracer_is_on(pl_session_tracer(s)))
        pl_session_trace_answer(s, reply->id, 0);
    pl_session_resolve(s, PL_METRIC_COMMANDS_ANSWERED);
}

void pl_session_refuse_as(struct pl_session *s, uint32_t id, uint32_t code,
                          struct pl_span text, bool is_temporary)
{
    struct pl_reply reply = {
        .id = id,
        .kind = PL_REPLY_ERROR,
        .error = {.code = code, .message = text, .temporary = is_temporary},
    };

    pl_session_say(s, &reply);
    if (pl_tracer_is_on(pl_session_tracer(s)))
        pl_session_trace_answer(s, id, code);
    pl_count(metrics(s), PL_METRIC_ERRORS, 1);
    pl_session_resolve(s, PL_METRIC_COMMANDS_REFUSED);
}

void pl_session_refuse_text(struct pl_session *s, uint32_t id, uint32_t code,
                            struct pl_span text)
{
    pl_session_refuse_as(s, id, code, text, pl_code_is_temporary(code));
}

void pl_session_fail(struct pl_session *s, uint32_t id, uint32_t code)
{
    if (code == PL_ERROR_STOPPING)
        pl_count(metrics(s), PL_METRIC_REFUSED_STOPPING, 1);
    if (code == PL_ERROR_TOO_MANY_REQUESTS)
        pl_count(metrics(s), PL_METRIC_REFUSED_BUSY, 1);
    pl_session_refuse_text(s, id, code, pl_span_of(pl_code_text(code)));
}

void pl_session_violate(struct pl_session *s, uint32_t code, const char *why)
{
    pl_count(metrics(s), PL_METRIC_ERRORS, 1);
    pl_session_resolve(s, PL_METRIC_COMMANDS_REFUSED);
    PL_LOG_LIMITED(PL_LOG_KIND_VIOLATION, PL_LOG_INFO, "protocol violation",
                   pl_log_text("client", pl_session_id(s)),
                   pl_log_number("code", code), pl_log_string("reason", why));
    pl_session_end_commands(s, (uint16_t)code);
}

/* A command with an unsupported field is rejected: ignoring the field would do
 * something else than the client requested.  Without the filter `tf` a client
 * would get publications that it must not get, so `tf` is a bad request, as in
 * Centrifugo. */
uint32_t pl_session_field_error(const char *field, char *space,
                                struct pl_span *text)
{
    int len = snprintf(space, PL_FIELD_TEXT_MAX, "%s is not supported", field);

    *text = (struct pl_span){space, (size_t)len};
    return strcmp(field, "tf") == 0 ? PL_ERROR_BAD_REQUEST
                                    : PL_ERROR_NOT_AVAILABLE;
}

void pl_session_refuse_field(struct pl_session *s, uint32_t id,
                             const char *field)
{
    char space[PL_FIELD_TEXT_MAX];
    struct pl_span text;
    uint32_t code = pl_session_field_error(field, space, &text);

    pl_session_refuse_text(s, id, code, text);
}

void pl_session_fail_begin(struct pl_session *s, uint32_t id, enum pl_err rc)
{
    switch (rc) {
    case PL_EFULL:
        pl_session_fail(s, id, PL_ERROR_TOO_MANY_REQUESTS);
        pl_session_hold(s, PL_HOLD_BACKLOG);
        pl_session_schedule(s);
        return;
    case PL_EEXIST:
        pl_session_fail(s, id, PL_ERROR_ALREADY_SUBSCRIBED);
        return;
    default:
        pl_session_fail(s, id, PL_ERROR_INTERNAL);
    }
}

/* Log that a message without a command id was not delivered.  Only the log
 * reports it, and only once per client: a client must not fill the log. */
static void tell_log(struct pl_session *s, uint32_t code)
{
    if (s->has_told_log)
        return;
    s->has_told_log = true;
    PL_LOG_LIMITED(
        PL_LOG_KIND_UNDELIVERED, PL_LOG_INFO, "message not delivered",
        pl_log_text("client", pl_session_id(s)), pl_log_number("code", code),
        pl_log_string("reason", pl_code_text(code)));
}

void pl_session_refuse(struct pl_session *s, uint32_t id, uint32_t code)
{
    if (id != 0) {
        pl_session_fail(s, id, code);
        return;
    }
    pl_count(metrics(s), PL_METRIC_ERRORS, 1);
    pl_session_resolve(s, PL_METRIC_COMMANDS_REFUSED);
    tell_log(s, code);
}
