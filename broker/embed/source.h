/* SPDX-License-Identifier: Apache-2.0 */
/* source.h - where a broker's configuration came from, kept to read it again.
 * For this room only. */
#ifndef PL_BROKER_SOURCE_H
#define PL_BROKER_SOURCE_H

#include "config.h"
#include "parley.h"

/* Copy what `options` says of the configuration; its pointers are not used
 * after this call.  All zero is nothing.
 * Owner: the caller, until pl_source_fini().  Errors: PL_ENOMEM, with nothing
 * left to free. */
enum pl_err pl_source_init(struct pl_config_source *s,
                           const struct pl_broker_options *options);

/* Wipe and free the copies; settings may hold secrets. */
void pl_source_fini(struct pl_config_source *s);

#endif
