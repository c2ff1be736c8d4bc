/* SPDX-License-Identifier: Apache-2.0 */
/* tls_pool.h - the TLS settings of a group's connections, one for all that have
 * the same files and options: settings take 20 KB, and with the authorities of
 * the system a megabyte. */
#ifndef PLC_TLS_POOL_H
#define PLC_TLS_POOL_H

#include "tls.h"

struct plc_tls_pool; /* opaque */

/* Owner:  the caller.
 * Errors: PL_ENOMEM. */
enum pl_err plc_tls_pool_create(struct plc_tls_pool **out);
/* All settings were given back; NULL is allowed. */
void plc_tls_pool_destroy(struct plc_tls_pool *p);

/* Like plc_tls_load(), or settings that were loaded from the same files, if
 * these have not changed since.
 * Owner:  the pool, until plc_tls_pool_give_back().
 * Thread: any but a loop's, because it reads files. */
enum pl_err plc_tls_pool_take(struct plc_tls_pool *p,
                              struct plc_tls_settings **out,
                              const struct plc_tls_files *files, char *why,
                              size_t why_size);
/* The last one that has taken `t` frees it.  NULL is allowed.  Thread: any. */
void plc_tls_pool_give_back(struct plc_tls_pool *p, struct plc_tls_settings *t);

#endif
