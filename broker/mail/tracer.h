/* SPDX-License-Identifier: Apache-2.0 */
/* tracer.h - live reports of what happens on one loop to one channel, one user
 * or one actor.
 *
 * Whoever handles a message asks pl_tracer_is_on(), one branch that is not
 * taken while no trace runs.  Each trace has a buffer of its own on each loop,
 * of at most PL_TRACE_LINES lines and PL_TRACE_BYTES; what does not fit is
 * counted.  The admin takes the lines by mail, so a loop waits for no reader.
 *
 * A line never has a token or a header in it, and the data of messages only if
 * the trace asks for payloads.
 *
 * Thread: the loop's. */
#ifndef PL_TRACER_H
#define PL_TRACER_H

#include <stdbool.h>
#include <stdint.h>

#include "blob.h"
#include "buf.h"
#include "mail_origin.h"
#include "msg.h"
#include "span.h"

struct pl_actor;
struct pl_loop;

enum {
    PL_TRACES_MAX = 8, /* at the same time */
    PL_TRACE_LINES = 4096,
    PL_TRACE_BYTES = 1 << 20,
    PL_TRACE_DATA = 4096 /* bytes of a payload; of a longer one only the
                            length */
};

enum pl_trace_what { PL_TRACE_CHANNEL, PL_TRACE_USER, PL_TRACE_ACTOR };

enum pl_trace_verb {
    PL_TRACE_START,
    PL_TRACE_TAKE, /* the lines so far */
    PL_TRACE_STOP
};

/* A request to the hub of a loop, and its result. */
struct pl_trace_mail {
    struct pl_msg msg;
    struct pl_origin origin;
    uint8_t verb; /* enum pl_trace_verb */
    uint64_t id;  /* of the trace, the same on all loops */
    /* START. */
    uint8_t what;              /* enum pl_trace_what */
    bool has_payload;          /* show the data of messages */
    struct pl_blob *name;      /* reference: the channel or user; or NULL */
    struct pl_address address; /* of the actor */
    uint64_t wall_us, mono_ns; /* the same moment on two clocks */
    /* Result. */
    struct pl_buf lines; /* of JSON, each with its line feed */
    uint64_t dropped;    /* lines that did not fit */
    bool has_failed;     /* too many traces, or out of memory */
};

/* Create a message, all zero except type, destroy and flags.  NULL: out of
 * memory.
 * Owner:  the caller; msg.destroy() releases everything in it. */
struct pl_trace_mail *pl_trace_mail_create(void);

/* Make a result a request again. */
void pl_trace_mail_renew(struct pl_trace_mail *m, enum pl_trace_verb verb);

/* One trace on one loop. */
struct pl_trace {
    uint64_t id;
    uint8_t what;
    bool has_payload;
    struct pl_blob *name;
    struct pl_address address;
    uint64_t wall_us, mono_ns;
    struct pl_buf lines;
    size_t mark; /* where the line that is being written began */
    uint32_t count;
    uint64_t dropped;
};

/* All zero but `loop`: no trace. */
struct pl_tracer {
    uint32_t count; /* of traces */
    struct pl_trace *at[PL_TRACES_MAX];
    struct pl_loop *loop;
};

/* One that never traces, for actors without another. */
extern struct pl_tracer pl_tracer_none;

/* For functions that run only while a trace runs: kept out of those that call
 * them. */
#define PL_TRACE_COLD __attribute__((cold, noinline))

static inline bool pl_tracer_is_on(const struct pl_tracer *t)
{
    return __builtin_expect(t->count > 0, 0);
}

/* Execute a request.  The caller sends the result back. */
void pl_tracer_execute(struct pl_tracer *t, struct pl_trace_mail *m);

/* End all traces. */
void pl_tracer_fini(struct pl_tracer *t);

/* Return the next trace of this channel or user from *i on, which is 0 at
 * first, or NULL. */
struct pl_trace *pl_tracer_next(struct pl_tracer *t, uint32_t *i,
                                enum pl_trace_what what, struct pl_span name);

/* Begin a line: its time, its loop and its event.  The caller appends further
 * members, each with a comma before it, then ends the line.  NULL: the line
 * does not fit and is counted. */
struct pl_buf *pl_trace_begin(struct pl_tracer *t, struct pl_trace *r,
                              const char *event);
void pl_trace_end(struct pl_trace *r);

#endif
