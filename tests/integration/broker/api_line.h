/* SPDX-License-Identifier: Apache-2.0 */
/* api_line.h - a backend's connection to a broker, for tests of the server API.
 *
 * What cannot fail in a working test fails it. */
#ifndef API_LINE_H
#define API_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "tls_client.h"

#define API_KEY "the-key-of-the-backend-0123456789"

struct line {
    int fd;
    struct tls_client *tls; /* NULL: plain */
    char in[1 << 16];       /* the latest answer, and a zero byte */
};

/* Connect; `tls` NULL: without TLS, else by this version of it. */
void line_dial(struct line *l, uint16_t port, struct tls_client *tls,
               int version);
void line_hang_up(struct line *l);

void line_put(struct line *l, const char *bytes, size_t len);
int line_get(struct line *l, char *to, size_t len);

/* Read one answer to l->in.  Return its status; 0: the connection ended
 * instead. */
int line_hear(struct line *l);

/* POST `body` to `target` with further header lines; return the status. */
int line_ask(struct line *l, const char *target, const char *fields,
             const char *body);

/* Call a method with the key, on a connection of its own.  Return the body of
 * the answer, valid until the next call. */
const char *line_call(uint16_t port, const char *method, const char *body);

#endif
