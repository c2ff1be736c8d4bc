/* SPDX-License-Identifier: Apache-2.0 */
/* faults.c - see faults.h.
 *
 * The broker has no hooks for any of this: the linker puts the wrappers below
 * between its files (-Wl,--wrap), in this program alone.  Which allocation
 * fails is drawn when the broker is entered, so the same seed fails the same
 * one. */
#include "faults.h"

#include <string.h>

#include "buf.h"
#include "channel.h"
#include "channels_private.h"
#include "expiring.h"
#include "failing_alloc.h"
#include "hub_channel.h"
#include "hub_mail.h"
#include "mail.h"
#include "mailbox.h"
#include "posted.h"
#include "random.h"
#include "session_mail.h"
#include "session_private.h"
#include "stream_private.h"
#include "wait.h"

enum { REACH = 24 /* allocations into a visit, at most */ };

static const char *const names[PLANT_COUNT] = {
    [PLANT_NONE] = "none",
    [PLANT_LOST_WAKE] = "lost-wake",
    [PLANT_LOST_WRITABLE] = "lost-writable",
    [PLANT_DOUBLE_CLOSE] = "double-close",
    [PLANT_DROPPED_FRAME] = "dropped-frame",
    [PLANT_DROPPED_QUIETLY] = "dropped-quietly",
    [PLANT_LEAKED_SUB] = "leaked-subscription",
    [PLANT_EARLY_REPLY] = "early-reply",
    [PLANT_LATE_REPLY] = "late-reply",
    [PLANT_QUIET_LOSS] = "quiet-loss",
    [PLANT_SWALLOWED_MAIL] = "swallowed-mail",
    [PLANT_VERDICT_OVERTAKES] = "verdict-overtakes",
    [PLANT_VERDICT_FORGETS_KICK] = "verdict-forgets-kick",
    [PLANT_VERDICT_LEAKS] = "verdict-leaks",
    [PLANT_EXPIRY_FORGOTTEN] = "expiry-forgotten",
    [PLANT_EXPIRY_FIXED] = "expiry-fixed",
    [PLANT_LOST_CARRY] = "lost-carry",
    [PLANT_HOLD_FOREVER] = "hold-forever",
    [PLANT_OPEN_ADMISSION] = "open-admission",
    [PLANT_QUIET_SHED] = "quiet-shed",
    [PLANT_DOUBLE] = "double",
    [PLANT_OLD_EPOCH] = "old-epoch",
    [PLANT_LEAKED_REQUEST] = "leaked-request",
    [PLANT_STALE_RULES] = "stale-rules",
    [PLANT_LOST_POST] = "lost-post",
    [PLANT_OPEN_POST] = "open-post",
    [PLANT_REPEAT_DELIVERS] = "repeat-delivers",
    [PLANT_STALE_PASSES] = "stale-passes",
    [PLANT_WRONG_RULES] = "wrong-rules",
};

static enum plant planted;
static struct pl_random strikes;
static struct pl_random failures;
static unsigned failure_odds;
static bool is_armed; /* an allocation was to fail in this visit */
static uint64_t failed;
static unsigned mailbox_limit;
static uint64_t full;
static bool (*loses)(void *arg, struct pl_span channel);
static void *loses_arg;

const char *plant_name(enum plant p)
{
    return names[p];
}

enum plant plant_of(const char *name)
{
    unsigned p = 0;

    while (p < PLANT_COUNT && strcmp(names[p], name) != 0)
        p++;
    return (enum plant)p;
}

void faults_plant(enum plant p, uint64_t seed)
{
    planted = p;
    pl_random_init_seeded(&strikes, seed);
}

bool faults_strike(enum plant p, unsigned odds)
{
    return p == planted && pl_random_below(&strikes, odds) == 0;
}

void faults_fail_allocations(unsigned odds, uint64_t seed)
{
    failure_odds = odds;
    pl_random_init_seeded(&failures, seed);
}

void faults_enter(void)
{
    is_armed =
        failure_odds > 0 && pl_random_below(&failures, failure_odds) == 0;
    if (is_armed)
        alloc_fails_at = 1 + (unsigned)pl_random_below(&failures, REACH);
}

void faults_leave(void)
{
    failed += is_armed && alloc_fails_at == 0;
    is_armed = false;
    alloc_fails_at = 0;
}

unsigned faults_suspend(void)
{
    unsigned suspended = alloc_fails_at;

    alloc_fails_at = 0;
    return suspended;
}

void faults_resume(unsigned suspended)
{
    alloc_fails_at = suspended;
}

void faults_lose_publications(bool (*call)(void *arg, struct pl_span channel),
                              void *arg)
{
    loses = call;
    loses_arg = arg;
}

uint64_t faults_failed(void)
{
    return failed;
}

void faults_limit_mailboxes(unsigned limit)
{
    mailbox_limit = limit;
}

uint64_t faults_full(void)
{
    return full;
}

bool __real_pl_mailbox_push(struct pl_mailbox *mb, uint32_t limit,
                            struct pl_msg *msg);
bool __wrap_pl_mailbox_push(struct pl_mailbox *mb, uint32_t limit,
                            struct pl_msg *msg);

bool __wrap_pl_mailbox_push(struct pl_mailbox *mb, uint32_t limit,
                            struct pl_msg *msg)
{
    if (mailbox_limit > 0 && mailbox_limit < limit)
        limit = mailbox_limit;
    bool is_taken = __real_pl_mailbox_push(mb, limit, msg);
    full += !is_taken;
    return is_taken;
}

/* --- Planted bugs inside the broker --- */

void __real_pl_session_manager_mark_dirty(struct pl_session_manager *k,
                                          struct pl_session *s);
void __wrap_pl_session_manager_mark_dirty(struct pl_session_manager *k,
                                          struct pl_session *s);
void __real_pl_ws_frame_close(struct pl_buf *out, uint16_t code,
                              struct pl_span reason);
void __wrap_pl_ws_frame_close(struct pl_buf *out, uint16_t code,
                              struct pl_span reason);
void __real_pl_actor_send(struct pl_actor *from, struct pl_address to,
                          struct pl_msg *msg);
void __wrap_pl_actor_send(struct pl_actor *from, struct pl_address to,
                          struct pl_msg *msg);
void __real_pl_hub_channel_deliver_pending(struct pl_hub_channel *c,
                                           struct pl_sub *sub);
void __wrap_pl_hub_channel_deliver_pending(struct pl_hub_channel *c,
                                           struct pl_sub *sub);

void __real_pl_hub_lose(struct pl_hub *h, struct pl_sub *sub);
void __wrap_pl_hub_lose(struct pl_hub *h, struct pl_sub *sub);

void __wrap_pl_session_manager_mark_dirty(struct pl_session_manager *k,
                                          struct pl_session *s)
{
    if (!faults_strike(PLANT_LOST_WAKE, 50))
        __real_pl_session_manager_mark_dirty(k, s);
}

void __wrap_pl_ws_frame_close(struct pl_buf *out, uint16_t code,
                              struct pl_span reason)
{
    __real_pl_ws_frame_close(out, code, reason);
    if (faults_strike(PLANT_DOUBLE_CLOSE, 20))
        __real_pl_ws_frame_close(out, code, reason);
}

void __wrap_pl_actor_send(struct pl_actor *from, struct pl_address to,
                          struct pl_msg *msg)
{
    bool is_lost =
        msg->type == PL_MAIL_PUBLICATION && loses != NULL &&
        loses(loses_arg,
              pl_pub_channel(((struct pl_publication_mail *)msg)->pub));

    if (is_lost ||
        (msg->type == PL_MAIL_DETACH && faults_strike(PLANT_LEAKED_SUB, 50)))
        pl_mail_destroy(msg);
    else
        __real_pl_actor_send(from, to, msg);
}

void __real_pl_actor_send_kind(struct pl_actor *from, struct pl_address to,
                               struct pl_kind_msg *m);
void __wrap_pl_actor_send_kind(struct pl_actor *from, struct pl_address to,
                               struct pl_kind_msg *m);
void __real_pl_actor_refuse(struct pl_actor *a, struct pl_msg *msg);
void __wrap_pl_actor_refuse(struct pl_actor *a, struct pl_msg *msg);

void __wrap_pl_actor_send_kind(struct pl_actor *from, struct pl_address to,
                               struct pl_kind_msg *m)
{
    if (planted == PLANT_SWALLOWED_MAIL)
        __real_pl_actor_send(from, to, &m->msg);
    else
        __real_pl_actor_send_kind(from, to, m);
}

/* Twice the broker is to keep a forged address from waiting; so this bug takes
 * both away. */
void __wrap_pl_actor_refuse(struct pl_actor *a, struct pl_msg *msg)
{
    if (planted == PLANT_SWALLOWED_MAIL)
        pl_mail_destroy(msg);
    else
        __real_pl_actor_refuse(a, msg);
}

void __real_pl_throttle_carry(struct pl_session *s, struct pl_span message);
void __wrap_pl_throttle_carry(struct pl_session *s, struct pl_span message);

void __wrap_pl_throttle_carry(struct pl_session *s, struct pl_span message)
{
    if (!faults_strike(PLANT_LOST_CARRY, 20))
        __real_pl_throttle_carry(s, message);
}

void __real_pl_session_release(struct pl_session *s, enum pl_hold why);
void __wrap_pl_session_release(struct pl_session *s, enum pl_hold why);

void __wrap_pl_session_release(struct pl_session *s, enum pl_hold why)
{
    bool is_kept = s->holds & why && !(why & PL_HOLDS_MESSAGES) &&
                   faults_strike(PLANT_HOLD_FOREVER, 20);

    if (!is_kept)
        __real_pl_session_release(s, why);
}

enum pl_wait_place __real_pl_wait_takes(struct pl_session *s,
                                        const struct pl_command *c);
enum pl_wait_place __wrap_pl_wait_takes(struct pl_session *s,
                                        const struct pl_command *c);
bool __real_pl_session_run_waiting(struct pl_session *s, uint32_t number,
                                   const struct pl_verdict *v);
bool __wrap_pl_session_run_waiting(struct pl_session *s, uint32_t number,
                                   const struct pl_verdict *v);
void __real_pl_wait_kick(struct pl_session *s, struct pl_span channel,
                         uint32_t code);
void __wrap_pl_wait_kick(struct pl_session *s, struct pl_span channel,
                         uint32_t code);

enum pl_wait_place __wrap_pl_wait_takes(struct pl_session *s,
                                        const struct pl_command *c)
{
    return faults_strike(PLANT_VERDICT_OVERTAKES, 5)
               ? PL_WAIT_NONE
               : __real_pl_wait_takes(s, c);
}

bool __wrap_pl_session_run_waiting(struct pl_session *s, uint32_t number,
                                   const struct pl_verdict *v)
{
    return faults_strike(PLANT_VERDICT_LEAKS, 20) ||
           __real_pl_session_run_waiting(s, number, v);
}

void __wrap_pl_wait_kick(struct pl_session *s, struct pl_span channel,
                         uint32_t code)
{
    if (!faults_strike(PLANT_VERDICT_FORGETS_KICK, 1))
        __real_pl_wait_kick(s, channel, code);
}

void __real_pl_hub_drop(struct pl_hub *h, struct pl_sub *sub, uint32_t code);
void __wrap_pl_hub_drop(struct pl_hub *h, struct pl_sub *sub, uint32_t code);
bool __real_pl_expiring_set(struct pl_session *s, struct pl_sub *sub,
                            int64_t expires_at_s, uint32_t *ttl);
bool __wrap_pl_expiring_set(struct pl_session *s, struct pl_sub *sub,
                            int64_t expires_at_s, uint32_t *ttl);

void __wrap_pl_hub_drop(struct pl_hub *h, struct pl_sub *sub, uint32_t code)
{
    if (code != PL_UNSUBSCRIBE_EXPIRED ||
        !faults_strike(PLANT_EXPIRY_FORGOTTEN, 5))
        __real_pl_hub_drop(h, sub, code);
}

bool __wrap_pl_expiring_set(struct pl_session *s, struct pl_sub *sub,
                            int64_t expires_at_s, uint32_t *ttl)
{
    if (!pl_expiring_has(s, sub) || !faults_strike(PLANT_EXPIRY_FIXED, 5))
        return __real_pl_expiring_set(s, sub, expires_at_s, ttl);
    if (expires_at_s != 0)
        pl_session_due_ms(s, expires_at_s, ttl);
    return true;
}

bool __real_pl_handlers_judge(const struct pl_handlers *t);
bool __wrap_pl_handlers_judge(const struct pl_handlers *t);

bool __wrap_pl_handlers_judge(const struct pl_handlers *t)
{
    return !faults_strike(PLANT_OPEN_ADMISSION, 5) &&
           __real_pl_handlers_judge(t);
}

void __wrap_pl_hub_channel_deliver_pending(struct pl_hub_channel *c,
                                           struct pl_sub *sub)
{
    if (!faults_strike(PLANT_EARLY_REPLY, 10))
        __real_pl_hub_channel_deliver_pending(c, sub);
}

void __wrap_pl_hub_lose(struct pl_hub *h, struct pl_sub *sub)
{
    if (!faults_strike(PLANT_QUIET_LOSS, 1))
        __real_pl_hub_lose(h, sub);
}

enum pl_err __real_pl_channel_stream_range(const struct pl_channel_stream *l,
                                           struct pl_stream_range *r);
enum pl_err __wrap_pl_channel_stream_range(const struct pl_channel_stream *l,
                                           struct pl_stream_range *r);

enum pl_err __wrap_pl_channel_stream_range(const struct pl_channel_stream *l,
                                           struct pl_stream_range *r)
{
    const uint64_t *v = pl_channel_stream_store(l)->options.metrics->value;
    uint64_t shed = 0;
    enum pl_err rc = __real_pl_channel_stream_range(l, r);

    for (unsigned why = 0; why < PL_STREAM_SHED_COUNT; why++)
        shed += v[PL_METRIC_HISTORY_SHED_CHANNEL + 2 * why];
    if (rc == PL_OK && r->has_since && !r->reverse && r->since < l->top &&
        r->count < l->top - r->since && shed > 0 &&
        faults_strike(PLANT_QUIET_SHED, 1))
        r->top.offset = r->since + r->count;
    return rc;
}

enum pl_hub_fit __real_pl_hub_channel_fit(const struct pl_hub_channel *c,
                                          const struct pl_pub *p);
enum pl_hub_fit __wrap_pl_hub_channel_fit(const struct pl_hub_channel *c,
                                          const struct pl_pub *p);

enum pl_hub_fit __wrap_pl_hub_channel_fit(const struct pl_hub_channel *c,
                                          const struct pl_pub *p)
{
    enum pl_hub_fit fit = __real_pl_hub_channel_fit(c, p);
    bool fits = p->offset == c->last + 1;

    if (fit == PL_HUB_FIT_AGAIN && faults_strike(PLANT_DOUBLE, 1))
        return PL_HUB_FIT_NEXT;
    if (fit == PL_HUB_FIT_GAP && fits && faults_strike(PLANT_OLD_EPOCH, 1))
        return PL_HUB_FIT_NEXT;
    return fit;
}

void __real_pl_pending_requests_count(struct pl_channels *c, uint32_t by);
void __wrap_pl_pending_requests_count(struct pl_channels *c, uint32_t by);

/* Of the requests of channels to the bus one ends and stays counted. */
void __wrap_pl_pending_requests_count(struct pl_channels *c, uint32_t by)
{
    if (by != UINT32_MAX || !faults_strike(PLANT_LEAKED_REQUEST, 50))
        __real_pl_pending_requests_count(c, by);
}

void __real_pl_order_bring(struct pl_channels *c, struct pl_pub *pub);
void __wrap_pl_order_bring(struct pl_channels *c, struct pl_pub *pub);

/* Twice the broker drops what a bus brings again: here and in the hub. */
void __wrap_pl_order_bring(struct pl_channels *c, struct pl_pub *pub)
{
    struct pl_channel *ch = pl_channel_find(c, pl_pub_channel(pub), pub->hash);
    bool is_again = ch != NULL && pl_order_has_seen(ch, pub) &&
                    faults_strike(PLANT_DOUBLE, 1);

    if (!is_again) {
        __real_pl_order_bring(c, pub);
        return;
    }
    uint64_t seen = ch->late->order.seen;
    ch->users++;
    ch->late->order.seen = pub->offset - 1;
    __real_pl_order_bring(c, pub);
    ch->late->order.seen = seen;
    pl_channel_unpin(ch);
}

/* --- Input by mail --- */

void __real_pl_posted_resume(struct pl_posted *p);
void __wrap_pl_posted_resume(struct pl_posted *p);
void __real_pl_posted_mail(struct pl_posted *p, struct pl_msg *msg);
void __wrap_pl_posted_mail(struct pl_posted *p, struct pl_msg *msg);

void __wrap_pl_posted_resume(struct pl_posted *p)
{
    if (p->first != NULL && faults_strike(PLANT_LOST_POST, 5))
        p->is_paused = false;
    else
        __real_pl_posted_resume(p);
}

void __wrap_pl_posted_mail(struct pl_posted *p, struct pl_msg *msg)
{
    struct pl_input_mail *m = (struct pl_input_mail *)msg;

    if (faults_strike(PLANT_OPEN_POST, 1)) {
        m->secret[0] = p->secret[0];
        m->secret[1] = p->secret[1];
    }
    __real_pl_posted_mail(p, msg);
}

/* --- Terms of publications --- */

struct pl_channel_stream;
bool __real_pl_stream_terms_resolve(struct pl_channel_stream *l,
                                    struct pl_stream_append *r);
bool __wrap_pl_stream_terms_resolve(struct pl_channel_stream *l,
                                    struct pl_stream_append *r);
bool __wrap_pl_stream_terms_resolve(struct pl_channel_stream *l,
                                    struct pl_stream_append *r)
{
    bool forgets = r->terms->id.len > 0
                       ? faults_strike(PLANT_REPEAT_DELIVERS, 1)
                       : faults_strike(PLANT_STALE_PASSES, 1);

    return !forgets && __real_pl_stream_terms_resolve(l, r);
}

/* --- Rules --- */

struct pl_rules *__real_pl_rule_cache_look(struct pl_rule_cache *c,
                                           struct pl_span channel,
                                           uint64_t hash);
struct pl_rules *__wrap_pl_rule_cache_look(struct pl_rule_cache *c,
                                           struct pl_span channel,
                                           uint64_t hash);

void __real_pl_rule_cache_set(struct pl_rule_cache *c,
                              struct pl_rulebook *book);
void __wrap_pl_rule_cache_set(struct pl_rule_cache *c,
                              struct pl_rulebook *book);

void __wrap_pl_rule_cache_set(struct pl_rule_cache *c, struct pl_rulebook *book)
{
    if (c->book == NULL || !faults_strike(PLANT_STALE_RULES, 3))
        __real_pl_rule_cache_set(c, book);
}

/* Those of names without a namespace. */
struct pl_rules *__wrap_pl_rule_cache_look(struct pl_rule_cache *c,
                                           struct pl_span channel,
                                           uint64_t hash)
{
    return faults_strike(PLANT_WRONG_RULES, 3)
               ? pl_rulebook_default(c->book)
               : __real_pl_rule_cache_look(c, channel, hash);
}
