/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - see events.h.
 *
 * Events are mail to an actor of their own, which runs them one by one.  So a
 * callback never runs inside the handling of something else, may make any call,
 * and comes after all that was done before its event was made.  With
 * `is_manual`, they wait in an outlet instead, and the actor only learns that
 * there is space again.
 *
 * Most events are publications.  They are records in a batch, which is an event
 * itself: it is sent with its first record, and filled until it is full, it
 * runs, or another event comes.  The loop's thread does all of that, so nothing
 * is copied, and the memory of a batch that has run is the next one's.  With
 * `is_manual` another thread may take a batch at once, so it has one record.
 *
 * Rejected: calling the program directly.  A callback that closes, destroys or
 * stops would do so under the feet of the code that called it; most faults of
 * client libraries that their users report are of this kind.  Also a batch that
 * is sent at the end of a read: with many connections, each would have its own.
 *
 * Invariant: each event runs once, in the order in which they were put, or is
 * destroyed with the group. */
#include "events.h"

#include <stdlib.h>

#include "actor.h"
#include "cell.h"
#include "outlet.h"

enum { MAIL_EVENT = 1, MAIL_SPACE = 2, MAIL_BATCH = 3 };

enum { BATCH_SIZE = 16 << 10 /* bytes of a usual batch */ };

struct batch {
    struct plc_event event; /* first; `size` is of a manual one only */
    size_t used, space;
    max_align_t bytes[];
};

struct plc_events {
    struct pl_actor actor;             /* first */
    struct plc_events_options options; /* constant */
    struct pl_outlet *outlet;          /* NULL: not manual */
    struct pl_cell count;              /* waiting; not manual, as `bytes` */
    uint64_t bytes;                    /* likewise; the loop's */
    struct batch *open;  /* sent, and may be filled; NULL: none; the loop's */
    struct batch *empty; /* not sent; owned; NULL: none; the loop's */
    struct pl_msg space; /* of the thread that dispatches */
    bool is_waiting;     /* space() is due; the loop's */
    bool is_running;     /* of the thread that runs events */
};

static void run(struct plc_events *e, struct plc_event *event)
{
    e->is_running = true;
    event->run(event);
    e->is_running = false;
    event->msg.destroy(&event->msg);
}

static void tell_space(struct plc_events *e)
{
    e->is_waiting = false;
    e->options.space(e->options.arg);
}

static void tell_if_space(struct plc_events *e)
{
    if (e->is_waiting && pl_cell_get(&e->count) <= e->options.limit / 2 &&
        e->bytes <= e->options.byte_limit / 2)
        tell_space(e);
}

static size_t size_of(const struct pl_msg *msg)
{
    return ((const struct plc_event *)msg)->size;
}

/* --- Batches --- */

static struct plc_record *record_at(struct batch *b, size_t at)
{
    return (struct plc_record *)((char *)b->bytes + at);
}

static void destroy_batch(struct pl_msg *msg)
{
    free(msg);
}

/* Of a manual one, which has one record. */
static void run_batch(struct plc_event *event)
{
    struct plc_record *r = record_at((struct batch *)event, 0);

    r->run(r);
}

/* Its records count until they have run. */
static void receive_batch(struct plc_events *e, struct batch *b)
{
    if (e->open == b)
        e->open = NULL;
    e->is_running = true;
    for (size_t at = 0, size; at < b->used; at += size) {
        struct plc_record *r = record_at(b, at);

        size = r->size;
        r->run(r);
        pl_cell_add(&e->count, (uint64_t)-1);
        e->bytes -= size;
    }
    e->is_running = false;
    if (e->empty == NULL && b->space == BATCH_SIZE) {
        b->used = 0;
        e->empty = b;
    } else {
        free(b);
    }
    tell_if_space(e);
}

static struct batch *create_batch(size_t space)
{
    struct batch *b = malloc(sizeof *b + space);

    if (b == NULL)
        return NULL;
    b->event.msg = (struct pl_msg){
        .type = MAIL_BATCH, .flags = PL_MSG_RESERVED, .destroy = destroy_batch};
    b->event.run = run_batch;
    b->used = 0;
    b->space = space;
    return b;
}

/* A batch for `size` bytes that was not sent; NULL: out of memory. */
static struct batch *take_empty(struct plc_events *e, size_t size)
{
    size_t space = size > BATCH_SIZE || e->outlet != NULL ? size : BATCH_SIZE;

    if (e->empty != NULL && e->empty->space >= size)
        return e->empty;
    struct batch *b = create_batch(space);
    if (b == NULL)
        return NULL;
    free(e->empty);
    e->empty = b;
    return b;
}

void *plc_events_begin(struct plc_events *e, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    struct batch *b = e->open;

    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + align - 1) / align * align;
    if (b == NULL || b->space - b->used < size)
        b = take_empty(e, size);
    if (b == NULL)
        return NULL;
    struct plc_record *r = record_at(b, b->used);
    r->size = size;
    return r;
}

/* Send the empty batch, to which the record belongs. */
static void send_batch(struct plc_events *e, size_t size)
{
    struct batch *b = e->empty;

    e->empty = NULL;
    b->used = size;
    if (e->outlet != NULL) {
        b->event.size = size;
        pl_outlet_put(e->outlet, &b->event.msg);
        return;
    }
    e->open = b;
    pl_actor_send(&e->actor, pl_actor_address(&e->actor), &b->event.msg);
}

void plc_events_end(struct plc_events *e, struct plc_record *r)
{
    struct batch *b = e->open;
    size_t size = r->size;

    if (e->outlet == NULL) {
        pl_cell_add(&e->count, 1);
        e->bytes += size;
    }
    if (b != NULL && r == record_at(b, b->used))
        b->used += size;
    else
        send_batch(e, size);
}

/* --- The actor --- */

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct plc_events *e = (struct plc_events *)a;

    switch (msg->type) {
    case MAIL_EVENT:
        e->bytes -= size_of(msg);
        run(e, (struct plc_event *)msg);
        pl_cell_add(&e->count, (uint64_t)-1);
        tell_if_space(e);
        return;
    case MAIL_BATCH:
        receive_batch(e, (struct batch *)msg);
        return;
    case MAIL_SPACE:
        tell_space(e);
        return;
    default:
        pl_actor_refuse(a, msg);
    }
}

/* plc_events_destroy() frees it: a thread may still dispatch. */
static void reap(struct pl_actor *a)
{
    (void)a;
}

static const struct pl_actor_ops ops = {
    .name = "events",
    .mailbox_limit = 1, /* all its mail is reserved */
    .receive = receive,
    .reap = reap,
};

/* The space message is part of the struct. */
static void destroy_space(struct pl_msg *msg)
{
    (void)msg;
}

enum pl_err plc_events_create(struct plc_events **out,
                              const struct plc_events_options *options)
{
    struct plc_events *e = calloc(1, sizeof *e);
    enum pl_err rc = PL_OK;

    if (e == NULL)
        return PL_ENOMEM;
    e->options = *options;
    e->space.type = MAIL_SPACE;
    e->space.flags = PL_MSG_RESERVED;
    e->space.destroy = destroy_space;
    if (options->is_manual)
        rc = pl_outlet_create(&e->outlet, size_of);
    if (rc == PL_OK)
        rc = pl_actor_init(&e->actor, options->loop, &ops);
    if (rc != PL_OK) {
        plc_events_destroy(e);
        return rc;
    }
    *out = e;
    return PL_OK;
}

void plc_events_destroy(struct plc_events *e)
{
    if (e == NULL)
        return;
    pl_outlet_destroy(e->outlet);
    free(e->empty);
    free(e);
}

struct pl_address plc_events_address(const struct plc_events *e)
{
    return pl_actor_address(&e->actor);
}

void plc_events_put(struct plc_events *e, struct plc_event *event)
{
    event->msg.type = MAIL_EVENT;
    event->msg.flags = PL_MSG_RESERVED;
    if (e->outlet != NULL) {
        pl_outlet_put(e->outlet, &event->msg);
        return;
    }
    e->open = NULL; /* later records come after `event` */
    pl_cell_add(&e->count, 1);
    e->bytes += event->size;
    pl_actor_send(&e->actor, pl_actor_address(&e->actor), &event->msg);
}

void plc_events_put_last(struct plc_events *e, struct plc_event *event)
{
    pl_outlet_put(e->outlet, &event->msg);
}

bool plc_events_is_full(struct plc_events *e)
{
    if (!e->is_waiting)
        e->is_waiting = e->outlet != NULL
                            ? pl_outlet_is_full(e->outlet, e->options.limit,
                                                e->options.byte_limit)
                            : pl_cell_get(&e->count) >= e->options.limit ||
                                  e->bytes >= e->options.byte_limit;
    return e->is_waiting;
}

uint64_t plc_events_count(const struct plc_events *e)
{
    return e->outlet != NULL ? pl_outlet_count(e->outlet)
                             : pl_cell_get(&e->count);
}

bool plc_events_is_running(const struct plc_events *e)
{
    return e->is_running;
}

int plc_events_fd(const struct plc_events *e)
{
    return e->outlet == NULL ? -1 : pl_outlet_fd(e->outlet);
}

size_t plc_events_dispatch(struct plc_events *e, size_t max)
{
    struct pl_msg *msg;
    bool has_space;
    size_t n = 0;

    while (e->outlet != NULL && n < max &&
           (msg = pl_outlet_take(e->outlet, &has_space)) != NULL) {
        if (has_space)
            e->options.post(e->options.arg, &e->space);
        run(e, (struct plc_event *)msg);
        n++;
    }
    return n;
}
