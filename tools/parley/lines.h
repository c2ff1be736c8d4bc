/* SPDX-License-Identifier: Apache-2.0 */
/* lines.h - stdin, line by line, and at a rate. */
#ifndef PL_TOOL_LINES_H
#define PL_TOOL_LINES_H

#include <stdint.h>

#include "buf.h"

/* All zero: nothing is read yet. */
struct lines {
    struct pl_buf buf;
    size_t at;      /* of the next line in `buf` */
    size_t scanned; /* no line end is before this */
    bool is_end;    /* stdin has ended, or cannot be read */
    int error;      /* errno of that; 0: none */
};

/* Read what stdin has now; it waits if there is nothing. */
void lines_read(struct lines *l);

/* The next line, without its end, until lines_read(); false: it is not there
 * yet.  The last one may lack its end. */
bool lines_next(struct lines *l, struct pl_span *line);

/* Whether lines_next() has one. */
bool lines_has_next(struct lines *l);

/* No line is left, and none will come. */
bool lines_are_done(struct lines *l);

void lines_fini(struct lines *l);

/* `rate` a second; 0: at any rate. */
struct pace {
    int64_t rate;
    int64_t begun_ms;
    uint64_t sent;
};

/* How many may be sent now, at most `most`. */
unsigned pace_allows(struct pace *p, unsigned most);

/* How long the next one has to wait. */
int64_t pace_wait_ms(const struct pace *p);

#endif
