/* SPDX-License-Identifier: Apache-2.0 */
/* pieces.c - see pieces.h.
 *
 * Payload is collected in memory that doubles, up to the end of the message if
 * known, else up to the limit.  So announcing 64 KiB costs a peer more than us.
 *
 * A compressed message (RFC 7692) is inflated on arrival by its own stream, so
 * that wrong text, invalid data and bombs are found at once.  If no stream is
 * left, the message is collected and checked at its end: bounded memory matters
 * more than an early error.  It may arrive in slightly more bytes than
 * max_message, because incompressible data grows; its result may not.
 *
 * On both paths the first error in the order of the output is reported.
 *
 * Rejected: allocating the announced length, because any peer could then take
 * memory; collecting per frame, because that copied a message once per
 * fragment.
 *
 * Invariant: data.len <= max_message; arrived <= max_message, or
 * pl_ws_compressed_max() of it.  An inflation is open only while its message
 * is, and never after a fault. */
#include "pieces.h"

#include <stdlib.h>
#include <string.h>

enum {
    GATHER_MIN = 64 /* bytes; first allocation, unless the frame is shorter */
};

static const struct pl_ws_fault none = {0, NULL};
static const struct pl_ws_fault no_memory = {PL_WS_CODE_MEMORY,
                                             "out of memory"};
static const struct pl_ws_fault bad_text = {PL_WS_CODE_TEXT,
                                            "text is not UTF-8"};

static struct pl_ws_fault fault_of(enum pl_err err)
{
    switch (err) {
    case PL_OK:
        return none;
    case PL_ETOOBIG:
        return (struct pl_ws_fault){PL_WS_CODE_TOO_BIG,
                                    "the message is too long"};
    case PL_ENOMEM:
        return no_memory;
    default:
        return (struct pl_ws_fault){PL_WS_CODE_TEXT,
                                    "the message cannot be inflated"};
    }
}

size_t pl_ws_compressed_max(size_t max_message)
{
    return max_message + max_message / 8 + 64;
}

struct pl_ws_fault pl_ws_inflate_whole(const struct pl_ws_limits *limits,
                                       enum pl_ws_opcode opcode,
                                       struct pl_span *message)
{
    struct pl_inflater *i = limits->inflater;
    enum pl_err err = pl_inflate(i, *message, limits->max_message, message);
    struct pl_utf8 utf8 = {0};

    if (opcode == PL_WS_TEXT && err != PL_ENOMEM &&
        !pl_utf8_feed(&utf8, pl_buf_span(&i->out)))
        return bad_text;
    if (err == PL_OK && !pl_utf8_is_complete(&utf8))
        return bad_text;
    return fault_of(err);
}

struct pl_ws_fault pl_ws_pieces_begin(struct pl_ws_pieces *p,
                                      const struct pl_ws_limits *limits,
                                      enum pl_ws_opcode opcode, bool compressed)
{
    p->opcode = opcode;
    p->compressed = compressed;
    if (!compressed)
        return none;
    enum pl_err err = pl_inflation_open(limits->inflater, &p->inflation);
    return err == PL_EFULL ? none : fault_of(err);
}

/* Append `piece`.  `most`: bytes that the message can reach. */
static bool gather(struct pl_buf *b, struct pl_span piece, size_t most)
{
    size_t need = b->len + piece.len;

    if (need > b->cap) {
        size_t cap = b->cap * 2 < GATHER_MIN ? GATHER_MIN : b->cap * 2;

        cap = cap < need ? need : cap;
        cap = cap > most ? most : cap;
        char *data = realloc(b->data, cap);
        if (data == NULL)
            return false;
        b->data = data;
        b->cap = cap;
    }
    if (piece.len > 0)
        memcpy(b->data + b->len, piece.at, piece.len);
    b->len = need;
    return true;
}

/* Check the output of the inflation after `from`, and its result `err`. */
static struct pl_ws_fault judge(struct pl_ws_pieces *p,
                                const struct pl_ws_limits *limits, size_t from,
                                enum pl_err err)
{
    struct pl_ws_fault fault = fault_of(err);

    pl_inflater_charge(limits->inflater, p->data.len - from);
    if (p->opcode == PL_WS_TEXT && p->data.len > from &&
        !pl_utf8_feed(&p->utf8, (struct pl_span){p->data.data + from,
                                                 p->data.len - from}))
        fault = bad_text;
    if (fault.text != NULL)
        pl_inflation_close(limits->inflater, &p->inflation);
    return fault;
}

static struct pl_ws_fault inflate_piece(struct pl_ws_pieces *p,
                                        const struct pl_ws_limits *limits,
                                        struct pl_span piece)
{
    size_t from = p->data.len;

    return judge(
        p, limits, from,
        pl_inflation_feed(&p->inflation, piece, limits->max_message, &p->data));
}

static struct pl_ws_fault inflate_end(struct pl_ws_pieces *p,
                                      const struct pl_ws_limits *limits)
{
    size_t from = p->data.len;
    struct pl_ws_fault fault =
        judge(p, limits, from,
              pl_inflation_end(&p->inflation, limits->max_message, &p->data));

    pl_inflation_close(limits->inflater, &p->inflation);
    return fault;
}

struct pl_ws_fault pl_ws_pieces_add(struct pl_ws_pieces *p,
                                    const struct pl_ws_limits *limits,
                                    struct pl_span piece, bool ascii,
                                    size_t left)
{
    size_t most = limits->max_message;

    p->arrived += piece.len;
    if (p->inflation.stream != NULL)
        return inflate_piece(p, limits, piece);
    if (p->opcode == PL_WS_TEXT && !p->compressed &&
        !(ascii && pl_utf8_is_complete(&p->utf8)) &&
        !pl_utf8_feed(&p->utf8, piece))
        return bad_text;
    if (p->compressed)
        most = pl_ws_compressed_max(most);
    if (left != PL_WS_MORE_FRAMES)
        most = p->arrived + left;
    return gather(&p->data, piece, most) ? none : no_memory;
}

struct pl_ws_fault pl_ws_pieces_end(struct pl_ws_pieces *p,
                                    const struct pl_ws_limits *limits,
                                    struct pl_span *out)
{
    enum pl_ws_opcode opcode = p->opcode;
    bool is_inflated = p->inflation.stream != NULL;
    struct pl_ws_fault fault = is_inflated ? inflate_end(p, limits) : none;

    p->opcode = PL_WS_CONTINUATION;
    *out =
        (struct pl_span){p->data.data != NULL ? p->data.data : "", p->data.len};
    if (p->compressed && !is_inflated)
        return pl_ws_inflate_whole(limits, opcode, out);
    if (fault.text == NULL && !pl_utf8_is_complete(&p->utf8))
        return bad_text;
    return fault;
}

void pl_ws_pieces_fini(struct pl_ws_pieces *p,
                       const struct pl_ws_limits *limits)
{
    pl_inflation_close(limits->inflater, &p->inflation);
    pl_buf_fini(&p->data);
}
