/* SPDX-License-Identifier: Apache-2.0 */
/* guest.c - the admission record of a connection (doors.h): which address it
 * counts for, whether the connection is admitted, and its return at the end.
 *
 * A pointer to the record follows the transport's bytes, but only if there is
 * an address limiter.  While the record is in transit to the limiter, the
 * pointer is NULL.  If the connection closes meanwhile, pl_conns_on_guest()
 * finds no session and returns the record as LEAVE.
 *
 * Invariant: a counted record returns exactly once. */
#include "conn.h"

#include <sys/socket.h>

#include "doors.h"
#include "forwarded.h"
#include "proxy.h"
#include "session.h"
#include "ws_link.h"

static struct pl_guest **place(struct pl_conn *c)
{
    return (struct pl_guest **)((char *)c + c->io->size);
}

void pl_conn_keep(struct pl_conn *c, struct pl_guest *g)
{
    struct pl_session *s = pl_session_of_transport(c);

    c->has_guest = true;
    *place(c) = g;
    g->session = pl_actor_address(pl_session_actor(s));
}

void pl_conn_dismiss(struct pl_conn *c)
{
    struct pl_session *s = pl_session_of_transport(c);
    struct pl_guest *g = *place(c);

    *place(c) = NULL;
    if (g != NULL)
        pl_guest_send(pl_session_actor(s), g, PL_GUEST_LEAVE);
}

static void ask(struct pl_conn *c)
{
    struct pl_guest *g = *place(c);

    *place(c) = NULL;
    pl_guest_send(&c->conns->actor, g, PL_GUEST_ENTER);
}

void pl_conns_on_guest(struct pl_conns *k, struct pl_guest *g)
{
    struct pl_session *s = pl_session_at(k->actor.loop, g->session);
    struct pl_conn *c = s == NULL ? NULL : pl_session_transport(s);

    if (c == NULL || c->fd < 0) {
        pl_guest_send(&k->actor, g, PL_GUEST_LEAVE);
        return;
    }
    *place(c) = g;
    if (g->is_far_over)
        pl_ws_link_turn_away(s);
    else
        pl_ws_link_admitted(s);
}

void pl_conn_believe(struct pl_conn *c, const struct pl_proxy *said)
{
    struct pl_guest *g = *place(c);

    if (said->kind == PL_PROXY_UNKNOWN) {
        g->is_trusted = false; /* ignore addresses in HTTP headers */
        g->is_settled = true;
    } else if (said->kind == PL_PROXY_CLIENT) {
        pl_guest_move(g, &said->from, c->conns->config);
        if (pl_guest_is_to_be_counted(g, c->conns->config))
            ask(c);
    }
}

/* Use the client address that a trusted proxy names in an HTTP header.  This is
 * the only place that chooses the header. */
static void believe_field(struct pl_guest *g,
                          const struct pl_net_settings *config,
                          const struct pl_proxy_lists *lists)
{
    const struct pl_config_networks *trusted = &config->proxy.trusted;
    struct pl_ip ip =
        config->proxy.header == PL_HEADER_FORWARDED
            ? pl_forwarded(g->ip, lists->forwarded, trusted->at, trusted->count)
            : pl_forwarded_for(g->ip, lists->forwarded_for, trusted->at,
                               trusted->count);

    pl_guest_move(g, &ip, config);
}

enum pl_admission pl_conn_admit(struct pl_session *s,
                                const struct pl_proxy_lists *lists)
{
    struct pl_conn *c = pl_session_transport(s);

    if (!c->has_guest)
        return PL_ADMIT;
    struct pl_guest *g = *place(c);
    if (g == NULL)
        return PL_ADMIT_LATER;
    if (g->is_trusted)
        believe_field(g, c->conns->config, lists);
    if (pl_guest_is_to_be_counted(g, c->conns->config)) {
        ask(c);
        return PL_ADMIT_LATER;
    }
    return g->is_over ? PL_ADMIT_REFUSE : PL_ADMIT;
}

void pl_conn_peer(struct pl_conn *c, char text[PL_IP_TEXT_MAX])
{
    struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof sa;
    struct pl_ip ip;

    if (c->has_guest && *place(c) != NULL) {
        ip = (*place(c))->ip;
    } else {
        getpeername(c->fd, (struct sockaddr *)&sa, &len);
        ip = pl_ip_of_socket((struct sockaddr *)&sa);
    }
    pl_ip_format(&ip, text);
}
