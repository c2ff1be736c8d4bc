/* SPDX-License-Identifier: Apache-2.0 */
/* pack.h - the client's side of permessage-deflate (RFC 7692): what a server
 * has answered, what the suite says compressed, and what it hears.
 *
 * It stands on zlib by itself: the broker's code would share its mistakes. */
#ifndef PACK_H
#define PACK_H

#include <stdbool.h>

#include "buf.h"

/* What an answer or an offer says; bits 0: nothing. */
struct pack_terms {
    bool server_no_context;
    bool client_no_context;
    bool has_client_bits; /* with or without a number */
    unsigned server_bits;
    unsigned client_bits;
};

/* Whether `answer` is one that RFC 7692 allows a server to give to `offer`, the
 * value of one permessage-deflate each; NULL, or why not. */
const char *pack_check(struct pl_span offer, struct pl_span answer,
                       struct pack_terms *out);

/* How blocks are made. */
enum pack_style { PACK_USUAL, PACK_FIXED, PACK_STORED, PACK_HUFFMAN };

struct packer; /* opaque */

struct packer *packer_create(const struct pack_terms *terms,
                             enum pack_style style);
void packer_destroy(struct packer *p);

/* Append to `out` the next piece of a message; the last one without the bytes
 * that are cut off, the others so that all of it can be inflated. */
void packer_put(struct packer *p, struct pl_buf *out, struct pl_span piece,
                bool is_last);

/* Append to `out` what the payload of a whole message becomes.  False: it is
 * not valid data of the terms. */
bool packer_open(struct packer *p, struct pl_buf *out, struct pl_span payload);

#endif
