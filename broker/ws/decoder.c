/* SPDX-License-Identifier: Apache-2.0 */
/* decoder.c - see decoder.h.
 *
 * There are two paths.  The usual frame, whole inside `in` and a message by
 * itself, is unmasked, checked in place and returned as a span of `in`: no
 * state, no copy, no allocation.  Control frames take this path too, also
 * between fragments.  take_short() is a shortcut of it for a short message that
 * is not compressed: a third of the instructions.  A header or payload that a
 * read splits, and the fragments of a message, go through `partial`, which
 * exists only until they are complete: an idle connection costs one pointer.
 * Input is unmasked on arrival; pieces.c collects, inflates and checks it.  A
 * compressed message (RFC 7692) that is one frame, whole inside `in`, uses the
 * inflater of the loop.
 *
 * Checks follow the order of the bytes, and a header is checked as far as it
 * has arrived, so the same bytes give the same events however they are split.
 *
 * Invariant: between calls `partial` is NULL, or has bytes of a header, an
 * unfinished frame or message, or the payload of the last event; then the next
 * call frees it. */
#include "decoder.h"

#include <stdlib.h>

#include "mask.h"
#include "pieces.h"
#include "utf8.h"

enum {
    HEADER_MAX = 14, /* bytes: 2, a length of 8, a key of 4 */
    CONTROL_MAX = 125,
    KEY_LEN = 4,

    FIN = 0x80,
    RESERVED = 0x70,
    RSV1 = 0x40, /* the first frame of a compressed message */
    OPCODE = 0x0F,
    CONTROL = 0x08,
    MASKED = 0x80,
    LENGTH = 0x7F,
    LENGTH_16 = 126,
    LENGTH_64 = 127
};

/* The header of a frame.  The fields after `size` are valid once `size` bytes
 * have arrived. */
struct header {
    size_t size; /* bytes of the header, as far as known */
    size_t payload;
    enum pl_ws_opcode opcode;
    bool fin;
    bool compressed;
    unsigned char key[KEY_LEN];
};

struct pl_ws_partial {
    struct pl_ws_pieces message; /* the fragments so far */

    /* The frame being read. */
    bool in_frame; /* the header is read, the payload is not */
    struct header frame;
    size_t taken; /* bytes of its payload read so far */

    unsigned char kept; /* bytes of an unfinished header */
    unsigned char head[HEADER_MAX];
    char control[CONTROL_MAX]; /* payload of an unfinished control frame */
};

/* Return the error as an event.  True, for callers that return whether there is
 * an event. */
static bool fail(struct pl_ws_event *out, uint16_t code, const char *text)
{
    *out = (struct pl_ws_event){
        .kind = PL_WS_EVENT_ERROR, .code = code, .payload = pl_span_of(text)};
    return true;
}

static bool fail_memory(struct pl_ws_event *out)
{
    return fail(out, PL_WS_CODE_MEMORY, "out of memory");
}

static bool fail_text(struct pl_ws_event *out)
{
    return fail(out, PL_WS_CODE_TEXT, "text is not UTF-8");
}

static bool is_control(enum pl_ws_opcode opcode)
{
    return (opcode & CONTROL) != 0;
}

static enum pl_ws_opcode open_message(const struct pl_ws_decoder *d)
{
    return d->partial == NULL ? PL_WS_CONTINUATION : d->partial->message.opcode;
}

static size_t arrived(const struct pl_ws_decoder *d)
{
    return open_message(d) == PL_WS_CONTINUATION ? 0
                                                 : d->partial->message.arrived;
}

/* True if the reserved bits of this first header byte are allowed. */
static bool may_be_set(const struct pl_ws_limits *limits, unsigned char first)
{
    unsigned opcode = first & OPCODE;

    return limits->inflater != NULL && (first & RESERVED) == RSV1 &&
           (opcode == PL_WS_TEXT || opcode == PL_WS_BINARY);
}

/* The most bytes that a frame with this first byte may have. */
static size_t space_for(const struct pl_ws_decoder *d,
                        const struct pl_ws_limits *limits, unsigned char first)
{
    size_t max = limits->max_message;

    if ((first & RSV1) != 0 || (open_message(d) != PL_WS_CONTINUATION &&
                                d->partial->message.compressed))
        max = pl_ws_compressed_max(max);
    return max - arrived(d);
}

/* Return what is wrong with the first byte of a header, or NULL. */
static const char *check_first(const struct pl_ws_decoder *d,
                               const struct pl_ws_limits *limits,
                               unsigned char first)
{
    unsigned opcode = first & OPCODE;

    if ((first & RESERVED) != 0 && !may_be_set(limits, first))
        return "a reserved bit is set";
    if ((opcode & ~(unsigned)CONTROL) > 2)
        return "unknown opcode";
    if ((opcode & CONTROL) != 0)
        return (first & FIN) != 0 ? NULL : "a control frame is fragmented";
    if (opcode == PL_WS_CONTINUATION)
        return open_message(d) != PL_WS_CONTINUATION
                   ? NULL
                   : "a continuation without a message";
    return open_message(d) == PL_WS_CONTINUATION
               ? NULL
               : "a message inside a fragmented message";
}

/* Return what is wrong with the second byte of a header, or NULL. */
static const char *check_second(const struct pl_ws_limits *limits,
                                unsigned char first, unsigned char second)
{
    unsigned len = second & LENGTH;

    if (((second & MASKED) != 0) != limits->masked)
        return limits->masked ? "a frame of a client is not masked"
                              : "a frame of a server is masked";
    if ((first & CONTROL) != 0 && len > CONTROL_MAX)
        return "a control frame is too long";
    if ((first & OPCODE) == PL_WS_CLOSE && len == 1)
        return "a close code is cut off";
    return NULL;
}

/* Read the length after the second byte; all its bytes have arrived. */
static struct pl_ws_fault check_length(const struct pl_ws_decoder *d,
                                       const struct pl_ws_limits *limits,
                                       const unsigned char *at, size_t more,
                                       struct header *h)
{
    uint64_t len = at[1] & LENGTH;

    if (more > 0) {
        len = 0;
        for (size_t i = 0; i < more; i++)
            len = len << 8 | at[2 + i];
        if (len >> 63 != 0)
            return (struct pl_ws_fault){PL_WS_CODE_PROTOCOL,
                                        "a length of 64 bits"};
        if (len < (more == 2 ? LENGTH_16 : 0x10000))
            return (struct pl_ws_fault){PL_WS_CODE_PROTOCOL,
                                        "a length is not minimal"};
    }
    if ((at[0] & CONTROL) == 0 && len > space_for(d, limits, at[0]))
        return (struct pl_ws_fault){PL_WS_CODE_TOO_BIG,
                                    "the message is too long"};
    h->payload = (size_t)len;
    return (struct pl_ws_fault){0, NULL};
}

/* Check the first `len` bytes of a header.  It is complete if h->size is at
 * most `len`. */
static struct pl_ws_fault check_header(const struct pl_ws_decoder *d,
                                       const struct pl_ws_limits *limits,
                                       const unsigned char *at, size_t len,
                                       struct header *h)
{
    struct pl_ws_fault fault = {PL_WS_CODE_PROTOCOL, NULL};

    h->size = 2;
    if (len >= 1)
        fault.text = check_first(d, limits, at[0]);
    if (len < 2 || fault.text != NULL)
        return fault;
    if ((fault.text = check_second(limits, at[0], at[1])) != NULL)
        return fault;
    unsigned short_len = at[1] & LENGTH;
    size_t more = short_len < LENGTH_16 ? 0 : short_len == LENGTH_16 ? 2 : 8;
    h->size = 2 + more + (limits->masked ? KEY_LEN : 0);
    if (len < 2 + more)
        return fault;
    fault = check_length(d, limits, at, more, h);
    if (fault.text != NULL || len < h->size)
        return fault;
    h->opcode = (enum pl_ws_opcode)(at[0] & OPCODE);
    h->fin = (at[0] & FIN) != 0;
    h->compressed = (at[0] & RSV1) != 0;
    if (limits->masked)
        memcpy(h->key, at + 2 + more, KEY_LEN);
    return fault;
}

static void take(struct pl_span *in, size_t len)
{
    in->at += len;
    in->len -= len;
}

/* Return the partial state, creating it if there is none; NULL: out of
 * memory. */
static struct pl_ws_partial *need_partial(struct pl_ws_decoder *d)
{
    if (d->partial == NULL)
        d->partial = calloc(1, sizeof *d->partial);
    return d->partial;
}

enum step { MORE, EVENT, GO_ON };

/* Keep the start of a header, which is all that is left of `in`. */
static enum step keep_header(struct pl_ws_decoder *d, struct pl_span *in,
                             struct pl_ws_event *out)
{
    struct pl_ws_partial *p = need_partial(d);

    if (p == NULL) {
        fail_memory(out);
        return EVENT;
    }
    memcpy(p->head + p->kept, in->at, in->len);
    p->kept += (unsigned char)in->len;
    take(in, in->len);
    return MORE;
}

/* Read the header of a frame from `in`, after the bytes of it that were
 * kept. */
static enum step take_header(struct pl_ws_decoder *d,
                             const struct pl_ws_limits *limits,
                             struct pl_span *in, struct header *h,
                             struct pl_ws_event *out)
{
    const unsigned char *at = (const unsigned char *)in->at;
    size_t kept = d->partial == NULL ? 0 : d->partial->kept;
    size_t len = in->len;
    unsigned char joined[HEADER_MAX];

    if (len == 0)
        return MORE;
    if (kept > 0) {
        len = len < HEADER_MAX - kept ? len : HEADER_MAX - kept;
        memcpy(joined, d->partial->head, kept);
        memcpy(joined + kept, in->at, len);
        at = joined;
        len += kept;
    }
    struct pl_ws_fault fault = check_header(d, limits, at, len, h);
    if (fault.text != NULL) {
        fail(out, fault.code, fault.text);
        return EVENT;
    }
    if (h->size > len)
        return keep_header(d, in, out);
    take(in, h->size - kept);
    if (kept > 0)
        d->partial->kept = 0;
    return GO_ON;
}

static bool is_close_code(unsigned code)
{
    /* RFC 6455 section 7.4 and the codes registered since; 1004 to 1006 and
     * 1015 are never sent. */
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static bool give_close(struct pl_span payload, struct pl_ws_event *out)
{
    const unsigned char *at = (const unsigned char *)payload.at;
    unsigned code = 0;

    if (payload.len > 0) {
        code = (unsigned)at[0] << 8 | at[1];
        if (!is_close_code(code))
            return fail(out, PL_WS_CODE_PROTOCOL,
                        "a close code is not allowed");
        take(&payload, 2);
        if (!pl_utf8_is_valid(payload))
            return fail(out, PL_WS_CODE_TEXT, "a close reason is not UTF-8");
    }
    *out = (struct pl_ws_event){.kind = PL_WS_EVENT_CLOSE,
                                .opcode = PL_WS_CLOSE,
                                .code = (uint16_t)code,
                                .payload = payload};
    return true;
}

static bool give_control(enum pl_ws_opcode opcode, struct pl_span payload,
                         struct pl_ws_event *out)
{
    if (opcode == PL_WS_CLOSE)
        return give_close(payload, out);
    *out = (struct pl_ws_event){.kind = opcode == PL_WS_PING ? PL_WS_EVENT_PING
                                                             : PL_WS_EVENT_PONG,
                                .opcode = opcode,
                                .payload = payload};
    return true;
}

static bool give_message(enum pl_ws_opcode opcode, struct pl_span payload,
                         struct pl_ws_event *out)
{
    *out = (struct pl_ws_event){
        .kind = PL_WS_EVENT_MESSAGE, .opcode = opcode, .payload = payload};
    return true;
}

/* A text in one frame.  Unmasking detects ASCII at no cost. */
static bool whole_message(enum pl_ws_opcode opcode, struct pl_span payload,
                          bool ascii, struct pl_ws_event *out)
{
    if (opcode == PL_WS_TEXT && !ascii && !pl_utf8_is_valid(payload))
        return fail_text(out);
    return give_message(opcode, payload, out);
}

/* Inflate a compressed message that is complete. */
static bool inflate_message(const struct pl_ws_limits *limits,
                            enum pl_ws_opcode opcode, struct pl_span payload,
                            struct pl_ws_event *out)
{
    struct pl_ws_fault fault = pl_ws_inflate_whole(limits, opcode, &payload);

    if (fault.text != NULL)
        return fail(out, fault.code, fault.text);
    return give_message(opcode, payload, out);
}

/* True if the frame can be returned in place. */
static bool is_whole(const struct header *h, size_t in)
{
    return h->payload <= in && (is_control(h->opcode) ||
                                (h->fin && h->opcode != PL_WS_CONTINUATION));
}

static bool whole_frame(const struct pl_ws_limits *limits,
                        const struct header *h, struct pl_span *in,
                        struct pl_ws_event *out)
{
    struct pl_span payload = {in->at, h->payload};
    bool ascii = false;

    take(in, h->payload);
    if (limits->masked)
        ascii = pl_ws_unmask((char *)payload.at, payload.len, h->key, 0);
    if (is_control(h->opcode))
        return give_control(h->opcode, payload, out);
    if (h->compressed)
        return inflate_message(limits, h->opcode, payload, out);
    return whole_message(h->opcode, payload, ascii, out);
}

/* Decode a short frame that is an uncompressed message and whole inside `in`,
 * with as few instructions as possible.  Return false, and read nothing, if
 * `in` begins with anything else: then check_header() says what it is. */
static bool take_short(const struct pl_ws_limits *limits, struct pl_span *in,
                       struct pl_ws_event *out)
{
    const unsigned char *at = (const unsigned char *)in->at;
    size_t size = limits->masked ? 2 + KEY_LEN : 2;

    if (in->len < size ||
        (at[0] != (FIN | PL_WS_TEXT) && at[0] != (FIN | PL_WS_BINARY)))
        return false;
    size_t len = limits->masked ? at[1] ^ MASKED : at[1];
    if (len >= LENGTH_16 || len > limits->max_message || in->len - size < len)
        return false;
    struct pl_span payload = {in->at + size, len};
    take(in, size + len);
    bool ascii =
        limits->masked && pl_ws_unmask((char *)payload.at, len, at + 2, 0);
    return whole_message((enum pl_ws_opcode)(at[0] & OPCODE), payload, ascii,
                         out);
}

/* Begin a frame that is incomplete, or is not a message by itself. */
static bool open_frame(struct pl_ws_decoder *d,
                       const struct pl_ws_limits *limits,
                       const struct header *h, struct pl_ws_event *out)
{
    struct pl_ws_partial *p = need_partial(d);
    struct pl_ws_fault fault = {0, NULL};

    if (p == NULL)
        return !fail_memory(out);
    p->frame = *h;
    p->taken = 0;
    p->in_frame = true;
    if (h->opcode == PL_WS_TEXT || h->opcode == PL_WS_BINARY)
        fault =
            pl_ws_pieces_begin(&p->message, limits, h->opcode, h->compressed);
    return fault.text == NULL || !fail(out, fault.code, fault.text);
}

/* Add a piece of a data frame; at the end of the last frame return the
 * message. */
static bool take_data(const struct pl_ws_decoder *d,
                      const struct pl_ws_limits *limits, struct pl_span piece,
                      bool ascii, struct pl_ws_event *out)
{
    struct pl_ws_partial *p = d->partial;
    size_t left = p->frame.payload - p->taken;
    enum pl_ws_opcode opcode = p->message.opcode;
    struct pl_ws_fault fault =
        pl_ws_pieces_add(&p->message, limits, piece, ascii,
                         p->frame.fin ? left : PL_WS_MORE_FRAMES);
    struct pl_span data;

    if (fault.text == NULL && left == 0) {
        p->in_frame = false;
        if (p->frame.fin)
            fault = pl_ws_pieces_end(&p->message, limits, &data);
    }
    if (fault.text != NULL)
        return fail(out, fault.code, fault.text);
    return left == 0 && p->frame.fin && give_message(opcode, data, out);
}

static bool take_control(struct pl_ws_partial *p, struct pl_span piece,
                         struct pl_ws_event *out)
{
    if (piece.len > 0)
        memcpy(p->control + p->taken - piece.len, piece.at, piece.len);
    if (p->taken < p->frame.payload)
        return false;
    p->in_frame = false;
    return give_control(p->frame.opcode, (struct pl_span){p->control, p->taken},
                        out);
}

/* Read the payload of the open frame from `in`.  Return true if there is an
 * event; otherwise the frame is finished or `in` is empty. */
static bool take_payload(struct pl_ws_decoder *d,
                         const struct pl_ws_limits *limits, struct pl_span *in,
                         struct pl_ws_event *out)
{
    struct pl_ws_partial *p = d->partial;
    size_t left = p->frame.payload - p->taken;
    struct pl_span piece = {in->at, left < in->len ? left : in->len};
    bool ascii = false;

    if (left > 0 && piece.len == 0)
        return false; /* `in` may be absent */
    take(in, piece.len);
    if (limits->masked)
        ascii = pl_ws_unmask((char *)piece.at, piece.len, p->frame.key,
                             p->taken & 3);
    p->taken += piece.len;
    return is_control(p->frame.opcode)
               ? take_control(p, piece, out)
               : take_data(d, limits, piece, ascii, out);
}

/* Free the partial state if it holds nothing more of use. */
static void free_if_done(struct pl_ws_decoder *d,
                         const struct pl_ws_limits *limits)
{
    const struct pl_ws_partial *p = d->partial;

    if (p != NULL && !p->in_frame && p->kept == 0 &&
        p->message.opcode == PL_WS_CONTINUATION)
        pl_ws_decoder_fini(d, limits);
}

/* Out of line, so that a short message does not save registers for it. */
__attribute__((noinline)) static void
decode_any(struct pl_ws_decoder *d, const struct pl_ws_limits *limits,
           struct pl_span *in, struct pl_ws_event *out)
{
    struct header h;

    free_if_done(d, limits);
    for (;;) {
        if (d->partial != NULL && d->partial->in_frame) {
            if (take_payload(d, limits, in, out))
                return;
            if (d->partial->in_frame)
                break;
        }
        enum step step = take_header(d, limits, in, &h, out);
        if (step == EVENT)
            return;
        if (step == MORE)
            break;
        if (is_whole(&h, in->len)) {
            whole_frame(limits, &h, in, out);
            return;
        }
        if (!open_frame(d, limits, &h, out))
            return;
    }
    *out = (struct pl_ws_event){.kind = PL_WS_EVENT_NONE};
}

void pl_ws_decode(struct pl_ws_decoder *d, const struct pl_ws_limits *limits,
                  struct pl_span *in, struct pl_ws_event *out)
{
    if (d->partial == NULL && take_short(limits, in, out))
        return;
    decode_any(d, limits, in, out);
}

void pl_ws_decoder_fini(struct pl_ws_decoder *d,
                        const struct pl_ws_limits *limits)
{
    if (d->partial == NULL)
        return;
    pl_ws_pieces_fini(&d->partial->message, limits);
    free(d->partial);
    d->partial = NULL;
}

size_t pl_ws_decoder_memory(const struct pl_ws_decoder *d)
{
    return d->partial == NULL
               ? 0
               : sizeof *d->partial + d->partial->message.data.cap;
}
