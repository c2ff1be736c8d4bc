/* SPDX-License-Identifier: Apache-2.0 */
/* kept.c - see kept.h.
 *
 * A session keeps messages in one place at a time: in s->login while a connect
 * waits for its verdict, otherwise in s->throttle.  No message is dropped,
 * rejected or reordered.  The link keeps the bytes after these messages, which
 * are not split into messages yet.
 *
 * A message that is kept again stays in place.
 * Rejected: copying the rest each time that a part of it has run, because a
 * message of 16 MiB with a million commands was copied a thousand times.
 *
 * Invariant: while messages run, they are on the stack of pl_session_run_kept()
 * and the session keeps none of them. */
#include "kept.h"

#include <stdint.h>
#include <string.h>

void pl_kept_fini(struct pl_kept *k)
{
    pl_buf_fini(&k->messages);
    k->at = 0;
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

bool pl_kept_put(struct pl_kept *k, struct pl_kept *running,
                 struct pl_span message)
{
    struct pl_buf *b = &k->messages;
    uint32_t len = (uint32_t)message.len;

    if (running != NULL && is_inside(running, message)) {
        keep_again(running, message);
        return true;
    }
    pl_buf_put(b, &len, sizeof len);
    pl_buf_put_span(b, message);
    return !b->failed;
}

bool pl_kept_take(struct pl_kept *k, struct pl_span *message)
{
    uint32_t len;

    if (pl_kept_is_empty(k))
        return false;
    const char *at = k->messages.data + k->at;
    memcpy(&len, at, sizeof len);
    k->at += sizeof len + len;
    *message = (struct pl_span){at + sizeof len, len};
    return true;
}
