/* SPDX-License-Identifier: Apache-2.0 */
/* conns_mail.h - a socket on its way to another loop.  Private to the room. */
#ifndef PL_CONNS_MAIL_H
#define PL_CONNS_MAIL_H

#include "mail.h"

enum { PL_MAIL_FD = PL_MAIL_OWN };

struct pl_fd_mail {
    struct pl_msg msg;
    int fd; /* owned; -1: taken out */
};

/* NULL: out of memory; the socket is still the caller's. */
struct pl_fd_mail *pl_fd_mail_create(int fd);

#endif
