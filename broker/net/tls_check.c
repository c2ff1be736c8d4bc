/* SPDX-License-Identifier: Apache-2.0 */
/* tls_check.c - see tls_check.h.
 *
 * A broker starts even with an expired certificate, because its clients may
 * ignore that; this check reports it to the operator before.
 *
 * Invariant: findings contain only the name and dates of a file. */
#include "tls_check.h"

#include <sys/stat.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "config_load.h"
#include "net_settings.h"
#include "tls.h"

enum { SOON_DAYS = 14 };

static bool has(const struct pl_config_strings *list, const char *file)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->at[i] == file)
            return true;
    return false;
}

static bool can_be_loaded(struct pl_config_loading *l,
                          const struct pl_net_settings *c)
{
    const struct pl_tls_files files = {
        .certificates = c->tls.certificate.at,
        .keys = c->tls.key.at,
        .count = c->tls.certificate.count,
        .client_ca = c->tls.client_ca,
        .ticket_period_ms = c->tls.ticket_rotation_ms,
    };
    struct pl_tls_fault fault = {.file = NULL};
    struct pl_tls *tls;

    if (pl_tls_load(&tls, &files, &fault) == PL_OK) {
        pl_tls_release(tls);
        return true;
    }
    const char *key = has(&c->tls.certificate, fault.file) ? "tls.certificate"
                      : has(&c->tls.key, fault.file)       ? "tls.key"
                                                           : "tls.client_ca";
    if (fault.file == NULL)
        PL_CONFIG_COMPLAIN(l, "listen_tls", "%s", pl_err_text(PL_ENOMEM));
    else
        PL_CONFIG_COMPLAIN(l, key, "%s: %s", pl_tls_name(fault.file),
                           fault.reason);
    return false;
}

/* Write a date as "2026-11-30". */
static void put_date(char out[16], const ASN1_TIME *t)
{
    struct tm tm = {0};

    if (ASN1_TIME_to_tm(t, &tm) != 1 || strftime(out, 16, "%F", &tm) == 0)
        strcpy(out, "a date");
}

static void check_dates(struct pl_config_loading *l, const char *file,
                        const X509 *x)
{
    time_t now = time(NULL), soon = now + (time_t)SOON_DAYS * 86400;
    char from[16], until[16];

    put_date(from, X509_get0_notBefore(x));
    put_date(until, X509_get0_notAfter(x));
    if (X509_cmp_time(X509_get0_notAfter(x), &now) <= 0)
        PL_CONFIG_COMPLAIN(l, "tls.certificate", "%s: expired on %s", file,
                           until);
    else if (X509_cmp_time(X509_get0_notBefore(x), &now) > 0)
        PL_CONFIG_COMPLAIN(l, "tls.certificate", "%s: not valid before %s",
                           file, from);
    else if (X509_cmp_time(X509_get0_notAfter(x), &soon) <= 0)
        PL_CONFIG_WARN(l, "tls.certificate", "%s: expires on %s", file, until);
}

/* The certificate was loaded before, so only an allocation can fail here. */
static void check_certificate(struct pl_config_loading *l, const char *file)
{
    BIO *in = pl_tls_open(file);
    X509 *x = in == NULL ? NULL : PEM_read_bio_X509(in, NULL, NULL, NULL);

    if (x != NULL)
        check_dates(l, pl_tls_name(file), x);
    X509_free(x);
    BIO_free(in);
    ERR_clear_error();
}

static void check_readers(struct pl_config_loading *l, const char *file)
{
    struct stat st;

    if (!pl_tls_is_text(file) && stat(file, &st) == 0 && S_ISREG(st.st_mode) &&
        (st.st_mode & S_IROTH) != 0)
        PL_CONFIG_WARN(l, "tls.key",
                       "every user of this machine can read it: chmod o-r %s",
                       file);
}

void pl_tls_check(struct pl_config_loading *l, const struct pl_net_settings *c)
{
    if (c->listen_tls.count == 0 || !can_be_loaded(l, c))
        return;
    for (size_t i = 0; i < c->tls.certificate.count; i++) {
        check_certificate(l, c->tls.certificate.at[i]);
        check_readers(l, c->tls.key.at[i]);
    }
}
