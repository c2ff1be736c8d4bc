/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - see run.h.
 *
 * The server's frames are read by code of this suite's own, stricter than a
 * client has to be: whatever RFC 6455 forbids a server becomes a part of what
 * came, and so differs from what was expected.  The broker's decoder is not
 * used: it would share its mistakes. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "notation.h"

enum { SHOWN = 160 };

struct visit {
    struct link link;
    struct pl_buf out;     /* what the case sends */
    struct pl_buf in;      /* what came */
    size_t taken;          /* bytes of it that were understood */
    struct pl_buf message; /* fragments so far */
    unsigned opcode;       /* of the message being gathered; 0: none */
    struct pl_buf noted;   /* what came, in notation */
    bool answers;          /* a Close with a Close */
    bool has_closed;       /* a Close came */
    bool is_broken;
};

const char *way_name(enum way w)
{
    static const char *const names[] = {"whole", "pipelined", "bytes", "cuts"};

    return names[w];
}

/* --- What the server says --- */

static void broken(struct visit *v, const char *why)
{
    notation_note(&v->noted, "broken", pl_span_of(why));
    v->is_broken = true;
}

static void note_close(struct visit *v, const unsigned char *at, size_t len)
{
    static const unsigned char bytes[] = {0x88, 0x80, 1, 2, 3, 4};
    char code[8] = "";

    v->has_closed = true;
    if (len == 1)
        broken(v, "a close of one byte");
    if (len >= 2)
        snprintf(code, sizeof code, "%u", at[0] << 8 | at[1]);
    notation_note(&v->noted, "close", pl_span_of(code));
    if (v->answers) /* the server may have gone already */
        link_write(&v->link, bytes, sizeof bytes);
}

static void note_control(struct visit *v, unsigned first,
                         const unsigned char *at, size_t len)
{
    struct pl_span payload = {(const char *)at, len};

    if (len > 125 || !(first & 0x80))
        broken(v, "a control frame that is long or a fragment");
    else if (first == 0x88)
        note_close(v, at, len);
    else if (first == 0x89)
        notation_note(&v->noted, "ping", payload);
    else if (first == 0x8A)
        notation_note(&v->noted, "pong", payload);
    else
        broken(v, "an unknown opcode");
}

static void note_data(struct visit *v, unsigned first, const unsigned char *at,
                      size_t len)
{
    unsigned opcode = first & 15;

    if (opcode > 2 || (opcode == 0) != (v->opcode != 0)) {
        broken(v, "a fragment out of order");
        return;
    }
    if (opcode != 0)
        v->opcode = opcode;
    pl_buf_put(&v->message, at, len);
    if (!(first & 0x80))
        return;
    notation_note(&v->noted, v->opcode == 1 ? "text" : "binary",
                  pl_buf_span(&v->message));
    v->message.len = 0;
    v->opcode = 0;
}

/* The size of the frame at the front with its header's; 0: not all here. */
static size_t frame_size(struct visit *v, const unsigned char *at, size_t left,
                         size_t *header)
{
    uint64_t len;

    if (left < 2)
        return 0;
    len = at[1] & 0x7F;
    *header = len < 126 ? 2 : len == 126 ? 4 : 10;
    if (left < *header)
        return 0;
    if (*header > 2) {
        len = 0;
        for (size_t i = 2; i < *header; i++)
            len = len << 8 | at[i];
    }
    if (*header > 2 && len < (*header == 4 ? 126 : 65536))
        broken(v, "a length that is not minimal");
    return left - *header < len ? 0 : *header + (size_t)len;
}

/* Take all frames that are whole. */
static void take_frames(struct visit *v)
{
    size_t header, size;

    while (!v->is_broken && v->taken < v->in.len) {
        const unsigned char *at = (unsigned char *)v->in.data + v->taken;

        if (v->has_closed) {
            broken(v, "something behind a close");
            return;
        }
        if ((at[0] & 0x70) != 0 || (v->in.len - v->taken > 1 && at[1] & 0x80)) {
            broken(v, "a reserved bit or a mask");
            return;
        }
        size = frame_size(v, at, v->in.len - v->taken, &header);
        if (size == 0 || v->is_broken)
            return;
        if (at[0] & 8)
            note_control(v, at[0], at + header, size - header);
        else
            note_data(v, at[0], at + header, size - header);
        v->taken += size;
    }
}

static void note_end(struct visit *v, enum link_got got)
{
    if (got == LINK_RESET)
        notation_note(&v->noted, "reset", PL_SPAN(""));
    else if (got == LINK_LATE)
        notation_note(&v->noted, "late", PL_SPAN(""));
    else if (!v->has_closed)
        notation_note(&v->noted, "end", PL_SPAN(""));
    if (v->taken < v->in.len || v->message.len > 0)
        broken(v, "the end inside a frame");
}

static void hear_out(struct visit *v)
{
    enum link_got got = LINK_GOT;

    take_frames(v);
    while (got == LINK_GOT && !v->is_broken) {
        got = link_read(&v->link, &v->in);
        take_frames(v);
    }
    if (!v->is_broken)
        note_end(v, got);
}

/* --- What the case says --- */

static size_t next_size(enum way w, size_t len, size_t whole, uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    size_t size = len;

    if (w == WAY_BYTES)
        size = whole <= 2048 ? 1 : 997;
    else if (w == WAY_CUTS)
        size = 1 + (*seed >> 16) % (whole <= 256 ? 7 : 4096);
    return size < len ? size : len;
}

static void say(struct visit *v, const struct pl_buf *bytes, enum way w)
{
    uint32_t seed = (uint32_t)bytes->len;

    for (size_t at = 0, n; at < bytes->len; at += n) {
        n = next_size(w, bytes->len - at, bytes->len, &seed);
        if (!link_write(&v->link, bytes->data + at, n))
            return; /* what came tells */
    }
}

/* The request with the host in place of $H. */
static void put_request(struct pl_buf *out, const char *request, uint16_t port)
{
    for (const char *at = request; *at != '\0'; at++) {
        if (at[0] == '$' && at[1] == 'H') {
            pl_buf_printf(out, "127.0.0.1:%u", port);
            at++;
        } else {
            pl_buf_put_byte(out, *at);
        }
    }
}

/* The length of the answer's head, 0: none came. */
static size_t await_head(struct visit *v)
{
    const char *end;

    do {
        end =
            v->in.len < 4 ? NULL : memmem(v->in.data, v->in.len, "\r\n\r\n", 4);
        if (end != NULL)
            return v->taken = (size_t)(end + 4 - v->in.data);
    } while (link_read(&v->link, &v->in) == LINK_GOT);
    return 0;
}

static bool same(struct visit *v, const char *expect, const char *name,
                 enum way w)
{
    struct pl_buf want = {0};

    notation_expect(&want, expect);
    bool is = pl_span_equal(pl_buf_span(&want), pl_buf_span(&v->noted));
    if (!is)
        printf("FAIL %s (%s)\n  expected %.*s\n  came     %.*s\n", name,
               way_name(w), (int)(want.len < SHOWN ? want.len : SHOWN),
               want.data == NULL ? "" : want.data,
               (int)(v->noted.len < SHOWN ? v->noted.len : SHOWN),
               v->noted.data == NULL ? "" : v->noted.data);
    pl_buf_fini(&want);
    return is;
}

static void visit_fini(struct visit *v)
{
    link_close(&v->link);
    pl_buf_fini(&v->out);
    pl_buf_fini(&v->in);
    pl_buf_fini(&v->message);
    pl_buf_fini(&v->noted);
}

static const char request[] = "GET /echo HTTP/1.1\r\nHost: $H\r\n"
                              "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "\r\n";

/* Send the script, closing at its end unless it says how it ends. */
static void talk(struct visit *v, uint16_t port, const struct exchange *e,
                 bool is_open_ended, enum way w)
{
    struct pl_buf opening = {0};

    put_request(&opening, request, port);
    if (w == WAY_PIPELINED)
        pl_buf_put_span(&v->out, pl_buf_span(&opening));
    bool ends = notation_send(&v->out, e->send);
    if (is_open_ended)
        notation_send(&v->out, "88:%03%E8");
    if (w != WAY_PIPELINED) {
        say(v, &opening, WAY_WHOLE);
        await_head(v);
    }
    say(v, &v->out, w);
    if (ends)
        link_end(&v->link);
    if (w == WAY_PIPELINED)
        await_head(v);
    pl_buf_fini(&opening);
}

bool run_exchange(uint16_t port, const struct exchange *e, enum way w)
{
    bool is_open_ended =
        strstr(e->expect, "close:") == NULL && strstr(e->expect, "end") == NULL;
    struct visit v = {.answers = strstr(e->send, "88") == NULL &&
                                 !is_open_ended && w != WAY_CUTS};
    struct pl_buf expect = {0};

    pl_buf_printf(&expect, "%s%s", e->expect,
                  is_open_ended ? " close:1000" : "");
    pl_buf_put_byte(&expect, '\0');
    link_open(&v.link, port);
    talk(&v, port, e, is_open_ended, w);
    hear_out(&v);
    bool ok = same(&v, expect.data, e->name, w);
    visit_fini(&v);
    pl_buf_fini(&expect);
    return ok;
}

/* --- Openings --- */

static bool has_line(const struct visit *v, size_t head, const char *line)
{
    struct pl_buf want = {0};

    pl_buf_printf(&want, "\r\n%s\r\n", line);
    bool has = memmem(v->in.data, head, want.data, want.len) != NULL;
    pl_buf_fini(&want);
    return has;
}

/* What is wrong with the answer, or NULL. */
static const char *judge(struct visit *v, const struct opening *o, int *status)
{
    size_t head = await_head(v);

    *status = 0;
    if (head == 0)
        return "no answer";
    if (sscanf(v->in.data, "HTTP/1.1 %d ", status) != 1)
        return "an answer that is not HTTP/1.1";
    if (*status != o->status)
        return "another status";
    if (o->field != NULL && !has_line(v, head, o->field))
        return "a field is missing";
    if (*status == 101)
        return has_line(v, head, "Upgrade: websocket") &&
                       has_line(v, head, "Connection: Upgrade") &&
                       memmem(v->in.data, head, "Extensions", 10) == NULL &&
                       memmem(v->in.data, head, "Protocol:", 9) == NULL
                   ? NULL
                   : "fields of the 101";
    return memmem(v->in.data, head, "\r\nConnection: close", 19) != NULL
               ? NULL
               : "it does not say that it closes";
}

/* After a refusal comes the end, in order; after 101 a WebSocket. */
static const char *judge_rest(struct visit *v, int status)
{
    enum link_got got = LINK_GOT;
    struct pl_buf hi = {0};

    if (status == 101) {
        notation_send(&hi, "81:hi 88:%03%E8");
        say(v, &hi, WAY_WHOLE);
        pl_buf_fini(&hi);
        hear_out(v);
        return pl_span_equal(pl_buf_span(&v->noted),
                             PL_SPAN("text:hi close:1000"))
                   ? NULL
                   : "no WebSocket behind it";
    }
    while (got == LINK_GOT)
        got = link_read(&v->link, &v->in);
    return got == LINK_END    ? NULL
           : got == LINK_LATE ? "it does not end"
                              : "a reset";
}

bool run_opening(uint16_t port, const struct opening *o, enum way w)
{
    struct visit v = {0};
    int status;

    link_open(&v.link, port);
    put_request(&v.out, o->request, port);
    say(&v, &v.out, w);
    const char *wrong = judge(&v, o, &status);
    if (wrong == NULL)
        wrong = judge_rest(&v, status);
    if (wrong != NULL)
        printf("FAIL %s (%s): %d expected, %d came: %s\n", o->name, way_name(w),
               o->status, status, wrong);
    visit_fini(&v);
    return wrong == NULL;
}
