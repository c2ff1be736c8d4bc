/* SPDX-License-Identifier: Apache-2.0 */
/* call.c - a call of code of the embedding program: a handler or a judge.
 *
 * It runs on the loop of the session.  While it runs, its name is that of the
 * loop's work, so that a loop that it blocks can be named; afterwards, a slow
 * one is logged. */
#include "call.h"

#include <stdio.h>

#include "call_table.h"
#include "client.h"
#include "handlers.h"
#include "loop_handle.h"
#include "log.h"
#include "session_parts.h"
#include "session_settings.h"
#include "system.h"

static uint64_t clock_ms(const struct pl_session *s)
{
    const struct pl_clock *c =
        pl_system_clock(pl_loop_system(pl_session_loop(s)));

    return c->monotonic(c) / 1000000;
}

uint64_t pl_session_enter(struct pl_session *s, const char *name)
{
    uint64_t began_ms = clock_ms(s);

    pl_loop_enter(pl_session_loop(s), name);
    return began_ms;
}

static void note_slow(struct pl_session *s, const char *name, uint64_t ms)
{
    if (ms < pl_session_config(s)->handlers.slow_ms)
        return;
    pl_count(metrics(s), PL_METRIC_HANDLER_SLOW, 1);
    PL_LOG_LIMITED(PL_LOG_KIND_HANDLER_SLOW, PL_LOG_WARN,
                   "handler blocks its loop", pl_log_string("handler", name),
                   pl_log_number("ms", (int64_t)ms),
                   pl_log_text("client", pl_session_id(s)));
}

void pl_session_leave(struct pl_session *s, const char *name, uint64_t began_ms)
{
    pl_loop_leave(pl_session_loop(s));
    note_slow(s, name, clock_ms(s) - began_ms);
}

void pl_session_sign_call(struct pl_session *s, struct pl_call *fields)
{
    fields->handle = pl_loop_handle_of(pl_session_loop(s));
    fields->session = pl_session_address(s);
    if (pl_session_subscriber(s)->client == NULL)
        return;
    fields->user = pl_session_user(s);
    fields->client = pl_session_id(s);
}

void pl_session_note_peer(struct pl_session *s, struct pl_call *fields)
{
    char text[PL_IP_TEXT_MAX];

    snprintf(fields->peer, sizeof fields->peer, "%s", pl_session_peer(s, text));
}

enum pl_err pl_session_create_call(struct pl_session *s,
                                   const struct pl_call *fields,
                                   const char *name, bool is_listed,
                                   uint32_t command, struct pl_call **out)
{
    struct pl_call *call = pl_call_create(fields);
    enum pl_err rc = call == NULL ? PL_ENOMEM : PL_OK;

    if (rc == PL_OK && is_listed)
        rc = pl_call_table_add(pl_session_calls(s), fields->session, command,
                               pl_session_handlers(s), name, &call->number);
    if (rc != PL_OK && call != NULL)
        pl_call_destroy(call);
    else
        *out = call;
    return rc;
}
