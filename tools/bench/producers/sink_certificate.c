/* SPDX-License-Identifier: Apache-2.0 */
/* sink_certificate.c - the certificate of `parley bench`, for the sink. */
#include "certificate.h"
#include "sink.h"

void sink_certificate_make(char *folder, size_t size)
{
    bench_certificate_make(folder, size);
}

void sink_certificate_remove(const char *folder)
{
    bench_certificate_remove(folder);
}
