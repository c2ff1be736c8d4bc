/* SPDX-License-Identifier: Apache-2.0 */
/* peer_decode.h - what a broker says, decoded.  Private to peer.h. */
#ifndef PEER_DECODE_H
#define PEER_DECODE_H

#include "peer.h"

/* Take the first reply of a message.  False: it is none. */
bool peer_decode(enum peer_encoding encoding, struct pl_span *batch,
                 struct peer_reply *out);

#endif
