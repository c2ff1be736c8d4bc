/* SPDX-License-Identifier: Apache-2.0 */
/* broker.h - what the daemon and tests use of a broker beyond parley.h. */
#ifndef PL_BROKER_H
#define PL_BROKER_H

#include "parley.h"

struct pl_channels_options;
struct pl_settings;
struct pl_log;
struct pl_loop;
struct pl_tls;
struct pl_tls_fault;

/* Fill in the stores of one channel owner: stream, bus and presence_store.  For
 * tests with stores that reply late. */
typedef enum pl_err pl_broker_stores(struct pl_channels_options *options,
                                     struct pl_loop *loop, void *arg);

/* Use `make` for the stores.  Call this before the start. */
void pl_broker_set_stores(struct pl_broker *b, pl_broker_stores *make,
                          void *arg);

/* The log of the broker's loops, for the other threads of a program with one
 * broker.
 * Thread: any. */
struct pl_log *pl_broker_log(struct pl_broker *b);

/* Return true if the ledgers agreed and every gauge was 0 when pl_broker_wait()
 * last joined a run, or if there was no run.  The log names each deviation.
 * Thread: the thread that waited. */
bool pl_broker_is_settled(const struct pl_broker *b);

/* Read the TLS files that `config` names.
 * Owner:  the caller releases *out.
 * Thread: any.
 * Errors: PL_EINVAL, with *fault filled in; PL_ENOMEM. */
enum pl_err pl_broker_load_tls(struct pl_tls **out,
                               const struct pl_settings *config,
                               struct pl_tls_fault *fault);

#endif
