/* SPDX-License-Identifier: Apache-2.0 */
/* decoding.h - one message of a client, decoded command by command. */
#ifndef PL_TEST_DECODING_H
#define PL_TEST_DECODING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec.h"

struct decoding {
    enum pl_encoding encoding;
    char *bytes; /* a copy that ends where its memory ends */
    struct pl_span rest;
    struct pl_arena arena;
    const char *why;
    size_t at;
};

static inline struct decoding decoding_of(enum pl_encoding encoding,
                                          struct pl_span message)
{
    struct decoding d = {.encoding = encoding, .bytes = malloc(message.len)};

    assert_true(d.bytes != NULL || message.len == 0);
    if (message.len > 0)
        memcpy(d.bytes, message.at, message.len);
    d.rest = (struct pl_span){d.bytes, message.len};
    return d;
}

static inline enum pl_err decoding_next(struct decoding *d,
                                        struct pl_command *c)
{
    return pl_command_decode(d->encoding, &d->rest, &d->arena, c, &d->why,
                             &d->at);
}

static inline void decoding_fini(struct decoding *d)
{
    pl_arena_fini(&d->arena);
    free(d->bytes);
}

#define assert_span(span, text)                                                \
    do {                                                                       \
        struct pl_span got_ = (span), want_ = PL_SPAN(text);                   \
        assert_int_equal(got_.len, want_.len);                                 \
        if (want_.len > 0)                                                     \
            assert_memory_equal(got_.at, want_.at, want_.len);                 \
    } while (0)

#endif
