/* SPDX-License-Identifier: Apache-2.0 */
/* people.h - who is in a room, what they are called, and who is typing. */
#ifndef PL_CHAT_PEOPLE_H
#define PL_CHAT_PEOPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "message.h"

enum {
    PL_CHAT_PEOPLE_MAX = 1000, /* that are known; others are only counted */
    PL_CHAT_TYPING_MS = 4500   /* how long a sign of typing is shown */
};

struct pl_chat_person {
    char client[PL_CHAT_CLIENT_SIZE];
    char *nick;              /* owned; NULL: not known yet */
    int64_t typing_until_ms; /* 0: not typing */
    bool here;
    bool self;
    bool is_ambiguous; /* another one here has the same name */
};

struct pl_chat_people {
    struct pl_chat_person **all; /* owned; this user first, then by name */
    size_t count, cap;
    size_t uncounted; /* here, beyond the bound */
    size_t here;      /* valid while is_sorted */
    bool is_sorted;
};

void pl_chat_people_fini(struct pl_chat_people *p);

/* Find a person; with `add`, make one.  NULL: none, or no place for one. */
struct pl_chat_person *pl_chat_people_get(struct pl_chat_people *p,
                                          const char *client, bool add);

/* Forget who is here; the names stay. */
void pl_chat_people_begin(struct pl_chat_people *p);

/* Say that `client` is here; `self`: it is this program. */
void pl_chat_people_here(struct pl_chat_people *p, const char *client,
                         bool self);
/* Forget `client`. */
void pl_chat_people_gone(struct pl_chat_people *p, const char *client);

void pl_chat_people_name(struct pl_chat_people *p, const char *client,
                         const char *nick);

/* Return those here; they stand first and sorted. */
size_t pl_chat_people_sort(struct pl_chat_people *p);

/* Append the name to show: without a nick `guest` and the end of the id. */
void pl_chat_person_put(const struct pl_chat_person *one, struct pl_buf *b);

/* Append who is typing, as "Ada is typing". */
void pl_chat_people_put_typing(const struct pl_chat_people *p, int64_t now_ms,
                               struct pl_buf *b);

/* Return when the next sign of typing ends; 0: none. */
int64_t pl_chat_people_due(const struct pl_chat_people *p, int64_t now_ms);

#endif
