/* SPDX-License-Identifier: Apache-2.0 */
/* broker.h - what the daemon and tests use of a broker beyond parley.h. */
#ifndef PL_BROKER_H
#define PL_BROKER_H

#include "parley.h"

struct pl_channels_options;
struct pl_settings;
struct pl_log;
struct pl_reactor;
struct pl_tls;
struct pl_tls_fault;

/* Fill in the stores of one channel owner: stream, bus and presence_store.  A
 * store with sockets adds them to the base of `reactor`, which drives the loop
 * of the owner and outlives the stores.
 * Thread: the one in pl_broker_start(), before the loop runs. */
typedef enum pl_err pl_broker_stores(struct pl_channels_options *options,
                                     struct pl_reactor *reactor, void *arg);

/* Use `make` for the stores.  Call this before the start. */
void pl_broker_set_stores(struct pl_broker *b, pl_broker_stores *make,
                          void *arg);

/* The log of the broker's loops, for the other threads of a program with one
 * broker.
 * Thread: any. */
struct pl_log *pl_broker_log(struct pl_broker *b);

/* Like pl_broker_reload(), but return at once: a thread of the broker's pool
 * reads the files.  `done` is called once, when the reload is over, also if the
 * broker stops first.
 * Thread: any; `done`: any.
 * Errors: PL_ENOMEM, PL_ESTOPPING (not running); `done` is not called. */
enum pl_err pl_broker_reload_soon(struct pl_broker *b, void (*done)(void *arg),
                                  void *arg);

/* Return true if a job of the last run, such as a reload, still blocked a
 * thread when pl_broker_wait() returned.  That thread uses nothing of the
 * broker, but exit() would run beside it.
 * Thread: the thread that waited. */
bool pl_broker_is_blocked(const struct pl_broker *b);

/* Return true if the ledgers agreed and every gauge was 0 when pl_broker_wait()
 * last joined a run, or if there was no run.  The log names each deviation.
 * Thread: the thread that waited. */
bool pl_broker_is_balanced(const struct pl_broker *b);

/* Read the TLS files that `config` names.
 * Owner:  the caller releases *out.
 * Thread: any.
 * Errors: PL_EINVAL, with *fault filled in; PL_ENOMEM. */
enum pl_err pl_broker_load_tls(struct pl_tls **out,
                               const struct pl_settings *config,
                               struct pl_tls_fault *fault);

#endif
