/* SPDX-License-Identifier: Apache-2.0 */
/* posted.h - input of a client that comes by mail (PL_MAIL_INPUT), for links
 * that only send: an HTTP stream brings no commands, so its client posts them
 * on other connections, which may be on other loops.
 *
 * Thread: the session's loop. */
#ifndef PL_POSTED_H
#define PL_POSTED_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"

struct pl_msg;
struct pl_session;

enum { PL_POSTED_MAX = 16 /* messages that wait; later ones are refused */ };

/* Owned by one link; see pl_posted_init(). */
struct pl_posted {
    struct pl_session *session;
    struct pl_msg *first; /* waits; the sender is answered when it has run */
    struct pl_msg **end;
    uint32_t count;
    bool is_paused;
    uint64_t secret[2]; /* of the client; it sends this with its input */
    struct pl_task run;
};

/* Draw a secret for the client of `s`. */
void pl_posted_init(struct pl_posted *p, struct pl_session *s);

/* What the link does for mail, pause() and resume() of its session.  Input
 * waits while reading is paused. Owner: takes `msg`. */
void pl_posted_mail(struct pl_posted *p, struct pl_msg *msg);
void pl_posted_pause(struct pl_posted *p);
void pl_posted_resume(struct pl_posted *p);

/* The session has closed, or is about to be freed: senders of what waits
 * learn that the client is gone. */
void pl_posted_end(struct pl_posted *p);

#endif
