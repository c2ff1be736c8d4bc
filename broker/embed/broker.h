/* SPDX-License-Identifier: Apache-2.0 */
/* broker.h - what of a broker the daemon and tests see beyond parley.h. */
#ifndef PL_BROKER_H
#define PL_BROKER_H

#include "parley.h"

struct pl_channels_options;
struct pl_config;
struct pl_log;
struct pl_loop;
struct pl_tls;
struct pl_tls_fault;

/* Gives each owner of channels its stores: fills in stream, bus and
 * presence_store.  For tests with stores that answer late. */
typedef enum pl_err pl_broker_stores(struct pl_channels_options *options,
                                     struct pl_loop *loop, void *arg);

/* Before the start. */
void pl_broker_set_stores(struct pl_broker *b, pl_broker_stores *make,
                          void *arg);

/* The log of its loops, for the threads of a program that has no other broker.
 * Thread: any. */
struct pl_log *pl_broker_log(struct pl_broker *b);

/* Whether the ledgers agreed and every gauge was 0 when pl_broker_wait() had
 * seen its newest life end, or there was none; the log has what did not.
 * Thread: the one that waited. */
bool pl_broker_is_settled(const struct pl_broker *b);

/* Read the files that `config` names for listen_tls.
 * Owner:  the caller releases *out.
 * Thread: any.
 * Errors: PL_EINVAL, with *fault filled in; PL_ENOMEM. */
enum pl_err pl_broker_load_tls(struct pl_tls **out,
                               const struct pl_config *config,
                               struct pl_tls_fault *fault);

#endif
