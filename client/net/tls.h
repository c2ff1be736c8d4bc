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
 * certificate must name `name`, a host name or a numeric address.  NULL: out of
 * memory.
 * Owner:  the caller; SSL_free() leaves the socket open. */
struct ssl_st *plc_tls_connect(struct plc_tls_settings *t, int fd,
                               const char *name);

/* Write why the handshake or the connection failed, and clear the queue of
 * errors of OpenSSL.  `ssl_error` is of SSL_get_error(). */
void plc_tls_explain(struct ssl_st *ssl, int ssl_error, char *why, size_t size);

#endif
