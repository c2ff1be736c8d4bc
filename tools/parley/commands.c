/* SPDX-License-Identifier: Apache-2.0 */
/* commands.c - see commands.h. */
#include "commands.h"

#include <string.h>

const struct command *const commands[] = {
#define X(name) &command_##name,
    COMMAND_MAP(X)
#undef X
        NULL};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}
