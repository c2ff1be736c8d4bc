/* SPDX-License-Identifier: Apache-2.0 */
/* rig.h - a loop on a base of the test, streams on it, and servers on the
 * loopback, each on a thread, that echo all they get. */
#ifndef RIG_H
#define RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/ssl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "network.h"

struct event_base;

extern struct event_base *base;

/* "slow.test" is resolved when this is posted; "good.test" is 127.0.0.1, and no
 * other name has an address. */
extern sem_t name_may_end;

int rig_set_up(void **state);
int rig_tear_down(void **state);

/* --- Servers --- */

struct server {
    int fd;
    uint16_t port;
    SSL_CTX *tls; /* NULL: none */
    pthread_t thread;
    bool resets; /* it ends connections by a reset, without a close_notify */
    const char *proxy; /* it is a proxy that answers so; NULL: it is none */
    char request[512]; /* that the proxy got */
};

/* Listen on `address` and *port, 0: any.  Return -1 if another program has the
 * port. */
int listen_on(const char *address, uint16_t *port);
void start_server(struct server *s);
void stop_server(struct server *s);

/* --- Users of streams --- */

struct user {
    struct plc_stream *stream;
    const char *say; /* as soon as it is open */
    size_t left;     /* bytes to write, of zeros */
    size_t heard;
    char text[64]; /* the first that came */
    bool is_open, has_ended, is_clean, was_resumed;
    enum pl_err err;
    char why[400];
    size_t close_at; /* bytes heard; 0: never */
    bool closes_when_open, finishes;
};

struct plc_target target_of(const struct server *s, const char *host);
/* far.test:443 through `s`, with credentials. */
struct plc_target behind_proxy(const struct server *s);
void open_user(struct user *u, const struct plc_target *target);
/* Open the stream, and run the loop until the user has closed it. */
void run_user(struct user *u, const struct plc_target *target);

#endif
