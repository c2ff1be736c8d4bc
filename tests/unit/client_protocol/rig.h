/* SPDX-License-Identifier: Apache-2.0 */
/* rig.h - a protocol client on one thread, whose clock and server are the test.
 *
 * The server speaks JSON as text, so that a test shows what is on the wire. */
#ifndef RIG_H
#define RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_stream.h"
#include "parley_client.h"

extern struct plc_group *group;
extern struct plc_client *client;
extern struct plc_client_options options; /* of the next rig_client() */
extern char rig_lines[4096];              /* of the group's log */
extern char log_[16384];                  /* what was called, in words */

int rig_set_up(void **state);
/* Destroys what is left, and checks that nothing is. */
int rig_tear_down(void **state);

#define RIG_HELLO "{\"client\":\"c1\"}"

/* Create the client, with the callbacks of the rig, and connect. */
void rig_client(void);

/* Likewise, until it is connected. */
void rig_connect(void);
/* Publish something to "a"; the completion is logged as `name`. */
void rig_publish(const char *name);
/* The numbers of the group, of which none is missing. */
struct plc_status rig_status(void);

void rig_turn(void);
void rig_pass(uint64_t ms);
/* The loop is held for so long, and then runs one turn. */
void rig_hold(uint64_t ms);
/* Let time pass until the next attempt, 20 s at most. */
void rig_redial(void);

/* --- The server --- */

/* The newest attempt reaches it and gets a 101. */
void rig_accept(void);
/* Accept, answer the connect command with `result`, as {"client":"c"}. */
void rig_serve(const char *result);
/* What the client has sent since the last call, as text of all messages. */
void rig_expect(const char *wanted);
void rig_forget(void);
/* The number of sends among it. */
unsigned rig_sends(void);
/* The text of all messages of the client since the last call, one a line. */
void rig_read(struct pl_buf *text);
/* Send bytes. */
void rig_came(const void *bytes, size_t len);
/* Send one message. */
void rig_say(const char *text);
/* End the connection: a Close with `code`, or 0: a reset. */
void rig_close(uint16_t code, const char *reason);
bool rig_is_reached(void); /* there is a stream */

/* What was called since the last call. */
void rig_called(const char *wanted);
/* Call this completion with a name as `arg`. */
void rig_done(const struct plc_result *r, void *name);

/* Callbacks of subscriptions; `arg` is a name. */
void rig_sub_state(struct plc_sub *s, const struct plc_change *c, void *name);
void rig_sub_error(struct plc_sub *s, enum pl_err err, uint32_t code,
                   const char *text, void *name);
void rig_publication(struct plc_sub *s, const struct plc_publication *p,
                     void *name);
void rig_presence(struct plc_sub *s, bool joined, const struct plc_info *i,
                  void *name);
void rig_release(void *name);
/* Subscribe with these callbacks. */
struct plc_sub *rig_subscribe(const char *channel, uint32_t flags);

/* What the next callback does, once, before it returns. */
extern void (*rig_in_callback)(void);

void rig_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
