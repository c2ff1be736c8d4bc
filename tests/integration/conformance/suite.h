/* SPDX-License-Identifier: Apache-2.0 */
/* suite.h - the cases of the suite: what is sent, what must come back. */
#ifndef SUITE_H
#define SUITE_H

#include <stdbool.h>
#include <stddef.h>

/* After the last item of `send` the suite closes with 1000 and expects the
 * same code back, unless `expect` says how the connection ends. */
struct exchange {
    char *name;
    char *send;         /* notation.h */
    char *expect;       /* notation.h */
    bool is_as_written; /* with deflate too: nothing is compressed beyond what
                           the script says */
};

struct suite {
    struct exchange *at;
    size_t count;
    size_t cap;
    bool deflates;      /* the tables are for a server with it */
    bool is_as_written; /* what is added now */
};

/* The name is a format. */
void suite_add(struct suite *s, const char *send, const char *expect,
               const char *name, ...) __attribute__((format(printf, 4, 5)));
void suite_fini(struct suite *s);

/* The tables, one a file. */
void add_framing(struct suite *s);
void add_fragments(struct suite *s);
void add_control(struct suite *s);
void add_close(struct suite *s);
void add_text(struct suite *s);
void add_limits(struct suite *s);
void add_deflate(struct suite *s); /* only where it was agreed on */

/* An opening request; "$H" in it stands for 127.0.0.1 and the port. */
struct opening {
    const char *name;
    const char *request; /* $H: the host and port; $0: a zero byte */
    int status;
    const char *field; /* a line that the answer must have; NULL: none */
};

extern const struct opening openings[];
extern const size_t opening_count;

/* A Sec-WebSocket-Extensions of a request that is good otherwise. */
struct offer {
    const char *name;
    const char *value;
    const char *taken; /* the part of it that is to be answered; NULL: none */
};

extern const struct offer offers[];
extern const size_t offer_count;

#endif
