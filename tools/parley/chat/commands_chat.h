/* SPDX-License-Identifier: Apache-2.0 */
/* commands_chat.h - what a line with a slash does. */
#ifndef PL_CHAT_COMMANDS_H
#define PL_CHAT_COMMANDS_H

#include "chat.h"

struct pl_chat_command {
    const char *name; /* with the slash */
    const char *arguments;
    const char *help;
    void (*run)(struct pl_chat *c, struct pl_span arguments);
};

/* All of them; the last has no name. */
extern const struct pl_chat_command pl_chat_commands[];

/* Run `line`, which begins with a slash. */
void pl_chat_command_run(struct pl_chat *c, struct pl_span line);

#endif
