/* SPDX-License-Identifier: Apache-2.0 */
/* conns_mail.h - sockets and certificates on their way to a loop.  Private to
 * the room. */
#ifndef PL_CONNS_MAIL_H
#define PL_CONNS_MAIL_H

#include "mail.h"

enum { PL_MAIL_FD = PL_MAIL_OWN, PL_MAIL_TLS };

struct pl_fd_mail {
    struct pl_msg msg;
    int fd; /* owned; -1: taken out */
    bool is_tls;
};

struct pl_tls_mail {
    struct pl_msg msg;
    struct pl_tls *tls; /* held */
};

/* NULL: out of memory; the socket is still the caller's. */
struct pl_fd_mail *pl_fd_mail_create(int fd, bool is_tls);

#endif
