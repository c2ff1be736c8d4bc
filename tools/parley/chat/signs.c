/* SPDX-License-Identifier: Apache-2.0 */
/* signs.c - who is in a room: presence, joins, leaves, names and typing.
 *
 * A member that enters sends `hello` and asks; the others answer with theirs,
 * not all at once.  The broker names the sender, never the data.
 *
 * What is recovered after a loss may contain names, but such a member does not
 * type any more, and awaits no answer. */
#include "room_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { TYPING_EVERY_MS = 2500, HELLO_SPREAD_MS = 300 };

/* --- Out --- */

static void on_sent(const struct plc_result *result, void *arg)
{
    struct pl_chat_room *r = pl_chat_call_end(arg);

    if (r != NULL && !pl_chat_is_passing(result))
        pl_chat_room_explain(r, PL_CHAT_SIGNS, result->code, result->message);
}

static void send_sign(struct pl_chat_room *r, const struct pl_chat_sign *s)
{
    struct pl_chat_call *call = pl_chat_call_begin(r, "");
    char to[PL_CHAT_ROOM_SIZE + 24];
    struct pl_buf b = {0};

    snprintf(to, sizeof to, "channel/signs.%s", r->name);
    pl_chat_sign_write(&b, s);
    if (call == NULL || b.failed ||
        plc_actor_send(r->me->client, to, pl_chat_sign_type(s->kind), b.data,
                       b.len, on_sent, call) != PL_OK)
        free(call);
    pl_buf_fini(&b);
}

void pl_chat_signs_hello(struct pl_chat_room *r, const char *was, bool ask,
                         bool back)
{
    send_sign(r, &(struct pl_chat_sign){.kind = PL_CHAT_HELLO,
                                        .nick = r->me->nick,
                                        .was = (char *)was,
                                        .ask = ask,
                                        .back = back});
}

void pl_chat_room_rename(struct pl_chat_room *r, const char *was)
{
    if (pl_chat_room_is_joined(r) && r->me->id[0] != '\0')
        pl_chat_signs_hello(r, was, false, false);
    pl_chat_people_name(&r->people, r->me->id, r->me->nick);
}

void pl_chat_room_typed(struct pl_chat_room *r)
{
    int64_t now = pl_chat_now_ms();

    if (!pl_chat_room_is_joined(r) || r->me->id[0] == '\0' ||
        (r->typed_at_ms != 0 && now - r->typed_at_ms < TYPING_EVERY_MS))
        return;
    r->typed_at_ms = now;
    send_sign(
        r, &(struct pl_chat_sign){.kind = PL_CHAT_TYPING, .nick = r->me->nick});
}

/* --- In --- */

static void add_move(struct pl_chat_room *r, const char *client,
                     const char *nick, enum pl_chat_move move)
{
    struct pl_chat_entry *e = pl_chat_log_moves(&r->log);
    struct pl_buf b = {0};

    if (e == NULL || !pl_chat_moves_add(e->moves, client, nick, move)) {
        struct pl_chat_moves *moves;

        if (pl_chat_moves_create(&moves) != PL_OK)
            return;
        pl_chat_moves_add(moves, client, nick, move);
        e = pl_chat_log_add(
            &r->log,
            &(struct pl_chat_entry){.kind = PL_CHAT_MOVES, .order = r->top});
        if (e == NULL) {
            pl_chat_moves_destroy(moves);
            return;
        }
        e->moves = moves;
    }
    e->at_ms = pl_chat_wall_ms();
    pl_chat_moves_put(e->moves, &b);
    pl_buf_put_byte(&b, '\0');
    if (!b.failed)
        pl_chat_entry_set(&e->text, b.data);
    pl_buf_fini(&b);
    r->me->entry(r, e, r->me->arg);
}

/* At random. */
static int64_t delay_ms(void)
{
    unsigned number = 0;

    (void)!getrandom(&number, sizeof number, 0);
    return number % HELLO_SPREAD_MS;
}

static void greet(struct pl_chat_room *r, const struct pl_chat_sign *s)
{
    if (s->was[0] != '\0')
        pl_chat_room_note(r, "%s is now %s", s->was, s->nick);
    if (!s->ask)
        return;
    add_move(r, s->client, s->nick, s->back ? PL_CHAT_IS_BACK : PL_CHAT_CAME);
    if (r->hello_due_ms == 0)
        r->hello_due_ms = pl_chat_now_ms() + 1 + delay_ms();
}

static void take_sign(struct pl_chat_room *r, const struct pl_chat_sign *s,
                      bool is_replayed)
{
    struct pl_chat_person *one;

    if (strcmp(s->client, r->me->id) == 0)
        return;
    pl_chat_people_name(&r->people, s->client, s->nick);
    if (is_replayed)
        return;
    one = pl_chat_people_get(&r->people, s->client, false);
    if (s->kind == PL_CHAT_HELLO)
        greet(r, s);
    else if (s->kind == PL_CHAT_TYPING && one != NULL)
        one->typing_until_ms = pl_chat_now_ms() + PL_CHAT_TYPING_MS;
}

static void on_publication(struct plc_sub *sub, const struct plc_publication *p,
                           void *arg)
{
    struct pl_chat_room *r = arg;
    struct pl_chat_sign s;

    (void)sub;
    if (!pl_chat_sign_read(&s, (struct pl_span){p->data.at, p->data.len},
                           p->info == NULL ? NULL : p->info->client))
        return;
    take_sign(r, &s, p->recovered);
    pl_chat_sign_fini(&s);
    r->me->changed(r->me->arg);
}

static void on_presence(struct plc_sub *sub, bool joined,
                        const struct plc_info *info, void *arg)
{
    struct pl_chat_room *r = arg;
    const struct pl_chat_person *one =
        pl_chat_people_get(&r->people, info->client, false);

    (void)sub;
    if (joined) {
        pl_chat_people_here(&r->people, info->client,
                            strcmp(info->client, r->me->id) == 0);
    } else {
        if (one != NULL && one->nick != NULL && !one->self)
            add_move(r, info->client, one->nick, PL_CHAT_LEFT);
        pl_chat_people_gone(&r->people, info->client);
    }
    r->me->changed(r->me->arg);
}

static void take_presence(struct pl_chat_room *r, const struct plc_result *p)
{
    pl_chat_people_begin(&r->people);
    for (size_t i = 0; i < p->present_count; i++) {
        const char *client = p->present[i]->client;
        bool is_self = strcmp(client, r->me->id) == 0;

        pl_chat_people_here(&r->people, client, is_self);
        if (is_self)
            pl_chat_people_name(&r->people, client, r->me->nick);
    }
}

static void on_who_is_here(const struct plc_result *p, void *arg)
{
    struct pl_chat_room *r = pl_chat_call_end(arg);

    if (r == NULL)
        return;
    if (p->outcome == PLC_DONE)
        take_presence(r, p);
    else if (!pl_chat_is_passing(p))
        pl_chat_room_explain(r, PL_CHAT_PRESENCE, p->code, p->message);
    r->me->changed(r->me->arg);
}

static void ask_who_is_here(struct pl_chat_room *r)
{
    struct pl_chat_call *call = pl_chat_call_begin(r, "");
    char channel[PL_CHAT_ROOM_SIZE + 8];

    snprintf(channel, sizeof channel, "signs.%s", r->name);
    if (call == NULL || plc_presence(r->me->client, channel, false,
                                     on_who_is_here, call) != PL_OK)
        free(call);
}

static void on_state(struct plc_sub *s, const struct plc_change *c, void *arg)
{
    struct pl_chat_room *r = arg;

    (void)s;
    if (c->to == PLC_UNSUBSCRIBED && r->signs != NULL)
        pl_chat_room_explain(r, PL_CHAT_READ, c->code, c->reason);
    if (c->to != PLC_SUBSCRIBED)
        return;
    ask_who_is_here(r);
    pl_chat_signs_hello(r, NULL, true, r->greeted);
    r->greeted = true;
}

enum pl_err pl_chat_signs_join(struct pl_chat_room *r)
{
    char channel[PL_CHAT_ROOM_SIZE + 8];
    struct plc_sub_options o = {.size = sizeof o,
                                .channel = channel,
                                .flags = PLC_JOIN_LEAVE,
                                .state = on_state,
                                .publication = on_publication,
                                .presence = on_presence,
                                .arg = r};

    snprintf(channel, sizeof channel, "signs.%s", r->name);
    return plc_subscribe(&r->signs, r->me->client, &o);
}
