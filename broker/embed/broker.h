/* SPDX-License-Identifier: Apache-2.0 */
/* broker.h - what of a broker the daemon and tests see beyond parley.h. */
#ifndef PL_BROKER_H
#define PL_BROKER_H

#include "parley.h"

struct pl_channels_options;
struct pl_loop;

/* Gives each owner of channels its stores: fills in stream, bus and
 * presence_store.  For tests with stores that answer late. */
typedef enum pl_err pl_broker_stores(struct pl_channels_options *options,
                                     struct pl_loop *loop, void *arg);

/* Before the start. */
void pl_broker_set_stores(struct pl_broker *b, pl_broker_stores *make,
                          void *arg);

#endif
