/* SPDX-License-Identifier: Apache-2.0 */
/* kept.c - see kept.h.
 *
 * A session keeps messages in one place at a time: in s->login while a connect
 * waits for its verdict, otherwise in s->pace.  No message is dropped, rejected
 * or reordered.  The link keeps the bytes after these messages, which are not
 * split into messages yet.
 *
 * A message that is kept again stays in place.
 * Rejected: copying the rest each time that a part of it has run, because a
 * message of 16 MiB with a million commands was copied a thousand times.
 *
 * Invariant: while messages run, they are on the stack of pl_session_run_kept()
 * and the session keeps none of them. */
#include "kept.h"

#include <string.h>

#include "commands.h"
#include "login_private.h"
#include "pace.h"
#include "session_private.h"

void pl_kept_fini(struct pl_kept *k)
{
    pl_buf_fini(&k->messages);
    k->at = 0;
}

static bool has_to_wait(const struct pl_session *s)
{
    return s->state == PL_SESSION_LOGIN || s->holds & PL_HOLDS_MESSAGES;
}

static struct pl_kept *kept_of(struct pl_session *s)
{
    return s->state == PL_SESSION_LOGIN ? &s->login->kept
                                        : pl_pace_kept(s->pace);
}

static bool is_inside(const struct pl_kept *k, struct pl_span message)
{
    const struct pl_buf *b = &k->messages;

    return b->len > 0 && message.at >= b->data &&
           message.at <= b->data + b->len;
}

/* Keep the rest of a message in place.  The bytes before the rest, at least the
 * former length, have space for the new length. */
static void keep_again(struct pl_kept *k, struct pl_span message)
{
    char *at = k->messages.data + (message.at - k->messages.data);
    uint32_t len = (uint32_t)message.len;

    memcpy(at - sizeof len, &len, sizeof len);
    k->at = (size_t)(at - k->messages.data) - sizeof len;
}

void pl_session_keep(struct pl_session *s, struct pl_span message)
{
    struct pl_kept *running = s->keeper->running;
    struct pl_buf *b = &kept_of(s)->messages;
    uint32_t len = (uint32_t)message.len;

    if (running != NULL && is_inside(running, message)) {
        keep_again(running, message);
        return;
    }
    pl_buf_put(b, &len, sizeof len);
    pl_buf_put_span(b, message);
    if (b->failed)
        pl_session_doom(s, PL_DISCONNECT_SERVER_ERROR);
}

static void run(struct pl_session *s, struct pl_kept *k)
{
    uint32_t len;

    while (k->at < k->messages.len && !has_to_wait(s) &&
           pl_session_runs_commands(s)) {
        char *at = k->messages.data + k->at;

        memcpy(&len, at, sizeof len);
        k->at += sizeof len + len;
        pl_session_commands(s, (struct pl_span){at + sizeof len, len});
    }
}

void pl_session_run_kept(struct pl_session *s, struct pl_kept k)
{
    struct pl_kept *before = s->keeper->running;

    s->keeper->running = &k;
    pl_session_visit(s);
    run(s, &k);
    s->keeper->running = before;
    if (k.at < k.messages.len && pl_session_runs_commands(s))
        *kept_of(s) = k; /* a message has to wait */
    else
        pl_kept_fini(&k);
}
