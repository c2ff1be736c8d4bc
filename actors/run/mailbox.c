/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox.c - see mailbox.h.
 *
 * A singly linked list through the messages: appending and taking write two
 * pointers and allocate nothing.
 *
 * Rejected: a ring of pointers, because each idle actor would pay for its
 * memory.  Rejected: dropping the oldest or replacing an older message when the
 * mailbox is full, because its sender would believe that it was accepted.
 *
 * Invariant: `count` is the length of the list; `last` is NULL exactly if
 * `first` is. */
#include "mailbox.h"

#include <stddef.h>

bool pl_mailbox_push(struct pl_mailbox *mb, uint32_t limit, struct pl_msg *msg)
{
    if (mb->count >= limit && (msg->flags & PL_MSG_RESERVED) == 0)
        return false;
    msg->next = NULL;
    if (mb->last == NULL)
        mb->first = msg;
    else
        mb->last->next = msg;
    mb->last = msg;
    mb->count++;
    return true;
}

struct pl_msg *pl_mailbox_pop(struct pl_mailbox *mb)
{
    struct pl_msg *msg = mb->first;

    if (msg == NULL)
        return NULL;
    mb->first = msg->next;
    if (mb->first == NULL)
        mb->last = NULL;
    msg->next = NULL;
    mb->count--;
    return msg;
}
