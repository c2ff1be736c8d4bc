/* SPDX-License-Identifier: Apache-2.0 */
/* tls_check.h - the files of TLS that a configuration names, before a broker
 * uses them. */
#ifndef PL_TLS_CHECK_H
#define PL_TLS_CHECK_H

struct pl_config_loading; /* config_load.h */

/* For pl_config_source.look: complain of each file that cannot be used, and of
 * certificates that no client accepts, since they are over or not valid yet;
 * warn of those that end soon, and of keys that every user can read.  Does
 * nothing without listen_tls. */
void pl_tls_check(struct pl_config_loading *l);

#endif
