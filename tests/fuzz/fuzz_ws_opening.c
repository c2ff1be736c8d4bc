/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ws_opening.c - any bytes as all that a server sends to a client: the
 * response to its request, then frames.
 *
 * The first byte chooses what the client asked for and the pieces.  The verdict
 * on a beginning of the response must not contradict the verdict on the whole,
 * no more is agreed on than was asked for, and the frames give the same events
 * whole and in pieces.  ws_feed() checks the promises of decoder.h. */
#include <stdint.h>
#include <stdlib.h>

#include "opening.h"
#include "ws_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static enum pl_err judge(const struct pl_opening *o, struct pl_span in,
                         struct pl_opened *out, size_t *taken,
                         const char **text)
{
    char *copy = malloc(in.len > 0 ? in.len : 1);
    struct pl_http_failure why = {0};

    require(copy != NULL);
    if (in.len > 0)
        memcpy(copy, in.at, in.len);
    enum pl_err err =
        pl_opening_read(o, (struct pl_span){copy, in.len}, out, taken, &why);
    free(copy);
    require((err == PL_EBADMSG || err == PL_EDENIED) == (why.text != NULL));
    *text = why.text;
    return err;
}

static void read_frames(const struct pl_opened *opened, struct pl_span frames,
                        size_t piece)
{
    struct pl_inflater inflater = {0};
    struct pl_ws_limits limits = {.max_message = 1000, .masked = false};
    struct pl_buf whole = {0}, cut = {0};

    if (opened->deflate != PL_DEFLATE_NONE)
        limits.inflater = &inflater;
    if (frames.len > 0) {
        ws_feed(&whole, &limits, frames, frames.len, frames.len);
        ws_feed(&cut, &limits, frames, piece, piece);
    }
    require(pl_span_equal(pl_buf_span(&whole), pl_buf_span(&cut)));
    pl_buf_fini(&whole);
    pl_buf_fini(&cut);
    pl_inflater_fini(&inflater);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_opening o = {.host = PL_SPAN("a"), .path = PL_SPAN("/")};
    struct pl_opened opened, other;
    const char *text[2];
    size_t taken[2] = {0, 0};

    if (size < 1)
        return 0;
    memcpy(o.nonce, "the sample nonce", sizeof o.nonce);
    o.offers_deflate = (data[0] & 1) != 0;
    if ((data[0] & 2) != 0)
        o.protocols = PL_SPAN("one, two");
    struct pl_span whole = {(const char *)data + 1, size - 1};
    enum pl_err err = judge(&o, whole, &opened, &taken[0], &text[0]);
    size_t step = whole.len / 16 + 1;
    for (size_t len = 0; len < whole.len; len += step) {
        enum pl_err early = judge(&o, (struct pl_span){whole.at, len}, &other,
                                  &taken[1], &text[1]);

        if (early == PL_EAGAIN)
            continue;
        require(early == err && text[1] == text[0] && taken[1] == taken[0]);
    }
    if (err != PL_OK)
        return 0;
    require(opened.deflate == PL_DEFLATE_NONE || o.offers_deflate);
    require(opened.protocol.at == NULL ||
            (opened.protocol.len == 3 && o.protocols.at != NULL));
    read_frames(&opened,
                (struct pl_span){whole.at + taken[0], whole.len - taken[0]},
                1 + (data[0] >> 2));
    return 0;
}
