/* SPDX-License-Identifier: Apache-2.0 */
/* admission.c - the admission record of a connection (address_limiter.h): which
 * address it counts for, whether the connection is admitted, and its return at
 * the end.
 *
 * A pointer to the record follows the transport's bytes, but only if there is
 * an address limiter.  While the record is in transit to the limiter, the
 * pointer is NULL.  If the connection closes meanwhile, pl_conns_on_admission()
 * finds no session and returns the record as LEAVE.
 *
 * Invariant: a counted record returns exactly once. */
#include "conn.h"

#include <sys/socket.h>

#include "address_limiter.h"
#include "forwarded.h"
#include "proxy.h"
#include "session.h"
#include "ws_link.h"

static struct pl_admission_record **record_of(struct pl_conn *c)
{
    return (struct pl_admission_record **)((char *)c + c->io->size);
}

void pl_conn_keep(struct pl_conn *c, struct pl_admission_record *record)
{
    struct pl_session *s = pl_session_of_transport(c);

    c->has_record = true;
    *record_of(c) = record;
    record->session = pl_actor_address(pl_session_actor(s));
}

void pl_conn_dismiss(struct pl_conn *c)
{
    struct pl_session *s = pl_session_of_transport(c);
    struct pl_admission_record *record = *record_of(c);

    *record_of(c) = NULL;
    if (record != NULL)
        pl_admission_record_send(pl_session_actor(s), record,
                                 PL_ADMISSION_RELEASE);
}

static void request_count(struct pl_conn *c)
{
    struct pl_admission_record *record = *record_of(c);

    *record_of(c) = NULL;
    pl_admission_record_send(&c->conns->actor, record, PL_ADMISSION_ACQUIRE);
}

void pl_conns_on_admission(struct pl_conns *k,
                           struct pl_admission_record *record)
{
    struct pl_session *s = pl_session_at(k->actor.loop, record->session);
    struct pl_conn *c = s == NULL ? NULL : pl_session_transport(s);

    if (c == NULL || c->fd < 0) {
        pl_admission_record_send(&k->actor, record, PL_ADMISSION_RELEASE);
        return;
    }
    *record_of(c) = record;
    if (record->is_far_over)
        pl_ws_link_reject(s);
    else
        pl_ws_link_admitted(s);
}

void pl_conn_believe(struct pl_conn *c, const struct pl_proxy *said)
{
    struct pl_admission_record *record = *record_of(c);

    if (said->kind == PL_PROXY_UNKNOWN) {
        record->is_trusted = false; /* ignore addresses in HTTP headers */
        record->is_final = true;
    } else if (said->kind == PL_PROXY_CLIENT) {
        pl_admission_record_move(record, &said->from, c->conns->config);
        if (pl_admission_record_is_uncounted(record, c->conns->config))
            request_count(c);
    }
}

/* Use the client address that a trusted proxy names in an HTTP header.  This is
 * the only place that chooses the header. */
static void believe_field(struct pl_admission_record *record,
                          const struct pl_net_settings *config,
                          const struct pl_proxy_lists *lists)
{
    const struct pl_config_networks *trusted = &config->proxy.trusted;
    struct pl_ip ip = config->proxy.header == PL_HEADER_FORWARDED
                          ? pl_forwarded(record->ip, lists->forwarded,
                                         trusted->at, trusted->count)
                          : pl_forwarded_for(record->ip, lists->forwarded_for,
                                             trusted->at, trusted->count);

    pl_admission_record_move(record, &ip, config);
}

enum pl_admission pl_conn_admit(struct pl_session *s,
                                const struct pl_proxy_lists *lists)
{
    struct pl_conn *c = pl_session_transport(s);

    if (!c->has_record)
        return PL_ADMIT;
    struct pl_admission_record *record = *record_of(c);
    if (record == NULL)
        return PL_ADMIT_LATER;
    if (record->is_trusted)
        believe_field(record, c->conns->config, lists);
    if (pl_admission_record_is_uncounted(record, c->conns->config)) {
        request_count(c);
        return PL_ADMIT_LATER;
    }
    return record->is_over ? PL_ADMIT_REFUSE : PL_ADMIT;
}

struct pl_ip pl_conn_ip(struct pl_conn *c)
{
    struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof sa;

    if (c->has_record && *record_of(c) != NULL)
        return (*record_of(c))->ip;
    getpeername(c->fd, (struct sockaddr *)&sa, &len);
    return pl_ip_of_socket((struct sockaddr *)&sa);
}

void pl_conn_peer(struct pl_conn *c, char text[PL_IP_TEXT_MAX])
{
    struct pl_ip ip = pl_conn_ip(c);

    pl_ip_format(&ip, text);
}
