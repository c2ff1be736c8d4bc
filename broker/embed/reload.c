/* SPDX-License-Identifier: Apache-2.0 */
/* reload.c - reads the configuration and the TLS files, again while the broker
 * runs.
 *
 * All files are read, and all mails are created, before anything changes: a
 * reload takes effect on every loop or on none.  The first step may block, so
 * it runs on the thread that calls pl_broker_reload(), or as a job of the
 * broker's pool (reloader.c).  The loops receive the result by mail, as
 * immutable refcounted tables.  An open connection keeps the table it started
 * with, so no connection is lost.
 *
 * Other modules keep pointers into the first configuration, which lives as long
 * as the broker.  Keys that cannot change at run time are compared with it and
 * named in the log.
 *
 * Invariant: `access` and `tls` of the broker are what its next start uses, and
 * what its running loops have or will have once they read their mail. */
#include "reload.h"

#include <string.h>

#include "access_mail.h"
#include "broker_private.h"
#include "log.h"
#include "source.h"
#include "system.h"

enum pl_err pl_broker_load_tls(struct pl_tls **out,
                               const struct pl_settings *config,
                               struct pl_tls_fault *fault)
{
    const struct pl_tls_files files = {
        .certificates = config->net.tls.certificate.at,
        .keys = config->net.tls.key.at,
        .count = config->net.tls.certificate.count,
        .client_ca = config->net.tls.client_ca,
        .ticket_period_ms = config->net.tls.ticket_rotation_ms,
    };

    fault->file = NULL;
    return pl_tls_load(out, &files, fault);
}

void pl_broker_log_report(struct pl_buf *report, enum pl_log_level level)
{
    struct pl_span rest = pl_buf_span(report);

    while (rest.len > 0) {
        const char *end = memchr(rest.at, '\n', rest.len);
        size_t len = end == NULL ? rest.len : (size_t)(end - rest.at);

        PL_LOG(level, "configuration",
               pl_log_text("finding", (struct pl_span){rest.at, len}));
        rest.at += len + (end != NULL);
        rest.len -= len + (end != NULL);
    }
    pl_buf_fini(report);
}

static void destroy_mail(struct pl_msg **mail, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (mail[i] != NULL)
            mail[i]->destroy(mail[i]);
}

enum pl_err pl_reload_init(struct pl_reload *r, const struct pl_broker *b)
{
    r->workers = b->workers;
    r->has_tls = b->config->net.listen_tls.count > 0;
    return pl_source_copy(&r->source, &b->source);
}

void pl_reload_fini(struct pl_reload *r)
{
    destroy_mail(r->tls_mail, PL_NET_LOOPS_MAX);
    destroy_mail(r->access_mail, PL_NET_LOOPS_MAX + 1);
    pl_new_rules_fini(&r->rules);
    pl_tls_release(r->tls);
    pl_access_release(r->access);
    pl_settings_destroy(r->config);
    pl_buf_fini(&r->report);
    pl_source_fini(&r->source);
}

static enum pl_err make_access_mail(struct pl_msg **out,
                                    struct pl_access *access)
{
    struct pl_access_mail *m = pl_access_mail_create();

    if (m == NULL)
        return PL_ENOMEM;
    m->access = pl_access_hold(access);
    m->release = pl_access_release;
    *out = &m->msg;
    return PL_OK;
}

static enum pl_err make_mail(struct pl_reload *r)
{
    enum pl_err rc = make_access_mail(&r->access_mail[r->workers], r->access);

    for (unsigned i = 0; i < r->workers && rc == PL_OK; i++) {
        rc = make_access_mail(&r->access_mail[i], r->access);
        if (rc == PL_OK && r->tls != NULL)
            rc = pl_conns_retls(&r->tls_mail[i], r->tls);
    }
    return rc;
}

static enum pl_err read_config(struct pl_reload *r)
{
    enum pl_err rc = pl_settings_load(&r->config, &r->source, &r->report);

    r->is_good = rc == PL_OK;
    if (rc != PL_OK)
        r->config = NULL;
    return rc;
}

/* Read the TLS files if the broker has TLS listeners; listeners change with a
 * restart only. */
static enum pl_err read_tls(struct pl_reload *r)
{
    if (!r->has_tls)
        return PL_OK;
    r->lacks_certificate = r->config->net.tls.certificate.count == 0;
    if (r->lacks_certificate)
        return PL_EINVAL;
    enum pl_err rc = pl_broker_load_tls(&r->tls, r->config, &r->fault);
    if (rc != PL_OK)
        r->tls = NULL;
    return rc;
}

void pl_reload_read(struct pl_reload *r)
{
    enum pl_err rc = read_config(r);

    if (rc == PL_OK)
        rc = read_tls(r);
    if (rc == PL_OK)
        rc = pl_access_create(&r->access, &r->config->users);
    if (rc == PL_OK)
        rc = make_mail(r);
    else
        r->access = NULL;
    r->result = rc;
}

static void post(struct pl_broker *b, struct pl_address to,
                 struct pl_msg **mail)
{
    if (*mail != NULL)
        pl_system_post(b->system, to, *mail);
    *mail = NULL;
}

/* Give the broker the new tables and `r` the old ones, to release them. */
static void swap(struct pl_broker *b, struct pl_reload *r)
{
    struct pl_access *access = b->access;
    struct pl_tls *tls = b->tls;

    b->access = r->access;
    r->access = access;
    if (r->tls == NULL)
        return;
    b->tls = r->tls;
    r->tls = tls;
}

/* The rules are made here, because pl_broker_rule() may have changed them
 * while the files were read. */
static enum pl_err spread(struct pl_broker *b, struct pl_reload *r)
{
    pl_guard_enter(b->guard);
    enum pl_err rc = pl_new_rules_make(&r->rules, b, r->config->rulebook);
    if (rc != PL_OK) {
        pl_guard_leave(b->guard);
        return rc;
    }
    for (unsigned i = 0; b->is_running && i < b->workers; i++) {
        post(b, b->managers[i], &r->access_mail[i]);
        post(b, b->conns[i], &r->tls_mail[i]);
    }
    if (b->is_running)
        post(b, b->admin, &r->access_mail[b->workers]);
    pl_new_rules_spread(&r->rules, b);
    swap(b, r);
    pl_guard_leave(b->guard);
    return PL_OK;
}

/* Log the changed keys that need a restart.  Return their number. */
static unsigned name_others(const struct pl_broker *b,
                            const struct pl_reload *r)
{
    const char *now = (const char *)b->config, *then = (const char *)r->config;
    const struct pl_config_key *k;
    unsigned count = 0;
    size_t offset;

    for (size_t i = 0; (k = pl_config_key_at(&pl_settings_schema, i, &offset));
         i++) {
        if (k->reload || !pl_config_key_differs(k, now + offset, then + offset))
            continue;
        PL_LOG(PL_LOG_WARN, "a changed key needs a restart",
               pl_log_string("key", k->name));
        count++;
    }
    return count;
}

static void log_findings(struct pl_reload *r)
{
    pl_broker_log_report(&r->report, r->is_good ? PL_LOG_WARN : PL_LOG_ERROR);
    if (r->lacks_certificate)
        PL_LOG(PL_LOG_ERROR, "configuration",
               pl_log_string("finding",
                             "tls.certificate: the broker listens by TLS and "
                             "needs one until its next start"));
    if (r->fault.file != NULL)
        PL_LOG(PL_LOG_WARN, "TLS files not reloaded, the old ones stay",
               pl_log_string("file", pl_tls_name(r->fault.file)),
               pl_log_string("reason", r->fault.reason));
}

enum pl_err pl_reload_apply(struct pl_broker *b, struct pl_reload *r)
{
    bool has_tls = r->tls != NULL;

    log_findings(r);
    if (r->result == PL_OK)
        r->result = spread(b, r);
    if (r->result != PL_OK) {
        PL_LOG(PL_LOG_WARN, "configuration not reloaded, all stays as it was",
               pl_log_string("reason", pl_err_text(r->result)));
        return r->result;
    }
    pl_log_change(&b->log, r->config->process.log.level);
    unsigned others = name_others(b, r);
    if (has_tls)
        PL_LOG(PL_LOG_INFO, "TLS files reloaded",
               pl_log_number("certificates",
                             (int64_t)r->config->net.tls.certificate.count));
    PL_LOG(PL_LOG_INFO, "configuration reloaded",
           pl_log_number("need_restart", others));
    return PL_OK;
}

enum pl_err pl_broker_reload(struct pl_broker *b)
{
    const struct pl_log *before = pl_log_use(&b->log);
    struct pl_reload r = {0};

    r.result = pl_reload_init(&r, b);
    if (r.result == PL_OK)
        pl_reload_read(&r);
    enum pl_err rc = pl_reload_apply(b, &r);
    pl_reload_fini(&r);
    pl_log_use(before);
    return rc;
}
