/* SPDX-License-Identifier: Apache-2.0 */
/* user_list.c - parts of the list of connected users.
 *
 * A mail looks at a bounded number of places of the table, however many users
 * it finds there, so that a list of a million users delays no login.
 *
 * Invariant: m->at means the same in each state of the table (core/map.h), so
 * the supervisor keeps nothing of a list between two mails. */
#include "codec.h"
#include "look_mail.h"
#include "mail.h"
#include "supervisor_private.h"

enum { PLACES = 1024, WORK_PLACE = 4, WORK_USER = 20 };

static void write_user(struct pl_buf *b, struct pl_span user,
                       size_t connections)
{
    pl_buf_put_span(b, PL_SPAN("{\"user\":"));
    pl_json_text_encode(b, user);
    pl_buf_printf(b, ",\"connections\":%zu}", connections);
}

static void add_user(void *mail, struct pl_span user, size_t connections)
{
    write_user(pl_look_mail_row(mail), user, connections);
}

static void rank_user(void *mail, struct pl_span user, size_t connections)
{
    struct pl_look_mail *m = mail;
    struct pl_buf *b = NULL;

    if (pl_top_wants(&m->top, connections))
        b = pl_top_enter(&m->top, connections);
    if (b != NULL)
        write_user(b, user, connections);
}

static void list_all(const struct pl_supervisor *s, struct pl_look_mail *m)
{
    bool is_top = m->kind == PL_LOOK_TOP_USERS;
    unsigned places = 0;

    do {
        m->has_more = pl_registry_scan_users(&s->registry, &m->at,
                                             is_top ? rank_user : add_user, m);
        places++;
    } while (m->has_more && (is_top || m->count < m->most) && places < PLACES);
    pl_loop_add_work(s->actor.loop, places * WORK_PLACE + m->count * WORK_USER);
}

static void list_one(const struct pl_supervisor *s, struct pl_look_mail *m)
{
    struct pl_span user = pl_blob_span(m->user);
    size_t count = pl_registry_count(&s->registry, user);

    if (count > 0)
        write_user(pl_look_mail_row(m), user, count);
}

void pl_supervisor_list_users(struct pl_supervisor *s, struct pl_look_mail *m)
{
    if (m->kind == PL_LOOK_TOP_ACTORS) {
        pl_look_at_actors(&s->actor, m);
        return;
    }
    if (m->user != NULL)
        list_one(s, m);
    else
        list_all(s, m);
    pl_mail_answer(&s->actor, &m->msg);
}
