/* SPDX-License-Identifier: Apache-2.0 */
/* conns.h - the connections of one loop, between sockets and sessions or an
 * HTTP server. */
#ifndef PL_CONNS_H
#define PL_CONNS_H

#include <stdbool.h>

#include "address.h"
#include "err.h"
#include "metrics.h"
#include "msg.h"

struct pl_conns; /* opaque */
struct pl_net_settings;
struct pl_admission_record; /* address_limiter.h */
struct pl_session_manager;
struct pl_loop;
struct pl_reactor;
struct pl_tls; /* tls.h */
struct pl_tls_seed;
struct pl_web; /* web.h */

/* Create the actor that accepts the sockets which a listener hands over.  It
 * ends with PL_MSG_STOP, after its sessions.
 * Errors: PL_ENOMEM. */
enum pl_err pl_conns_create(struct pl_conns **out, struct pl_loop *loop,
                            struct pl_reactor *reactor,
                            struct pl_session_manager *manager,
                            struct pl_metrics *metrics);

/* Like pl_conns_create(), for connections of an HTTP server.  With `is_trusted`
 * its clients need no key.  Their bytes do not count in the metrics of clients.
 * `web` must outlive the actor.
 * Errors: PL_ENOMEM. */
enum pl_err pl_conns_create_web(struct pl_conns **out,
                                struct pl_reactor *reactor, struct pl_web *web,
                                bool is_trusted);

struct pl_address pl_conns_address(const struct pl_conns *c);

/* Accept TLS connections too, with `tls` until the mail of pl_conns_retls()
 * replaces it.
 * Owner:  takes its own reference to `tls`.
 * Thread: any before the loop runs.
 * Errors: PL_ENOMEM. */
enum pl_err pl_conns_set_tls(struct pl_conns *c, struct pl_tls *tls,
                             const struct pl_tls_seed *seed);

/* Create a mail that replaces `tls` of a pl_conns with TLS.  Open connections
 * keep the old one.
 * Owner:  the caller owns *out, which has its own reference to `tls`.
 * Thread: any.
 * Errors: PL_ENOMEM. */
enum pl_err pl_conns_retls(struct pl_msg **out, struct pl_tls *tls);

/* Expect an admission record with each connection, because there is an address
 * limiter.  `config` must outlive the actor.
 * Thread: any before the loop runs. */
void pl_conns_set_limiter(struct pl_conns *c,
                          const struct pl_net_settings *config);

/* Hand connections of clients that ask for the server API over to `web`, the
 * pl_conns of an HTTP server.
 * Thread: any before the loop runs. */
void pl_conns_set_web(struct pl_conns *c, struct pl_address web);

/* Start a session, or a connection of the HTTP server, on the connected,
 * non-blocking socket `fd`.  `record` is NULL if there is no address limiter.
 * Owner:  takes `fd` and `record`, also on error.
 * Thread: the loop's.
 * Errors: PL_ENOMEM, PL_EFULL (too many), PL_ESTOPPING. */
enum pl_err pl_conns_adopt(struct pl_conns *c, int fd, bool is_tls,
                           struct pl_admission_record *record);

#endif
