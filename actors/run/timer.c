/* SPDX-License-Identifier: Apache-2.0 */
/* timer.c - see timer.h.
 *
 * Four wheels of 256 slots; a tick is written as four digits to the base 256.
 * A timer is on the level of the highest digit in which its tick differs from
 * the wheel's, in the slot of its own digit there.  When the tick of the wheel
 * enters a slot of a coarser level, the timers of that slot move to finer ones.
 * So starting and stopping cost two links, and finding the next work is a
 * search in a bitmap of 256 bits per level, finest first.
 *
 * A timer beyond the reach of the coarsest level (198 days) is there in the
 * slot of its digit too, and is placed again once per revolution.
 *
 * Rejected: a heap, because most timers (timeouts, pings) are moved or stopped
 * long before they fire, and each move costs a heap O(log n).
 *
 * Invariant: each timer in a slot has a tick after the wheel's, except in the
 * slot being fired.  A bit of `occupied` is set exactly if the list of its slot
 * is not empty. */
#include "timer.h"

#include <assert.h>

#include "loop_private.h"

enum { TOP = PL_WHEEL_LEVELS - 1, WORDS = PL_WHEEL_SLOTS / 64 };

static unsigned digit(uint64_t tick, unsigned level)
{
    return tick >> (PL_WHEEL_BITS * level) & (PL_WHEEL_SLOTS - 1);
}

static void set_occupied(struct pl_wheel *w, unsigned level, unsigned slot)
{
    w->occupied[level][slot / 64] |= UINT64_C(1) << slot % 64;
}

static void clear_occupied(struct pl_wheel *w, unsigned level, unsigned slot)
{
    w->occupied[level][slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

static unsigned level_of(const struct pl_wheel *w, uint64_t tick)
{
    uint64_t differs = tick ^ w->tick;

    if (differs == 0)
        return 0;
    unsigned level = (63 - (unsigned)__builtin_clzll(differs)) / PL_WHEEL_BITS;
    return level > TOP ? TOP : level;
}

static void place(struct pl_wheel *w, struct pl_timer *t)
{
    unsigned level = level_of(w, t->tick);
    unsigned slot = digit(t->tick, level);

    pl_list_append(&w->slot[level][slot], &t->link);
    set_occupied(w, level, slot);
}

/* Move all timers of a slot to `to`, an uninitialised head. */
static void empty_slot(struct pl_wheel *w, unsigned level, unsigned slot,
                       struct pl_list *to)
{
    struct pl_list *from = &w->slot[level][slot];

    pl_list_init(to);
    if (pl_list_is_empty(from))
        return;
    *to = *from;
    to->next->prev = to->prev->next = to;
    pl_list_init(from);
    clear_occupied(w, level, slot);
}

void pl_wheel_init(struct pl_wheel *w, uint64_t now_ms)
{
    *w = (struct pl_wheel){.tick = now_ms / PL_TIMER_TICK_MS};
    for (unsigned level = 0; level < PL_WHEEL_LEVELS; level++) {
        for (unsigned slot = 0; slot < PL_WHEEL_SLOTS; slot++)
            pl_list_init(&w->slot[level][slot]);
    }
}

void pl_wheel_start(struct pl_wheel *w, struct pl_timer *t, uint64_t due_ms)
{
    pl_wheel_stop(w, t);
    t->tick = due_ms / PL_TIMER_TICK_MS + (due_ms % PL_TIMER_TICK_MS != 0);
    if (t->tick <= w->tick)
        t->tick = w->tick + 1; /* timers of the current tick have fired */
    place(w, t);
    w->count++;
}

/* The slot of a timer is known only if the timer is the last in it: both
 * neighbours are then the head of the slot, and its address gives the index. */
void pl_wheel_stop(struct pl_wheel *w, struct pl_timer *t)
{
    if (!pl_timer_is_running(t))
        return;
    struct pl_list *head = t->link.next == t->link.prev ? t->link.next : NULL;
    pl_list_remove(&t->link);
    w->count--;
    uintptr_t at = (uintptr_t)head - (uintptr_t)w->slot;
    if (head == NULL || at >= sizeof w->slot || !pl_list_is_empty(head))
        return; /* others are left, or the head is of the list being fired */
    unsigned index = (unsigned)(at / sizeof *head);
    clear_occupied(w, index / PL_WHEEL_SLOTS, index % PL_WHEEL_SLOTS);
}

/* Return the first occupied slot from `from` on, or PL_WHEEL_SLOTS. */
static unsigned find_occupied(const struct pl_wheel *w, unsigned level,
                              unsigned from)
{
    if (from >= PL_WHEEL_SLOTS)
        return PL_WHEEL_SLOTS;
    uint64_t bits = w->occupied[level][from / 64] & (UINT64_MAX << from % 64);
    for (unsigned word = from / 64;;) {
        if (bits != 0)
            return word * 64 + (unsigned)__builtin_ctzll(bits);
        if (++word == WORDS)
            return PL_WHEEL_SLOTS;
        bits = w->occupied[level][word];
    }
}

/* The tick at which the wheel has work next.  All timers of a finer level come
 * before those of a coarser one, because they share the coarser digits with the
 * wheel.  Only the top level wraps around. */
static uint64_t next_tick(const struct pl_wheel *w)
{
    if (w->count == 0)
        return UINT64_MAX;
    for (unsigned level = 0; level < PL_WHEEL_LEVELS; level++) {
        unsigned bits = PL_WHEEL_BITS * level;
        uint64_t round = w->tick >> bits >> PL_WHEEL_BITS;
        unsigned slot = find_occupied(w, level, digit(w->tick, level) + 1);
        if (slot == PL_WHEEL_SLOTS && level == TOP) {
            slot = find_occupied(w, level, 0);
            round++;
        }
        if (slot < PL_WHEEL_SLOTS)
            return (round << PL_WHEEL_BITS | slot) << bits;
    }
    return UINT64_MAX; /* all that is left is being fired */
}

/* Coarsest first: a timer of a coarse slot may move to a finer one that is
 * entered at the same tick. */
static void refine(struct pl_wheel *w)
{
    for (unsigned level = TOP; level > 0; level--) {
        if ((w->tick & ((UINT64_C(1) << (PL_WHEEL_BITS * level)) - 1)) != 0)
            continue;
        struct pl_list moved, *link;
        empty_slot(w, level, digit(w->tick, level), &moved);
        while ((link = pl_list_pop(&moved)) != NULL)
            place(w, PL_CONTAINER(link, struct pl_timer, link));
    }
}

/* Move the due timers to a separate list first: a timer restarted by its
 * callback must not fire again here. */
static void fire(struct pl_wheel *w)
{
    struct pl_list due, *link;

    empty_slot(w, 0, digit(w->tick, 0), &due);
    while ((link = pl_list_pop(&due)) != NULL) {
        struct pl_timer *t = PL_CONTAINER(link, struct pl_timer, link);
        assert(t->tick == w->tick);
        w->count--;
        t->fire(t);
    }
}

void pl_wheel_run(struct pl_wheel *w, uint64_t now_ms)
{
    uint64_t target = now_ms / PL_TIMER_TICK_MS;

    for (;;) {
        uint64_t next = next_tick(w);
        if (next > target)
            break;
        w->tick = next;
        refine(w);
        fire(w);
    }
    if (w->tick < target)
        w->tick = target;
}

uint64_t pl_wheel_next(const struct pl_wheel *w, uint64_t now_ms)
{
    uint64_t tick = next_tick(w);

    if (tick > UINT64_MAX / PL_TIMER_TICK_MS)
        return UINT64_MAX;
    uint64_t due_ms = tick * PL_TIMER_TICK_MS;
    return due_ms > now_ms ? due_ms - now_ms : 0;
}

void pl_timer_start(struct pl_loop *loop, struct pl_timer *t, uint64_t delay_ms)
{
    uint64_t now_ms = pl_loop_now_ms(loop);
    uint64_t due_ms =
        delay_ms < UINT64_MAX - now_ms ? now_ms + delay_ms : UINT64_MAX;

    pl_wheel_start(&loop->wheel, t, due_ms);
    loop->stats.timers = loop->wheel.count;
}

void pl_timer_stop(struct pl_loop *loop, struct pl_timer *t)
{
    pl_wheel_stop(&loop->wheel, t);
    loop->stats.timers = loop->wheel.count;
}
