/* SPDX-License-Identifier: Apache-2.0 */
/* hear.h - the results that a simulated client looks into. */
#ifndef HEAR_H
#define HEAR_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "peer.h"

/* A result of subscribe, history, or of one of a connect's `subs`. */
struct hear_position {
    bool is_recoverable;
    bool is_recovered;
    uint64_t offset;
    struct pl_span epoch;
};

struct hear_publication {
    uint64_t offset; /* 0: the channel has none */
    struct pl_span data;
    struct pl_span client; /* that published it; empty: a backend */
};

/* What hear_*() find; a position comes before its publications. */
struct hear_ops {
    void (*publication)(void *arg, const struct hear_publication *p);
    void (*position)(void *arg, const struct hear_position *p);
    void (*client)(void *arg, struct pl_span id);
};

/* A compressed message, by itself, behind the content of `out`; false: bad, or
 * it needs a larger window. */
bool hear_inflate(struct pl_span data, int window_bits, struct pl_buf *out);

/* False: malformed. */
bool hear_subscribe(enum peer_encoding e, struct pl_span body,
                    const struct hear_ops *ops, void *arg);
/* A subscribe push. */
bool hear_begun(enum peer_encoding e, struct pl_span body,
                const struct hear_ops *ops, void *arg);
bool hear_history(enum peer_encoding e, struct pl_span body,
                  const struct hear_ops *ops, void *arg);

/* Each of a connect's `subs`: its channel and its result. */
bool hear_subs(enum peer_encoding e, struct pl_span body,
               void (*each)(void *arg, struct pl_span channel,
                            struct pl_span result),
               void *arg);

/* What a connect or refresh says of the token: the seconds left, 0: it never
 * expires. */
bool hear_ttl(enum peer_encoding e, struct pl_span body, uint32_t *ttl_s);

/* The same of a subscribe or sub_refresh, about the subscription. */
bool hear_sub_ttl(enum peer_encoding e, struct pl_span body, uint32_t *ttl_s);

/* A pushed publication, or the client of a join or leave. */
bool hear_publication(enum peer_encoding e, struct pl_span body,
                      struct hear_publication *out);
bool hear_who(enum peer_encoding e, struct pl_span body, struct pl_span *out);

/* The numbers of a presence_stats result. */
bool hear_stats(enum peer_encoding e, struct pl_span body, uint32_t *clients,
                uint32_t *users);

/* A member of a JSON object; *out stays as it is when there is none. */
bool hear_member(struct pl_span body, const char *name, struct pl_span *out);
uint64_t hear_number(struct pl_span body, const char *name);

/* Each client of a presence result. */
bool hear_presence(enum peer_encoding e, struct pl_span body,
                   const struct hear_ops *ops, void *arg);

#endif
