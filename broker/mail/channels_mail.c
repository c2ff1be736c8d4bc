/* SPDX-License-Identifier: Apache-2.0 */
/* channels_mail.c - see channels_mail.h. */
#include "channels_mail.h"

#include <stdlib.h>
#include <string.h>

#include "mail_private.h"
#include "rules.h"

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
    pl_pub_release(m->unused);
    free(m->terms);
    free(m);
}

struct pl_publish_mail *pl_publish_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_publish_mail), PL_MAIL_PUBLISH,
                          PL_MSG_RETURN, publish_destroy);
}

void pl_publish_mail_renew(struct pl_publish_mail *m)
{
    struct pl_pub *pub = pl_pub_empty(m->pub), *unused = m->unused;

    if (pub == NULL)
        pub = unused;
    else if (unused != NULL)
        pl_pub_release(unused);
    *m = (struct pl_publish_mail){.msg = {.destroy = publish_destroy,
                                          .type = PL_MAIL_PUBLISH,
                                          .flags = PL_MSG_RETURN},
                                  .pub = pub};
}

static void attach_destroy(struct pl_msg *msg)
{
    struct pl_attach_mail *m = (struct pl_attach_mail *)msg;

    release_pubs(m->pubs, m->pub_count);
    pl_blob_release(m->channel);
    pl_blob_release(m->data);
    pl_client_release(m->client);
    pl_client_release(m->shown);
    pl_rules_release(m->rules);
    free(m);
}

struct pl_attach_mail *pl_attach_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_attach_mail), PL_MAIL_ATTACH,
                          PL_MSG_RESERVED | PL_MSG_RETURN, attach_destroy);
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
    pl_client_release(m->shown);
    free(m);
}

struct pl_detach_mail *pl_detach_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_detach_mail), PL_MAIL_DETACH,
                          PL_MSG_RESERVED, detach_destroy);
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

struct pl_query_mail *pl_query_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_query_mail), PL_MAIL_QUERY,
                          PL_MSG_RETURN, query_destroy);
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

struct pl_list_mail *pl_list_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_list_mail), PL_MAIL_LIST,
                          PL_MSG_RETURN, list_destroy);
}

void pl_epoch_copy(char to[9], struct pl_span epoch)
{
    if (epoch.len > 8)
        epoch = PL_SPAN("--------");
    if (epoch.len > 0)
        memcpy(to, epoch.at, epoch.len);
    to[epoch.len] = '\0';
}
