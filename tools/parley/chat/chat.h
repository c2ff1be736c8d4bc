/* SPDX-License-Identifier: Apache-2.0 */
/* chat.h - a client of the chat: its connection, its rooms and its commands.
 * It draws nothing and reads nothing; a front does (tui.h, line_mode.h).
 *
 * Thread: one, that of pl_chat_dispatch(). */
#ifndef PL_CHAT_CHAT_H
#define PL_CHAT_CHAT_H

#include "room.h"

enum {
    PL_CHAT_WHY_SIZE = 256,
    PL_CHAT_ROOMS_MAX = 32,
    PL_CHAT_ROOMS_LEFT_MAX = 256
};

struct pl_chat_front {
    void (*entry)(struct pl_chat_room *room, struct pl_chat_entry *e,
                  void *arg);
    void (*changed)(void *arg);
    /* A short remark that belongs to no room. */
    void (*notice)(const char *text, void *arg);
    /* The state of the connection is another one. */
    void (*state)(void *arg);
    void *arg;
};

struct pl_chat_options {
    const char *url, *token, *version;
    const struct plc_link *link; /* NULL: the defaults */
    void (*get_token)(struct plc_client *c, struct plc_token *t, void *arg);
    void *get_token_arg;
    const char *nick;         /* NULL: the user's name here */
    const char *const *rooms; /* ended by NULL; the first is shown */
    const char *color;        /* always, never or auto; NULL: auto */
    const char *history;      /* the file of entered lines; NULL: none */
    int64_t timeout_ms;       /* 0: for ever; for what waits at the end */
};

struct pl_chat {
    struct pl_chat_me me;
    struct plc_group *group;
    struct pl_chat_front front;
    void (*get_token)(struct plc_client *client, struct plc_token *t,
                      void *arg);
    void *get_token_arg;
    struct pl_chat_room *rooms[PL_CHAT_ROOMS_MAX]; /* joined, in that order */
    size_t count;
    struct pl_chat_room *left[PL_CHAT_ROOMS_LEFT_MAX];
    size_t left_count;
    enum plc_state state;
    int64_t since_ms;           /* of the state */
    char why[PL_CHAT_WHY_SIZE]; /* the last trouble of the connection */
    char host[256];             /* of the URL, to show */
    bool was_connected;
    bool has_quit;
    bool is_creating;
};

/* Errors: PL_EINVAL: an option; `why` says which. */
enum pl_err pl_chat_create(struct pl_chat **out,
                           const struct pl_chat_options *options,
                           const struct pl_chat_front *front,
                           char why[PL_CHAT_WHY_SIZE]);
/* Close the connection and free everything. */
void pl_chat_destroy(struct pl_chat *c);

/* A descriptor that is readable while there is something to dispatch. */
int pl_chat_fd(const struct pl_chat *c);
void pl_chat_dispatch(struct pl_chat *c);

/* Do what is due; return when the next is (pl_chat_now_ms()), or 0. */
int64_t pl_chat_tick(struct pl_chat *c);

/* The room that is shown; NULL: none is joined. */
struct pl_chat_room *pl_chat_current(const struct pl_chat *c);
void pl_chat_show(struct pl_chat *c, struct pl_chat_room *r);

/* Show the room `steps` after the current one, or the one at `index`. */
void pl_chat_show_next(struct pl_chat *c, int steps);
void pl_chat_show_index(struct pl_chat *c, size_t index);

/* A line that was entered: a command if it begins with one slash. */
void pl_chat_enter(struct pl_chat *c, const char *line);

/* Messages that are not sent yet. */
size_t pl_chat_pending(const struct pl_chat *c);

/* What commands do.  A name is cleaned first. */
void pl_chat_join(struct pl_chat *c, struct pl_span name);
void pl_chat_leave(struct pl_chat *c, struct pl_chat_room *r);
struct pl_chat_room *pl_chat_find(const struct pl_chat *c, struct pl_span name);
void pl_chat_rename(struct pl_chat *c, struct pl_span nick);
void pl_chat_direct(struct pl_chat *c, const struct pl_chat_person *to,
                    const char *text);
void pl_chat_notice(struct pl_chat *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Take the name of a person in the current room from the begin of *rest; NULL:
 * it begins with none. */
struct pl_chat_person *pl_chat_person_at(const struct pl_chat *c,
                                         struct pl_span *rest);

#endif
