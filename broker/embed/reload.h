/* SPDX-License-Identifier: Apache-2.0 */
/* reload.h - the steps of a reload.  Private to this module. */
#ifndef PL_BROKER_RELOAD_H
#define PL_BROKER_RELOAD_H

#include "access.h"
#include "broker.h"
#include "buf.h"
#include "msg.h"
#include "patterns.h"
#include "settings.h"
#include "tls.h"

/* One reload.  It shares nothing with the broker, so that its second step may
 * outlast it.  Mail that was not sent is destroyed. */
struct pl_reload {
    struct pl_config_source source; /* own copy */
    unsigned workers;
    bool has_tls; /* the broker listens by TLS */
    /* Set by pl_reload_read(). */
    enum pl_err result;
    struct pl_buf report; /* findings in the configuration, a line each */
    bool is_good;         /* the configuration, so these are warnings */
    bool lacks_certificate;
    struct pl_tls_fault fault;
    struct pl_settings *config; /* as the files are now */
    struct pl_tls *tls;         /* own reference; NULL: no listen_tls */
    struct pl_access *access;   /* own reference */
    struct pl_msg *tls_mail[PL_NET_LOOPS_MAX];        /* by worker */
    struct pl_msg *access_mail[PL_NET_LOOPS_MAX + 1]; /* the last is for the
                                                            admin server */
    struct pl_new_rules rules; /* set by pl_reload_apply() */
};

/* Prepare *r, all zero, for a reload of `b`.
 * Owner:  the caller, until pl_reload_fini().
 * Thread: any.
 * Errors: PL_ENOMEM. */
enum pl_err pl_reload_init(struct pl_reload *r, const struct pl_broker *b);
void pl_reload_fini(struct pl_reload *r);

/* Read all files and create all mail.  Blocks; logs nothing; uses nothing but
 * *r.
 * Thread: any. */
void pl_reload_read(struct pl_reload *r);

/* Give the loops what was read, or nothing after an error, and log which.
 * Return r->result.
 * Thread: any. */
enum pl_err pl_reload_apply(struct pl_broker *b, struct pl_reload *r);

#endif
