/* SPDX-License-Identifier: Apache-2.0 */
/* outbox.c - sends what this user writes in a room.
 *
 * The outbox is the pending messages of the log.  They are sent one at a time
 * and in the order typed.  A message whose fate is unknown is sent again with
 * the same id, which readers show once; so what was typed during an outage is
 * neither lost nor doubled. */
#include "room_private.h"

#include <stdlib.h>
#include <string.h>

enum { RETRY_MS = 2000 };

static void fail(struct pl_chat_room *r, struct pl_chat_entry *e,
                 const struct plc_result *result)
{
    e->state = PL_CHAT_FAILED;
    pl_chat_entry_set(&e->why, result->code == 103 ? "you may not write here"
                                                   : result->message);
    pl_chat_log_move(&r->log, e, r->top);
    r->me->entry(r, e, r->me->arg);
    pl_chat_room_explain(r, PL_CHAT_WRITE, result->code, result->message);
}

static void on_published(const struct plc_result *result, void *arg)
{
    char id[PL_CHAT_ID_UNITS];

    memcpy(id, ((struct pl_chat_call *)arg)->id, sizeof id);
    struct pl_chat_room *r = pl_chat_call_end(arg);
    if (r == NULL)
        return;
    r->is_sending = false;
    struct pl_chat_entry *e = pl_chat_log_find(&r->log, id);
    if (e != NULL && e->state == PL_CHAT_PENDING) {
        if (result->outcome == PLC_DONE) {
            /* Its publication gives it its place. */
            e->state = PL_CHAT_DONE;
            r->me->entry(r, e, r->me->arg);
        } else if (pl_chat_is_passing(result)) {
            r->retry_due_ms = pl_chat_now_ms() + RETRY_MS;
            return;
        } else {
            fail(r, e, result);
        }
    }
    pl_chat_outbox_flush(r);
    r->me->changed(r->me->arg);
}

static bool publish(struct pl_chat_room *r, const struct pl_chat_entry *e)
{
    struct pl_chat_call *call = pl_chat_call_begin(r, e->id);
    struct pl_buf b = {0};

    pl_chat_message_write(&b, &(struct pl_chat_message){.id = e->id,
                                                        .nick = e->nick,
                                                        .text = e->text,
                                                        .at_ms = e->at_ms});
    bool is_accepted = call != NULL && !b.failed &&
                       plc_sub_publish(r->messages, b.data, b.len, on_published,
                                       call) == PL_OK;
    if (!is_accepted)
        free(call);
    pl_buf_fini(&b);
    return is_accepted;
}

void pl_chat_outbox_flush(struct pl_chat_room *r)
{
    struct pl_chat_entry *e = pl_chat_log_pending(&r->log);

    if (e == NULL || r->is_sending || !r->settled)
        return;
    r->retry_due_ms = 0;
    r->is_sending = publish(r, e);
    if (!r->is_sending)
        r->retry_due_ms = pl_chat_now_ms() + RETRY_MS;
}

void pl_chat_room_say(struct pl_chat_room *r, const char *text)
{
    char id[37];
    char *clipped = pl_chat_clip(pl_span_of(text), PL_CHAT_TEXT_UNITS);

    pl_chat_make_id(id);
    r->typed_at_ms = 0;
    if (clipped != NULL && clipped[0] != '\0') {
        struct pl_chat_entry *e = pl_chat_log_add(
            &r->log, &(struct pl_chat_entry){.kind = PL_CHAT_MESSAGE,
                                             .state = PL_CHAT_PENDING,
                                             .order = PL_CHAT_ORDER_LAST,
                                             .id = id,
                                             .nick = r->me->nick,
                                             .client = r->me->id,
                                             .text = clipped,
                                             .at_ms = pl_chat_wall_ms(),
                                             .own = true});

        if (e != NULL)
            r->me->entry(r, e, r->me->arg);
    }
    free(clipped);
    pl_chat_outbox_flush(r);
    r->me->changed(r->me->arg);
}
