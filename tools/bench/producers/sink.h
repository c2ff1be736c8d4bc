/* SPDX-License-Identifier: Apache-2.0 */
/* sink.h - a server of the client protocol on the loopback, for one connection:
 * it answers the connect command, and then reads and says nothing.  Failures
 * end the program. */
#ifndef BENCH_SINK_H
#define BENCH_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "span.h"

struct sink; /* opaque */

/* `folder` has a.pem and a.key (see below); NULL: no TLS.  Each WebSocket
 * message goes to `message`, on the thread of the sink; NULL: it is dropped. */
struct sink *sink_start(const char *folder,
                        void (*message)(void *arg, struct pl_span text),
                        void *arg);
uint16_t sink_port(const struct sink *s);
/* Wait until the client has closed its connection, and free the sink. */
void sink_stop(struct sink *s);

/* Make a folder with a certificate, its path goes to `folder`; and remove it.
 */
void sink_certificate_make(char *folder, size_t size);
void sink_certificate_remove(const char *folder);

#endif
