/* SPDX-License-Identifier: Apache-2.0 */
/* reload.c - the files of TLS: read at first, and again while the broker runs.
 *
 * All files are read, and all mail is made, before anything changes: a reload
 * happens on every loop or on none.  Only files are read again; the
 * configuration, with their names, is constant (config.h).
 *
 * What is read is handed to the loops by mail; a connection keeps what it began
 * with, so none is lost. */
#include "broker_private.h"

#include <assert.h>

#include "log.h"
#include "system.h"

enum pl_err pl_broker_load_tls(struct pl_tls **out,
                               const struct pl_config *config,
                               struct pl_tls_fault *fault)
{
    const struct pl_tls_files files = {
        .certificates = config->tls.certificate.at,
        .keys = config->tls.key.at,
        .count = config->tls.certificate.count,
        .client_ca = config->tls.client_ca,
        .ticket_period_ms = config->tls.ticket_rotation_ms,
    };

    fault->file = NULL;
    return pl_tls_load(out, &files, fault);
}

static enum pl_err make_mail(struct pl_msg **mail, unsigned count,
                             struct pl_tls *tls)
{
    for (unsigned i = 0; i < count; i++) {
        enum pl_err rc = pl_conns_retls(&mail[i], tls);

        if (rc == PL_OK)
            continue;
        while (i-- > 0)
            mail[i]->destroy(mail[i]);
        return rc;
    }
    return PL_OK;
}

static enum pl_err spread(struct pl_broker *b, struct pl_tls *tls)
{
    struct pl_msg *mail[PL_CONFIG_LOOPS_MAX];

    assert(b->workers <= PL_CONFIG_LOOPS_MAX);
    enum pl_err rc = make_mail(mail, b->workers, tls);
    if (rc != PL_OK)
        return rc;
    pl_guard_enter(b->guard);
    struct pl_tls *old = b->tls;
    b->tls = pl_tls_hold(tls);
    for (unsigned i = 0; b->is_running && i < b->workers; i++) {
        pl_system_post(b->system, b->conns[i], mail[i]);
        mail[i] = NULL;
    }
    pl_guard_leave(b->guard);
    for (unsigned i = 0; i < b->workers; i++) {
        if (mail[i] != NULL)
            mail[i]->destroy(mail[i]);
    }
    pl_tls_release(old);
    return PL_OK;
}

enum pl_err pl_broker_reload(struct pl_broker *b)
{
    struct pl_tls_fault fault;
    struct pl_tls *tls;

    if (b->config->listen_tls.count == 0) {
        PL_LOG(PL_LOG_INFO, "nothing to reload without listen_tls");
        return PL_OK;
    }
    enum pl_err rc = pl_broker_load_tls(&tls, b->config, &fault);
    if (rc == PL_OK) {
        rc = spread(b, tls);
        pl_tls_release(tls);
    }
    if (rc == PL_OK)
        PL_LOG(PL_LOG_INFO, "TLS files reloaded",
               pl_log_number("certificates",
                             (int64_t)b->config->tls.certificate.count));
    else
        PL_LOG(PL_LOG_WARN, "TLS files not reloaded, the old ones stay",
               pl_log_string("file", fault.file == NULL ? "-" : fault.file),
               pl_log_string("reason", fault.file == NULL ? pl_err_text(rc)
                                                          : fault.reason));
    return rc;
}
