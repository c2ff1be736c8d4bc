/* SPDX-License-Identifier: Apache-2.0 */
/* list.h - a doubly linked ring through the things themselves. */
#ifndef PL_LIST_H
#define PL_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* As a head: the ring's first and last.  As a member: its neighbours.  A
 * member outside every list has NULL links (all zero is such a member). */
struct pl_list {
    struct pl_list *next;
    struct pl_list *prev;
};

#define PL_CONTAINER(pointer, type, member)                                    \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void pl_list_init(struct pl_list *head)
{
    head->next = head->prev = head;
}

static inline bool pl_list_is_empty(const struct pl_list *head)
{
    return head->next == head;
}

static inline bool pl_list_is_linked(const struct pl_list *member)
{
    return member->next != NULL;
}

static inline void pl_list_append(struct pl_list *head, struct pl_list *member)
{
    member->prev = head->prev;
    member->next = head;
    head->prev->next = member;
    head->prev = member;
}

/* Take `member` out; nothing happens when it is in no list. */
static inline void pl_list_remove(struct pl_list *member)
{
    if (member->next == NULL)
        return;
    // both are set, or neither: NOLINTNEXTLINE(clang-analyzer-core.*)
    member->prev->next = member->next;
    member->next->prev = member->prev;
    member->next = member->prev = NULL;
}

/* Take the first member out and give it, or NULL from an empty list. */
static inline struct pl_list *pl_list_pop(struct pl_list *head)
{
    struct pl_list *first = head->next;

    if (first == head)
        return NULL;
    pl_list_remove(first);
    return first;
}

#endif
