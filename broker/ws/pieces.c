/* SPDX-License-Identifier: Apache-2.0 */
/* pieces.c - see pieces.h.
 *
 * What arrives is gathered in memory that doubles with it, never beyond the end
 * of the message where that is known, or what a message may have.  So a header
 * of 64 KiB by itself costs its peer more than us.  Rejected: allocating the
 * announced length, which is faster for large messages but gives memory to
 * whoever asks for it; and ending with each frame, which copied a message once
 * a fragment.
 *
 * A compressed message (RFC 7692) is inflated as it arrives, by a stream of its
 * own for so long, so that text that is wrong, data that is invalid and a bomb
 * are told at once.  When the loop has no stream left for that, the message is
 * gathered as it came and judged at its end: that memory is bounded comes
 * before that the error is early.  A message may come in somewhat more bytes
 * than max_message, because what cannot be compressed grows a little; what it
 * becomes may not.
 *
 * Whichever way, the first thing that is wrong is told, in the order of what
 * comes out.
 *
 * Invariant: data.len <= max_message and arrived <= max_message, or
 * pl_ws_compressed_max() of it.  The inflation is open only while the message
 * is, and not behind a fault. */
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

/* `most`: bytes that it can become. */
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

/* Judge what the inflation put behind `from`, and how that ended. */
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
