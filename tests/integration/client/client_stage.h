/* SPDX-License-Identifier: Apache-2.0 */
/* client_stage.h - a program that uses the client library over real sockets,
 * and the server that it meets, both in one thread: the library has its own,
 * and the callbacks run when the test waits for them. */
#ifndef CLIENT_STAGE_H
#define CLIENT_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "parley_client.h"
#include "raw_server.h"

enum { LONG_MS = 60000, QUIET_MS = 20000 };

extern struct raw_server server;
extern struct plc_group *group;
extern struct plc_client *client;
extern struct plc_ws *channel;
/* Of the next create_...(); the URL and the callbacks are set. */
extern struct plc_link link_options;
extern struct plc_client_options client_options;
extern struct plc_ws_options channel_options;
extern char url[80];
extern char log_[8192]; /* what was called, in words */
/* What the next callback does, once. */
extern void (*in_callback)(void);

/* Both may be called in the middle of a test, for the next row of a table.
 * tear_down() stops at once, and checks that everything was completed, and that
 * no thread and no descriptor is left. */
int set_up(void **state);
int tear_down(void **state);

void use_tls(void); /* wss instead of ws */
/* Create it and let it connect. */
void create_client(void);
void create_channel(void);
struct plc_sub *subscribe(const char *name, uint32_t flags);
/* Publish, or send; the completion is logged as `name`. */
enum pl_err publish(const char *name);
enum pl_err send_text(const char *name);

/* Wait until callbacks have logged `wanted`, which must be all; forget it. */
void called(const char *wanted);
/* Wait until something is in the log. */
void await_word(const char *word);
/* Run callbacks until `holds`. */
void await(bool (*holds)(void));

struct plc_status status_now(void);
/* Bytes of memory that the process has allocated. */
size_t allocated(void);

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
