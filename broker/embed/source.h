/* SPDX-License-Identifier: Apache-2.0 */
/* source.h - keeps the source of a broker's configuration, to read it again.
 * Private to this module. */
#ifndef PL_BROKER_SOURCE_H
#define PL_BROKER_SOURCE_H

#include "settings.h"
#include "parley.h"

/* Copy the sources of the configuration; `setup` is not used after this call.
 * An `s` that is all zero is empty. Owner:  the caller, until pl_source_fini().
 * Errors: PL_ENOMEM, with nothing left to free. */
enum pl_err pl_source_init(struct pl_config_source *s,
                           const struct pl_broker_setup *setup);

/* Copy `from`, likewise. */
enum pl_err pl_source_copy(struct pl_config_source *s,
                           const struct pl_config_source *from);

/* Wipe and free the copies, because settings may hold secrets. */
void pl_source_fini(struct pl_config_source *s);

#endif
