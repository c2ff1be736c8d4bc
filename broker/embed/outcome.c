/* SPDX-License-Identifier: Apache-2.0 */
/* outcome.c - see outcome.h.
 *
 * Programs get texts with a final zero, and errors of err.h.  The names of
 * clients in memory have no final zero, so they are copied, all of one outcome
 * into one allocation; the data of publications is not copied. */
#include "outcome.h"

#include <stdlib.h>
#include <string.h>

#include "channels_mail.h"
#include "code.h"
#include "denial_mail.h"
#include "mail.h"
#include "session_mail.h"
#include "supervisor_mail.h"

static enum pl_err err_of(uint32_t code)
{
    switch (code) {
    case 0:
        return PL_OK;
    case PL_ERROR_TOO_MANY_REQUESTS:
        return PL_EFULL;
    case PL_ERROR_LIMIT_EXCEEDED:
        return PL_ELIMIT;
    case PL_ERROR_NOT_AVAILABLE:
    case PL_ERROR_PERMISSION_DENIED:
        return PL_EDENIED;
    case PL_ERROR_NOT_FOUND:
        return PL_ENOENT;
    case PL_ERROR_GONE:
        return PL_ECLOSED;
    case PL_ERROR_STOPPING:
        return PL_ESTOPPING;
    case PL_ERROR_TIMED_OUT:
        return PL_ETIMEDOUT;
    case PL_ERROR_BAD_REQUEST:
    case PL_ERROR_UNRECOVERABLE:
        return PL_EINVAL;
    default:
        return PL_EIO;
    }
}

static void set_error(struct pl_outcome *out, const struct pl_msg *result,
                      uint32_t code)
{
    out->err = err_of(code);
    if (!result->returned)
        return;
    if (result->status == PL_EFULL)
        out->err = PL_EFULL;
    else
        out->err = result->type == PL_MAIL_DIRECT ? PL_ENOENT : PL_ESTOPPING;
}

/* --- Items --- */

static const char *put(char **at, struct pl_span text)
{
    char *begin = *at;

    memcpy(begin, text.at, text.len);
    begin[text.len] = '\0';
    *at += text.len + 1;
    return begin;
}

static struct pl_client *client_of(const struct pl_query_mail *m, uint32_t i)
{
    return m->clients != NULL ? m->clients[i] : m->pubs[i]->client;
}

static size_t text_size(const struct pl_query_mail *m)
{
    size_t size = 0;

    for (uint32_t i = 0; i < m->count; i++) {
        const struct pl_client *c = client_of(m, i);

        if (c != NULL)
            size += pl_client_user(c).len + PL_CLIENT_ID_LEN + 2;
    }
    return size;
}

static void fill(struct pl_item *item, const struct pl_query_mail *m,
                 uint32_t i, char **text)
{
    const struct pl_client *c = client_of(m, i);

    *item = (struct pl_item){.user = "", .client = ""};
    if (c != NULL) {
        struct pl_span info = pl_client_conn_info(c);
        struct pl_span chan_info = pl_client_chan_info(c);

        item->user = put(text, pl_client_user(c));
        item->client = put(text, pl_client_id(c));
        item->info = info.at;
        item->info_len = info.len;
        item->chan_info = chan_info.at;
        item->chan_info_len = chan_info.len;
    }
    if (m->pubs == NULL)
        return;
    item->offset = m->pubs[i]->offset;
    item->data = pl_pub_data(m->pubs[i]).at;
    item->len = m->pubs[i]->data_len;
}

static struct pl_item *make_items(const struct pl_query_mail *m)
{
    struct pl_item *items = malloc(m->count * sizeof *items + text_size(m));

    if (items == NULL)
        return NULL;
    char *text = (char *)(items + m->count);
    for (uint32_t i = 0; i < m->count; i++)
        fill(&items[i], m, i, &text);
    return items;
}

static struct pl_item *read_query(struct pl_outcome *out,
                                  const struct pl_query_mail *m)
{
    struct pl_item *items = NULL;

    set_error(out, &m->msg, m->error);
    if (out->err != PL_OK)
        return NULL;
    if (m->count > 0 && (m->pubs != NULL || m->clients != NULL)) {
        items = make_items(m);
        if (items == NULL) {
            out->err = PL_ENOMEM;
            return NULL;
        }
    }
    out->count = m->count;
    out->items = items;
    if (m->kind == PL_QUERY_HISTORY) {
        out->offset = m->offset;
        out->epoch = m->epoch;
    }
    return items;
}

static void read_publish(struct pl_outcome *out,
                         const struct pl_publish_mail *m)
{
    set_error(out, &m->msg, m->error);
    if (out->err != PL_OK)
        return;
    out->count = m->accepted;
    out->offset = m->pub->offset;
    out->epoch = m->epoch;
}

struct pl_item *pl_outcome_read(struct pl_outcome *out,
                                const struct pl_msg *result)
{
    const struct pl_direct_mail *direct = (const void *)result;
    const struct pl_user_mail *user = (const void *)result;
    const struct pl_denial_mail *denial = (const void *)result;

    *out = (struct pl_outcome){.epoch = ""};
    switch (result->type) {
    case PL_MAIL_PUBLISH:
        read_publish(out, (const struct pl_publish_mail *)result);
        return NULL;
    case PL_MAIL_QUERY:
        return read_query(out, (const struct pl_query_mail *)result);
    case PL_MAIL_DENIAL:
        set_error(out, result, 0);
        if (out->err == PL_OK)
            out->err = denial->err;
        out->count = out->err == PL_OK ? denial->connections : 0;
        return NULL;
    case PL_MAIL_USER:
        set_error(out, result, 0);
        if (out->err == PL_OK && user->lacks_memory)
            out->err = PL_ENOMEM;
        out->count = out->err == PL_OK ? user->connections : 0;
        return NULL;
    default:
        set_error(out, result, direct->error);
        out->count = out->err == PL_OK;
        return NULL;
    }
}
