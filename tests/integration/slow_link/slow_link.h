/* SPDX-License-Identifier: Apache-2.0 */
/* slow_link.h - a slow link to this machine's own loopback addresses: 100 ms,
 * 2 Mbit/s and a loss of 1 % on the way from the broker to its client, with the
 * kernel's own TCP and its buffers at both ends.  Without a rate the link took
 * as much as a starved machine published, and nothing waited.
 *
 * The process that makes it lives in a network namespace of its own from then
 * on, and so does what it starts; sockets that come through the link reach the
 * ports of 127.0.0.1 there. */
#ifndef SLOW_LINK_H
#define SLOW_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    SLOW_LINK_DELAY_MS = 100,
    SLOW_LINK_LOSS_PERCENT = 1,
    SLOW_LINK_KBIT_PER_S = 2048
};

struct slow_link {
    int here;  /* namespaces: of the broker and of clients without delay ... */
    int there; /* ... and of those behind the link */
    int control;
    pid_t carrier;
    bool by_netem; /* the kernel delays and loses; else the carrier does */
    char how[128]; /* in netem's words */
};

struct slow_link_count {
    uint64_t carried, lost; /* packets to the clients */
};

/* False: this machine does not allow it; why is told on stdout. */
bool slow_link_init(struct slow_link *l);
void slow_link_fini(struct slow_link *l);

/* A new non-blocking TCP socket behind the link. */
int slow_link_socket(const struct slow_link *l);

void slow_link_counts(const struct slow_link *l, struct slow_link_count *out);

#endif
