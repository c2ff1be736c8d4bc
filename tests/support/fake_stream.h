/* SPDX-License-Identifier: Apache-2.0 */
/* fake_stream.h - a network for clients in C that is the test itself: what they
 * write is read here, and what they read is said here. */
#ifndef FAKE_STREAM_H
#define FAKE_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "network.h"

struct fake_stream {
    struct plc_stream stream; /* first */
    const struct plc_stream_user *calls;
    void *user;
    struct fake_stream *next;
    bool is_paused;
};

extern struct plc_network fake_network;
extern struct fake_stream *fakes; /* that are not closed, the newest first */
extern struct pl_buf fake_got;    /* what the newest has written */
extern size_t fake_takes;         /* bytes that the next writes take */
extern unsigned fake_dials;       /* streams so far */
extern char fake_ports[64];       /* of the streams */

/* Before each test. */
void fake_set_up(void);
/* After it: fails if a stream is left. */
void fake_tear_down(void);

/* The newest stream reaches the server. */
void fake_open(void);
/* Append the response to the request that the newest stream has written, with
 * more header lines, and forget the request. */
void fake_respond(struct pl_buf *b, const char *more);
/* The newest stream reads bytes, or its end. */
void fake_say(const void *bytes, size_t len);
void fake_end(bool is_clean, const char *why);

#endif
