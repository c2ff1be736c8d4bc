/* SPDX-License-Identifier: Apache-2.0 */
/* rig_memory.c - clients that are linked to their sessions by memory: a link
 * that is no socket, has no handshake and no frames.
 *
 * Each message of a client is one call, and what the session says arrives as
 * lines.  The last words are a note for the test.  It is also the smallest link
 * there is: what a new kind of link has to do is all here.
 *
 * Invariant: messages that the session cannot take yet wait in c->input. */
#include "rig_private.h"

#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "form.h"
#include "session.h"
#include "session_link.h"

struct memory_link {
    struct client *client;
};

_Static_assert(sizeof(struct memory_link) <= PL_LINK_SIZE, "too large");

static struct client *client_of(const struct pl_session *s)
{
    struct memory_link *l = pl_session_link((struct pl_session *)s);

    return l->client;
}

/* --- Output --- */

/* The lines that are complete. */
static void hear(struct client *c)
{
    struct pl_buf *b = &c->arrived;
    const char *end;

    while (b->len > 0 && (end = memchr(b->data, '\n', b->len)) != NULL) {
        size_t len = (size_t)(end - b->data);

        client_keep(c, b->data, len);
        b->len -= len + 1;
        memmove(b->data, end + 1, b->len);
    }
}

static size_t take(struct client *c, const struct iovec *piece)
{
    size_t n = piece->iov_len < c->takes ? piece->iov_len : c->takes;

    pl_buf_put(&c->arrived, piece->iov_base, n);
    c->takes -= c->takes == SIZE_MAX ? 0 : n;
    return n;
}

/* All was sent: the client hears the last words, if they were said. */
static void on_empty(struct client *c)
{
    if (!c->is_ending)
        return;
    c->closed = c->goodbye == 0 ? 1005 : c->goodbye;
    client_end(c);
}

static void drain(struct client *c)
{
    struct iovec piece;

    while (!c->is_gone && c->takes > 0 &&
           pl_session_output(c->session, &piece, 1) > 0)
        pl_session_sent(c->session, take(c, &piece));
    hear(c);
    if (c->is_gone)
        return;
    if (pl_session_output_bytes(c->session) > 0)
        pl_session_stalled(c->session);
    else
        on_empty(c);
}

static void on_flush(struct pl_session *s)
{
    drain(client_of(s));
}

/* --- Input: a length and so many bytes each --- */

static bool has_input(const struct client *c)
{
    return c->input_at < c->input.len && !c->is_ending && !c->is_gone &&
           c->session != NULL;
}

static void give_one(struct client *c)
{
    char *at = c->input.data + c->input_at;
    uint32_t len;

    memcpy(&len, at, sizeof len);
    c->input_at += sizeof len + len;
    pl_session_message(c->session, (struct pl_span){at + sizeof len, len});
    if (c->session != NULL)
        pl_session_count_input(c->session, len);
}

static void give(struct client *c)
{
    while (has_input(c) && !c->is_paused &&
           pl_session_takes_messages(c->session)) {
        give_one(c);
        if (has_input(c) && pl_session_postpones(c->session))
            return;
    }
}

static bool feed(struct client *c)
{
    if (c->is_paused || !has_input(c) ||
        !pl_session_manager_takes_input(c->rig->at[c->loop].manager))
        return false;
    client_wake(c);
    pl_session_visit(c->session);
    give(c);
    return true;
}

static void say(struct client *c, const char *text)
{
    uint32_t len = (uint32_t)strlen(text);

    pl_buf_put(&c->input, &len, sizeof len);
    pl_buf_put(&c->input, text, len);
}

/* --- What the session wants --- */

static void on_pause(struct pl_session *s)
{
    client_of(s)->is_paused = true;
    pl_posted_pause(&client_of(s)->posted);
    client_of(s)->pauses++;
}

static void on_resume(struct pl_session *s)
{
    client_of(s)->is_paused = false;
    pl_posted_resume(&client_of(s)->posted);
}

/* What waits is fed when reading resumes. */
static void on_go_on(struct pl_session *s)
{
    (void)s;
}

static void on_close(struct pl_session *s, const struct pl_goodbye *g)
{
    struct client *c = client_of(s);

    c->is_ending = true;
    c->how = PL_END_LINGER;
    c->goodbye = g->code;
    pl_posted_end(&c->posted);
    snprintf(c->reason, sizeof c->reason, "%.*s", (int)g->reason.len,
             g->reason.at == NULL ? "" : g->reason.at);
    drain(c);
}

static void on_abort(struct pl_session *s)
{
    client_end(client_of(s));
}

static void on_mail(struct pl_session *s, struct pl_msg *msg)
{
    pl_posted_mail(&client_of(s)->posted, msg);
}

static void on_free(struct pl_session *s)
{
    pl_posted_end(&client_of(s)->posted);
    client_of(s)->session = NULL;
}

static void on_peer(struct pl_session *s, char text[PL_IP_TEXT_MAX])
{
    const char *address = client_of(s)->address;

    snprintf(text, PL_IP_TEXT_MAX, "%s", address == NULL ? "0.0.0.0" : address);
}

static const struct pl_link_ops ops = {
    .flush = on_flush,
    .pause = on_pause,
    .resume = on_resume,
    .go_on = on_go_on,
    .close = on_close,
    .abort = on_abort,
    .free = on_free,
    .mail = on_mail,
    .peer = on_peer,
};

/* --- The begin --- */

static void on_timer(struct pl_timer *t)
{
    client_end(client_of(pl_session_of_timer(t)));
}

static enum pl_err create(struct client *c)
{
    enum pl_err rc =
        pl_session_create(&c->session, c->rig->at[c->loop].manager, &ops, 0);

    if (rc != PL_OK)
        return rc;
    *(struct memory_link *)pl_session_link(c->session) =
        (struct memory_link){.client = c};
    pl_posted_init(&c->posted, c->session);
    pl_session_lend_timer(c->session, on_timer,
                          c->rig->config->session.connect.timeout_ms);
    return PL_OK;
}

static void open_link(struct client *c)
{
    pl_session_agree(c->session,
                     (struct pl_terms){PL_ENCODING_JSON, PL_FORM_LINES});
    pl_session_open(c->session);
    c->is_open = true;
}

const struct rig_link rig_link_memory = {
    .create = create,
    .open = open_link,
    .say = say,
    .feed = feed,
    .drain = drain,
};
