/* SPDX-License-Identifier: Apache-2.0 */
/* mischief.c - see mischief.h.
 *
 * It is not the client library, which refuses to send what is sent here. */
#include "mischief.h"

#include <string.h>

#include "stage.h"

/* A text frame under a key of zeros, below 126 bytes. */
static void put_text(struct pl_buf *b, const char *text)
{
    pl_buf_put_byte(b, (char)0x81);
    pl_buf_put_byte(b, (char)(0x80 | strlen(text)));
    pl_buf_put(b, "\0\0\0\0", 4);
    pl_buf_put_span(b, pl_span_of(text));
}

void mischief_visit_make(struct mischief_visit *v)
{
    static const char *const says[] = {
        "{\"id\":1,\"connect\":{}}",
        "{\"id\":2,\"subscribe\":{\"channel\":\"room\"}}",
        "{\"id\":3,\"publish\":{\"channel\":\"room\",\"data\":{\"a\":1}}}",
        "{\"id\":4,\"history\":{\"channel\":\"room\",\"limit\":10}}",
        "{\"id\":5,\"rpc\":{\"method\":\"nobody\",\"data\":1}}",
        "{\"id\":6,\"unsubscribe\":{\"channel\":\"room\"}}"};

    memset(v, 0, sizeof *v);
    pl_buf_put_span(&v->bytes, pl_span_of(MISCHIEF_HEAD "\r\n"));
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        v->part[i + 1] = v->bytes.len;
        put_text(&v->bytes, says[i]);
    }
    v->part[MISCHIEF_PARTS - 1] = v->bytes.len;
    pl_buf_put(&v->bytes, "\x88\x82\0\0\0\0\x03\xe8", 8);
}

static void put_noise(struct pl_buf *b, size_t len, unsigned *seed)
{
    while (len-- > 0)
        pl_buf_put_byte(b, (char)stage_random(seed));
}

void mischief_put_garbage(struct pl_buf *b, unsigned kind, unsigned *seed)
{
    static const char *const texts[] = {"{\"id\":1,\"connect\":",
                                        "[[[[[[[[",
                                        "{\"id\":-1}",
                                        "\\u0000",
                                        "{}{}",
                                        "{\"id\":1,\"subscribe\":{}}"};
    char noise[64];

    switch (kind % 6) {
    case 0:
        put_noise(b, 1 + stage_random(seed) % 2000, seed);
        return;
    case 1: /* a greeting of TLS */
        pl_buf_put(b, "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", 11);
        put_noise(b, 200, seed);
        return;
    case 2: /* noise behind a good head */
        pl_buf_put_span(b, pl_span_of(MISCHIEF_HEAD "\r\n"));
        put_noise(b, 1 + stage_random(seed) % 500, seed);
        return;
    case 3: /* good frames of noise */
        pl_buf_put_span(b, pl_span_of(MISCHIEF_HEAD "\r\n"));
        for (size_t i = 0; i < sizeof noise - 1; i++)
            noise[i] = (char)(' ' + stage_random(seed) % 90);
        noise[sizeof noise - 1] = '\0';
        put_text(b, noise);
        return;
    case 4: /* good frames of wrong commands */
        pl_buf_put_span(b, pl_span_of(MISCHIEF_HEAD "\r\n"));
        put_text(b, texts[stage_random(seed) % 6]);
        return;
    default: /* wrong commands behind a login */
        pl_buf_put_span(b, pl_span_of(MISCHIEF_HEAD "\r\n"));
        put_text(b, "{\"id\":1,\"connect\":{}}");
        put_text(b, texts[stage_random(seed) % 6]);
    }
}
