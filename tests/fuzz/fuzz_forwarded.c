/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_forwarded.c - any bytes as X-Forwarded-For and as Forwarded.
 *
 * With nobody trusted but the peer a list that ends in an address is that
 * address; a stranger who writes in front of what a proxy wrote changes
 * nothing. */
#include <stdint.h>
#include <stdlib.h>

#include "buf.h"
#include "forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static struct pl_ip ip_of(struct pl_span text)
{
    struct pl_ip ip;

    require(pl_ip_parse(&ip, text));
    return ip;
}

/* `list`, then what a proxy adds. */
static void use(struct pl_span list, const struct pl_ip_net *trusted)
{
    struct pl_ip peer = ip_of(PL_SPAN("10.0.0.1"));
    struct pl_ip client = ip_of(PL_SPAN("192.0.2.1"));
    struct pl_buf b = {0};

    pl_forwarded_for(peer, list, trusted, 2);
    pl_forwarded(peer, list, trusted, 2);
    pl_buf_put_span(&b, list);
    pl_buf_put_span(&b, PL_SPAN(", 192.0.2.1, fd00::7"));
    struct pl_ip ip = pl_forwarded_for(peer, pl_buf_span(&b), trusted, 2);
    require(pl_ip_equal(&ip, &client));
    b.len = 0;
    pl_buf_put_span(&b, list);
    pl_buf_put_span(&b, PL_SPAN(", for=192.0.2.1, for=\"[fd00::7]:1\""));
    ip = pl_forwarded(peer, pl_buf_span(&b), trusted, 2);
    require(pl_ip_equal(&ip, &client));
    pl_buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    struct pl_ip_net trusted[2];

    require(copy != NULL);
    memcpy(copy, data, size);
    require(pl_ip_net_parse(&trusted[0], PL_SPAN("10.0.0.0/8")));
    require(pl_ip_net_parse(&trusted[1], PL_SPAN("fd00::/8")));
    use((struct pl_span){copy, size}, trusted);
    pl_ip_net_parse(&trusted[0], (struct pl_span){copy, size});
    free(copy);
    return 0;
}
