/* SPDX-License-Identifier: Apache-2.0 */
/* positions.h - where a channel was read up to.
 * Thread: the loop's. */
#ifndef PLC_POSITIONS_H
#define PLC_POSITIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

struct pl_received_publication;
struct pl_snapshot;

struct plc_position {
    /* What of it was shown to the program; the thread that runs callbacks
     * writes it. */
    struct pl_snapshot *shown;
    bool is_known;
    uint64_t offset;
    char epoch[64];
};

/* Numbers of plc_position.shown: the offset, whether it is known, and the bytes
 * of the epoch. */
enum { PLC_SHOWN = 2 + 64 / 8 };
/* Thread: that of callbacks. */
void plc_position_show(const struct plc_position *p);
/* Thread: any. */
void plc_position_read(const struct pl_snapshot *shown, struct plc_position *p);
/* Publications whose callbacks have not run are recovered later: they are
 * dropped, see reports.c.  A position that no callback has shown yet is of a
 * subscription about which no callback has run. */
void plc_position_take_back(struct plc_position *p);

void plc_position_from(struct plc_position *p, struct pl_span epoch,
                       uint64_t offset);
/* Move to what `pub` says, before its event. */
void plc_position_move(struct plc_position *p,
                       const struct pl_received_publication *pub);
/* What cannot be recovered from: the server then says that it was tried. */
void plc_position_spoil(struct plc_position *p);
bool plc_position_is_spoiled(const struct plc_position *p);

#endif
