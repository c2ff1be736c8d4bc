/* SPDX-License-Identifier: Apache-2.0 */
/* channels.h - the actor that owns channels and defines their order.
 *
 * There is one owner per worker loop; a channel belongs to the owner at hash %
 * workers.  It receives pl_publish_mail, pl_attach_mail, pl_detach_mail,
 * pl_query_mail, pl_list_mail and pl_memory_mail (mail.h) and sends
 * pl_publication_mail, pl_presence_event_mail and pl_gap_mail to hubs.
 *
 * The mailbox holds 65,536 messages; more are refused.  Requests that wait for
 * stores are limited by options.in_flight_limit and in_flight_bytes; more get
 * error 111.  A detach is never refused: at the limit it is kept and done
 * later, and attaches count the kept ones. */
#ifndef PL_CHANNELS_H
#define PL_CHANNELS_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "err.h"
#include "span.h"

enum {
    PL_CHANNELS_IN_FLIGHT = 131072, /* the usual limits */
    PL_CHANNELS_IN_FLIGHT_BYTES = 64 << 20
};

/* What an owner promises:
 * - A hub receives the publications of a channel, and the results for their
 *   publishers, in the order of their offsets, each once: as
 *   pl_publication_mail, or as the publisher's own result with fan_out.
 * - The result of an attach arrives after every publication up to the offset in
 *   it, and before every later one.
 * - A join arrives after the result of the client's attach, before its leave.
 *   An attach that failed or was detached before its result causes neither.  A
 *   subscriber with PL_ATTACH_JOIN_LEAVE gets, from some moment on, the joins
 *   and leaves of a client alternately, except those that the bus or an
 *   allocation lost.  With PL_RULE_JOINS_BY_USER the joins and leaves are
 *   those of a user, whatever the number of its clients.
 * - A detach without an attach (which failed or was never delivered) does
 *   nothing.  A second attach of the same client gets error 105.
 * - A publication gets error 111, and is neither stored nor numbered, if a loop
 *   with subscribers has a backlog, the store is full or too many requests wait
 *   for stores.
 * - A stored publication is reported as published even if the bus failed; the
 *   subscribers of this owner get it. */
struct pl_channels; /* opaque */
struct pl_bus;
struct pl_loop;
struct pl_metrics;
struct pl_presence;
struct pl_rulebook; /* rules.h */
struct pl_stream;
struct pl_tracer; /* tracer.h */

struct pl_channels_options {
    struct pl_rulebook *rules; /* of channels; the owner takes a reference */
    uint32_t channel_limit;    /* most streams of this owner; and beyond so many
                                  channels no channel without history gets its
                                  first subscriber.  Error 106.  0: no limit */
    uint64_t client_history_bytes; /* of the channels of one user; 0: no
                                      limit */
    uint64_t history_bytes;        /* of all channels; 0: no limit */
    uint32_t new_channels; /* that one client may create here per minute, else
                              error 111; 0: no limit */
    uint32_t new_channels_burst; /* of them at once */
    uint64_t backlog_limit;      /* messages waiting for one loop; 0: no
                                    limit */
    uint32_t recover_bytes;   /* of one recovery, else it fails; 0: no limit */
    uint32_t in_flight_limit; /* requests that wait for stores; more get error
                                 111.  0: no limit */
    uint64_t in_flight_bytes; /* of their publications and parts of answers;
                                 the same */
    uint64_t answer_request;  /* units of time_share.h for long replies at once,
                                 else queries get error 111; 0: no limit */
    struct pl_metrics *metrics; /* of the loop */
    struct pl_tracer *tracer;   /* of the loop; NULL: none */
    /* Called when the first subscriber of a channel comes and when the last one
     * goes, alternately, on the loop; must not block.  NULL: not called.
     * `name` has a final zero. */
    void (*watch)(void *arg, struct pl_span name, bool is_first);
    void *watch_arg;
    /* The stores, for this owner alone; NULL: a memory store. */
    struct pl_stream *stream;
    struct pl_bus *bus;
    struct pl_presence *presence_store;
};

struct pl_channels_settings;

/* Read the options of an owner from the settings.  The caller sets the
 * rules, recover_bytes, backlog_limit, metrics, the stores, and limits given as
 * a percentage. */
struct pl_channels_options
pl_channels_options_of(const struct pl_channels_settings *s);

struct pl_stream_memory_options;

/* The options of the memory store of streams (stream_memory.h) in `o`. */
struct pl_stream_memory_options
pl_channels_stream_options(const struct pl_channels_options *o);

/* Create the owner on `loop`.  It ends with PL_MSG_STOP, which gives error 503
 * to all requests that wait for stores, or with pl_actor_exit().
 * Owner:  the loop; on success also of the given stores.
 * Thread: the loop's, or any before the loop runs.
 * Errors: PL_ENOMEM. */
enum pl_err pl_channels_create(struct pl_channels **out, struct pl_loop *loop,
                               const struct pl_channels_options *options);

/* Thread: the loop's, or any before the loop runs. */
struct pl_address pl_channels_address(const struct pl_channels *c);

/* Set the addresses of the hubs: hubs[l] is on loop l.  Call this before the
 * first mail of a hub.
 * Thread: the loop's, or any before the loop runs. */
void pl_channels_set_hubs(struct pl_channels *c, const struct pl_address *hubs,
                          unsigned count);

#endif
