/* SPDX-License-Identifier: Apache-2.0 */
/* room.c - see room.h: joining, messages and history.
 *
 * A message has an id from the moment it is typed, and is shown once however
 * often it arrives.  What was recovered after a loss comes right after the
 * event `subscribed`, and before the answer to a call that is made in that
 * event; so the outbox is sent after that answer, when all that did arrive is
 * known.
 *
 * After a restart of the broker the offsets begin anew.  Each such epoch is an
 * era, and orders of the log are an era and an offset.
 *
 * Invariant: each call that is accepted ends in one callback, with the room of
 * the call or, if the room was left meanwhile, without. */
#include "room_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { HISTORY = 60, ERA_BITS = 48 };

#define OFFSET_MAX ((UINT64_C(1) << ERA_BITS) - 1)

/* --- What the files share --- */

static int64_t clock_ms(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t pl_chat_now_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

int64_t pl_chat_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

void pl_chat_make_id(char id[37])
{
    unsigned char b[16] = {0};

    /* Short only if the kernel has no entropy yet; then ids are less random. */
    (void)!getrandom(b, sizeof b, 0);
    snprintf(id, 37,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
             "%02x%02x%02x%02x%02x%02x",
             b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10],
             b[11], b[12], b[13], b[14], b[15]);
}

struct pl_chat_call *pl_chat_call_begin(struct pl_chat_room *r, const char *id)
{
    struct pl_chat_call *call = calloc(1, sizeof *call);

    if (call == NULL)
        return NULL;
    call->room = r;
    call->life = r->life;
    snprintf(call->id, sizeof call->id, "%s", id);
    return call;
}

struct pl_chat_room *pl_chat_call_end(struct pl_chat_call *call)
{
    struct pl_chat_room *r = call->room;
    bool is_current = call->life == r->life && pl_chat_room_is_joined(r);

    free(call);
    return is_current ? r : NULL;
}

bool pl_chat_is_passing(const struct plc_result *result)
{
    return result->outcome != PLC_REFUSED || result->temporary;
}

static void add_note(struct pl_chat_room *r, uint64_t order, const char *text)
{
    struct pl_chat_entry *e = pl_chat_log_add(
        &r->log, &(struct pl_chat_entry){.kind = PL_CHAT_NOTE,
                                         .order = order,
                                         .text = (char *)text,
                                         .at_ms = pl_chat_wall_ms()});

    if (e != NULL)
        r->me->entry(r, e, r->me->arg);
}

void pl_chat_room_note(struct pl_chat_room *r, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    add_note(r, r->top, text);
}

void pl_chat_room_explain(struct pl_chat_room *r, enum pl_chat_right right,
                          uint32_t code, const char *text)
{
    static const struct {
        const char *what, *key;
    } rights[] = {
        [PL_CHAT_READ] = {"read this room", "channels.allow_subscribe"},
        [PL_CHAT_WRITE] = {"write here", "channels.allow_publish"},
        [PL_CHAT_HISTORY] = {"see what was written before",
                             "channels.allow_history"},
        [PL_CHAT_PRESENCE] = {"see who is here", "channels.allow_presence"},
        [PL_CHAT_SIGNS] = {"send your name and whether you are typing",
                           "channels.allow_publish"},
    };

    if (r->explained & 1u << right)
        return;
    r->explained |= 1u << right;
    if (code == 103)
        pl_chat_room_note(r,
                          "You may not %s: the broker does not permit it "
                          "(%s).",
                          rights[right].what, rights[right].key);
    else if (code == 108)
        pl_chat_room_note(r, "You cannot %s: the broker has it switched off.",
                          rights[right].what);
    else
        pl_chat_room_note(r, "You cannot %s: %s.", rights[right].what, text);
}

/* --- Messages --- */

static uint64_t order_of(const struct pl_chat_room *r, uint64_t offset)
{
    if (offset == 0)
        return r->top + 1;
    if (offset > OFFSET_MAX)
        offset = OFFSET_MAX;
    return r->era << ERA_BITS | offset;
}

/* A message that is in the log: of this user it is published now. */
static void confirm(struct pl_chat_room *r, struct pl_chat_entry *e,
                    uint64_t order)
{
    if (!e->own || e->order != PL_CHAT_ORDER_LAST)
        return;
    e->state = PL_CHAT_DONE;
    pl_chat_log_move(&r->log, e, order);
    r->me->entry(r, e, r->me->arg);
}

static void count_unread(struct pl_chat_room *r, const struct pl_chat_entry *e)
{
    if (r->me->current == r)
        return;
    r->unread++;
    if (pl_chat_mentions(e->text, r->me->nick))
        r->mentions++;
}

/* Return true if it is a new one. */
static bool add_message(struct pl_chat_room *r, struct pl_chat_message *m,
                        const struct plc_publication *p, uint64_t order,
                        bool is_new)
{
    char id[40];

    if (m->id[0] == '\0')
        snprintf(id, sizeof id, "at %llu", (unsigned long long)order);
    struct pl_chat_entry *e = pl_chat_log_find(&r->log, m->id[0] ? m->id : id);
    if (e != NULL) {
        confirm(r, e, order);
        return false;
    }
    e = pl_chat_log_add(
        &r->log, &(struct pl_chat_entry){
                     .kind = PL_CHAT_MESSAGE,
                     .order = order,
                     .id = m->id[0] ? m->id : id,
                     .nick = m->nick,
                     .client = p->info == NULL ? NULL : (char *)p->info->client,
                     .text = m->text,
                     .at_ms = m->at_ms,
                 });
    if (e == NULL)
        return false;
    if (is_new)
        count_unread(r, e);
    r->me->entry(r, e, r->me->arg);
    return true;
}

/* The writer has a name and does not type any more. */
static void know_writer(struct pl_chat_room *r, const char *client,
                        const char *nick)
{
    struct pl_chat_person *one;

    if (strcmp(client, r->me->id) == 0)
        return;
    one = pl_chat_people_get(&r->people, client, false);
    if (one == NULL)
        return;
    pl_chat_people_name(&r->people, client, nick);
    one->typing_until_ms = 0;
}

/* `is_live`: it is no answer to a question for the history. */
static void take_publication(struct pl_chat_room *r,
                             const struct plc_publication *p, bool is_live)
{
    struct pl_chat_message m;
    bool is_old = !is_live && r->entered && p->offset <= r->offset;
    uint64_t order = order_of(r, p->offset);

    if (p->offset > r->offset)
        r->offset = p->offset;
    if (!pl_chat_message_read(&m, (struct pl_span){p->data.at, p->data.len}))
        return;
    if (order > r->top)
        r->top = order;
    if (add_message(r, &m, p, order, is_live || (r->entered && !is_old)) &&
        p->recovered)
        r->missed++;
    if (p->info != NULL && !is_old)
        know_writer(r, p->info->client, m.nick);
    pl_chat_message_fini(&m);
    r->me->changed(r->me->arg);
}

static void on_publication(struct plc_sub *s, const struct plc_publication *p,
                           void *arg)
{
    (void)s;
    take_publication(arg, p, true);
}

/* --- History --- */

/* Newest first, as the history was asked for. */
static void take_history(struct pl_chat_room *r, const struct plc_result *h)
{
    size_t count = h->publication_count;

    if (count > 0)
        r->oldest = h->publications[count - 1]->offset;
    r->past =
        count == 0 || r->oldest <= 1 ? PL_CHAT_PAST_ALL : PL_CHAT_PAST_MORE;
    for (size_t i = count; i > 0; i--)
        take_publication(r, h->publications[i - 1], false);
}

/* False: another attempt comes, with the next connection. */
static bool has_history(struct pl_chat_room *r, const struct plc_result *h)
{
    if (h->outcome == PLC_DONE)
        return true;
    r->past = PL_CHAT_PAST_MORE;
    if (pl_chat_is_passing(h))
        return false;
    r->past = PL_CHAT_PAST_ALL;
    /* 112: the part was dropped meanwhile. */
    if (h->code != 112)
        pl_chat_room_explain(r, PL_CHAT_HISTORY, h->code, h->message);
    return false;
}

static void settle(struct pl_chat_room *r)
{
    r->entered = true;
    r->settled = true;
    pl_chat_outbox_flush(r);
    r->me->changed(r->me->arg);
}

static void on_first_history(const struct plc_result *h, void *arg)
{
    struct pl_chat_room *r = pl_chat_call_end(arg);

    if (r == NULL)
        return;
    if (has_history(r, h) && strcmp(h->epoch, r->epoch) == 0)
        take_history(r, h);
    if (plc_sub_state(r->messages) == PLC_SUBSCRIBED)
        settle(r);
}

/* Say before what was recovered how much it is. */
static void note_missed(struct pl_chat_room *r)
{
    char text[80] = "1 message came while you were away";

    if (r->missed > 1)
        snprintf(text, sizeof text, "%llu messages came while you were away",
                 (unsigned long long)r->missed);
    if (r->missed > 0)
        add_note(r, r->missed_order, text);
    r->missed = 0;
}

/* All that was recovered has arrived. */
static void on_position(const struct plc_result *h, void *arg)
{
    struct pl_chat_room *r = pl_chat_call_end(arg);

    (void)h;
    if (r == NULL)
        return;
    note_missed(r);
    if (plc_sub_state(r->messages) == PLC_SUBSCRIBED)
        settle(r);
}

static void on_older_history(const struct plc_result *h, void *arg)
{
    struct pl_chat_room *r = pl_chat_call_end(arg);

    if (r == NULL)
        return;
    if (has_history(r, h) && strcmp(h->epoch, r->epoch) == 0)
        take_history(r, h);
    r->me->changed(r->me->arg);
}

static void ask_history(struct pl_chat_room *r, int32_t limit,
                        const char *since_epoch, plc_done *done)
{
    struct pl_chat_call *call = pl_chat_call_begin(r, "");
    char channel[PL_CHAT_ROOM_SIZE + 8];

    if (call == NULL)
        return;
    snprintf(channel, sizeof channel, "room.%s", r->name);
    if (plc_history(r->me->client, channel, limit, since_epoch, r->oldest, true,
                    done, call) != PL_OK)
        free(call);
}

void pl_chat_room_older(struct pl_chat_room *r)
{
    if (r->past != PL_CHAT_PAST_MORE || !r->entered || r->oldest == 0 ||
        !pl_chat_room_is_joined(r) || r->log.count + HISTORY > PL_CHAT_LOG_MAX)
        return;
    r->past = PL_CHAT_PAST_LOADING;
    ask_history(r, HISTORY, r->epoch, on_older_history);
}

/* --- The subscription --- */

static void note_gap(struct pl_chat_room *r, const struct plc_change *c)
{
    const char *epoch = c->epoch == NULL ? "" : c->epoch;

    if (strcmp(epoch, r->epoch) == 0) {
        pl_chat_room_note(r, "You were away too long: something may be missing "
                             "here.");
        return;
    }
    pl_chat_room_note(r, "The broker was restarted: it begins a new history "
                         "here.");
    r->era++;
    r->offset = r->oldest = 0;
}

static void on_subscribed(struct pl_chat_room *r, const struct plc_change *c)
{
    bool is_first = !r->entered && r->epoch[0] == '\0';

    if (!is_first && !c->recovered)
        note_gap(r, c);
    r->missed = 0;
    r->missed_order = r->top;
    snprintf(r->epoch, sizeof r->epoch, "%s", c->epoch == NULL ? "" : c->epoch);
    if (c->recovered)
        ask_history(r, 0, NULL, on_position);
    else
        ask_history(r, HISTORY, NULL, on_first_history);
}

static void on_state(struct plc_sub *s, const struct plc_change *c, void *arg)
{
    struct pl_chat_room *r = arg;

    (void)s;
    if (!pl_chat_room_is_joined(r))
        return;
    r->settled = false;
    if (c->to == PLC_SUBSCRIBED)
        on_subscribed(r, c);
    else if (c->to == PLC_UNSUBSCRIBED)
        pl_chat_room_explain(r, PL_CHAT_READ, c->code, c->reason);
    r->me->changed(r->me->arg);
}

/* --- Life --- */

enum pl_err pl_chat_room_create(struct pl_chat_room **out,
                                struct pl_chat_me *me, const char *name)
{
    struct pl_chat_room *r = calloc(1, sizeof *r);

    if (r == NULL)
        return PL_ENOMEM;
    r->me = me;
    snprintf(r->name, sizeof r->name, "%s", name);
    *out = r;
    return PL_OK;
}

void pl_chat_room_destroy(struct pl_chat_room *r)
{
    if (r == NULL)
        return;
    pl_chat_log_fini(&r->log);
    pl_chat_people_fini(&r->people);
    free(r);
}

bool pl_chat_room_is_joined(const struct pl_chat_room *r)
{
    return r->messages != NULL;
}

enum pl_err pl_chat_room_join(struct pl_chat_room *r)
{
    char channel[PL_CHAT_ROOM_SIZE + 8];
    struct plc_sub_options o = {.size = sizeof o,
                                .channel = channel,
                                .state = on_state,
                                .publication = on_publication,
                                .arg = r};

    if (pl_chat_room_is_joined(r))
        return PL_OK;
    r->life++;
    snprintf(channel, sizeof channel, "room.%s", r->name);
    /* The signs first: one that sees this client join finds it listening. */
    enum pl_err rc = pl_chat_signs_join(r);
    if (rc == PL_OK)
        rc = plc_subscribe(&r->messages, r->me->client, &o);
    if (rc != PL_OK)
        pl_chat_room_leave(r);
    return rc;
}

void pl_chat_room_leave(struct pl_chat_room *r)
{
    if (r->messages != NULL)
        plc_sub_destroy(r->messages);
    if (r->signs != NULL)
        plc_sub_destroy(r->signs);
    r->messages = r->signs = NULL;
    pl_chat_log_fini(&r->log);
    pl_chat_people_fini(&r->people);
    struct pl_chat_room left = {.me = r->me, .life = r->life + 1};
    memcpy(left.name, r->name, sizeof left.name);
    *r = left;
}

int64_t pl_chat_room_tick(struct pl_chat_room *r)
{
    int64_t now = pl_chat_now_ms();
    int64_t due = pl_chat_people_due(&r->people, now);

    if (r->retry_due_ms != 0 && r->retry_due_ms <= now) {
        r->retry_due_ms = 0;
        pl_chat_outbox_flush(r);
    }
    if (r->hello_due_ms != 0 && r->hello_due_ms <= now) {
        r->hello_due_ms = 0;
        pl_chat_signs_hello(r, NULL, false, false);
    }
    if (r->retry_due_ms != 0 && (due == 0 || r->retry_due_ms < due))
        due = r->retry_due_ms;
    if (r->hello_due_ms != 0 && (due == 0 || r->hello_due_ms < due))
        due = r->hello_due_ms;
    return due;
}
