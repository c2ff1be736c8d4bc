/* SPDX-License-Identifier: Apache-2.0 */
/* ws_api.c - requests on the addresses of clients that open no WebSocket:
 * health, the metrics and the server API.
 *
 * Only a request that is no opening of a WebSocket comes here, so a client pays
 * nothing for it.  Health is answered here: the loop turns.  For the others the
 * key is checked at once: a client without one gets 401 and never reaches the
 * server of the API, no byte of its body is kept, and its connection ends.
 * With the key, or for open metrics without one, the connection is handed over
 * with all that it has sent.
 *
 * Rejected: handing over first and checking there.  Clients without a key would
 * then take connections, memory and time of the loop that operators use.
 *
 * Invariant: a connection is handed over at most once, and after a good key
 * unless its path needs none. */
#include "ws_private.h"

#include "access.h"
#include "http.h"

static const struct pl_http_rules rules = {.takes_old = true,
                                           .method = pl_http_check_method};

/* What a path stands for. */
enum place { NOWHERE, HEALTH, METRICS, API };

/* Return true for the path of the API and those below it. */
static bool is_api(const struct pl_access *a, struct pl_span path)
{
    struct pl_span api = pl_span_of(a->api_path == NULL ? "" : a->api_path);

    return api.len > 0 && path.len >= api.len &&
           memcmp(path.at, api.at, api.len) == 0 &&
           (path.len == api.len || path.at[api.len] == '/');
}

static enum place find(const struct pl_access *a, struct pl_span path)
{
    if (a->health_is_public && pl_span_equal(path, pl_span_of(a->health_path)))
        return HEALTH;
    if (a->metrics_are_public &&
        pl_span_equal(path, pl_span_of(a->metrics_path)))
        return METRICS;
    return is_api(a, path) ? API : NOWHERE;
}

static enum pl_key_verdict check_key(struct pl_session *s,
                                     const struct pl_http_head *head)
{
    const struct pl_api_key *key;
    char peer[PL_IP_TEXT_MAX];
    enum pl_key_verdict verdict =
        pl_api_key_find(&pl_session_access(s)->api_keys, head, &key);

    if (verdict != PL_KEY_GOOD)
        pl_api_key_report(pl_session_metrics(s), pl_session_peer(s, peer),
                          verdict);
    return verdict;
}

/* Hand the connection over with `in`. */
static enum pl_ws_turn divert(struct pl_session *s, struct pl_span in,
                              struct pl_handshake_error *error)
{
    const struct pl_ws_link_ops *ops = pl_ws_link_ops_of(s);

    if (ops->divert != NULL && ops->divert(s, in))
        return PL_WS_TURN_OVER;
    *error = (struct pl_handshake_error){503, "out of memory", error->is_head};
    return PL_WS_TURN_REFUSE;
}

/* The body is Centrifugo's. */
static enum pl_ws_turn answer_health(const struct pl_http_head *head,
                                     struct pl_handshake_error *error)
{
    if (!error->is_head && !pl_span_equal(head->method, PL_SPAN("GET")))
        return PL_WS_TURN_REFUSE;
    *error = (struct pl_handshake_error){200, "{}", error->is_head};
    return PL_WS_TURN_DENY;
}

/* `in` begins with `head`. */
static enum pl_ws_turn take(struct pl_session *s,
                            const struct pl_http_head *head, struct pl_span in,
                            struct pl_handshake_error *error)
{
    const struct pl_access *access = pl_session_access(s);
    enum place place = find(access, head->path);

    if (place == NOWHERE)
        return PL_WS_TURN_REFUSE;
    error->is_head = pl_span_equal(head->method, PL_SPAN("HEAD"));
    if (place == HEALTH)
        return answer_health(head, error);
    if ((place == METRICS && access->metrics_are_open) ||
        check_key(s, head) == PL_KEY_GOOD)
        return divert(s, in, error);
    *error = (struct pl_handshake_error){401, "", error->is_head};
    return PL_WS_TURN_DENY;
}

enum pl_ws_turn pl_ws_link_look_for_api(struct pl_session *s, struct pl_span in,
                                        struct pl_handshake_error *error)
{
    const struct pl_access *access = pl_session_access(s);
    struct pl_http_head head;
    struct pl_http_error why;
    size_t taken;

    if ((access->api_path == NULL && !access->health_is_public &&
         !access->metrics_are_public) ||
        (error->status != 405 && error->status != 426 &&
         error->status != 505)) /* probes of proxies may be HTTP/1.0 */
        return PL_WS_TURN_REFUSE;
    switch (pl_http_head_read(in, &rules, &head, &taken, &why)) {
    case PL_OK:
        return take(s, &head, in, error);
    case PL_EAGAIN:
        return PL_WS_TURN_WAIT;
    default:
        *error = (struct pl_handshake_error){why.status, why.text, why.is_head};
        return PL_WS_TURN_REFUSE;
    }
}
