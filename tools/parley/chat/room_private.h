/* SPDX-License-Identifier: Apache-2.0 */
/* room_private.h - what the files of a room share. */
#ifndef PL_CHAT_ROOM_PRIVATE_H
#define PL_CHAT_ROOM_PRIVATE_H

#include "room.h"

/* What the broker may not permit. */
enum pl_chat_right {
    PL_CHAT_READ,
    PL_CHAT_WRITE,
    PL_CHAT_HISTORY,
    PL_CHAT_PRESENCE,
    PL_CHAT_SIGNS
};

/* Explain once in the room that the broker refused something. */
void pl_chat_room_explain(struct pl_chat_room *r, enum pl_chat_right right,
                          uint32_t code, const char *text);

/* An answer that is awaited; it belongs to one join of a room. */
struct pl_chat_call {
    struct pl_chat_room *room;
    unsigned life;
    char id[PL_CHAT_ID_UNITS]; /* of a message */
};

/* NULL: out of memory.  Owner: the callback, with pl_chat_call_end(). */
struct pl_chat_call *pl_chat_call_begin(struct pl_chat_room *r, const char *id);

/* Free the call and return its room, or NULL if the room was left since. */
struct pl_chat_room *pl_chat_call_end(struct pl_chat_call *call);

/* The result may be another one when it is tried again. */
bool pl_chat_is_passing(const struct plc_result *result);

/* outbox.c: send what is pending, one message after the other. */
void pl_chat_outbox_flush(struct pl_chat_room *r);

/* signs.c */
enum pl_err pl_chat_signs_join(struct pl_chat_room *r);
void pl_chat_signs_hello(struct pl_chat_room *r, const char *was, bool ask,
                         bool back);

#endif
