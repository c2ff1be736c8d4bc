/* SPDX-License-Identifier: Apache-2.0 */
/* actor_list.c - the actors of a loop with the most mail; see look_mail.h. */
#include <inttypes.h>

#include "loop.h"
#include "look_mail.h"
#include "mail.h"

enum { SLOTS = 1024, WORK_SLOT = 2 };

static bool visit(struct pl_actor *a, void *arg)
{
    struct pl_look_mail *m = arg;
    struct pl_address at = pl_actor_address(a);
    uint32_t mail = a->mailbox.count;
    struct pl_buf *b;

    if (!pl_top_wants(&m->top, mail) ||
        (b = pl_top_enter(&m->top, mail)) == NULL)
        return true;
    pl_buf_printf(b,
                  "{\"address\":\"%u.%" PRIu32 ".%" PRIu32
                  "\",\"kind\":\"%s\",\"loop\":%u,\"mail\":%" PRIu32
                  ",\"mail_limit\":%" PRIu32 "}",
                  at.loop, at.slot, at.generation, a->ops->name, at.loop, mail,
                  a->ops->mailbox_limit);
    return true;
}

void pl_look_at_actors(struct pl_actor *self, struct pl_look_mail *m)
{
    m->at =
        pl_actor_each_from(self->loop, (uint32_t)m->at, SLOTS, NULL, visit, m);
    m->has_more = m->at != 0;
    pl_loop_add_work(self->loop, (uint64_t)SLOTS * WORK_SLOT);
    pl_mail_answer(self, &m->msg);
}
