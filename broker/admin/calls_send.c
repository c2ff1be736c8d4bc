/* SPDX-License-Identifier: Apache-2.0 */
/* calls_send.c - the mails that a part of a call sends; see calls.c.
 *
 * Each mail carries the number of the call and the index of the part. */
#include "api_answer.h"
#include "calls_private.h"
#include "channels_mail.h"
#include "code.h"
#include "denial_mail.h"
#include "glob.h"
#include "mail.h"
#include "mail_origin.h"
#include "supervisor_mail.h"
#include "user_state_mail.h"

enum { HISTORY_BYTES = PL_CALLS_BYTES_MAX };

static struct pl_address owner_of(const struct pl_api_calls *c, uint64_t hash)
{
    return c->options->channels[hash % c->options->channel_owners];
}

void pl_api_part_mail(struct pl_api_call *call, struct pl_api_part *p,
                      struct pl_address to, struct pl_origin *origin,
                      struct pl_msg *msg)
{
    struct pl_api_calls *c = call->calls;

    *origin = (struct pl_origin){
        .session = pl_actor_address(c->actor),
        .command = call->id,
        .kind = (uint32_t)(p - call->parts),
    };
    p->waiting++;
    call->waiting++;
    c->mails++;
    pl_actor_send(c->actor, to, msg);
}

bool pl_api_part_publish(struct pl_api_call *call, struct pl_api_part *p,
                         const struct pl_api_request *r, struct pl_span channel)
{
    uint64_t hash = pl_hash(call->calls->options->key, channel);
    struct pl_publish_mail *m = pl_publish_mail_create();

    if (m == NULL)
        return false;
    bool has_terms = !pl_pub_terms_are_usual(&r->terms);
    m->pub = pl_pub_create_tagged(channel, hash, r->data, r->tags);
    if (has_terms)
        m->terms = pl_pub_terms_copy(&r->terms);
    if (m->pub == NULL || (has_terms && m->terms == NULL)) {
        pl_mail_destroy(&m->msg);
        return false;
    }
    m->pub->is_json = r->is_json;
    pl_api_part_mail(call, p, owner_of(call->calls, hash), &m->origin, &m->msg);
    return true;
}

static enum pl_query_kind query_of(enum pl_api_method method)
{
    switch (method) {
    case PL_API_PRESENCE:
        return PL_QUERY_PRESENCE;
    case PL_API_PRESENCE_STATS:
        return PL_QUERY_PRESENCE_STATS;
    case PL_API_HISTORY:
        return PL_QUERY_HISTORY;
    default:
        return PL_QUERY_HISTORY_REMOVE;
    }
}

static bool send_query(struct pl_api_call *call, struct pl_api_part *p,
                       const struct pl_api_request *r)
{
    struct pl_query_mail *m = pl_query_mail_create();

    if (m == NULL)
        return false;
    m->kind = query_of(r->method);
    m->hash = pl_hash(call->calls->options->key, r->channel);
    m->limit = r->limit;
    m->has_since = r->has_since;
    m->reverse = r->reverse;
    m->offset = r->offset;
    m->byte_budget = HISTORY_BYTES;
    pl_epoch_copy(m->epoch, r->epoch);
    m->channel = pl_blob_create(r->channel);
    if (m->channel == NULL) {
        pl_mail_destroy(&m->msg);
        return false;
    }
    pl_api_part_mail(call, p, owner_of(call->calls, m->hash), &m->origin,
                     &m->msg);
    return true;
}

/* Create a blob of `s`, or NULL if `s` is absent.  Set *ok to false if
 * allocation fails. */
static struct pl_blob *blob_of(struct pl_span s, bool *ok)
{
    if (s.at == NULL)
        return NULL;
    struct pl_blob *b = pl_blob_create(s);
    if (b == NULL)
        *ok = false;
    return b;
}

/* In these members an empty text means the same as an absent one. */
static struct pl_span some(struct pl_span s)
{
    return s.len > 0 ? s : (struct pl_span){0};
}

/* A connection has its client id as its session. */
static struct pl_span client_of(const struct pl_api_request *r)
{
    return r->client.len > 0 ? r->client : some(r->session);
}

/* What is done to the connections, and the code of their Close or of the end
 * of their subscription. */
static void choose_ask(struct pl_user_mail *m, const struct pl_api_request *r)
{
    switch (r->method) {
    case PL_API_SUBSCRIBE:
        m->ask = PL_USER_SUBSCRIBE;
        m->sub_flags = r->sub_flags;
        return;
    case PL_API_UNSUBSCRIBE:
        m->ask = PL_USER_UNSUBSCRIBE;
        m->code = PL_UNSUBSCRIBE_SERVER;
        return;
    case PL_API_REFRESH:
        m->ask = r->expired ? PL_USER_DISCONNECT : PL_USER_REFRESH;
        m->code = PL_DISCONNECT_EXPIRED;
        return;
    default:
        m->ask = PL_USER_DISCONNECT;
        m->code = r->code != 0 ? r->code : PL_DISCONNECT_FORCED;
    }
}

/* Return false if allocation fails. */
static bool fill_user(struct pl_user_mail *m, const struct pl_api_request *r)
{
    bool ok = true;

    choose_ask(m, r);
    m->user = blob_of(r->user, &ok);
    m->channel = blob_of(some(r->channel), &ok);
    m->client = blob_of(client_of(r), &ok);
    m->except = blob_of(some(r->except), &ok);
    m->reason = blob_of(some(r->reason), &ok);
    return ok;
}

static bool fill_terms(struct pl_sub_terms *t, const struct pl_api_request *r)
{
    bool ok = true;

    t->expires_at_s = r->expires_at_s;
    t->info = blob_of(some(r->info), &ok);
    if (!pl_span_equal(r->data, PL_SPAN("null")))
        t->data = blob_of(some(r->data), &ok);
    t->epoch = blob_of(some(r->epoch), &ok);
    t->offset = r->offset;
    return ok;
}

static bool send_user(struct pl_api_call *call, struct pl_api_part *p,
                      const struct pl_api_request *r)
{
    if (r->client.len > 0 && r->session.len > 0 &&
        !pl_span_equal(r->client, r->session)) {
        pl_buf_put_span(&p->result, PL_SPAN("{}")); /* no such client */
        return true;
    }
    struct pl_user_mail *m = pl_user_mail_create();

    if (m == NULL)
        return false;
    if (!fill_user(m, r) || !fill_terms(&m->terms, r)) {
        pl_mail_destroy(&m->msg);
        return false;
    }
    pl_api_part_mail(call, p, call->calls->options->supervisor, &m->origin,
                     &m->msg);
    return true;
}

static bool send_list(struct pl_api_call *call, struct pl_api_part *p,
                      const struct pl_api_request *r)
{
    const struct pl_admin_options *o = call->calls->options;
    struct pl_buf patterns = {0};
    bool ok =
        r->pattern.len == 0 || pl_glob_expand(r->pattern, &patterns) == PL_OK;

    pl_buf_put_span(&p->result, PL_SPAN("{\"channels\":{"));
    p->is_empty = true;
    for (unsigned i = 0; ok && i < o->channel_owners; i++) {
        struct pl_list_mail *m = pl_list_mail_create();

        if (m == NULL) {
            ok = false;
            break;
        }
        m->pattern = blob_of(some(pl_buf_span(&patterns)), &ok);
        if (ok)
            pl_api_part_mail(call, p, o->channels[i], &m->origin, &m->msg);
        else
            pl_mail_destroy(&m->msg);
    }
    pl_buf_fini(&patterns);
    return ok;
}

static enum pl_user_state_ask ask_of(enum pl_api_method method)
{
    switch (method) {
    case PL_API_UPDATE_USER_STATUS:
        return PL_USER_STATE_UPDATE;
    case PL_API_DELETE_USER_STATUS:
        return PL_USER_STATE_DELETE;
    default:
        return PL_USER_STATE_GET;
    }
}

/* Send the mail, or destroy it if it is not whole.  Return `is_whole`. */
static bool ask_supervisor(struct pl_api_call *call, struct pl_api_part *p,
                           struct pl_origin *origin, struct pl_msg *msg,
                           bool is_whole)
{
    if (is_whole)
        pl_api_part_mail(call, p, call->calls->options->supervisor, origin,
                         msg);
    else
        pl_mail_destroy(msg);
    return is_whole;
}

static bool send_user_state(struct pl_api_call *call, struct pl_api_part *p,
                            const struct pl_api_request *r)
{
    struct pl_user_state_mail *m = pl_user_state_mail_create();
    bool ok = true;

    if (m == NULL)
        return false;
    m->ask = ask_of(r->method);
    m->users = blob_of(r->users, &ok);
    m->text = blob_of(some(r->state), &ok);
    return ask_supervisor(call, p, &m->origin, &m->msg, ok);
}

static enum pl_denial_kind denial_of(enum pl_api_method method)
{
    switch (method) {
    case PL_API_REVOKE_TOKEN:
        return PL_DENIAL_TOKEN;
    case PL_API_INVALIDATE_USER_TOKENS:
        return PL_DENIAL_TOKENS;
    default:
        return PL_DENIAL_USER;
    }
}

static bool send_denial(struct pl_api_call *call, struct pl_api_part *p,
                        const struct pl_api_request *r)
{
    struct pl_denial_mail *m = pl_denial_mail_create();
    bool ok = true;

    if (m == NULL)
        return false;
    m->ask =
        r->method == PL_API_UNBLOCK_USER ? PL_DENIAL_REMOVE : PL_DENIAL_ADD;
    m->denial.kind = denial_of(r->method);
    m->denial.issued_before_s = r->issued_before_s;
    m->denial.expires_at_s = r->expires_at_s;
    m->name = blob_of(r->uid.len > 0 ? r->uid : r->user, &ok);
    m->channel = blob_of(some(r->channel), &ok);
    return ask_supervisor(call, p, &m->origin, &m->msg, ok);
}

static bool write_info(struct pl_api_call *call, struct pl_api_part *p)
{
    struct pl_status s;

    if (pl_status_collect(&s, call->calls->options->status) != PL_OK)
        return false;
    pl_api_write_info(&p->result, &s);
    pl_status_fini(&s);
    return true;
}

bool pl_api_part_send(struct pl_api_call *call, struct pl_api_part *p,
                      const struct pl_api_request *r)
{
    switch (r->method) {
    case PL_API_PUBLISH:
        return pl_api_part_publish(call, p, r, r->channel);
    case PL_API_DISCONNECT:
    case PL_API_UNSUBSCRIBE:
    case PL_API_SUBSCRIBE:
    case PL_API_REFRESH:
        return send_user(call, p, r);
    case PL_API_CHANNELS:
        return send_list(call, p, r);
    case PL_API_CONNECTIONS:
    case PL_API_USERS:
    case PL_API_TOP:
        return pl_api_page_send(call, p, r);
    case PL_API_UPDATE_USER_STATUS:
    case PL_API_GET_USER_STATUS:
    case PL_API_DELETE_USER_STATUS:
        return send_user_state(call, p, r);
    case PL_API_REVOKE_TOKEN:
    case PL_API_INVALIDATE_USER_TOKENS:
    case PL_API_BLOCK_USER:
    case PL_API_UNBLOCK_USER:
        return send_denial(call, p, r);
    case PL_API_INFO:
        return write_info(call, p);
    default:
        return send_query(call, p, r);
    }
}
