/* SPDX-License-Identifier: Apache-2.0 */
/* channels.h - the actor that owns channels: it gives their order.
 *
 * One a worker loop; a channel belongs to the one of loop hash modulo
 * workers.  It takes pl_publish_mail, pl_attach_mail, pl_detach_mail,
 * pl_query_mail, pl_list_mail and pl_memory_mail (mail.h) and sends hubs
 * pl_publication_mail, pl_presence_event_mail and pl_gap_mail.  What it
 * promises:
 *
 * - Publications of a channel reach a hub, and their publishers' answers, in
 *   the order of their offsets, each once: as a pl_publication_mail, or as the
 *   publisher's own answer with fan_out.
 * - An attach's answer comes behind every publication up to the offset it
 *   tells and before every later one.
 * - A client's join comes behind the answer to its attach and before its
 *   leave; an attach that failed or whose detach came first makes neither.
 *   Who takes joins and leaves gets, from some moment on, all those of a client
 *   in turn, except what the bus failed or for which there was no memory.
 * - Attaching and detaching need not match: a detach of somebody who is not
 *   attached, because the attach failed or was never delivered, does nothing.
 *   A second attach of the same client is answered 105.
 * - A publication that would find a loop with subscribers too far behind, or a
 *   store that is full, is answered 111, has no offset and is not stored.
 * - A publication that was stored is answered as published even when the bus
 *   failed: this owner's subscribers get it.
 *
 * The mailbox holds 65,536 messages; more are refused. */
#ifndef PL_CHANNELS_H
#define PL_CHANNELS_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "err.h"

struct pl_channels; /* opaque */
struct pl_bus;
struct pl_loop;
struct pl_metrics;
struct pl_presence;
struct pl_stream;

struct pl_channels_options {
    uint32_t history_size;   /* publications a channel keeps; 0: no history */
    uint64_t history_ttl_ms; /* and how long; 0: no history */
    uint64_t meta_ttl_ms;    /* how long epoch and offset outlive the use */
    bool presence;
    bool join_leave;
    uint32_t channel_limit;         /* streams, without history channels with
                                       subscribers, of this owner; more are answered
                                       106.  0: no limit */
    uint64_t channel_history_bytes; /* of a channel; 0: no limit */
    uint64_t client_history_bytes;  /* of a user's channels; 0: no limit */
    uint64_t history_bytes;         /* of all channels; 0: no limit */
    uint32_t new_channels; /* a minute that each client may make here, beyond
                              which it is answered 111; 0: no limit */
    uint32_t new_channels_burst; /* of them at once */
    uint64_t backlog_limit;      /* messages waiting on a loop; 0: no limit */
    uint32_t recover_bytes; /* in one recovery, else it fails; 0: no limit */
    uint64_t answer_work;   /* units of share.h that long answers may take at
                               once, else queries are answered 111; 0: no
                               limit */
    struct pl_metrics *metrics; /* of the loop */
    /* The stores, of this owner alone; NULL: a memory store. */
    struct pl_stream *stream;
    struct pl_bus *bus;
    struct pl_presence *presence_store;
};

struct pl_config;

/* What the configuration says of an owner's channels; backlog_limit, metrics,
 * the stores and what is set as a percentage are the caller's to set. */
struct pl_channels_options pl_channels_options_of(const struct pl_config *c);

struct pl_stream_memory_options;

/* What they say of the memory store of streams (stream_memory.h). */
struct pl_stream_memory_options
pl_channels_stream_options(const struct pl_channels_options *o);

/* An owner on `loop`.  It ends with PL_MSG_STOP, which answers all requests
 * that wait for stores with 503, or with pl_actor_exit().
 * Owner:  the loop; with success also of the stores given.
 * Thread: the loop's, or any before it runs.
 * Errors: PL_ENOMEM. */
enum pl_err pl_channels_create(struct pl_channels **out, struct pl_loop *loop,
                               const struct pl_channels_options *options);

/* Thread: the loop's, or any before it runs. */
struct pl_address pl_channels_address(const struct pl_channels *c);

/* Where the hubs are: hubs[l] on loop l, for every loop that has one.  Before
 * the first mail of a hub.  Thread: as above. */
void pl_channels_set_hubs(struct pl_channels *c, const struct pl_address *hubs,
                          unsigned count);

#endif
