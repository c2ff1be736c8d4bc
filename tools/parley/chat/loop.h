/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - the loop of a front: standard input, signals, the connection, and
 * times. */
#ifndef PL_CHAT_LOOP_H
#define PL_CHAT_LOOP_H

#include "chat.h"

struct pl_chat_loop {
    struct pl_chat *chat;
    int signals; /* pl_signals_open(), or -1 */
    void (*input)(const char *bytes, size_t len, void *arg);
    void (*end_of_input)(void *arg);
    void (*signal)(int number, void *arg);
    /* Called before each wait.  Return when to wake (pl_chat_now_ms()), or 0;
     * draw what has changed. */
    int64_t (*step)(void *arg);
    void *arg;
    bool has_ended; /* set it to end the loop */
    bool has_no_input;
    bool is_unread; /* no program reads standard output any more */
};

void pl_chat_loop_run(struct pl_chat_loop *l);

#endif
