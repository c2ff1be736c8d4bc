/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - what was written in a room, and remarks between it, in order. */
#ifndef PL_CHAT_LOG_H
#define PL_CHAT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "moves.h"

enum {
    PL_CHAT_LOG_MAX = 2000 /* entries; the oldest leaves */
};

/* The place of what is not published yet: at the end. */
#define PL_CHAT_ORDER_LAST UINT64_MAX

enum pl_chat_entry_kind {
    PL_CHAT_MESSAGE,
    PL_CHAT_TO,   /* a direct message of this user; `nick` is the receiver */
    PL_CHAT_FROM, /* a direct message to this user */
    PL_CHAT_NOTE,
    PL_CHAT_MOVES /* who came and left */
};

enum pl_chat_entry_state { PL_CHAT_DONE, PL_CHAT_PENDING, PL_CHAT_FAILED };

/* All strings are owned and never NULL. */
struct pl_chat_entry {
    enum pl_chat_entry_kind kind;
    enum pl_chat_entry_state state;
    uint64_t order;
    char *id; /* "": none */
    char *nick;
    char *client; /* of the sender; "": unknown */
    char *text;
    char *why; /* FAILED */
    int64_t at_ms;
    bool own;
    bool is_known;               /* for the front: it has seen this entry */
    struct pl_chat_moves *moves; /* owned; of MOVES */
};

struct pl_chat_log {
    struct pl_chat_entry **entries; /* owned */
    size_t count, cap;
};

void pl_chat_log_fini(struct pl_chat_log *l);

/* Put in a copy of `from`, whose strings may be NULL.  Return the copy, or NULL
 * if out of memory.  It stands behind all entries of its order and before. */
struct pl_chat_entry *pl_chat_log_add(struct pl_chat_log *l,
                                      const struct pl_chat_entry *from);

/* Find a message by its id; "" is none. */
struct pl_chat_entry *pl_chat_log_find(const struct pl_chat_log *l,
                                       const char *id);

/* Give `e`, which is in the log, another place. */
void pl_chat_log_move(struct pl_chat_log *l, struct pl_chat_entry *e,
                      uint64_t order);

/* Return the first message of this user that is not published. */
struct pl_chat_entry *pl_chat_log_pending(const struct pl_chat_log *l);

/* Return the last entry that is published if it is of MOVES, else NULL. */
struct pl_chat_entry *pl_chat_log_moves(const struct pl_chat_log *l);

/* Replace a string of an entry; out of memory keeps the old one. */
void pl_chat_entry_set(char **string, const char *text);

#endif
