/* SPDX-License-Identifier: Apache-2.0 */
/* positions.c - where a channel was read up to; see positions.h.
 *
 * The offset moves before the event of a publication, so that a program which
 * stops in it does not get it again.  An epoch is never replaced by one that
 * comes with a publication: only a subscribe reply begins a new one. */
#include "positions.h"

#include <string.h>

#include "received.h"
#include "snapshot.h"

static void copy_epoch(struct plc_position *p, struct pl_span epoch)
{
    size_t n = epoch.len < sizeof p->epoch ? epoch.len : sizeof p->epoch - 1;

    if (n > 0)
        memcpy(p->epoch, epoch.at, n);
    p->epoch[n] = '\0';
}

void plc_position_from(struct plc_position *p, struct pl_span epoch,
                       uint64_t offset)
{
    p->is_known = true;
    p->offset = offset;
    copy_epoch(p, epoch);
}

void plc_position_move(struct plc_position *p,
                       const struct pl_received_publication *pub)
{
    if (pub->offset == 0)
        return;
    if (p->epoch[0] == '\0' && pub->epoch.len > 0)
        copy_epoch(p, pub->epoch);
    if (pub->offset > p->offset)
        p->offset = pub->offset;
}

void plc_position_spoil(struct plc_position *p)
{
    if (p->is_known)
        plc_position_from(p, pl_span_of("_"), 0);
}

bool plc_position_is_spoiled(const struct plc_position *p)
{
    return strcmp(p->epoch, "_") == 0;
}

void plc_position_show(const struct plc_position *p)
{
    uint64_t values[PLC_SHOWN] = {p->offset, p->is_known};

    memcpy(&values[2], p->epoch, sizeof p->epoch);
    pl_snapshot_publish(p->shown, values);
}

void plc_position_read(const struct pl_snapshot *shown, struct plc_position *p)
{
    uint64_t values[PLC_SHOWN];

    pl_snapshot_read(shown, values);
    p->offset = values[0];
    p->is_known = values[1] != 0;
    memcpy(p->epoch, &values[2], sizeof p->epoch);
}

void plc_position_take_back(struct plc_position *p)
{
    if (!plc_position_is_spoiled(p))
        plc_position_read(p->shown, p);
}
