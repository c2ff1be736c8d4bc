/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox.c - see mailbox.h.
 *
 * A singly linked list through the messages: appending and taking write two
 * pointers and allocate nothing.  Policies that search the list do so only when
 * the mailbox is full, which need not be fast.
 *
 * Rejected: a ring of pointers, because each idle actor would pay for its
 * memory.
 *
 * Invariant: `count` is the length of the list; `last` is NULL exactly if
 * `first` is. */
#include "mailbox.h"

#include <stddef.h>

static bool is_reserved(const struct pl_msg *msg)
{
    return (msg->flags & PL_MSG_RESERVED) != 0;
}

static void append(struct pl_mailbox *mb, struct pl_msg *msg)
{
    msg->next = NULL;
    if (mb->last == NULL)
        mb->first = msg;
    else
        mb->last->next = msg;
    mb->last = msg;
    mb->count++;
}

/* The link to the message after `before`; after NULL comes the first. */
static struct pl_msg **link_behind(struct pl_mailbox *mb, struct pl_msg *before)
{
    return before == NULL ? &mb->first : &before->next;
}

static struct pl_msg *take_behind(struct pl_mailbox *mb, struct pl_msg *before)
{
    struct pl_msg **link = link_behind(mb, before);
    struct pl_msg *taken = *link;

    *link = taken->next;
    if (mb->last == taken)
        mb->last = before;
    taken->next = NULL;
    mb->count--;
    return taken;
}

/* Remove and return the oldest message that is not reserved, or NULL. */
static struct pl_msg *take_oldest(struct pl_mailbox *mb)
{
    struct pl_msg *before = NULL;

    for (struct pl_msg *m = mb->first; m != NULL; before = m, m = m->next) {
        if (!is_reserved(m))
            return take_behind(mb, before);
    }
    return NULL;
}

/* Put `msg` in the place of the newest message of its type and sender that is
 * not reserved.  Return that message, or NULL if there is none. */
static struct pl_msg *replace(struct pl_mailbox *mb, struct pl_msg *msg)
{
    struct pl_msg *before = NULL, *found = NULL, *found_before = NULL;

    for (struct pl_msg *m = mb->first; m != NULL; before = m, m = m->next) {
        if (!is_reserved(m) && m->type == msg->type &&
            pl_address_equal(m->from, msg->from)) {
            found = m;
            found_before = before;
        }
    }
    if (found == NULL)
        return NULL;
    msg->next = found->next;
    *link_behind(mb, found_before) = msg;
    if (mb->last == found)
        mb->last = msg;
    found->next = NULL;
    return found;
}

static enum pl_mailbox_verdict push_full(struct pl_mailbox *mb,
                                         enum pl_when_full when_full,
                                         struct pl_msg *msg,
                                         struct pl_msg **displaced)
{
    struct pl_msg *out = NULL;

    if (when_full == PL_FULL_REFUSE || when_full == PL_FULL_CLOSE)
        return PL_MAILBOX_REFUSED;
    if (when_full == PL_FULL_KEEP_LATEST)
        out = replace(mb, msg);
    if (out == NULL) {
        out = take_oldest(mb);
        if (out == NULL)
            return PL_MAILBOX_REFUSED;
        append(mb, msg);
    }
    *displaced = out;
    return PL_MAILBOX_DISPLACED;
}

enum pl_mailbox_verdict pl_mailbox_push(struct pl_mailbox *mb,
                                        struct pl_mail_policy policy,
                                        struct pl_msg *msg,
                                        struct pl_msg **displaced)
{
    if (mb->count >= policy.limit && !is_reserved(msg))
        return push_full(mb, policy.when_full, msg, displaced);
    append(mb, msg);
    return PL_MAILBOX_TAKEN;
}

struct pl_msg *pl_mailbox_pop(struct pl_mailbox *mb)
{
    if (mb->first == NULL)
        return NULL;
    return take_behind(mb, NULL);
}
