/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ws_handshake.c - any bytes as a request.
 *
 * The verdict on the whole must not contradict the verdict on a beginning of
 * it, what was read must lie in the request, and a request that is accepted
 * must be answered. */
#include <stdint.h>
#include <stdlib.h>

#include "handshake.h"
#include "host.h"
#include "origin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static void require_inside(struct pl_span s, struct pl_span request,
                           const struct pl_handshake *h)
{
    bool in_request =
        s.at >= request.at && s.at + s.len <= request.at + request.len;
    bool in_joined =
        s.at >= h->joined && s.at + s.len <= h->joined + sizeof h->joined;

    require(s.at == NULL || in_request || in_joined);
}

static void use(const struct pl_handshake *h, struct pl_span request)
{
    static const char *const allowed[] = {"https://*.example.org", "a*b*c"};
    static const char *const hosts[] = {"*.example.org", "a*b*c:443"};
    struct pl_buf answer = {0};
    struct pl_span name, port;

    require(h->path.len > 0 && *h->path.at == '/');
    require_inside(h->query, request, h);
    require_inside(h->host, request, h);
    require_inside(h->origin, request, h);
    require_inside(h->key, request, h);
    require_inside(h->protocols, request, h);
    require_inside(h->extensions, request, h);
    require_inside(h->forwarded, request, h);
    require_inside(h->forwarded_for, request, h);
    require(h->host.len > 0 && h->key.len == 24);
    pl_handshake_offers(h, "centrifuge-protobuf");
    pl_handshake_query_has(h, "format", "protobuf");
    pl_origin_is_allowed(h->origin, h->host, true, NULL, 0);
    pl_origin_is_loopback(h->origin);
    pl_host_is_loopback(h->host);
    pl_origin_is_allowed(h->origin, h->host, false, allowed, 2);
    require(pl_host_split(h->host, &name, &port) && name.len > 0);
    pl_host_is_allowed(h->host, hosts, 2);
    pl_handshake_accept(&answer, h, NULL, NULL);
    require(answer.len > 100 && !answer.failed);
    pl_buf_fini(&answer);
}

/* The verdict on a copy of just this size. */
static enum pl_err read_copy(struct pl_span request, int *status, size_t *taken)
{
    char *copy = malloc(request.len > 0 ? request.len : 1);
    struct pl_handshake h;
    struct pl_handshake_error error = {0, NULL, false};

    require(copy != NULL);
    if (request.len > 0)
        memcpy(copy, request.at, request.len);
    struct pl_span in = {copy, request.len};
    enum pl_err err = pl_handshake_read(in, &h, taken, &error);
    require(err == PL_OK || err == PL_EAGAIN || err == PL_EBADMSG);
    require((err == PL_EBADMSG) == (error.text != NULL));
    if (err == PL_OK)
        use(&h, in);
    *status = error.status;
    free(copy);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_span whole = {(const char *)data, size};
    size_t taken[2] = {0, 0};
    int status[2];

    enum pl_err err = read_copy(whole, &status[0], &taken[0]);
    require(taken[0] <= size);
    size_t step = size / 16 + 1;
    for (size_t len = 0; len < size; len += step) {
        struct pl_span part = {whole.at, len};
        enum pl_err early = read_copy(part, &status[1], &taken[1]);

        if (early == PL_EAGAIN)
            continue;
        require(early == err && status[1] == status[0]);
        require(taken[1] == taken[0]);
    }
    require(err != PL_OK || read_copy((struct pl_span){whole.at, taken[0] - 1},
                                      &status[1], &taken[1]) == PL_EAGAIN);
    return 0;
}
