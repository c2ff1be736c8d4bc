/* SPDX-License-Identifier: Apache-2.0 */
/* tls.h - what TLS listeners present: certificates, their keys, and whose
 * client certificates are accepted.
 *
 * Immutable once loaded, and shared by all loops; a reload loads another one,
 * and connections keep the one that they began with. */
#ifndef PL_TLS_H
#define PL_TLS_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct pl_tls; /* opaque; counted */
struct pl_tickets;
struct ssl_st;

/* From this all loops work out the same ticket keys (tickets.h). */
struct pl_tls_seed {
    unsigned char secret[32]; /* random */
    uint64_t period_ms;       /* keys rotate once in it */
    uint64_t now_ms;          /* loop time */
};

struct pl_tls_files {
    char *const *certificates; /* PEM, the leaf first, then its chain */
    char *const *keys;         /* PEM, without a passphrase; one each */
    size_t count;              /* 1 or more */
    const char *client_ca;     /* PEM; NULL: clients need no certificate */
    uint64_t ticket_period_ms; /* tickets live for two of these at most */
};

/* What is wrong with which file. */
struct pl_tls_fault {
    const char *file; /* one of pl_tls_files' */
    char reason[160];
};

/* Read the files.  Nothing of them but what is public is ever in *fault.
 * Owner:  the caller releases *out.
 * Thread: any.
 * Errors: PL_EINVAL, with *fault filled in; PL_ENOMEM. */
enum pl_err pl_tls_load(struct pl_tls **out, const struct pl_tls_files *files,
                        struct pl_tls_fault *fault);

/* Thread: any.  pl_tls_release(): NULL is allowed. */
struct pl_tls *pl_tls_hold(struct pl_tls *t);
void pl_tls_release(struct pl_tls *t);

/* A new seed.  Errors: PL_EIO: no random numbers. */
enum pl_err pl_tls_seed(struct pl_tls_seed *out, uint64_t period_ms,
                        uint64_t now_ms);
void pl_tls_seed_wipe(struct pl_tls_seed *seed);

/* The server's side of a new connection, with these tickets.  The certificate
 * is the first whose names have the one that the client asks for (RFC 6066,
 * section 3), otherwise the first of all.
 * Owner:  the caller, who keeps `t` as long.
 * Errors: NULL: out of memory. */
struct ssl_st *pl_tls_accept(struct pl_tls *t, struct pl_tickets *tickets);

/* Why OpenSSL's newest call failed; empties its queue of errors. */
void pl_tls_reason(char *out, size_t size);

#endif
