/* SPDX-License-Identifier: Apache-2.0 */
/* net_settings.h - the keys of sockets: addresses, TLS, proxies.
 *
 * docs/configuration.md explains each key.  The values are constant once they
 * are checked, so any thread may read them.  Strings are never NULL unless
 * noted; durations end in _ms. */
#ifndef PL_NET_SETTINGS_H
#define PL_NET_SETTINGS_H

#include "config_key.h"
#include "ip.h"

enum { PL_NET_LOOPS_MAX = 64 }; /* most loops with connections */

/* The header in which an HTTP proxy names its client. */
enum pl_proxy_header { PL_HEADER_X_FORWARDED_FOR, PL_HEADER_FORWARDED };

struct pl_net_settings {
    /* At least one address in total. */
    struct pl_config_endpoints listen, listen_tls;
    struct {
        /* Equally many of both; at least one each with listen_tls. */
        struct pl_config_strings certificate, key; /* paths */
        char *client_ca;                           /* path; NULL: none */
        uint64_t ticket_rotation_ms;
    } tls;
    struct {
        struct pl_config_networks trusted;
        bool protocol; /* trusted proxies send a PROXY header first */
        enum pl_proxy_header header;
    } proxy;
    struct {
        uint32_t address_connections; /* 0: no limit */
    } limits;
};

extern const struct pl_config_table pl_net_keys;

#endif
