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

#include "parley_client.h"

extern struct plc_group *group;
extern struct plc_client *client;
extern struct plc_client_options options; /* of the next rig_client() */
extern char log_[16384];                  /* what was called, in words */
extern char ports[64];                    /* of the attempts */
extern unsigned dials;                    /* attempts so far */

int rig_set_up(void **state);
/* Destroys what is left, and checks that nothing is. */
int rig_tear_down(void **state);

/* Create the client, with the callbacks of the rig, and connect. */
void rig_client(void);

void rig_turn(void);
void rig_pass(uint64_t ms);
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
