/* SPDX-License-Identifier: Apache-2.0 */
/* mail.h - the numbers of the messages between actors of different modules, and
 * what all of them have in common.  Each receiver has its own header:
 * <receiver>_mail.h.
 *
 * The receiver of a request fills in the result and sends the same message back
 * (pl_mail_answer()), so a result needs no memory and no failed allocation can
 * lose it.  A request that cannot be delivered returns with msg.returned set
 * and the reason in msg.status. */
#ifndef PL_MAIL_H
#define PL_MAIL_H

#include <stddef.h>
#include <stdint.h>

#include "actor.h"
#include "msg.h"

enum pl_mail_type {
    PL_MAIL_PUBLISH = 1, /* hub, admin, embed to channels: pl_publish_mail; and
                            back */
    PL_MAIL_ATTACH,      /* hub to channels: pl_attach_mail; and back */
    PL_MAIL_DETACH,      /* hub to channels: pl_detach_mail */
    PL_MAIL_QUERY,       /* hub, admin, embed to channels: pl_query_mail; and
                            back */
    PL_MAIL_PUBLICATION, /* channels to hub: pl_publication_mail */
    PL_MAIL_PRESENCE_EVENT, /* channels to hub: pl_presence_event_mail */
    PL_MAIL_GAP,            /* channels to hub: pl_gap_mail */
    PL_MAIL_REGISTER,       /* session to supervisor: pl_register_mail */
    PL_MAIL_UNREGISTER,     /* session to supervisor: pl_register_mail */
    PL_MAIL_KICK,           /* supervisor, admin to session: pl_kick_mail */
    PL_MAIL_USER,       /* admin, session, embed to supervisor: pl_user_mail;
                           back */
    PL_MAIL_USER_STATE, /* admin to supervisor: pl_user_state_mail; and back */
    PL_MAIL_DIRECT,     /* session, embed to session: pl_direct_mail; and
                           back */
    PL_MAIL_ANSWER,     /* handler to session: pl_answer_mail */
    PL_MAIL_WATCH,      /* handler to session: pl_watch_mail */
    PL_MAIL_PHASE,      /* supervisor to session managers, listeners:
                           pl_phase_mail; back when done */
    PL_MAIL_MEMORY, /* supervisor to session managers, channels: pl_memory_mail
                     */
    PL_MAIL_HANDLERS, /* embed to session managers: pl_handlers_mail */
    PL_MAIL_ACCESS,   /* embed to session managers and admin: pl_access_mail */
    PL_MAIL_RULES,  /* embed to session managers, channels, admin: pl_rules_mail
                     */
    PL_MAIL_LIST,   /* admin to channels: pl_list_mail; and back */
    PL_MAIL_INPUT,  /* any actor to session: pl_input_mail; and back */
    PL_MAIL_LOOK,   /* admin to session managers, supervisor: pl_look_mail; and
                       back */
    PL_MAIL_TRACE,  /* admin to hubs: pl_trace_mail; and back */
    PL_MAIL_KEY,    /* session manager to keyring: pl_key_mail; and back */
    PL_MAIL_DENIAL, /* admin, embed to supervisor: pl_denial_mail; and back */
    PL_MAIL_DENIED, /* supervisor to session managers: pl_denied_mail */
    PL_MAIL_OWN = 1000 /* from here on: between actors of one module */
};

/* Return the name of a type for people, or "other". */
const char *pl_mail_name(uint16_t type);

/* Send a request with its result back to its sender.
 * Owner:  the runtime. */
void pl_mail_answer(struct pl_actor *self, struct pl_msg *request);

static inline void pl_mail_destroy(struct pl_msg *msg)
{
    msg->destroy(msg);
}

#endif
