/* SPDX-License-Identifier: Apache-2.0 */
/* room.h - one room of the chat: what is sent, received and remembered.
 *
 * A room is two channels, as on the chat page (tools/demo/room.js).
 * room.<name> carries messages, with history and recovery.  signs.<name>
 * carries what has no value later: what members are called, and who is typing;
 * the presence of a room is that of its signs.
 *
 * Thread: the one that dispatches the callbacks of the client's group. */
#ifndef PL_CHAT_ROOM_H
#define PL_CHAT_ROOM_H

#include "log.h"
#include "names.h"
#include "parley_client.h"
#include "people.h"

struct pl_chat_room;

/* What all rooms share. */
struct pl_chat_me {
    struct plc_client *client;
    char *nick;                   /* owned */
    char id[PL_CHAT_CLIENT_SIZE]; /* while connected; else "" */
    const struct pl_chat_room *current;
    /* Called for an entry that is new, or whose state has changed. */
    void (*entry)(struct pl_chat_room *room, struct pl_chat_entry *e,
                  void *arg);
    /* Something that is shown has changed. */
    void (*changed)(void *arg);
    void *arg;
};

enum pl_chat_past { PL_CHAT_PAST_MORE, PL_CHAT_PAST_LOADING, PL_CHAT_PAST_ALL };

struct pl_chat_room {
    struct pl_chat_me *me;
    char name[PL_CHAT_ROOM_SIZE];
    struct plc_sub *messages, *signs; /* NULL: not joined */
    struct pl_chat_log log;
    struct pl_chat_people people;
    unsigned unread, mentions; /* since it was shown last */
    unsigned life;             /* counts joins: answers of an earlier one end */
    /* What was received: orders of the log, and offsets of the epoch. */
    char epoch[64];
    uint64_t era, top, offset, oldest;
    uint64_t missed, missed_order; /* recovered messages, and their place */
    enum pl_chat_past past;
    uint32_t explained; /* rights whose lack was shown */
    /* Times to do something; 0: nothing to do. */
    int64_t retry_due_ms, hello_due_ms;
    int64_t typed_at_ms;
    bool entered;    /* its history was read once */
    bool greeted;    /* the others know that we are here */
    bool settled;    /* the outbox was compared with what arrived */
    bool is_sending; /* one message is in transit */
};

/* Owner: the caller.  It stays until the group is destroyed, since answers may
 * still come.
 * Errors: PL_ENOMEM. */
enum pl_err pl_chat_room_create(struct pl_chat_room **out,
                                struct pl_chat_me *me, const char *name);
void pl_chat_room_destroy(struct pl_chat_room *r);

enum pl_err pl_chat_room_join(struct pl_chat_room *r);
void pl_chat_room_leave(struct pl_chat_room *r);
bool pl_chat_room_is_joined(const struct pl_chat_room *r);

/* Send `text`.  It is shown at once as pending, and is sent again after each
 * loss of the connection until it comes back. */
void pl_chat_room_say(struct pl_chat_room *r, const char *text);

/* This user is typing. */
void pl_chat_room_typed(struct pl_chat_room *r);

/* Send the members the new nick of this user, who was called `was`. */
void pl_chat_room_rename(struct pl_chat_room *r, const char *was);

/* Read the part of the history before the first entry. */
void pl_chat_room_older(struct pl_chat_room *r);

/* Add a remark where the last message is. */
void pl_chat_room_note(struct pl_chat_room *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Do what is due; return when the next is, or 0. */
int64_t pl_chat_room_tick(struct pl_chat_room *r);

/* A monotonic clock, and the time of day. */
int64_t pl_chat_now_ms(void);
int64_t pl_chat_wall_ms(void);

/* A new id of a message. */
void pl_chat_make_id(char id[37]);

#endif
