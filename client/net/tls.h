/* SPDX-License-Identifier: Apache-2.0 */
/* tls.h - how a client uses TLS: the authorities that it trusts, and its own
 * certificate. */
#ifndef PLC_TLS_H
#define PLC_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

struct plc_tls_settings; /* opaque */
struct ssl_st;
struct ssl_session_st;

/* What resumes the newest session with one server; an all-zero struct is empty.
 * The connections that were made with it may not outlive it.
 * Thread: the loop's. */
struct plc_tls_ticket {
    struct ssl_session_st *session; /* owned; NULL: none */
};

void plc_tls_ticket_fini(struct plc_tls_ticket *t);

/* The members of struct plc_link (parley_client.h). */
struct plc_tls_files {
    const char *ca_file, *cert_file, *key_file;
    bool accepts_any; /* no certificate is verified */
};

/* Read the files.  On an error `why` names the file and the reason.
 * Owner:  the caller.
 * Thread: any but a loop's, because it reads files.
 * Errors: PL_EINVAL, PL_ENOMEM. */
enum pl_err plc_tls_load(struct plc_tls_settings **out,
                         const struct plc_tls_files *files, char *why,
                         size_t why_size);
void plc_tls_destroy(struct plc_tls_settings *t); /* NULL is allowed */

/* Create the client's side of a connection on the socket `fd` to a server whose
 * certificate must name `name`, a host name or a numeric address.  It resumes
 * the session of `ticket` and puts new ones there; NULL: it does neither.
 * Return NULL if out of memory.
 * Owner:  the caller, until plc_tls_free(). */
struct ssl_st *plc_tls_connect(struct plc_tls_settings *t, int fd,
                               const char *name, struct plc_tls_ticket *ticket);

/* Free the connection, and leave the socket open.  NULL is allowed. */
void plc_tls_free(struct ssl_st *ssl);

/* True if the handshake, which is over, has resumed a session. */
bool plc_tls_is_resumed(struct ssl_st *ssl);

/* Write why the handshake or the connection failed, and clear the queue of
 * errors of OpenSSL.  `ssl_error` is of SSL_get_error(). */
void plc_tls_explain(struct ssl_st *ssl, int ssl_error, char *why, size_t size);

#endif
