/* SPDX-License-Identifier: Apache-2.0 */
/* dead.h - the reasons why a message becomes a dead letter. */
#ifndef PL_DEAD_H
#define PL_DEAD_H

#define PL_DEAD_MAP(X)                                                         \
    X(PL_DEAD_STALE, "stale")   /* no actor has the address any more */        \
    X(PL_DEAD_FULL, "full")     /* the mailbox or inbox refused it */          \
    X(PL_DEAD_OLDEST, "oldest") /* dropped for a newer message */              \
    X(PL_DEAD_REPLACED,                                                        \
      "replaced")                 /* a newer one of its kind took its place */ \
    X(PL_DEAD_CLOSING, "closing") /* its actor exited first */                 \
    X(PL_DEAD_UNREACHABLE, "unreachable") /* no such loop or node */           \
    X(PL_DEAD_REFUSED, "refused")         /* its actor does not know its type */

enum pl_dead {
#define X(name, text) name,
    PL_DEAD_MAP(X)
#undef X
        PL_DEAD_COUNT
};

/* The word for `reason` in status and metrics.  Never NULL. */
const char *pl_dead_text(enum pl_dead reason);

#endif
