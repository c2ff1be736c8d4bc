/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ws_decoder.c - any bytes through the decoder, twice.
 *
 * The first byte chooses the side, the limit, the pieces and whether
 * permessage-deflate was agreed on; the rest is fed whole and in pieces, and
 * both must give the same events.  ws_feed() checks the promises of decoder.h
 * on the way. */
#include <stdint.h>
#include <stdlib.h>

#include "deflate.h"
#include "ws_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct pl_inflater inflater = {0};
    struct pl_ws_limits limits = {.masked = (data[0] & 1) != 0,
                                  .max_message =
                                      (data[0] & 2) != 0 ? 100000 : 40};
    if ((data[0] & 16) != 0)
        limits.inflater = &inflater;
    size_t first = 1 + (data[0] >> 2 & 3), piece = 1 + (data[0] >> 5);
    struct pl_span bytes = {(const char *)data + 1, size - 1};
    struct pl_buf whole = {0}, cut = {0};

    ws_feed(&whole, &limits, bytes, bytes.len, bytes.len);
    ws_feed(&cut, &limits, bytes, first, piece);
    if (!pl_span_equal(pl_buf_span(&whole), pl_buf_span(&cut)))
        abort();
    pl_buf_fini(&whole);
    pl_buf_fini(&cut);
    pl_inflater_fini(&inflater);
    return 0;
}
