/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - names of people and rooms, as the chat page has them. */
#ifndef PL_CHAT_NAMES_H
#define PL_CHAT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "span.h"

enum {
    PL_CHAT_ROOM_CHARS = 30,
    PL_CHAT_ROOM_SIZE = 4 * PL_CHAT_ROOM_CHARS + 1
};

/* Return `text` without the blanks around it and at most `units_max` UTF-16
 * units of it.  Zero bytes and broken UTF-8 are left out.
 * Owner: the caller, with free(); NULL: out of memory. */
char *pl_chat_clip(struct pl_span text, size_t units_max);

/* Write the name of a room: letters of any script and digits in lower case,
 * with one dash for anything between them; empty if `text` has none. */
void pl_chat_clean_room(char room[PL_CHAT_ROOM_SIZE], struct pl_span text);

/* Append `nick` so that names which look the same become the same: in lower
 * case, without blanks and invisible characters. */
void pl_chat_put_look(struct pl_buf *b, const char *nick);

bool pl_chat_looks_same(const char *a, const char *b);

/* True if `text` begins with `start`, whatever the case of letters. */
bool pl_chat_begins_with(const char *text, struct pl_span start);

/* True if `nick` stands in `text` as a word. */
bool pl_chat_mentions(const char *text, const char *nick);

/* The end of a client id, which distinguishes two people of one name. */
const char *pl_chat_tag(const char *client);

#endif
