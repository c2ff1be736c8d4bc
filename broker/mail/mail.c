/* SPDX-License-Identifier: Apache-2.0 */
/* mail.c - see mail.h.
 *
 * Each kind of mail has one create and one destroy function.  The destroy
 * function releases whatever the message still owns, so a message can be
 * dropped anywhere on its path.  A result is reserved mail: its place was
 * reserved when the request was made. */
#include "mail.h"

#include <stdlib.h>

static void *create(size_t size, enum pl_mail_type type, uint8_t flags,
                    void (*destroy)(struct pl_msg *))
{
    struct pl_msg *m = calloc(1, size);

    if (m == NULL)
        return NULL;
    m->type = (uint16_t)type;
    m->flags = flags;
    m->destroy = destroy;
    return m;
}

static void release_pubs(struct pl_pub **pubs, uint32_t count)
{
    for (uint32_t i = 0; pubs != NULL && i < count; i++)
        pl_pub_release(pubs[i]);
    free(pubs);
}

static void release_clients(struct pl_client **clients, uint32_t count)
{
    for (uint32_t i = 0; clients != NULL && i < count; i++)
        pl_client_release(clients[i]);
    free(clients);
}

static void publish_destroy(struct pl_msg *msg)
{
    struct pl_publish_mail *m = (struct pl_publish_mail *)msg;

    pl_pub_release(m->pub);
    free(m);
}

static void attach_destroy(struct pl_msg *msg)
{
    struct pl_attach_mail *m = (struct pl_attach_mail *)msg;

    release_pubs(m->pubs, m->pub_count);
    pl_blob_release(m->channel);
    pl_client_release(m->client);
    free(m);
}

void pl_attach_mail_unrecover(struct pl_attach_mail *m)
{
    release_pubs(m->pubs, m->pub_count);
    m->pubs = NULL;
    m->pub_count = 0;
    m->recovered = false;
}

static void detach_destroy(struct pl_msg *msg)
{
    struct pl_detach_mail *m = (struct pl_detach_mail *)msg;

    pl_blob_release(m->channel);
    pl_client_release(m->client);
    free(m);
}

static void query_destroy(struct pl_msg *msg)
{
    struct pl_query_mail *m = (struct pl_query_mail *)msg;

    release_pubs(m->pubs, m->count);
    release_clients(m->clients, m->count);
    pl_client_release(m->client);
    pl_blob_release(m->channel);
    free(m);
}

static void publication_destroy(struct pl_msg *msg)
{
    struct pl_publication_mail *m = (struct pl_publication_mail *)msg;

    pl_pub_release(m->pub);
    free(m);
}

static void presence_event_destroy(struct pl_msg *msg)
{
    struct pl_presence_event_mail *m = (struct pl_presence_event_mail *)msg;

    pl_blob_release(m->channel);
    pl_client_release(m->client);
    free(m);
}

static void gap_destroy(struct pl_msg *msg)
{
    struct pl_gap_mail *m = (struct pl_gap_mail *)msg;

    pl_blob_release(m->channel);
    free(m);
}

static void register_destroy(struct pl_msg *msg)
{
    struct pl_register_mail *m = (struct pl_register_mail *)msg;

    pl_client_release(m->client);
    free(m);
}

static void kick_destroy(struct pl_msg *msg)
{
    struct pl_kick_mail *m = (struct pl_kick_mail *)msg;

    pl_blob_release(m->reason);
    pl_blob_release(m->channel);
    pl_blob_release(m->client);
    free(m);
}

static void user_destroy(struct pl_msg *msg)
{
    struct pl_user_mail *m = (struct pl_user_mail *)msg;

    pl_blob_release(m->user);
    pl_blob_release(m->channel);
    pl_blob_release(m->client);
    pl_blob_release(m->except);
    pl_blob_release(m->reason);
    free(m);
}

static void direct_destroy(struct pl_msg *msg)
{
    struct pl_direct_mail *m = (struct pl_direct_mail *)msg;

    pl_blob_release(m->client);
    pl_blob_release(m->data);
    free(m);
}

static void answer_destroy(struct pl_msg *msg)
{
    struct pl_answer_mail *m = (struct pl_answer_mail *)msg;

    pl_blob_release(m->data);
    pl_blob_release(m->user);
    free(m);
}

/* For mail that owns nothing else. */
static void bare_destroy(struct pl_msg *msg)
{
    free(msg);
}

static void handlers_destroy(struct pl_msg *msg)
{
    struct pl_handlers_mail *m = (struct pl_handlers_mail *)msg;

    if (m->handlers != NULL)
        m->release(m->handlers);
    free(m);
}

static void access_destroy(struct pl_msg *msg)
{
    struct pl_access_mail *m = (struct pl_access_mail *)msg;

    if (m->access != NULL)
        m->release(m->access);
    free(m);
}

static void list_destroy(struct pl_msg *msg)
{
    struct pl_list_mail *m = (struct pl_list_mail *)msg;

    for (uint32_t i = 0; i < m->count; i++)
        pl_blob_release(m->channels[i].channel);
    free(m->channels);
    pl_blob_release(m->pattern);
    free(m);
}

struct pl_publish_mail *pl_publish_mail_create(void)
{
    return create(sizeof(struct pl_publish_mail), PL_MAIL_PUBLISH,
                  PL_MSG_RETURN, publish_destroy);
}

void pl_publish_mail_renew(struct pl_publish_mail *m)
{
    *m = (struct pl_publish_mail){.msg = {.destroy = publish_destroy,
                                          .type = PL_MAIL_PUBLISH,
                                          .flags = PL_MSG_RETURN},
                                  .pub = pl_pub_empty(m->pub)};
}

struct pl_attach_mail *pl_attach_mail_create(void)
{
    return create(sizeof(struct pl_attach_mail), PL_MAIL_ATTACH,
                  PL_MSG_RESERVED | PL_MSG_RETURN, attach_destroy);
}

struct pl_detach_mail *pl_detach_mail_create(void)
{
    return create(sizeof(struct pl_detach_mail), PL_MAIL_DETACH,
                  PL_MSG_RESERVED, detach_destroy);
}

struct pl_query_mail *pl_query_mail_create(void)
{
    return create(sizeof(struct pl_query_mail), PL_MAIL_QUERY, PL_MSG_RETURN,
                  query_destroy);
}

struct pl_publication_mail *pl_publication_mail_create(void)
{
    return create(sizeof(struct pl_publication_mail), PL_MAIL_PUBLICATION,
                  PL_MSG_RESERVED, publication_destroy);
}

struct pl_presence_event_mail *pl_presence_event_mail_create(void)
{
    return create(sizeof(struct pl_presence_event_mail), PL_MAIL_PRESENCE_EVENT,
                  PL_MSG_RESERVED, presence_event_destroy);
}

struct pl_gap_mail *pl_gap_mail_create(void)
{
    return create(sizeof(struct pl_gap_mail), PL_MAIL_GAP, PL_MSG_RESERVED,
                  gap_destroy);
}

struct pl_register_mail *pl_register_mail_create(bool is_leaving)
{
    return create(sizeof(struct pl_register_mail),
                  is_leaving ? PL_MAIL_UNREGISTER : PL_MAIL_REGISTER,
                  PL_MSG_RESERVED, register_destroy);
}

struct pl_kick_mail *pl_kick_mail_create(void)
{
    return create(sizeof(struct pl_kick_mail), PL_MAIL_KICK, PL_MSG_RESERVED,
                  kick_destroy);
}

struct pl_user_mail *pl_user_mail_create(void)
{
    return create(sizeof(struct pl_user_mail), PL_MAIL_USER, PL_MSG_RETURN,
                  user_destroy);
}

struct pl_direct_mail *pl_direct_mail_create(void)
{
    return create(sizeof(struct pl_direct_mail), PL_MAIL_DIRECT, PL_MSG_RETURN,
                  direct_destroy);
}

struct pl_answer_mail *pl_answer_mail_create(void)
{
    return create(sizeof(struct pl_answer_mail), PL_MAIL_ANSWER,
                  PL_MSG_RESERVED, answer_destroy);
}

/* Reserved, because it is rare and must not be refused. */
struct pl_memory_mail *pl_memory_mail_create(void)
{
    return create(sizeof(struct pl_memory_mail), PL_MAIL_MEMORY,
                  PL_MSG_RESERVED, bare_destroy);
}

struct pl_phase_mail *pl_phase_mail_create(void)
{
    return create(sizeof(struct pl_phase_mail), PL_MAIL_PHASE,
                  PL_MSG_RESERVED | PL_MSG_RETURN, bare_destroy);
}

struct pl_handlers_mail *pl_handlers_mail_create(void)
{
    return create(sizeof(struct pl_handlers_mail), PL_MAIL_HANDLERS,
                  PL_MSG_RESERVED, handlers_destroy);
}

struct pl_access_mail *pl_access_mail_create(void)
{
    return create(sizeof(struct pl_access_mail), PL_MAIL_ACCESS,
                  PL_MSG_RESERVED, access_destroy);
}

struct pl_list_mail *pl_list_mail_create(void)
{
    return create(sizeof(struct pl_list_mail), PL_MAIL_LIST, PL_MSG_RETURN,
                  list_destroy);
}

void pl_mail_answer(struct pl_actor *self, struct pl_msg *request)
{
    struct pl_address to = request->from;

    request->flags = PL_MSG_RESERVED;
    pl_actor_send(self, to, request);
}

void pl_epoch_copy(char to[9], struct pl_span epoch)
{
    if (epoch.len > 8)
        epoch = PL_SPAN("--------");
    if (epoch.len > 0)
        memcpy(to, epoch.at, epoch.len);
    to[epoch.len] = '\0';
}
