/* SPDX-License-Identifier: Apache-2.0 */
/* tls_check.h - checks the TLS files that a configuration names. */
#ifndef PL_TLS_CHECK_H
#define PL_TLS_CHECK_H

struct pl_config_loading; /* config_load.h */
struct pl_net_settings;

/* Report an error for the first file of `c` that cannot be used, and for
 * each certificate that is expired or not yet valid; warn about certificates
 * that expire within 14 days, and about keys that every user can read.  Do
 * nothing without listen_tls. */
void pl_tls_check(struct pl_config_loading *l, const struct pl_net_settings *c);

#endif
