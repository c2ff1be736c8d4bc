/* SPDX-License-Identifier: Apache-2.0 */
/* conns_mail.h - sockets and certificates on their way to a loop.  Private to
 * the room. */
#ifndef PL_CONNS_MAIL_H
#define PL_CONNS_MAIL_H

#include "doors.h"
#include "mail.h"

enum { PL_MAIL_FD = PL_MAIL_OWN, PL_MAIL_TLS };

struct pl_fd_mail {
    struct pl_msg msg;
    int fd; /* owned; -1: taken out */
    bool is_tls;
    unsigned loop;          /* the listener's own note: whose load it is */
    struct pl_guest *guest; /* owned; NULL: none, or taken out */
};

struct pl_tls_mail {
    struct pl_msg msg;
    struct pl_tls *tls; /* held */
};

/* It comes back when it finds nobody who takes it, for the listener to count.
 * NULL: out of memory; socket and guest are still the caller's. */
struct pl_fd_mail *pl_fd_mail_create(int fd, bool is_tls,
                                     struct pl_guest *guest);

#endif
