/* SPDX-License-Identifier: Apache-2.0 */
/* login_address.c - the address of a client that logs in.
 *
 * Most clients have none in their identity, because it would cost memory: only
 * those of a program that wants to know, and anonymous ones where new channels
 * are limited. */
#include "login_private.h"

#include <string.h>

#include "ip.h"
#include "session_manager_private.h"
#include "session_private.h"

/* Return true for the unspecified and loopback addresses.  They belong to a
 * proxy, and all its clients would count as one. */
static bool is_nowhere(const struct pl_ip *ip)
{
    static const struct pl_ip none = {{0}}, loopback = {{[15] = 1}};

    if (pl_ip_is_four(ip))
        return ip->at[12] == 0 || ip->at[12] == 127;
    return pl_ip_equal(ip, &none) || pl_ip_equal(ip, &loopback);
}

void pl_login_find_address(struct pl_session *s, struct pl_client_fields *f,
                           struct pl_ip *ip, struct pl_ip *place)
{
    const struct pl_session_manager_options *o = &s->manager->options;
    bool wants_place = o->limits_new_channels && f->user.len == 0;
    char text[PL_IP_TEXT_MAX];

    if ((!wants_place && o->hooks == NULL) ||
        !pl_ip_parse(ip, pl_span_of(pl_session_peer(s, text))))
        return;
    if (o->hooks != NULL)
        f->ip = (struct pl_span){(const char *)ip->at, sizeof ip->at};
    if (!wants_place || is_nowhere(ip))
        return;
    *place = *ip;
    if (!pl_ip_is_four(ip)) /* the /64, because a host owns all of it */
        memset(place->at + 8, 0, 8);
    f->place = (struct pl_span){(const char *)place->at, sizeof place->at};
}
