/* SPDX-License-Identifier: Apache-2.0 */
/* subs_private.h - what the files about subscriptions share. */
#ifndef PLC_SUBS_PRIVATE_H
#define PLC_SUBS_PRIVATE_H

#include "client_private.h"

/* The program has asked for the end, and gets no publication any more: what was
 * not delivered is recovered later. */
void plc_sub_take_back(struct plc_sub *s);
void plc_subs_take_back_all(struct plc_client *c);

void plc_sub_change(struct plc_sub *s, enum plc_state to, uint32_t code,
                    const char *reason);
/* Unsubscribed, without a word to the server. */
void plc_sub_end(struct plc_sub *s, uint32_t code, const char *reason);
/* Unsubscribed; the server gets a command if it may know of the subscription.
 */
void plc_sub_unsubscribe(struct plc_sub *s, uint32_t code, const char *reason);
/* Set what `s` needs of subs.c. */
void plc_sub_init(struct plc_sub *s);
/* `visit` may remove the one that it gets. */
void plc_subs_each(struct plc_client *c, void (*visit)(struct plc_sub *));

/* calls.c: the publishes that waited for `s` are over. */
void plc_calls_lose_sub(struct plc_sub *s);

#endif
