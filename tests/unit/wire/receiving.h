/* SPDX-License-Identifier: Apache-2.0 */
/* receiving.h - one message of a server, decoded reply by reply. */
#ifndef PL_TEST_RECEIVING_H
#define PL_TEST_RECEIVING_H

#include "decoding.h"

#include "client_codec.h"

static inline enum pl_err receiving_next(struct decoding *d,
                                         struct pl_received *r)
{
    return pl_received_decode(d->encoding, &d->rest, &d->arena, r, &d->why,
                              &d->at);
}

/* Decode the one reply that `text` is; its spans live until decoding_fini(). */
static inline struct pl_received receiving_one(struct decoding *d,
                                               enum pl_encoding encoding,
                                               struct pl_span text)
{
    struct pl_received r;

    *d = decoding_of(encoding, text);
    enum pl_err rc = receiving_next(d, &r);
    if (rc != PL_OK)
        print_error("%.*s: %s at %zu\n", (int)text.len, text.at, d->why, d->at);
    assert_int_equal(rc, PL_OK);
    assert_int_equal(d->rest.len, 0);
    return r;
}

static inline void assert_same_span(struct pl_span a, struct pl_span b)
{
    assert_int_equal(a.len, b.len);
    if (a.len > 0)
        assert_memory_equal(a.at, b.at, a.len);
}

#endif
