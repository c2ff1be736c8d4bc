/* SPDX-License-Identifier: Apache-2.0 */
/* denied.c - see denied.h.
 *
 * The supervisor closes the connections of a user (supervisor/denying.c), which
 * it knows; of a token by its id the session manager does, which has an index
 * of the ids. */
#include "denied.h"

#include "code.h"
#include "denial_mail.h"
#include "mail.h"
#include "session_manager_private.h"
#include "session_private.h"
#include "token.h"
#include "token_note.h"

static int64_t now_of(const struct pl_session_manager *k)
{
    return (int64_t)(pl_loop_wall_ms(k->actor.loop) / 1000);
}

bool pl_session_denies_token(const struct pl_session *s,
                             const struct pl_token_claims *claims,
                             struct pl_span user)
{
    const struct pl_token_mark mark = {
        .id = claims->id, .user = user, .issued_at_s = claims->issued_at_s};

    return pl_denials_deny_token(s->manager->denials, &mark,
                                 now_of(s->manager));
}

const char *pl_session_denial(const struct pl_session *s,
                              const struct pl_token_claims *claims,
                              struct pl_span user, uint16_t *code)
{
    const struct pl_session_manager *k = s->manager;

    if (pl_denials_deny_user(k->denials, user, now_of(k))) {
        *code = PL_DISCONNECT_FORCED;
        return "the user is blocked";
    }
    if (claims == NULL || !pl_session_denies_token(s, claims, user))
        return NULL;
    *code = PL_DISCONNECT_INVALID_TOKEN;
    return "the token is revoked";
}

bool pl_session_denies_sub_token(const struct pl_session *s,
                                 const struct pl_token_claims *claims)
{
    const struct pl_token_mark mark = {.id = claims->id,
                                       .user = claims->user,
                                       .channel = claims->subs[0].channel,
                                       .issued_at_s = claims->issued_at_s};

    return pl_denials_deny_token(s->manager->denials, &mark,
                                 now_of(s->manager));
}

static void close_revoked(struct pl_session *s)
{
    pl_session_close(s, PL_DISCONNECT_INVALID_TOKEN, (struct pl_span){0});
}

void pl_session_manager_on_denied(struct pl_session_manager *k,
                                  struct pl_denied_mail *m)
{
    const struct pl_denial d = pl_denial_item_read(m->item);

    if (m->is_removed)
        pl_denials_remove(k->denials, &d, m->now_s);
    else if (pl_denials_put(k->denials, m->item, m->now_s) == PL_OK)
        m->item = NULL;
    if (!m->is_removed && d.kind == PL_DENIAL_TOKEN)
        pl_token_note_each(k, d.name, close_revoked);
    pl_mail_destroy(&m->msg);
}
