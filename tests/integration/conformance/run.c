/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - see run.h. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hear.h"
#include "link.h"
#include "notation.h"
#include "pack.h"

enum { SHOWN = 160 };

struct visit {
    struct hearing hear; /* first */
    struct link link;
    struct packer *says; /* what we say; NULL: nothing is compressed */
    struct pl_buf out;   /* what the case sends */
    struct pl_buf noted; /* what came, in notation */
    bool answers;        /* a Close with a Close */
};

const char *way_name(enum way w)
{
    static const char *const names[] = {"whole", "pipelined", "bytes", "cuts"};

    return names[w];
}

/* --- What the server says --- */

static void note(struct hearing *h, const char *kind, struct pl_span payload)
{
    static const unsigned char bytes[] = {0x88, 0x80, 1, 2, 3, 4};
    struct visit *v = (struct visit *)h;

    notation_note(&v->noted, kind, payload);
    if (v->answers && strcmp(kind, "close") == 0)
        link_write(&v->link, bytes, sizeof bytes); /* it may have gone */
}

static void visit_begin(struct visit *v, const struct target *t)
{
    v->hear.link = &v->link;
    v->hear.told = note;
    link_open(&v->link, t->port, t->is_tls);
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

/* The request with the host in place of $H, and a zero byte of $0. */
static void put_request(struct pl_buf *out, const char *request, uint16_t port)
{
    for (const char *at = request; *at != '\0'; at++) {
        if (at[0] == '$' && at[1] == 'H') {
            pl_buf_printf(out, "127.0.0.1:%u", port);
            at++;
        } else if (at[0] == '$' && at[1] == '0') {
            pl_buf_put_byte(out, '\0');
            at++;
        } else {
            pl_buf_put_byte(out, *at);
        }
    }
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
    pl_buf_fini(&v->noted);
    if (v->says != v->hear.packer)
        packer_destroy(v->says);
    packer_destroy(v->hear.packer);
    hear_fini(&v->hear);
}

static const char request[] = "GET /echo HTTP/1.1\r\nHost: $H\r\n"
                              "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#define EXTENSIONS "Sec-WebSocket-Extensions: "

void run_put_opening(struct pl_buf *out, const struct target *t,
                     const char *offer)
{
    put_request(out, request, t->port);
    if (offer != NULL)
        pl_buf_printf(out, EXTENSIONS "%s\r\n", offer);
    pl_buf_put_span(out, PL_SPAN("\r\n"));
}

static const struct {
    const char *offer;
    enum pack_style style;
    unsigned every; /* message is compressed */
} packs[WAY_COUNT] = {
    [WAY_WHOLE] = {"permessage-deflate; client_max_window_bits", PACK_USUAL, 1},
    [WAY_PIPELINED] = {"permessage-deflate; server_max_window_bits=9; "
                       "client_max_window_bits=10",
                       PACK_FIXED, 2},
    [WAY_BYTES] = {"permessage-deflate; server_no_context_takeover; "
                   "client_no_context_takeover; server_max_window_bits=15",
                   PACK_STORED, 1},
    [WAY_CUTS] = {"permessage-deflate; server_max_window_bits=8", PACK_HUFFMAN,
                  1},
};

/* Where the script is said before the answer is here, it must be right for
 * whatever that says. */
static void prepare_early(struct visit *v, enum way w)
{
    static const struct pack_terms least = {.client_no_context = true,
                                            .client_bits = 9};

    v->says = packer_create(&least, packs[w].style);
}

/* Take what the head of the answer says of an offer. */
static void agree(struct visit *v, const char *offer, enum pack_style style)
{
    struct pl_span answer = hear_extensions(&v->hear, v->hear.taken);
    struct pack_terms terms;
    const char *wrong = answer.at == NULL
                            ? "no permessage-deflate"
                            : pack_check(pl_span_of(offer), answer, &terms);

    if (wrong != NULL) {
        hear_broken(&v->hear, wrong);
        return;
    }
    v->hear.packer = packer_create(&terms, style);
    if (v->says == NULL)
        v->says = v->hear.packer;
}

/* The bytes of the script; what ends a frame that is too long by a number that
 * the script has must not become shorter. */
static bool put_script(struct visit *v, const struct exchange *e, enum way w)
{
    bool packs_none = e->is_as_written || (strstr(e->expect, "1009") != NULL &&
                                           strchr(e->send, '=') != NULL);
    struct notation_pack k = {.packer = v->says,
                              .every = packs_none ? 0 : packs[w].every};

    return notation_send(&v->out, e->send, v->says == NULL ? NULL : &k);
}

/* Send the script, closing at its end unless it says how it ends. */
static void talk(struct visit *v, const struct target *t,
                 const struct exchange *e, bool is_open_ended, enum way w)
{
    const char *offer = t->deflates ? packs[w].offer : NULL;
    bool is_early = w == WAY_PIPELINED;
    struct pl_buf opening = {0};

    run_put_opening(&opening, t, offer);
    if (is_early) {
        pl_buf_put_span(&v->out, pl_buf_span(&opening));
        if (offer != NULL)
            prepare_early(v, w);
    } else {
        say(v, &opening, WAY_WHOLE);
        if (hear_head(&v->hear) > 0 && offer != NULL)
            agree(v, offer, packs[w].style);
    }
    bool ends = !v->hear.is_broken && put_script(v, e, w);
    if (is_open_ended)
        notation_send(&v->out, "88:%03%E8", NULL);
    say(v, &v->out, w);
    if (ends)
        link_end(&v->link);
    if (is_early && hear_head(&v->hear) > 0 && offer != NULL)
        agree(v, offer, packs[w].style);
    pl_buf_fini(&opening);
}

bool run_exchange(const struct target *t, const struct exchange *e, enum way w)
{
    bool is_open_ended =
        strstr(e->expect, "close:") == NULL && strstr(e->expect, "end") == NULL;
    struct visit v = {.answers = strstr(e->send, "88") == NULL &&
                                 !is_open_ended && w != WAY_CUTS};
    struct pl_buf expect = {0};

    pl_buf_printf(&expect, "%s%s", e->expect,
                  is_open_ended ? " close:1000" : "");
    pl_buf_put_byte(&expect, '\0');
    visit_begin(&v, t);
    talk(&v, t, e, is_open_ended, w);
    hear_out(&v.hear);
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
    bool has = memmem(v->hear.in.data, head, want.data, want.len) != NULL;
    pl_buf_fini(&want);
    return has;
}

/* What is wrong with the answer, or NULL. */
static const char *judge(struct visit *v, const struct opening *o, int *status)
{
    size_t head = hear_head(&v->hear);

    *status = 0;
    if (head == 0)
        return "no answer";
    if (memcmp(v->hear.in.data, "HTTP/1.1 ", 9) != 0)
        return "an answer that is not HTTP/1.1";
    *status = (int)strtol(v->hear.in.data + 9, NULL, 10);
    if (*status != o->status)
        return "another status";
    if (o->field != NULL && !has_line(v, head, o->field))
        return "a field is missing";
    if (*status == 101)
        return has_line(v, head, "Upgrade: websocket") &&
                       has_line(v, head, "Connection: Upgrade") &&
                       memmem(v->hear.in.data, head, "Extensions", 10) ==
                           NULL &&
                       memmem(v->hear.in.data, head, "Protocol:", 9) == NULL
                   ? NULL
                   : "fields of the 101";
    if (memmem(v->hear.in.data, head, "\r\nDate: ", 8) == NULL)
        return "a refusal without a Date";
    return memmem(v->hear.in.data, head, "\r\nConnection: close", 19) != NULL
               ? NULL
               : "it does not say that it closes";
}

/* The answer is as long as it says, and to HEAD it has no body. */
static bool is_body_right(const struct visit *v, const struct opening *o,
                          size_t head)
{
    static const char name[] = "\r\nContent-Length: ";
    const char *at = memmem(v->hear.in.data, head, name, sizeof name - 1);
    size_t body = v->hear.in.len - head;

    if (strncmp(o->request, "HEAD ", 5) == 0)
        return body == 0;
    return at != NULL && body == strtoul(at + sizeof name - 1, NULL, 10);
}

/* After a refusal comes the end, in order; after 101 a WebSocket. */
static const char *judge_rest(struct visit *v, const struct opening *o,
                              int status)
{
    enum link_got got = LINK_GOT;
    size_t head = v->hear.taken;
    struct pl_buf hi = {0};

    if (status == 101) {
        notation_send(&hi, "81:hi 88:%03%E8", NULL);
        say(v, &hi, WAY_WHOLE);
        pl_buf_fini(&hi);
        hear_out(&v->hear);
        return pl_span_equal(pl_buf_span(&v->noted),
                             PL_SPAN("text:hi close:1000"))
                   ? NULL
                   : "no WebSocket behind it";
    }
    while (got == LINK_GOT)
        got = link_read(&v->link, &v->hear.in);
    if (got != LINK_END)
        return got == LINK_LATE ? "it does not end" : "a reset";
    return is_body_right(v, o, head) ? NULL : "a body of another length";
}

bool run_opening(const struct target *t, const struct opening *o, enum way w)
{
    struct visit v = {0};
    int status;

    visit_begin(&v, t);
    put_request(&v.out, o->request, t->port);
    say(&v, &v.out, w);
    const char *wrong = judge(&v, o, &status);
    if (wrong == NULL)
        wrong = judge_rest(&v, o, status);
    if (wrong != NULL)
        printf("FAIL %s (%s): %d expected, %d came: %s\n", o->name, way_name(w),
               o->status, status, wrong);
    visit_fini(&v);
    return wrong == NULL;
}

/* --- Offers of extensions --- */

/* Messages large enough that it pays to compress them, and small ones. */
static void talk_of_offer(struct visit *v, const char *taken, enum way w)
{
    struct notation_pack k = {.packer = v->says};

    v->out.len = 0;
    notation_send(&v->out,
                  taken != NULL ? "C1d:hi C2d:ab{500}c{500} 81:b{300}"
                                : "81:hi 82:ab{500}c{500} 81:b{300}",
                  &k);
    notation_send(&v->out, "88:%03%E8", NULL);
    say(v, &v->out, w);
}

bool run_offer(const struct target *t, const struct offer *o, enum way w)
{
    const char *taken = t->deflates ? o->taken : NULL;
    struct visit v = {0};

    visit_begin(&v, t);
    run_put_opening(&v.out, t, o->value);
    say(&v, &v.out, w);
    if (hear_head(&v.hear) == 0 ||
        strncmp(v.hear.in.data, "HTTP/1.1 101 ", 13) != 0)
        hear_broken(&v.hear, "no 101");
    else if (taken != NULL)
        agree(&v, taken, packs[w].style);
    else if (hear_extensions(&v.hear, v.hear.taken).at != NULL)
        hear_broken(&v.hear, "an extension that must be declined");
    if (!v.hear.is_broken) {
        talk_of_offer(&v, taken, w);
        hear_out(&v.hear);
    }
    bool ok = same(&v, "text:hi binary:ab{500}c{500} text:b{300} close:1000",
                   o->name, w);
    visit_fini(&v);
    return ok;
}
