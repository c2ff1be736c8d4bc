/* SPDX-License-Identifier: Apache-2.0 */
/* talker.h - a client for fuzz_connection.c: it says what it is told to, and
 * fails the run when it hears what no client may hear, whatever it said:
 * something else than an answer to its handshake and then whole frames of
 * whole replies, or something behind a Close; while it said nothing raw also
 * the other encoding, or a second answer to one question. */
#ifndef TALKER_H
#define TALKER_H

#include "link.h"
#include "say.h"
#include "truth.h"
#include "world.h"

enum {
    TALKER_COMMANDS_MAX = 512, /* of one connection */
    TALKER_ROOMY = 1 << 20     /* bytes on the way down */
};

/* How a connection begins. */
enum open_bit {
    OPEN_BINARY = 1,
    OPEN_DEFLATE = 2,
    OPEN_NARROW = 4,        /* with a small window */
    OPEN_BARE = 8,          /* without a handshake: the program may say one */
    OPEN_SMALL = 16,        /* little room on the way down */
    OPEN_UNRESPONSIVE = 32, /* no connect command, and no pongs */
    OPEN_TOKEN = 64
};

/* How a message is said. */
enum say_bit {
    SAY_CARRY = 1, /* up at once */
    SAY_COMPRESSED = 2,
    SAY_FRAGMENTS = 4,
    SAY_OTHER = 8 /* opcode */
};

enum stage { AWAY, OPENING, OPEN, REFUSED, CLOSED };

/* What was heard last, by any client. */
struct gossip {
    char client[40];
    char epoch[EPOCH_MAX];
    uint64_t offset;
};

struct talker {
    struct link_peer peer; /* first */
    struct world *world;
    struct gossip *gossip;
    unsigned index;
    struct link *link; /* NULL: away */
    enum stage stage;
    enum peer_encoding encoding;
    bool offers_deflate;
    bool is_unresponsive;
    bool is_raw; /* has said what is not understood here */
    uint32_t last_id;
    uint8_t asked[TALKER_COMMANDS_MAX + 1]; /* 1 + verb: not answered yet */
    struct pl_buf message;                  /* not said yet */
    struct pl_buf head;                     /* of the answer to the handshake */
    struct pl_ws_decoder ws;
    const struct pl_ws_limits *limits; /* of `ws`; NULL: no answer came yet */
};

/* Connect, with bits of enum open_bit; an older connection is left.  `link`
 * is NULL when that cannot be. */
void talker_open(struct talker *t, unsigned bits);

/* Go with a reset, and free what it holds; it may be away. */
void talker_leave(struct talker *t);

/* Put a command, whose id is chosen here, behind the message. */
void talker_command(struct talker *t, struct say *s);

/* Say the message, with bits of enum say_bit; the next one is empty. */
void talker_say(struct talker *t, unsigned bits);

/* Say a masked frame whose first byte is any. */
void talker_frame(struct talker *t, unsigned first, struct pl_span data);

#endif
