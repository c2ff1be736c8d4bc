/* SPDX-License-Identifier: Apache-2.0 */
/* certificate.h - a certificate of our own for the broker that is measured. */
#ifndef BENCH_CERTIFICATE_H
#define BENCH_CERTIFICATE_H

#include <stddef.h>

/* Make a folder, its path goes to `folder`, with a.pem and a.key: P-256, signed
 * by itself.  Failures end the program. */
void bench_certificate_make(char *folder, size_t size);

/* Remove all that; an empty path is nothing. */
void bench_certificate_remove(const char *folder);

#endif
