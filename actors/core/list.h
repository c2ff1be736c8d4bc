/* SPDX-License-Identifier: Apache-2.0 */
/* list.h - an intrusive doubly linked ring. */
#ifndef PL_LIST_H
#define PL_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* In a head: the first and last member of the ring.  In a member: its
 * neighbours.  A member of no list has NULL links, as an all-zero struct
 * has. */
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

/* Remove `member` from its list, if it is in one. */
static inline void pl_list_remove(struct pl_list *member)
{
    if (member->next == NULL)
        return;
    // both are set, or neither: NOLINTNEXTLINE(clang-analyzer-core.*)
    member->prev->next = member->next;
    member->next->prev = member->prev;
    member->next = member->prev = NULL;
}

/* Remove and return the first member, or return NULL if the list is empty. */
static inline struct pl_list *pl_list_pop(struct pl_list *head)
{
    struct pl_list *first = head->next;

    if (first == head)
        return NULL;
    pl_list_remove(first);
    return first;
}

#endif
