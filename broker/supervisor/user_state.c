/* SPDX-License-Identifier: Apache-2.0 */
/* user_state.c - what backends store and ask about users, online or not.
 *
 * The supervisor answers, because it alone has the connected
 * users.  A user that is connected is online now, with a status or without.
 */
#include <inttypes.h>
#include <string.h>

#include "codec.h"
#include "mail.h"
#include "supervisor_private.h"
#include "user_state_mail.h"

enum { WORK_USER = 50 };

static int64_t now_of(const struct pl_supervisor *s)
{
    return (int64_t)(pl_loop_wall_ms(s->actor.loop) / 1000);
}

static bool is_online(void *supervisor, struct pl_span user)
{
    const struct pl_supervisor *s = supervisor;

    return pl_registry_count(&s->registry, user) > 0;
}

enum pl_err pl_supervisor_init_states(struct pl_supervisor *s,
                                      const struct pl_hash_key *key)
{
    return pl_user_states_create(&s->states, key, is_online, s);
}

void pl_supervisor_on_left(struct pl_supervisor *s, struct pl_span user)
{
    if (!is_online(s, user))
        pl_user_states_leave(s->states, user, now_of(s));
}

static void write_state(struct pl_supervisor *s, struct pl_user_state_mail *m,
                        struct pl_span user)
{
    struct pl_user_state state = {0};
    int64_t now_s = now_of(s);

    pl_user_states_find(s->states, user, now_s, &state);
    if (is_online(s, user))
        state.online_s = now_s;
    pl_buf_put_span(&m->rows, m->rows.len > 0 ? PL_SPAN(",{\"user\":")
                                              : PL_SPAN("{\"user\":"));
    pl_json_text_encode(&m->rows, user);
    pl_buf_printf(&m->rows, ",\"active\":%" PRId64 ",\"online\":%" PRId64,
                  state.active_s, state.online_s);
    pl_buf_put_span(&m->rows, PL_SPAN(",\"state\":"));
    pl_json_text_encode(&m->rows, state.text);
    pl_buf_put_byte(&m->rows, '}');
}

static void do_to_user(struct pl_supervisor *s, struct pl_user_state_mail *m,
                       struct pl_span user)
{
    struct pl_span text = m->text == NULL ? PL_SPAN("") : pl_blob_span(m->text);

    if (m->ask == PL_USER_STATE_GET)
        write_state(s, m, user);
    else if (m->ask == PL_USER_STATE_DELETE)
        pl_user_states_remove(s->states, user);
    else if (pl_user_states_put(s->states, user, text, now_of(s)) != PL_OK)
        m->lacks_memory = true;
}

void pl_supervisor_on_user_state(struct pl_supervisor *s,
                                 struct pl_user_state_mail *m)
{
    struct pl_span rest = pl_blob_span(m->users);

    while (rest.len > 0) {
        size_t len = strnlen(rest.at, rest.len);

        do_to_user(s, m, (struct pl_span){rest.at, len});
        pl_loop_add_work(s->actor.loop, WORK_USER);
        len += len < rest.len;
        rest.at += len;
        rest.len -= len;
    }
    pl_mail_answer(&s->actor, &m->msg);
}
