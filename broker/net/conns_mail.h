/* SPDX-License-Identifier: Apache-2.0 */
/* conns_mail.h - mails that carry sockets and certificates to a loop.  Private
 * to this module. */
#ifndef PL_CONNS_MAIL_H
#define PL_CONNS_MAIL_H

#include "address_limiter.h"
#include "conn_tls.h"
#include "mail.h"

enum { PL_MAIL_FD = PL_MAIL_OWN, PL_MAIL_TLS, PL_MAIL_MOVE };

struct pl_fd_mail {
    struct pl_msg msg;
    int fd; /* owned; -1: taken out */
    bool is_tls;
    unsigned loop; /* destination, for the listener's count */
    struct pl_admission_record *record; /* owned; NULL: none, or taken out */
};

/* An open connection that another pl_conns takes over. */
struct pl_move_mail {
    struct pl_msg msg;
    int fd; /* owned; -1: taken out */
    bool is_hung_up;
    struct pl_ip from; /* its client, as far as it is known */
    struct pl_tls_kept tls;
    struct pl_buf in; /* what was read */
};

struct pl_tls_mail {
    struct pl_msg msg;
    struct pl_tls *tls; /* own reference */
};

/* Create the mail.  If no actor handles it, it returns to the listener, which
 * corrects its count.  NULL: out of memory; the caller keeps `fd` and
 * `record`. */
struct pl_fd_mail *pl_fd_mail_create(int fd, bool is_tls,
                                     struct pl_admission_record *record);

#endif
