/* SPDX-License-Identifier: Apache-2.0 */
/* certificate.c - see certificate.h. */
#include "certificate.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

enum { PATH_MAX_HERE = 128, DAY_S = 86400 };

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "parley bench: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static FILE *create(const char *folder, const char *name)
{
    char path[PATH_MAX_HERE];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "we");
    must(f != NULL, path);
    return f;
}

static X509 *sign(EVP_PKEY *key)
{
    X509 *x = X509_new();

    must(x != NULL, "no certificate");
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(x), DAY_S);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    must(X509_set_pubkey(x, key) == 1 && X509_sign(x, key, EVP_sha256()) > 0,
         "not signed");
    return x;
}

void bench_certificate_make(char *folder, size_t size)
{
    snprintf(folder, size, "/tmp/parley-bench-XXXXXX");
    must(mkdtemp(folder) != NULL, "no folder");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    must(key != NULL, "no key");
    X509 *x = sign(key);
    FILE *f = create(folder, "a.pem");
    PEM_write_X509(f, x);
    fclose(f);
    f = create(folder, "a.key");
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    X509_free(x);
    EVP_PKEY_free(key);
}

void bench_certificate_remove(const char *folder)
{
    char path[PATH_MAX_HERE];

    if (folder[0] == '\0')
        return;
    snprintf(path, sizeof path, "%s/a.pem", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/a.key", folder);
    unlink(path);
    rmdir(folder);
}
