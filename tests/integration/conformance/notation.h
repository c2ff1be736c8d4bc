/* SPDX-License-Identifier: Apache-2.0 */
/* notation.h - frames as text: how the tables of cases are written.
 *
 * What is sent is items with blanks between them:
 *   81:Hello        a frame with this first byte, in hex, masked
 *   81=1000:abc     its header announces 1000 bytes, of which 3 follow
 *   81u:Hello       not masked
 *   81z:Hello       masked with zeros
 *   81w:Hello       length in 16 bits, whether needed or not
 *   81q:Hello       length in 64 bits
 *   C1d:Hello       the payload compressed, as one message whose last frame
 *                   has FIN; RSV1 is written as everything else
 *   raw:%81%00      these bytes
 *   fin             no more comes (only last)
 * What is expected:
 *   text:Hello  binary:  ping:  pong:     whole messages and control frames
 *   close:1002      a Close with this code, whatever its reason
 *   close:          one without a code
 *   end             the end without a Close (only last)
 * In payloads %XX is a byte, and a{100} is a hundred times a. */
#ifndef NOTATION_H
#define NOTATION_H

#include <stdbool.h>

#include "buf.h"

struct packer; /* pack.h */

/* How a script's messages are compressed. */
struct notation_pack {
    struct packer *packer;
    unsigned every; /* message of those written without RSV1; 0: none */
    unsigned count; /* of them so far */
    bool is_open;   /* inside a message */
    bool is_packed; /* which is compressed */
};

/* Append the bytes that a script sends; true: no more comes behind them.  A
 * script that is malformed ends the program.  `pack` NULL: nothing is
 * compressed. */
bool notation_send(struct pl_buf *out, const char *script,
                   struct notation_pack *pack);

/* Append an expectation with its payloads written out, as notation_note() does:
 * two of them are the same when their texts are. */
void notation_expect(struct pl_buf *out, const char *expectation);

/* Append one thing that came: `kind` as above and its payload. */
void notation_note(struct pl_buf *out, const char *kind,
                   struct pl_span payload);

#endif
