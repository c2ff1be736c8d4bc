/* SPDX-License-Identifier: Apache-2.0 */
/* client_post.c - see client.h: commands that go by mail (links/posted.h).
 *
 * A client that cares for what it says posts one letter after the other, and
 * posts again what found no room.  An eager one posts at once whatever it has,
 * and takes a letter that found no room for not said.  Both use one postman for
 * a connection.  Pongs and a Close go by the link.
 *
 * Bad letters are of a session that has ended, or have a secret that is not the
 * session's; nobody may take them. */
#include "client.h"

#include <inttypes.h>
#include <string.h>

#include "err.h"
#include "post.h"
#include "trace.h"

void client_post_begin(struct client *c)
{
    struct outbox *o = &c->outbox;

    if (!c->world->has_postmen)
        return;
    o->is_used = c->index != CLIENTS && world_draw(c->world, 3) != 0;
    o->is_eager = world_draw(c->world, 2) == 0;
    o->postman = world_draw(c->world, c->world->workers + 1);
    link_post_address(c->link, &o->to);
    o->is_known = true;
}

void client_post_end(struct client *c)
{
    struct outbox *o = &c->outbox;

    for (unsigned i = 0; i < o->count; i++)
        pl_buf_fini(&o->queue[i].text);
    o->count = 0;
    o->is_used = o->is_out = false;
}

/* --- Answers --- */

static void unsay_sub(struct sub *sub, const struct asked *a)
{
    if (sub->command != a->id)
        return;
    if (a->verb == VERB_SUBSCRIBE && sub->state == SUB_ASKED)
        sub->state = SUB_NONE;
    else if (a->verb == VERB_UNSUBSCRIBE && sub->state == SUB_LEAVING)
        sub->state = SUB_LIVE;
}

/* Take back what nobody got. */
static void unsay(struct client *c, uint32_t first, uint32_t last)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < c->asked_count; i++) {
        struct asked a = c->asked[i];

        if (a.id < first || a.id > last) {
            c->asked[kept++] = a;
            continue;
        }
        c->world->tally.asked--;
        if (a.sub < SUBS)
            unsay_sub(&c->subs[a.sub], &a);
        if (a.number != 0)
            truth_saying(c->truth, a.number)->fate = FATE_REFUSED;
    }
    c->asked_count = kept;
}

static void on_taken(struct client *c)
{
    struct outbox *o = &c->outbox;

    if (o->is_eager)
        return;
    pl_buf_fini(&o->queue[0].text);
    memmove(o->queue, o->queue + 1, --o->count * sizeof *o->queue);
}

/* An eager client fills what a session keeps; of any other one letter waits. */
static void on_full(struct client *c, const struct letter *l)
{
    const struct world *w = c->world;
    bool is_mailbox = l->why == PL_EFULL && w->has_full_mail;

    if (!is_mailbox && !w->fails_allocations &&
        (l->why != PL_OK || !c->outbox.is_eager))
        trace_fail("client %u: its only letter finds no room", c->index);
    if (c->outbox.is_eager)
        unsay(c, l->first, l->last);
}

static void on_answered(struct letter *l, enum pl_input_status status)
{
    struct client *c = l->from;
    bool is_mine = c->link != NULL && c->connection == l->connection;
    bool is_full = status == PL_INPUT_FULL || l->why == PL_EFULL;

    if (!is_mine || l->is_bad)
        return;
    c->outbox.is_out = false;
    c->news++;
    if (status == PL_INPUT_TAKEN)
        on_taken(c);
    else if (is_full)
        on_full(c, l);
    else if (link_listens(c->link))
        trace_fail("client %u: is there, but nobody takes its mail", c->index);
}

/* --- Letters --- */

static struct letter letter_of(struct client *c, uint32_t first, uint32_t last)
{
    return (struct letter){.from = c,
                           .connection = c->connection,
                           .first = first,
                           .last = last,
                           .answered = on_answered};
}

bool client_post_next(struct client *c)
{
    struct outbox *o = &c->outbox;

    if (!o->is_used || o->count == 0 || o->is_out || c->stage != STAGE_IN)
        return false;
    struct letter l = letter_of(c, o->queue[0].first, o->queue[0].last);
    o->is_out = post_send(c->world, o->postman, &o->to, &l,
                          pl_buf_span(&o->queue[0].text));
    trace_note("posts", (int)c->index, o->postman, o->is_out);
    /* without memory it may try again, but a postman that stopped stays away */
    return o->is_out || c->world->postmen[o->postman] != NULL;
}

static void post_at_once(struct client *c, struct pl_buf *b, uint32_t first)
{
    struct outbox *o = &c->outbox;
    struct letter l = letter_of(c, first, c->last_id);

    trace_note("posts", (int)c->index, o->postman, 1);
    if (!post_send(c->world, o->postman, &o->to, &l, pl_buf_span(b)))
        unsay(c, first, c->last_id);
    pl_buf_fini(b);
}

bool client_may_say_more(const struct client *c)
{
    return c->asked_count + 1 < ASKED_MAX && c->outbox.count < OUTBOX_MAX;
}

void client_send(struct client *c, struct pl_buf *b, uint32_t first)
{
    struct outbox *o = &c->outbox;

    if (!o->is_used) {
        client_tell(c, b);
    } else if (o->is_eager) {
        post_at_once(c, b, first);
    } else {
        o->queue[o->count++] = (struct posting){*b, first, c->last_id};
        *b = (struct pl_buf){0};
        client_post_next(c);
    }
}

/* To itself with a wrong secret, to another, or to whoever it was before. */
void client_post_badly(struct client *c)
{
    const struct client *other = c->others[world_draw(c->world, CLIENTS)];
    struct outbox *o = &c->outbox;
    struct letter l = letter_of(c, 0, 0);
    struct post_address to = o->to;

    if (!c->world->has_postmen || !o->is_known || !other->outbox.is_known)
        return;
    if (other != c)
        to.session = other->outbox.to.session;
    else if (c->stage == STAGE_IN)
        to.secret[world_draw(c->world, 2)] ^= 1;
    l.is_bad = true;
    post_send(c->world, o->postman, &to, &l,
              PL_SPAN("{\"id\":1,\"presence\":{\"channel\":\"c\"}}"));
}
