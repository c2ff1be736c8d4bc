/* SPDX-License-Identifier: Apache-2.0 */
/* mail_origin.c - see mail_origin.h.
 *
 * One switch over the types for all senders: with one in each, a new kind of
 * request had to be added in several places.  An origin at the same place of
 * each message was rejected, since mail without a result would carry it too. */
#include "mail_origin.h"

#include "channels_mail.h"
#include "denial_mail.h"
#include "look_mail.h"
#include "mail.h"
#include "session_mail.h"
#include "supervisor_mail.h"
#include "tracer.h"
#include "user_state_mail.h"

struct pl_origin *pl_mail_origin(struct pl_msg *request)
{
    switch (request->type) {
    case PL_MAIL_PUBLISH:
        return &((struct pl_publish_mail *)request)->origin;
    case PL_MAIL_QUERY:
        return &((struct pl_query_mail *)request)->origin;
    case PL_MAIL_USER:
        return &((struct pl_user_mail *)request)->origin;
    case PL_MAIL_USER_STATE:
        return &((struct pl_user_state_mail *)request)->origin;
    case PL_MAIL_LIST:
        return &((struct pl_list_mail *)request)->origin;
    case PL_MAIL_DENIAL:
        return &((struct pl_denial_mail *)request)->origin;
    case PL_MAIL_LOOK:
        return &((struct pl_look_mail *)request)->origin;
    case PL_MAIL_TRACE:
        return &((struct pl_trace_mail *)request)->origin;
    case PL_MAIL_DIRECT:
        return &((struct pl_direct_mail *)request)->origin;
    default:
        return NULL;
    }
}
