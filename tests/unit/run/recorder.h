/* SPDX-License-Identifier: Apache-2.0 */
/* recorder.h - an actor that writes down what it gets, and messages that count
 * how many of them are alive; for the tests of this module. */
#ifndef RECORDER_H
#define RECORDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "actor.h"
#include "list.h"
#include "loop.h"
#include "system.h"

static atomic_int notes_alive;

struct note {
    struct pl_msg msg;
    uint64_t number;
};

static inline void note_destroy(struct pl_msg *msg)
{
    atomic_fetch_sub(&notes_alive, 1);
    free(PL_CONTAINER(msg, struct note, msg));
}

static inline struct pl_msg *note(uint64_t number, uint16_t type, uint8_t flags)
{
    struct note *n = calloc(1, sizeof *n);

    assert_non_null(n);
    n->number = number;
    n->msg.type = type;
    n->msg.flags = flags;
    n->msg.destroy = note_destroy;
    atomic_fetch_add(&notes_alive, 1);
    return &n->msg;
}

static inline uint64_t note_number(const struct pl_msg *msg)
{
    return PL_CONTAINER(msg, const struct note, msg)->number;
}

/* A tear-down of cmocka.  `*state` is the system of the test; destroying it
 * frees all notes. */
static inline int tear_down(void **state)
{
    pl_system_destroy(*state);
    assert_int_equal(atomic_load(&notes_alive), 0);
    return 0;
}

enum { RECORDED = 256 };

struct recorder {
    struct pl_actor actor;
    unsigned count; /* of messages got */
    uint64_t number[RECORDED];
    unsigned returned; /* how many of them were returned ones */
    struct pl_address from;
    int status;
    unsigned exit_at; /* exits when it has got so many; 0: never */
    int *reaped;      /* counted up by reap */
};

static inline void recorder_receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct recorder *r = PL_CONTAINER(a, struct recorder, actor);

    r->number[r->count++ % RECORDED] = note_number(msg);
    r->returned += msg->returned;
    r->from = msg->from;
    r->status = msg->status;
    msg->destroy(msg);
    if (r->count == r->exit_at)
        pl_actor_exit(a, "enough");
}

static inline void recorder_reap(struct pl_actor *a)
{
    struct recorder *r = PL_CONTAINER(a, struct recorder, actor);

    if (r->reaped != NULL)
        (*r->reaped)++;
    free(r);
}

#define RECORDER(limit)                                                        \
    {                                                                          \
        "recorder", limit, recorder_receive, recorder_reap                     \
    }

static const struct pl_actor_ops recorder_ops = RECORDER(1000);

static inline struct recorder *recorder_new(struct pl_loop *loop,
                                            const struct pl_actor_ops *ops)
{
    struct recorder *r = calloc(1, sizeof *r);

    assert_non_null(r);
    assert_int_equal(pl_actor_init(&r->actor, loop, ops), PL_OK);
    return r;
}

static inline void recorder_got(const struct recorder *r, unsigned count,
                                const uint64_t *numbers)
{
    assert_int_equal(r->count, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(r->number[i], numbers[i]);
}

#define GOT(r, ...)                                                            \
    recorder_got(r, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t),      \
                 (uint64_t[]){__VA_ARGS__})

static inline void mail_to(struct recorder *from, struct pl_address to,
                           uint64_t number)
{
    pl_actor_send(&from->actor, to, note(number, 1, 0));
}

/* The books of one loop balance. */
static inline void ledger_holds(const struct pl_loop *loop)
{
    const struct pl_loop_stats *s = pl_loop_stats(loop);
    uint64_t settled = s->mail_handled + s->mail_queued;

    for (unsigned i = 0; i < PL_DEAD_COUNT; i++)
        settled += s->mail_dead[i];
    assert_int_equal(s->mail_enqueued, settled);
}

/* Turns of all loops until none has work; the books balance after each. */
static inline void settle(struct pl_system *s)
{
    bool is_more = true;

    while (is_more) {
        is_more = false;
        for (unsigned i = 0; i < pl_system_loop_count(s); i++) {
            is_more |= pl_loop_turn(pl_system_loop(s, i));
            ledger_holds(pl_system_loop(s, i));
        }
        for (unsigned i = 0; i < pl_system_loop_count(s); i++)
            is_more |= pl_loop_has_work(pl_system_loop(s, i));
    }
}

static inline struct pl_system *system_of(unsigned loops,
                                          const struct pl_clock *clock)
{
    struct pl_system_options options = {
        .node = 7, .loops = loops, .clock = clock};
    struct pl_system *s;

    assert_int_equal(pl_system_create(&s, &options), PL_OK);
    return s;
}

#endif
