/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - see client_parts.h. */
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

bool plc_client_is_open(const struct plc_client *c)
{
    return c->attempt != NULL && c->is_link_open;
}

bool plc_client_has_loss(const struct plc_client *c)
{
    return c->has_loss;
}

struct pl_loop *plc_client_loop(const struct plc_client *c)
{
    return c->loop;
}

struct plc_part *plc_client_part(struct plc_client *c)
{
    return &c->part;
}

const struct plc_client_options *
plc_client_options_of(const struct plc_client *c)
{
    return &c->options;
}

struct plc_events *plc_client_events(const struct plc_client *c)
{
    return c->events;
}

uint64_t *plc_client_counts(const struct plc_client *c)
{
    return c->counts;
}

struct pl_arena *plc_client_item(struct plc_client *c)
{
    return &c->item;
}

struct pl_list *plc_client_subs(struct plc_client *c)
{
    return &c->subs;
}

struct plc_server_subs *plc_client_server_subs(struct plc_client *c)
{
    return &c->server_subs;
}

void plc_attempt_lose(struct plc_client *c, uint32_t code, const char *reason,
                      bool is_final)
{
    c->attempts_of->lose(c, code, reason, is_final);
}

void plc_attempt_closed_by_code(struct plc_client *c, uint32_t code,
                                const char *reason)
{
    c->attempts_of->closed_by_code(c, code, reason);
}
