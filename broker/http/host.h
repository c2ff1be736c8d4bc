/* SPDX-License-Identifier: Apache-2.0 */
/* host.h - validates the Host of a request and decides whether it is served
 * (RFC 9110 section 7.2, RFC 3986 section 3.2.2). */
#ifndef PL_HOST_H
#define PL_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

/* Split "name", "name:port", "[v6]" or "[v6]:port"; the brackets stay with the
 * name, a missing port is absent.  Return false if `whole` is no host; the
 * results are then unchanged. */
bool pl_host_split(struct pl_span whole, struct pl_span *name,
                   struct pl_span *port);

/* True if `count` is 0 or one of the patterns matches: "*" alone matches all,
 * "*" in the name of a pattern any characters.  Case is ignored.  A pattern
 * without a port matches each port; one with a port only that port, where 80
 * and 443 also match a missing port.  `host` must be valid. */
bool pl_host_is_allowed(struct pl_span host, const char *const *allowed,
                        size_t count);

/* True if `host` names this machine itself, whatever a name server says:
 * "localhost", a name below it, 127.0.0.0/8 or [::1], with any port. */
bool pl_host_is_loopback(struct pl_span host);

#endif
