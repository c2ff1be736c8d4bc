/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - the state of a client, for all files of the module. */
#include "client_private.h"

enum plc_state plc_client_now(const struct plc_client *c)
{
    return (enum plc_state)pl_cell_get(&c->state);
}

bool plc_client_is_connected(const struct plc_client *c)
{
    return plc_client_now(c) == PLC_CONNECTED;
}

/* A part that has ended may be freed in this turn. */
void plc_client_check(struct plc_client *c)
{
    if (c->ending != PLC_LIVING && !c->part.has_ended)
        pl_loop_defer(c->loop, PL_STAGE_READY, &c->check);
}
