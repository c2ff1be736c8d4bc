/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_proxy.c - any bytes as a header of the PROXY protocol.
 *
 * The verdict on a beginning must be "not yet" or the verdict on the whole, a
 * header that was read lies in its bytes, and what follows it matters not. */
#include <stdint.h>
#include <stdlib.h>

#include "proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

/* The verdict on a copy of just this size. */
static enum pl_err read_copy(const uint8_t *data, size_t size,
                             struct pl_proxy *p)
{
    char *copy = malloc(size > 0 ? size : 1);
    const char *why = NULL;

    require(copy != NULL);
    memcpy(copy, data, size);
    enum pl_err rc = pl_proxy_read((struct pl_span){copy, size}, p, &why);
    require(rc == PL_OK || rc == PL_EAGAIN || rc == PL_EBADMSG);
    require((rc == PL_EBADMSG) == (why != NULL));
    free(copy);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[PL_IP_TEXT_MAX];
    struct pl_proxy whole = {0}, part = {0};
    enum pl_err rc = read_copy(data, size, &whole);

    require(rc != PL_EAGAIN || size < PL_PROXY_MAX);
    if (rc == PL_OK) {
        require(whole.len > 0 && whole.len <= size &&
                whole.len <= PL_PROXY_MAX);
        require(read_copy(data, whole.len, &part) == PL_OK);
        require(part.len == whole.len && part.kind == whole.kind &&
                pl_ip_equal(&part.from, &whole.from));
        require(read_copy(data, whole.len - 1, &part) == PL_EAGAIN);
        pl_ip_format(&whole.from, text);
    }
    for (size_t cut = 0; cut < size && cut < 300; cut++) {
        enum pl_err early = read_copy(data, cut, &part);

        require(early == PL_EAGAIN || early == rc);
    }
    return 0;
}
