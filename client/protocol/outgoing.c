/* SPDX-License-Identifier: Apache-2.0 */
/* outgoing.c - the commands that a client sends.
 *
 * The commands of a turn share a message, so that a burst costs one frame and
 * one system call; but a message stays small, because a server closes for good
 * when it gets one over its limit.
 *
 * Invariant: nothing leaves before the connect command, and no call before its
 * reply. */
#include "outgoing.h"

#include "calls.h"
#include "client_codes.h"
#include "client_private.h"

enum { MESSAGE_MAX = 32 * 1024 };

uint32_t plc_client_take_id(struct plc_client *c)
{
    uint32_t id;

    do
        id = (uint32_t)pl_cell_add(&c->next_id, 1) + 1;
    while (id == 0);
    return id;
}

void plc_client_drop_frame(struct plc_client *c)
{
    if (c->has_secret && c->frame.data != NULL) {
        explicit_bzero(c->frame.data, c->frame.len);
        pl_buf_fini(&c->frame);
    }
    c->has_secret = false;
    c->frame.len = 0;
}

/* Return false if out of memory: the message is still there. */
static bool send_frame(struct plc_client *c)
{
    bool is_json = c->encoding == PL_ENCODING_JSON;
    struct pl_span payload = pl_buf_span(&c->frame);

    if (payload.len == 0 || c->attempt == NULL)
        return true;
    if (!plc_link_send(c->attempt->link, is_json ? PL_WS_TEXT : PL_WS_BINARY,
                       &payload, 1))
        return false;
    plc_client_drop_frame(c);
    plc_calls_written(c, plc_link_written(c->attempt->link));
    return true;
}

/* The commands of a message for which there is no memory count as sent, so the
 * connection ends: it decides what becomes of each. */
void plc_client_run_send(struct pl_task *t)
{
    struct plc_client *c = PL_CONTAINER(t, struct plc_client, send);

    if (!send_frame(c))
        plc_attempt_lose(c, PLC_CODE_TRANSPORT, "transport closed", false);
}

bool plc_client_put(struct plc_client *c, struct pl_span bytes, uint64_t *from)
{
    bool is_json = c->encoding == PL_ENCODING_JSON;

    if (c->frame.len > 0 && c->frame.len + bytes.len >= MESSAGE_MAX &&
        !send_frame(c))
        return false;
    size_t mark = c->frame.len;
    if (mark > 0 && is_json)
        pl_buf_put_byte(&c->frame, '\n');
    pl_buf_put_span(&c->frame, bytes);
    if (c->frame.failed) {
        c->frame.failed = false;
        c->frame.len = mark;
        return false;
    }
    *from = plc_link_written(c->attempt->link);
    pl_loop_defer(c->loop, PL_STAGE_SEAL, &c->send);
    return true;
}

static size_t token_size(const struct pl_command *command)
{
    switch (command->verb) {
    case PL_VERB_CONNECT:
        return command->connect.token.len;
    case PL_VERB_SUBSCRIBE:
        return command->subscribe.token.len;
    case PL_VERB_REFRESH:
        return command->token.len;
    case PL_VERB_SUB_REFRESH:
        return command->sub_refresh.token.len;
    default:
        return 0;
    }
}

/* A buffer that has a token must not grow, which would leave a copy. */
static bool reserve(struct pl_buf *b, size_t size)
{
    if (size <= b->len || pl_buf_reserve(b, size - b->len) != NULL)
        return true;
    b->failed = false;
    return false;
}

static enum pl_err encode(struct plc_client *c, struct pl_buf *b,
                          const struct pl_command *command)
{
    const char *why = NULL;
    size_t at;

    if (token_size(command) > 0 && (!reserve(b, c->terms.message_out + 1) ||
                                    !reserve(&c->frame, MESSAGE_MAX)))
        return PL_ENOMEM;
    return pl_command_encode(c->encoding, b, c->terms.message_out, command,
                             &why, &at);
}

bool plc_client_command(struct plc_client *c, struct plc_request *r,
                        const struct pl_command *command)
{
    struct pl_buf b = {0};
    uint64_t from;
    enum pl_err rc = encode(c, &b, command);

    if (r != NULL)
        r->wants = plc_requests_kind(command->verb);
    if (rc == PL_OK && r != NULL)
        rc = plc_requests_add(&c->requests, r, c->options.timeout_ms);
    if (rc == PL_OK && !plc_client_put(c, pl_buf_span(&b), &from)) {
        rc = PL_ENOMEM;
        if (r != NULL)
            plc_requests_remove(r);
    }
    if (rc == PL_OK && r != NULL)
        plc_requests_sent(r, from);
    c->has_secret |= token_size(command) > 0;
    if (b.data != NULL)
        explicit_bzero(b.data, b.cap);
    pl_buf_fini(&b);
    return rc == PL_OK;
}
