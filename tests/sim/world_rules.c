/* SPDX-License-Identifier: Apache-2.0 */
/* world_rules.c - see world.h.
 *
 * A reload is that of broker/embed/reload.c: another rulebook goes by mail to
 * the owners, the session managers and the server API, which have it one after
 * the other.  Who may publish, how much history is kept and what happens to
 * slow readers change.  Whether there is a history does not: what a client is
 * told of its position would depend on the moment in which its channel took
 * the new rules. */
#include <string.h>

#include "operator.h"
#include "rules_mail.h"
#include "trace.h"
#include "world.h"

static void must(enum pl_err rc, const char *what)
{
    if (rc != PL_OK)
        trace_fail("%s: %s", what, pl_err_text(rc));
}

static void make_different(const struct world *w, struct pl_rules *r)
{
    r->history_size = r->history_size == 0 ? 20 : w->seed / 14 % 2 == 0 ? 0 : 4;
    r->slow = (uint8_t)((r->slow + 1) % 3);
}

/* In half of the runs the namespace of "room:a" has other rules. */
static void add_namespace(struct world *w)
{
    struct pl_rulebook *one = w->config->rulebook;
    struct pl_rules rules[2] = {*pl_rulebook_default(one),
                                *pl_rulebook_default(one)};

    for (unsigned i = 0; i < 2; i++)
        rules[i].sub.flags |= PL_RULE_FOREIGN_NAMES; /* of one channel */
    rules[1].name = PL_SPAN("room");
    if (!w->is_plain && w->seed / 7 % 2 != 0)
        make_different(w, &rules[1]);
    must(
        pl_rulebook_create(&w->config->rulebook, 1, &pl_naming_usual, rules, 2),
        "rules");
    pl_rulebook_release(one);
}

void world_make_rules(struct world *w)
{
    add_namespace(w);
    w->rulebooks[w->rulebook_count++] = w->config->rulebook;
    w->has_reloads = !w->is_plain && w->seed % 5 == 2;
    for (unsigned i = 0; i < CHANNELS; i++)
        w->has_history = w->has_history || world_has_history(w, i);
}

void world_forget_rules(struct world *w)
{
    while (w->rulebook_count > 1)
        pl_rulebook_release(w->rulebooks[--w->rulebook_count]);
}

struct pl_rulebook *world_newest_book(const struct world *w)
{
    return w->rulebooks[w->rulebook_count - 1];
}

/* --- Reloads --- */

static void change(struct world *w, struct pl_rules *r)
{
    static const uint32_t sizes[] = {4, 20, 100};
    bool is_closed = world_draw(w, 3) == 0;

    if (pl_rules_have_history(r))
        r->history_size = sizes[world_draw(w, 3)];
    if (w->seed % 2 == 0)
        r->slow = (uint8_t)world_draw(w, 3);
    for (unsigned kind = 0; kind < PL_RULES_KINDS && is_closed; kind++)
        r->grants[kind] &= (uint8_t)~PL_GRANT_PUBLISH;
}

static void tell(struct world *w, struct pl_address to)
{
    struct pl_rules_mail *m = pl_rules_mail_create();

    if (m == NULL)
        trace_fail("no mail for rules");
    m->book = pl_rulebook_hold(world_newest_book(w));
    m->release = pl_rulebook_release;
    pl_system_post(w->system, to, &m->msg);
}

bool world_reload(struct world *w)
{
    struct pl_rules rules[2];

    if (!w->has_reloads || w->rulebook_count == BOOKS_MAX || w->is_stopping)
        return false;
    rules[0] = *pl_rulebook_default(w->rulebooks[0]);
    rules[1] = *pl_rulebook_find(w->rulebooks[0], PL_SPAN("room:a"));
    rules[1].name = PL_SPAN("room");
    change(w, &rules[0]);
    change(w, &rules[1]);
    must(pl_rulebook_create(&w->rulebooks[w->rulebook_count],
                            w->rulebook_count + 1, &pl_naming_usual, rules, 2),
         "rules");
    w->rulebook_count++;
    trace_note("reload", -1, w->rulebook_count, 0);
    for (unsigned i = 0; i < w->workers; i++) {
        tell(w, w->owners[i]);
        tell(w, pl_session_manager_address(w->at[i].manager));
    }
    if (w->operator!= NULL)
        tell(w, operator_address(w->operator));
    return true;
}

/* --- What may hold --- */

static const struct pl_rules *rules_of(const struct world *w, unsigned book,
                                       unsigned channel)
{
    return pl_rulebook_find(w->rulebooks[book],
                            pl_span_of(world_channel_name(channel)));
}

bool world_has_history(const struct world *w, unsigned channel)
{
    return pl_rules_have_history(rules_of(w, 0, channel));
}

uint32_t world_history_size(const struct world *w, unsigned channel)
{
    uint32_t least = UINT32_MAX;

    for (unsigned b = 0; b < w->rulebook_count; b++) {
        uint32_t size = rules_of(w, b, channel)->history_size;

        least = size < least ? size : least;
    }
    return least;
}

bool world_may_drop(const struct world *w, unsigned channel)
{
    bool may = false;

    for (unsigned b = 0; b < w->rulebook_count; b++)
        may = may || rules_of(w, b, channel)->slow != PL_SLOW_CLOSE;
    return may;
}

bool world_has_slow(const struct world *w, enum pl_slow slow)
{
    bool has = false;

    for (unsigned b = 0; b < w->rulebook_count; b++) {
        for (unsigned i = 0; i < CHANNELS; i++)
            has = has || rules_of(w, b, i)->slow == slow;
    }
    return has;
}

static unsigned count_open(const struct world *w, unsigned channel,
                           unsigned since)
{
    unsigned open = 0;

    for (unsigned b = since; b < w->rulebook_count; b++)
        open += (rules_of(w, b, channel)->grants[0] & PL_GRANT_PUBLISH) != 0;
    return open;
}

bool world_may_publish(const struct world *w, unsigned channel, unsigned since)
{
    return count_open(w, channel, since) > 0;
}

bool world_must_publish(const struct world *w, unsigned channel, unsigned since)
{
    return count_open(w, channel, since) == w->rulebook_count - since;
}
