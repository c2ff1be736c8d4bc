/* SPDX-License-Identifier: Apache-2.0 */
/* notation.c - see notation.h.
 *
 * A notation of its own, since a table of several hundred cases must show at a
 * glance what goes over the wire, and C's initializers do not. */
#include "notation.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pack.h"

static _Noreturn void malformed(const char *script)
{
    fprintf(stderr, "malformed script: %.200s\n", script);
    exit(2);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One byte of a payload; `at` moves on. */
static char take_byte(const char **at)
{
    const char *from = *at;

    if (*from != '%') {
        *at += 1;
        return *from;
    }
    if (hex(from[1]) < 0 || hex(from[2]) < 0)
        malformed(from);
    *at += 3;
    return (char)(hex(from[1]) << 4 | hex(from[2]));
}

static void put_payload(struct pl_buf *out, struct pl_span text)
{
    const char *at = text.at, *end = at + text.len;

    while (at < end) {
        char byte = take_byte(&at);
        unsigned long count = 1;

        if (at < end && *at == '{') {
            char *stop;

            count = strtoul(at + 1, &stop, 10);
            if (*stop != '}')
                malformed(at);
            at = stop + 1;
        }
        while (count-- > 0)
            pl_buf_put_byte(out, byte);
    }
}

/* The item at the front of a script, split at its colon; false: no more. */
static bool take_item(const char **at, struct pl_span *head,
                      struct pl_span *payload)
{
    while (**at == ' ')
        *at += 1;
    size_t len = strcspn(*at, " "), head_len = strcspn(*at, ": ");

    *head = (struct pl_span){*at, head_len};
    *payload = (struct pl_span){*at + head_len, 0};
    if (head_len < len) {
        payload->at++;
        payload->len = len - head_len - 1;
    }
    *at += len;
    return len > 0;
}

static void put_number(struct pl_buf *out, uint64_t n, int bytes)
{
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        pl_buf_put_byte(out, (char)(n >> shift));
}

static void put_length(struct pl_buf *out, uint64_t len, char width,
                       bool masked)
{
    int mask = masked ? 0x80 : 0;

    if (width == '\0')
        width = len < 126 ? 'b' : len < 65536 ? 'w' : 'q';
    if (width == 'b')
        pl_buf_put_byte(out, (char)(mask | (int)len));
    else
        pl_buf_put_byte(out, (char)(mask | (width == 'w' ? 126 : 127)));
    if (width != 'b')
        put_number(out, len, width == 'w' ? 2 : 8);
}

struct head {
    char width; /* 0: as needed */
    bool masked;
    bool zero;          /* the key */
    bool deflate;       /* asked for */
    const char *length; /* announced; NULL: what there is */
};

static void read_flags(struct pl_span text, struct head *h)
{
    for (size_t i = 2; i < text.len && h->length == NULL; i++) {
        switch (text.at[i]) {
        case 'u':
            h->masked = false;
            break;
        case 'z':
            h->zero = true;
            break;
        case 'd':
            h->deflate = true;
            break;
        case 'w':
        case 'q':
            h->width = text.at[i];
            break;
        case '=':
            h->length = text.at + i + 1;
            break;
        default:
            malformed(text.at);
        }
    }
}

/* Whether this frame is one of a message that is to be compressed although the
 * script does not say so; what breaks the rules stays as it is. */
static bool is_packed(struct notation_pack *k, unsigned first,
                      const struct head *h)
{
    unsigned opcode = first & 15;
    bool is_first = opcode == 1 || opcode == 2;

    if (k == NULL || k->every == 0 || opcode > 2 || (first & 0x70) != 0 ||
        is_first == k->is_open)
        return false;
    if (is_first)
        k->is_packed = k->count++ % k->every == 0 && h->width == 0 && h->masked;
    k->is_open = (first & 0x80) == 0;
    return k->is_packed;
}

/* Compress a frame's payload.  One that is not all here ends so that what is
 * here can be inflated. */
static void pack(struct notation_pack *k, struct pl_buf *data, bool is_last)
{
    struct pl_buf packed = {0};

    packer_put(k->packer, &packed, pl_buf_span(data), is_last);
    pl_buf_fini(data);
    *data = packed;
}

static void put_masked(struct pl_buf *out, const struct head *h,
                       struct pl_span data)
{
    static const unsigned char keys[2][4] = {{0x37, 0xFA, 0x21, 0x3D}, {0}};

    pl_buf_put(out, keys[h->zero], 4);
    for (size_t i = 0; i < data.len; i++)
        pl_buf_put_byte(out, (char)(data.at[i] ^ keys[h->zero][i % 4]));
}

static void put_frame(struct pl_buf *out, struct pl_span text,
                      struct pl_span payload, struct notation_pack *k)
{
    struct head h = {.masked = true};
    struct pl_buf data = {0};

    if (text.len < 2 || hex(text.at[0]) < 0 || hex(text.at[1]) < 0)
        malformed(text.at);
    unsigned first = (unsigned)(hex(text.at[0]) << 4 | hex(text.at[1]));
    read_flags(text, &h);
    put_payload(&data, payload);
    bool is_last = (first & 0x80) != 0 && h.length == NULL;
    if (h.deflate) {
        if (k == NULL)
            malformed(text.at);
        pack(k, &data, is_last);
    } else if (is_packed(k, first, &h)) {
        pack(k, &data, is_last);
        first |= (first & 15) != 0 ? 0x40 : 0;
    }
    uint64_t len = h.length == NULL ? data.len : strtoull(h.length, NULL, 10);
    pl_buf_put_byte(out, (char)first);
    put_length(out, len, h.width, h.masked);
    if (h.masked)
        put_masked(out, &h, pl_buf_span(&data));
    else
        pl_buf_put(out, data.data, data.len);
    pl_buf_fini(&data);
}

bool notation_send(struct pl_buf *out, const char *script,
                   struct notation_pack *k)
{
    struct pl_span head, payload;

    while (take_item(&script, &head, &payload)) {
        if (pl_span_equal(head, PL_SPAN("fin")))
            return true;
        if (pl_span_equal(head, PL_SPAN("raw")))
            put_payload(out, payload);
        else
            put_frame(out, head, payload, k);
    }
    return false;
}

void notation_note(struct pl_buf *out, const char *kind, struct pl_span payload)
{
    static const char digits[] = "0123456789ABCDEF"; /* many are written */

    if (out->len > 0)
        pl_buf_put_byte(out, ' ');
    pl_buf_printf(out, "%s", kind);
    if (strcmp(kind, "end") == 0)
        return;
    pl_buf_put_byte(out, ':');
    for (size_t i = 0; i < payload.len; i++) {
        unsigned char c = (unsigned char)payload.at[i];

        if (c <= ' ' || c >= 0x7F || c == '%') {
            const char text[] = {'%', digits[c >> 4], digits[c & 15]};

            pl_buf_put(out, text, sizeof text);
        } else {
            pl_buf_put_byte(out, (char)c);
        }
    }
}

void notation_expect(struct pl_buf *out, const char *expectation)
{
    struct pl_span head, payload;
    char kind[16];

    while (take_item(&expectation, &head, &payload)) {
        struct pl_buf data = {0};

        snprintf(kind, sizeof kind, "%.*s", (int)head.len, head.at);
        put_payload(&data, payload);
        notation_note(out, kind, pl_buf_span(&data));
        pl_buf_fini(&data);
    }
}
