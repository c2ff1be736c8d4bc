/* SPDX-License-Identifier: Apache-2.0 */
/* requests.c - see requests.h.
 *
 * A request is answered in one place, end(), after it has left the lists, the
 * table and its timer.  So it is answered once, whatever comes together: its
 * reply, its timeout, the loss of the connection.
 *
 * Invariant: a request is in the table while it is in one of the lists. */
#include "requests.h"

#include "loop.h"

void plc_requests_init(struct plc_requests *all, struct pl_loop *loop,
                       void (*ended)(struct plc_requests *all))
{
    all->loop = loop;
    all->ended = ended;
    pl_list_init(&all->waiting);
    pl_list_init(&all->sent);
}

void plc_requests_fini(struct plc_requests *all)
{
    pl_map_fini(&all->by_id);
}

void plc_requests_remove(struct plc_request *r)
{
    if (!pl_list_is_linked(&r->link))
        return;
    pl_list_remove(&r->link);
    pl_map_remove(&r->all->by_id, &r->node);
    plc_deadline_stop(r->all->loop, &r->timeout);
}

static void end(struct plc_request *r, const struct plc_answer *a)
{
    struct plc_requests *all = r->all;

    plc_requests_remove(r);
    r->answered(r, a); /* `r` may be gone now */
    all->ended(all);
}

void plc_requests_fail(struct plc_request *r, enum pl_err err, uint64_t taken)
{
    struct plc_answer s = {
        .outcome = r->is_sent && taken > r->from ? PLC_UNKNOWN : PLC_NOT_SENT,
        .err = err,
    };

    end(r, &s);
}

/* What was sent has probably left: the link would not stall so long. */
static void on_timeout(struct pl_timer *t)
{
    struct plc_request *r = PL_CONTAINER(t, struct plc_request, timeout.timer);

    if (!plc_deadline_waits(r->all->loop, &r->timeout))
        plc_requests_fail(r, PL_ETIMEDOUT, UINT64_MAX);
}

enum pl_err plc_requests_add(struct plc_requests *all, struct plc_request *r,
                             uint32_t timeout_ms)
{
    enum pl_err rc = pl_map_add(&all->by_id, &r->node, r->id);

    if (rc != PL_OK)
        return rc;
    r->all = all;
    r->is_sent = false;
    r->timeout.timer.fire = on_timeout;
    pl_list_append(&all->waiting, &r->link);
    plc_deadline_start(all->loop, &r->timeout, timeout_ms);
    return PL_OK;
}

struct plc_request *plc_requests_next(struct plc_requests *all)
{
    return pl_list_is_empty(&all->waiting)
               ? NULL
               : PL_CONTAINER(all->waiting.next, struct plc_request, link);
}

void plc_requests_sent(struct plc_request *r, uint64_t from)
{
    r->is_sent = true;
    r->from = from;
    pl_list_remove(&r->link);
    pl_list_append(&r->all->sent, &r->link);
}

static bool has_id(const struct pl_map_node *n, const void *id)
{
    return PL_CONTAINER(n, struct plc_request, node)->id ==
           *(const uint32_t *)id;
}

enum plc_reply plc_requests_reply(struct plc_requests *all,
                                  const struct pl_received *reply)
{
    struct pl_map_node *n =
        pl_map_find(&all->by_id, reply->id, has_id, &reply->id);
    struct plc_request *r =
        n == NULL ? NULL : PL_CONTAINER(n, struct plc_request, node);

    if (r == NULL || !r->is_sent)
        return PLC_REPLY_UNEXPECTED;
    bool is_error = reply->kind == PL_RECEIVED_ERROR;
    if (!is_error && reply->kind != r->wants)
        return PLC_REPLY_WRONG;
    struct plc_answer s = {
        .outcome = is_error ? PLC_REFUSED : PLC_DONE,
        .err = is_error ? PL_EDENIED : PL_OK,
        .reply = reply,
    };
    end(r, &s);
    return PLC_REPLY_TAKEN;
}

enum pl_received_kind plc_requests_kind(enum pl_verb verb)
{
    static const enum pl_received_kind kinds[] = {
        [PL_VERB_CONNECT] = PL_RECEIVED_CONNECT,
        [PL_VERB_SUBSCRIBE] = PL_RECEIVED_SUBSCRIBE,
        [PL_VERB_UNSUBSCRIBE] = PL_RECEIVED_UNSUBSCRIBE,
        [PL_VERB_PUBLISH] = PL_RECEIVED_PUBLISH,
        [PL_VERB_PRESENCE] = PL_RECEIVED_PRESENCE,
        [PL_VERB_PRESENCE_STATS] = PL_RECEIVED_PRESENCE_STATS,
        [PL_VERB_HISTORY] = PL_RECEIVED_HISTORY,
        [PL_VERB_RPC] = PL_RECEIVED_RPC,
        [PL_VERB_REFRESH] = PL_RECEIVED_REFRESH,
        [PL_VERB_SUB_REFRESH] = PL_RECEIVED_SUB_REFRESH,
    };

    return kinds[verb];
}

static void fail_list(struct pl_list *list, enum pl_err err, uint64_t taken)
{
    while (!pl_list_is_empty(list))
        plc_requests_fail(PL_CONTAINER(list->next, struct plc_request, link),
                          err, taken);
}

void plc_requests_fail_all(struct plc_requests *all, enum pl_err err,
                           uint64_t taken, bool waiting_too)
{
    fail_list(&all->sent, err, taken);
    if (waiting_too)
        fail_list(&all->waiting, err, taken);
}
