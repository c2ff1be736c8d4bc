/* SPDX-License-Identifier: Apache-2.0 */
/* pieces_frame.c - WebSocket frames: in, out, masks and text.
 *
 * Frames that are decoded again and again have a mask of zeros: the work is the
 * same, and what is unmasked in place stays what it was. */
#include "pieces.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "decoder.h"
#include "frame.h"
#include "mask.h"
#include "utf8.h"

struct frame {
    struct pl_buf bytes;
    struct pl_buf out;
    size_t size; /* of the payload */
};

static void build(struct frame *f, enum pl_ws_opcode opcode, size_t size)
{
    static const char no_mask[4];
    size_t header;

    *f = (struct frame){.size = size};
    char *payload = malloc(size);
    if (payload == NULL)
        abort();
    memset(payload, 'x', size);
    pl_ws_frame_put(&f->bytes, opcode, (struct pl_span){payload, size});
    header = f->bytes.len - size;
    f->bytes.data[1] |= (char)0x80;
    f->bytes.len = header;
    pl_buf_put(&f->bytes, no_mask, sizeof no_mask);
    pl_buf_put(&f->bytes, payload, size);
    free(payload);
}

static void drop(struct frame *f)
{
    pl_buf_fini(&f->bytes);
    pl_buf_fini(&f->out);
}

static void decode(void *arg, uint64_t times)
{
    static const struct pl_ws_limits limits = {.max_message = 1 << 24,
                                               .masked = true};
    struct pl_ws_decoder d = {0};
    struct frame *f = arg;
    struct pl_ws_event e;

    for (uint64_t i = 0; i < times; i++) {
        struct pl_span in = pl_buf_span(&f->bytes);

        pl_ws_decode(&d, &limits, &in, &e);
        assert(e.kind == PL_WS_EVENT_MESSAGE);
    }
    pl_ws_decoder_fini(&d, &limits);
}

static void encode(void *arg, uint64_t times)
{
    struct frame *f = arg;
    struct pl_span payload = {f->bytes.data + (f->bytes.len - f->size),
                              f->size};

    for (uint64_t i = 0; i < times; i++) {
        f->out.len = 0;
        pl_ws_frame_put(&f->out, PL_WS_BINARY, payload);
        measure_keep(f->out.data);
    }
}

static void unmask(void *arg, uint64_t times)
{
    static const unsigned char key[4] = {0x12, 0x9a, 0x5c, 0xff};
    struct frame *f = arg;
    bool is_ascii = false;

    for (uint64_t i = 0; i < times; i++)
        is_ascii ^= pl_ws_unmask(f->bytes.data, f->size, key, 0);
    measure_keep(&is_ascii);
}

static void of_size(struct measure *m, unsigned size)
{
    struct frame binary, text;
    char name[64];

    build(&binary, PL_WS_BINARY, size);
    build(&text, PL_WS_TEXT, size);
    snprintf(name, sizeof name, "frame/decode/binary/%u", size);
    measure(m, name, decode, &binary, 1, size);
    snprintf(name, sizeof name, "frame/decode/text/%u", size);
    measure(m, name, decode, &text, 1, size);
    snprintf(name, sizeof name, "frame/encode/%u", size);
    measure(m, name, encode, &binary, 1, size);
    snprintf(name, sizeof name, "frame/unmask/%u", size);
    measure(m, name, unmask, &binary, 1, size);
    drop(&binary);
    drop(&text);
}

static void check(void *arg, uint64_t times)
{
    struct frame *f = arg;
    bool is_valid = true;

    for (uint64_t i = 0; i < times; i++)
        is_valid &= pl_utf8_is_valid(pl_buf_span(&f->bytes));
    assert(is_valid);
}

static void utf8(struct measure *m, const char *kind, const char *letter,
                 size_t size)
{
    struct frame f = {.size = size};
    char name[64];

    while (f.bytes.len + strlen(letter) <= size)
        pl_buf_put_span(&f.bytes, pl_span_of(letter));
    snprintf(name, sizeof name, "utf8/%s/%zu", kind, size);
    measure(m, name, check, &f, 1, f.bytes.len);
    drop(&f);
}

void pieces_frame(struct measure *m)
{
    static const unsigned sizes[] = {16, 64, 1024, 16384, 262144};
    static const size_t texts[] = {64, 1024, 65536};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        of_size(m, sizes[i]);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        utf8(m, "ascii", "a", texts[i]);
        utf8(m, "two-bytes", "\xc3\xa9", texts[i]);
        utf8(m, "three-bytes", "\xe2\x82\xac", texts[i]);
        utf8(m, "mixed",
             "Stra\xc3\x9f"
             "e \xf0\x9f\x98\x80 ",
             texts[i]);
    }
}
