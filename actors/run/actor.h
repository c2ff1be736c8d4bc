/* SPDX-License-Identifier: Apache-2.0 */
/* actor.h - an object with a mailbox, run by one loop.
 *
 * An actor belongs to one loop for its whole life, and only that loop's thread
 * accesses it.  Other code knows its address and sends it mail.  The struct is
 * the first member of the object that it turns into an actor. */
#ifndef PL_ACTOR_H
#define PL_ACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "err.h"
#include "mailbox.h"
#include "msg.h"

struct pl_actor;
struct pl_loop;
struct pl_monitor; /* monitor.h */

/* The behaviour of one kind of actor; one constant table per kind. */
struct pl_actor_ops {
    const char *name;       /* of the kind, for logs and status */
    uint32_t mailbox_limit; /* messages, at least 1; more are refused, except
                               reserved ones */
    /* Handle one message.  Any actor with the address may send any type: pass
     * unknown types to pl_actor_refuse(), so that a waiting sender gets a
     * reply.  Owner: the callee owns `msg`. */
    void (*receive)(struct pl_actor *a, struct pl_msg *msg);
    /* Free the object.  Called once, at the end of the turn in which the actor
     * exited, when the loop has no pointer to it left. */
    void (*reap)(struct pl_actor *a);
};

/* Private to actors/run, except what the inline functions below read. */
struct pl_actor {
    const struct pl_actor_ops *ops;
    struct pl_loop *loop;
    struct pl_actor *next; /* in the loop's run queue, later in `exited` */
    struct pl_monitor *monitors;
    struct pl_mailbox mailbox;
    uint32_t slot;
    uint32_t generation;
};

/* Give the actor an address on `loop`; it can receive mail from now on.
 * Owner:  the caller owns the memory until ops->reap() is called.
 * Thread: the loop's, or any before the loop runs.
 * Errors: PL_ENOMEM: the actor is unchanged. */
enum pl_err pl_actor_init(struct pl_actor *a, struct pl_loop *loop,
                          const struct pl_actor_ops *ops);

/* End the actor: its address becomes stale, mail in its mailbox becomes dead
 * letters (PL_DEAD_CLOSING), monitors receive `reason` (constant text), and it
 * is reaped at the end of this turn.  A second call does nothing.
 * Thread: the loop's. */
void pl_actor_exit(struct pl_actor *a, const char *reason);

/* Thread: the loop's. */
struct pl_address pl_actor_address(const struct pl_actor *a);

/* Send `msg` from `from` to `to`.  Mail from one sender to one address arrives
 * in the order sent.  Each message is either handled once or counted as a dead
 * letter under one reason (enum pl_dead).  A dead letter is destroyed or, with
 * PL_MSG_RETURN, put back into the sender's mailbox with its status.  Until
 * this turn has emptied the inbox, sending to an actor of the same loop first
 * delivers what other loops posted.
 * Owner:  the runtime.
 * Thread: the loop of `from`. */
void pl_actor_send(struct pl_actor *from, struct pl_address to,
                   struct pl_msg *msg);

/* A message that only an actor of the kind `kind` receives. */
struct pl_kind_msg {
    struct pl_msg msg; /* first */
    const struct pl_actor_ops *kind;
    uint32_t slot; /* used by the runtime in transit */
};

/* Like pl_actor_send(), for an address that an untrusted peer may have made up:
 * if the actor is of another kind than m->kind, it never receives the message,
 * which becomes a dead letter (PL_DEAD_STALE).  Set m->kind before.
 * Owner:  the runtime.
 * Thread: the loop of `from`. */
void pl_actor_send_kind(struct pl_actor *from, struct pl_address to,
                        struct pl_kind_msg *m);

/* Send `msg` in the name of `from`, an actor of another node, to an actor of
 * this node, with `returned` and `status` as they were there.  The receiver's
 * answer, or what comes back of a request, goes to the gateway.  A `from` that
 * belongs to this node is taken for none, since the other node made it up.  For
 * gateways (system.h).
 * Owner:  the runtime.
 * Thread: the loop of `gateway`. */
void pl_actor_carry(struct pl_actor *gateway, struct pl_address from,
                    struct pl_address to, struct pl_msg *msg);

/* Dead-letter `msg`, which `a` has just received and which is of a type unknown
 * to it, as PL_DEAD_REFUSED: return it to its sender (PL_MSG_RETURN) or destroy
 * it.
 * Owner:  the runtime.
 * Thread: the loop's, inside ops->receive(). */
void pl_actor_refuse(struct pl_actor *a, struct pl_msg *msg);

/* Return the actor with this address on this loop, or NULL if the address is
 * stale or of another loop.  Valid until the end of the turn.  Thread: the
 * loop's. */
struct pl_actor *pl_actor_find(struct pl_loop *loop, struct pl_address address);

/* Call `visit` for each actor of the kind `ops` on this loop; `visit` may make
 * its actor exit.  Costs time for every actor of the loop.  Thread: the
 * loop's. */
void pl_actor_each(struct pl_loop *loop, const struct pl_actor_ops *ops,
                   void (*visit)(struct pl_actor *a, void *arg), void *arg);

/* Call `visit` for each actor of the kind `ops`, of any kind with NULL, in the
 * next `slots` slots from slot `from` on, until it returns false.  Return the
 * slot to continue with, 0 after the last.  An actor keeps its slot, so a walk
 * from slot 0 to the end in any number of calls visits each actor that lives
 * all the time once.  `visit` must not make an actor start or exit.  Thread:
 * the loop's. */
uint32_t pl_actor_each_from(struct pl_loop *loop, uint32_t from, uint32_t slots,
                            const struct pl_actor_ops *ops,
                            bool (*visit)(struct pl_actor *a, void *arg),
                            void *arg);

#endif
