/* SPDX-License-Identifier: Apache-2.0 */
/* conns.h - the connections of one loop: sockets on one side; sessions, or an
 * HTTP server, on the other. */
#ifndef PL_CONNS_H
#define PL_CONNS_H

#include <stdbool.h>

#include "address.h"
#include "err.h"
#include "metrics.h"
#include "msg.h"

struct pl_conns; /* opaque */
struct pl_config;
struct pl_guest; /* doors.h */
struct pl_keeper;
struct pl_loop;
struct pl_reactor;
struct pl_tls; /* tls.h */
struct pl_tls_seed;
struct pl_web; /* web.h */

/* An actor that takes sockets which a listener hands over.  It ends with
 * PL_MSG_STOP, after its sessions.
 * Errors: PL_ENOMEM. */
enum pl_err pl_conns_create(struct pl_conns **out, struct pl_loop *loop,
                            struct pl_reactor *reactor,
                            struct pl_keeper *keeper,
                            struct pl_metrics *metrics);

/* The same for connections of an HTTP server.  Those of `is_trusted` need no
 * key.  Their bytes are not among those of clients in the metrics.  `web`
 * outlives it.
 * Errors: PL_ENOMEM. */
enum pl_err pl_conns_create_web(struct pl_conns **out,
                                struct pl_reactor *reactor, struct pl_web *web,
                                bool is_trusted);

struct pl_address pl_conns_address(const struct pl_conns *c);

/* Take TLS connections as well, with what `tls` has until a pl_conns_retls()
 * comes.  Owner: it holds `tls`.  Thread: any before the loop runs.
 * Errors: PL_ENOMEM. */
enum pl_err pl_conns_set_tls(struct pl_conns *c, struct pl_tls *tls,
                             const struct pl_tls_seed *seed);

/* Mail for a pl_conns that takes TLS connections: new ones get `tls`, those
 * that are there keep what they have.
 * Owner:  the caller owns *out, which holds `tls`.
 * Thread: any.
 * Errors: PL_ENOMEM. */
enum pl_err pl_conns_retls(struct pl_msg **out, struct pl_tls *tls);

/* There are doors: connections come with guests.  `config` outlives it.
 * Thread: any before the loop runs. */
void pl_conns_set_doors(struct pl_conns *c, const struct pl_config *config);

/* Begin a session, or a connection of the HTTP server, on the connected,
 * non-blocking socket `fd`; `guest` is NULL when there are no doors.
 * Owner:  the conns, of both, also on error, when it closes it.
 * Thread: the loop's.
 * Errors: PL_ENOMEM; PL_EFULL, PL_ESTOPPING: it may not begin. */
enum pl_err pl_conns_adopt(struct pl_conns *c, int fd, bool is_tls,
                           struct pl_guest *guest);

#endif
