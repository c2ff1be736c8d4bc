/* SPDX-License-Identifier: Apache-2.0 */
/* descriptors.h - shares out the descriptors of the process.  Private to this
 * module. */
#ifndef PL_BROKER_DESCRIPTORS_H
#define PL_BROKER_DESCRIPTORS_H

#include <stdint.h>

struct pl_settings;

/* Return the most connections of the admin server, of backends on the addresses
 * of clients, and of all clients together (0: unlimited). */
uint32_t pl_broker_admin_limit(const struct pl_settings *config);
uint32_t pl_broker_api_limit(const struct pl_settings *config);
uint32_t pl_broker_connection_limit(const struct pl_settings *config);

#endif
