/* SPDX-License-Identifier: Apache-2.0 */
/* mail.c - see mail.h.
 *
 * Each kind of mail has one create and one destroy function.  The destroy
 * function releases whatever the message still owns, so a message can be
 * dropped anywhere on its path.  A result is reserved mail: its place was
 * reserved when the request was made. */
#include "mail_private.h"
#include "monitor.h"

#include <stdlib.h>

void *pl_mail_create(size_t size, enum pl_mail_type type, uint8_t flags,
                     void (*destroy)(struct pl_msg *))
{
    struct pl_msg *m = calloc(1, size);

    if (m == NULL)
        return NULL;
    m->type = (uint16_t)type;
    m->flags = flags;
    m->destroy = destroy;
    return m;
}

void pl_mail_free(struct pl_msg *msg)
{
    free(msg);
}

void pl_mail_answer(struct pl_actor *self, struct pl_msg *request)
{
    struct pl_address to = request->from;

    request->flags = PL_MSG_RESERVED;
    pl_actor_send(self, to, request);
}

const char *pl_mail_name(uint16_t type)
{
    static const char *const names[] = {
        [PL_MAIL_PUBLISH] = "publish",
        [PL_MAIL_ATTACH] = "attach",
        [PL_MAIL_DETACH] = "detach",
        [PL_MAIL_QUERY] = "query",
        [PL_MAIL_PUBLICATION] = "publication",
        [PL_MAIL_PRESENCE_EVENT] = "presence event",
        [PL_MAIL_GAP] = "gap",
        [PL_MAIL_REGISTER] = "register",
        [PL_MAIL_UNREGISTER] = "unregister",
        [PL_MAIL_KICK] = "kick",
        [PL_MAIL_USER] = "user",
        [PL_MAIL_USER_STATE] = "user state",
        [PL_MAIL_DIRECT] = "direct",
        [PL_MAIL_ANSWER] = "answer",
        [PL_MAIL_WATCH] = "watch",
        [PL_MAIL_PHASE] = "phase",
        [PL_MAIL_MEMORY] = "memory",
        [PL_MAIL_HANDLERS] = "handlers",
        [PL_MAIL_ACCESS] = "access",
        [PL_MAIL_RULES] = "rules",
        [PL_MAIL_LIST] = "list",
        [PL_MAIL_INPUT] = "input",
        [PL_MAIL_LOOK] = "look",
        [PL_MAIL_TRACE] = "trace",
        [PL_MAIL_KEY] = "key",
        [PL_MAIL_DENIAL] = "denial",
        [PL_MAIL_DENIED] = "denied",
    };

    if (type == PL_MSG_STOP)
        return "stop";
    if (type == PL_MSG_DOWN)
        return "down";
    return type < sizeof names / sizeof names[0] && names[type] != NULL
               ? names[type]
               : "other";
}
