/* SPDX-License-Identifier: Apache-2.0 */
/* feed.h - what one channel of `parley sub` prints, in order and once. */
#ifndef PL_TOOL_FEED_H
#define PL_TOOL_FEED_H

#include "client.h"

struct feed {
    struct client *client;
    const char *channel;
    bool data_only;
    int64_t history; /* publications of before that are wanted at first */
    struct plc_sub *sub;
    /* Called when it ends: what to exit with. */
    void (*ended)(struct feed *f, int rc);

    /* --- Its own --- */
    bool was_subscribed; /* at least once */
    bool is_filling;     /* old publications are asked for; new ones are held */
    bool is_asking;      /* a call for them is in transit */
    bool asks_again;     /* its answer does not count any more */
    bool may_skip;       /* the first old one may have any offset */
    uint64_t last;       /* offset of the newest line, held or not; 0: none */
    uint64_t filled;     /* offset of the newest old one that was printed */
    uint64_t goal;       /* it is full there */
    char epoch[64];      /* of these offsets */
    struct pl_buf held;  /* lines that come after the old ones */
    struct pl_buf line;
};

/* For the options of the subscription; `arg` is the feed. */
void feed_state(struct plc_sub *s, const struct plc_change *change, void *arg);
void feed_error(struct plc_sub *s, enum pl_err err, uint32_t code,
                const char *text, void *arg);
void feed_publication(struct plc_sub *s, const struct plc_publication *p,
                      void *arg);
void feed_presence(struct plc_sub *s, bool joined, const struct plc_info *info,
                   void *arg);

void feed_fini(struct feed *f);

/* Print a publication of a channel that the server subscribed. */
void feed_print(struct client *c, struct pl_buf *line,
                const struct plc_publication *p, bool data_only);

#endif
