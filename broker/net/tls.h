/* SPDX-License-Identifier: Apache-2.0 */
/* tls.h - the certificates and keys of TLS listeners, and the CAs of client
 * certificates.
 *
 * Immutable once loaded, and shared by all loops.  A reload loads another
 * instance; open connections keep the old one. */
#ifndef PL_TLS_H
#define PL_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct pl_tls; /* opaque; refcounted */
struct pl_tickets;
struct ssl_st;

/* Shared by all loops, so that they derive the same ticket keys (tickets.h). */
struct pl_tls_seed {
    unsigned char secret[32]; /* random */
    uint64_t period_ms;       /* keys rotate once per period */
    uint64_t now_ms;          /* loop time */
};

/* Each is the name of a file, or a text in PEM itself: pl_tls_is_text(). */
struct pl_tls_files {
    char *const *certificates; /* PEM, the leaf first, then its chain */
    char *const *keys;         /* PEM, without a passphrase; one per
                                  certificate */
    size_t count;              /* at least 1 */
    const char *client_ca;     /* PEM; NULL: clients need no certificate */
    uint64_t ticket_period_ms; /* tickets are valid for at most two periods */
};

/* The first error and its file. */
struct pl_tls_fault {
    const char *file; /* a pointer from pl_tls_files */
    char reason[160];
};

/* True if `file` is a text in PEM and no name. */
bool pl_tls_is_text(const char *file);

/* What messages may show of `file`, which may be a private key. */
const char *pl_tls_name(const char *file);

/* Open either.  NULL: see the error queue of OpenSSL.
 * Owner:  the caller frees it, and keeps `file` until then. */
struct bio_st *pl_tls_open(const char *file);

/* Load the files.  *fault never contains secrets of a file.
 * Owner:  the caller releases *out.
 * Thread: any.
 * Errors: PL_EINVAL, with *fault filled in; PL_ENOMEM. */
enum pl_err pl_tls_load(struct pl_tls **out, const struct pl_tls_files *files,
                        struct pl_tls_fault *fault);

/* pl_tls_release() allows NULL.
 * Thread: any. */
struct pl_tls *pl_tls_hold(struct pl_tls *t);
void pl_tls_release(struct pl_tls *t);

/* Create a random seed.
 * Errors: PL_EIO (no random numbers). */
enum pl_err pl_tls_seed(struct pl_tls_seed *out, uint64_t period_ms,
                        uint64_t now_ms);
void pl_tls_seed_wipe(struct pl_tls_seed *seed);

/* Create the server side of a new connection.  It uses the first certificate
 * that matches the host name sent by the client (RFC 6066 section 3), otherwise
 * the first of all.  NULL: out of memory.
 * Owner:  the caller, which keeps a reference to `t` as long. */
struct ssl_st *pl_tls_accept(struct pl_tls *t, struct pl_tickets *tickets);

/* Write the reason for which the last OpenSSL call failed, and clear its error
 * queue. */
void pl_tls_reason(char *out, size_t size);

#endif
