/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ws_deflate.c - any bytes as an offer of extensions, as a compressed
 * message, and as a message to compress; the first byte chooses.
 *
 * What was agreed must itself be an offer that is agreed to in the same way;
 * a message must inflate to the same after others as with a new inflater, to
 * no more than its limit, and from what we compress must come out what went
 * in. */
#include <stdint.h>
#include <stdlib.h>

#include "deflate.h"
#include "frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As of a loop: kept from one input to the next. */
static struct pl_deflater deflater;
static struct pl_inflater inflater;

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void offer(struct pl_span offers)
{
    struct pl_deflate_terms terms, again;

    pl_deflate_choose(offers, &terms);
    expect((terms.kind == PL_DEFLATE_NONE) == (*terms.answer == '\0'));
    expect(strlen(terms.answer) < sizeof terms.answer - 1);
    pl_deflate_choose(pl_span_of(terms.answer), &again);
    expect(again.kind == terms.kind);
    expect(strcmp(again.answer, terms.answer) == 0);
}

static void round_trip(enum pl_deflate kind, struct pl_span message)
{
    struct pl_buf plain = {0}, sent = {0};
    struct pl_span out = message;

    pl_ws_frame_put(&plain, PL_WS_BINARY, message);
    pl_buf_put_byte(&sent, 'x');
    pl_deflate_frame(&deflater, kind, &sent, pl_buf_span(&plain));
    expect(sent.len - 1 <= plain.len);
    struct pl_span frame = {sent.data + 1, sent.len - 1};
    expect(pl_ws_frame_length(frame) == frame.len);
    if ((frame.at[0] & 0x40) != 0) {
        size_t header = (frame.at[1] & 0x7F) < 126   ? 2
                        : (frame.at[1] & 0x7F) < 127 ? 4
                                                     : 10;
        expect(
            pl_inflate(&inflater,
                       (struct pl_span){frame.at + header, frame.len - header},
                       message.len, &out) == PL_OK);
    } else {
        expect(pl_span_equal(frame, pl_buf_span(&plain)));
    }
    expect(pl_span_equal(out, message));
    pl_deflate_last(&deflater, kind, &plain, 0);
    expect(pl_span_equal(pl_buf_span(&plain), frame));
    pl_buf_fini(&plain);
    pl_buf_fini(&sent);
}

static void inflate_twice(struct pl_span payload, size_t max)
{
    struct pl_inflater fresh = {0};
    struct pl_span first = {0}, second = {0};
    enum pl_err err = pl_inflate(&fresh, payload, max, &first);

    expect(pl_inflate(&inflater, payload, max, &second) == err);
    expect(pl_span_equal(first, second));
    expect(first.len <= max);
    expect((err == PL_OK) == (first.at != NULL));
    pl_inflater_fini(&fresh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct pl_span rest = {(const char *)data + 1, size - 1};
    switch (data[0] & 3) {
    case 0:
        offer(rest);
        break;
    case 1:
        inflate_twice(rest, (data[0] & 4) != 0 ? 100000 : 100);
        break;
    default:
        round_trip((data[0] & 1) != 0 ? PL_DEFLATE_WIDE : PL_DEFLATE_NARROW,
                   rest);
    }
    return 0;
}
