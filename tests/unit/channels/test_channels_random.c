/* SPDX-License-Identifier: Apache-2.0 */
/* Random requests of three hubs against a simple model, for hundreds of seeds:
 * on memory stores, on stores that answer late, and on such that fail.
 *
 * What must hold:
 * - offsets have no gaps, and each names one publication;
 * - a subscription sees, from its attach's answer on, every publication once
 * and in order, and with recovery also what it missed before;
 * - what two subscriptions of a channel at one hub know never differs;
 * - at rest presence, the list and the gauges are what the model says;
 * - who came behind a taker of joins is known to it, and who left is gone;
 * - by user: who has no client there is gone, and who has one is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hub_mail.h"
#include "mail.h"
#include "rig.h"

enum { CHANNELS = 4, OFFSETS = 2000, ROUNDS = 150, LARGE = OFFSETS };

static const char *const names[CHANNELS] = {"a", "b", "room:c", "#d"};

enum sub_state { FREE, ATTACHING, LIVE, LEFT };
enum known { UNKNOWN, IN, OUT };

struct sub {
    enum sub_state state; /* LEFT: detached before the answer */
    uint8_t flags;
    uint64_t asked; /* moments */
    uint64_t lived;
    char epoch[9]; /* position, also of a former life */
    uint64_t last;
    enum known known[RIG_CLIENTS]; /* what joins and leaves told it */
};

struct model {
    struct rig *r;
    bool has_history;
    bool is_large;   /* nothing falls out of the history */
    bool is_faulty;  /* stores fail */
    bool is_by_user; /* joins and leaves are those of users */
    uint64_t moment;
    struct sub sub[CHANNELS][RIG_CLIENTS];
    unsigned data[CHANNELS][OFFSETS]; /* by offset; 0 not seen */
    uint64_t top[CHANNELS];           /* greatest offset seen */
    unsigned published[CHANNELS];     /* answered without error */
    unsigned next;
    unsigned unanswered;
    unsigned events; /* joins and leaves */
};

static unsigned channel_of(struct pl_span name)
{
    for (unsigned i = 0; i < CHANNELS; i++)
        if (pl_span_equal(name, pl_span_of(names[i])))
            return i;
    fail();
    return 0;
}

static unsigned client_of(const struct model *m, const struct pl_client *c)
{
    for (unsigned i = 0; i < RIG_CLIENTS; i++)
        if (m->r->client[i] == c)
            return i;
    fail();
    return 0;
}

/* An offset always names the same publication. */
static void check_pub(struct model *m, unsigned ch, const struct pl_pub *p)
{
    unsigned data;

    assert_int_equal(p->data_len, sizeof data);
    memcpy(&data, pl_pub_data(p).at, sizeof data);

    assert_int_equal(channel_of(pl_pub_channel(p)), ch);
    assert_in_range(p->offset, 1, OFFSETS - 1);
    if (m->data[ch][p->offset] == 0)
        m->data[ch][p->offset] = data;
    assert_int_equal(m->data[ch][p->offset], data);
    if (p->offset > m->top[ch])
        m->top[ch] = p->offset;
}

static void fan_out(struct model *m, unsigned hub, const struct pl_pub *p)
{
    unsigned ch = channel_of(pl_pub_channel(p));

    if (m->has_history)
        check_pub(m, ch, p);
    else
        assert_int_equal(p->offset, 0);
    for (unsigned i = hub; i < RIG_CLIENTS; i += RIG_LOOPS) {
        struct sub *s = &m->sub[ch][i];

        if (s->state != LIVE || !m->has_history)
            continue;
        assert_int_equal(p->offset, s->last + 1);
        s->last = p->offset;
    }
}

static void detach(struct model *m, unsigned ch, unsigned client)
{
    struct sub *s = &m->sub[ch][client];

    s->state = s->state == ATTACHING ? LEFT : FREE;
    rig_detach(m->r, client, names[ch], s->flags);
}

static void attach(struct model *m, unsigned ch, unsigned client, uint8_t flags)
{
    struct sub *s = &m->sub[ch][client];

    s->state = ATTACHING;
    s->flags = flags;
    s->asked = ++m->moment;
    memset(s->known, 0, sizeof s->known);
    m->unanswered++;
    struct pl_attach_mail *a = pl_attach_mail_create();
    a->channel = pl_blob_create(pl_span_of(names[ch]));
    a->hash = rig_hash(names[ch]);
    a->client = pl_client_hold(m->r->client[client]);
    a->flags = flags;
    if ((flags & PL_ATTACH_RECOVER) != 0) {
        memcpy(a->epoch, s->epoch, sizeof a->epoch);
        a->offset = s->last;
    }
    rig_send(m->r, client % RIG_LOOPS, &a->msg);
}

static void check_recovery(struct model *m, unsigned ch, struct sub *s,
                           const struct pl_attach_mail *a)
{
    bool was_asked = (s->flags & PL_ATTACH_RECOVER) != 0;

    assert_true(was_asked || !a->recovered);
    assert_true(a->recovered || a->pub_count == 0);
    if (!m->has_history) {
        assert_false(a->positioned);
        return;
    }
    assert_true(a->positioned);
    if (was_asked && m->is_large)
        assert_true(a->recovered);
    if (a->recovered)
        assert_int_equal(s->last + a->pub_count, a->offset);
    for (uint32_t i = 0; i < a->pub_count; i++) {
        assert_int_equal(a->pubs[i]->offset, s->last + 1 + i);
        check_pub(m, ch, a->pubs[i]);
    }
}

static void on_attach(struct model *m, struct pl_attach_mail *a)
{
    unsigned ch = channel_of(pl_blob_span(a->channel));
    unsigned client = client_of(m, a->client);
    struct sub *s = &m->sub[ch][client];

    m->unanswered--;
    assert_true(m->is_faulty || a->error == 0);
    if (s->state == LEFT) {
        s->state = FREE;
        return;
    }
    assert_int_equal(s->state, ATTACHING);
    if (a->error != 0) {
        detach(m, ch, client);
        s->state = FREE;
        return;
    }
    check_recovery(m, ch, s, a);
    for (unsigned i = client % RIG_LOOPS; i < RIG_CLIENTS; i += RIG_LOOPS)
        if (m->has_history && m->sub[ch][i].state == LIVE)
            assert_int_equal(m->sub[ch][i].last, a->offset);
    s->state = LIVE;
    s->lived = ++m->moment;
    s->last = a->offset;
    memcpy(s->epoch, a->epoch, sizeof s->epoch);
}

/* Two clients of the rig have the same user. */
static unsigned known_as(const struct model *m, unsigned client)
{
    return m->is_by_user ? client / 2 : client;
}

static void on_event(struct model *m, unsigned hub,
                     const struct pl_presence_event_mail *e)
{
    unsigned ch = channel_of(pl_blob_span(e->channel));
    unsigned who = known_as(m, client_of(m, e->client));

    m->events++;
    for (unsigned i = hub; i < RIG_CLIENTS; i += RIG_LOOPS) {
        struct sub *s = &m->sub[ch][i];

        if (s->state != LIVE || (s->flags & PL_ATTACH_JOIN_LEAVE) == 0)
            continue;
        if (!m->is_faulty)
            assert_int_not_equal(s->known[who], e->is_join ? IN : OUT);
        s->known[who] = e->is_join ? IN : OUT;
    }
}

static void on_publish(struct model *m, unsigned hub, struct pl_publish_mail *p)
{
    unsigned ch = channel_of(pl_pub_channel(p->pub));

    m->unanswered--;
    assert_true(m->is_faulty || p->error == 0);
    if (p->error != 0) {
        assert_false(p->fan_out);
        return;
    }
    m->published[ch]++;
    assert_int_equal(p->stored, m->has_history);
    if (p->fan_out)
        fan_out(m, hub, p->pub);
    else if (m->has_history)
        check_pub(m, ch, p->pub);
}

static void on_mail(struct rig_hub *h, struct pl_msg *msg)
{
    struct model *m = h->rig->test;
    unsigned hub = 0;

    while (h->rig->hub[hub] != h)
        hub++;
    assert_false(msg->returned);
    switch (msg->type) {
    case PL_MAIL_ATTACH:
        on_attach(m, (struct pl_attach_mail *)msg);
        break;
    case PL_MAIL_PUBLISH:
        on_publish(m, hub, (struct pl_publish_mail *)msg);
        break;
    case PL_MAIL_PUBLICATION:
        assert_in_range(hub, 0, RIG_LOOPS - 1);
        fan_out(m, hub, ((struct pl_publication_mail *)msg)->pub);
        break;
    case PL_MAIL_PRESENCE_EVENT:
        on_event(m, hub, (struct pl_presence_event_mail *)msg);
        break;
    case PL_MAIL_QUERY:
    case PL_MAIL_LIST:
        m->unanswered--;
        return; /* the test keeps it */
    default:
        fail();
    }
    pl_mail_destroy(msg);
}

/* --- Doing something --- */

static uint64_t below(struct model *m, uint64_t bound)
{
    return pl_random_below(pl_sim_random(m->r->sim), bound);
}

static void toggle(struct model *m)
{
    unsigned ch = (unsigned)below(m, CHANNELS);
    unsigned client = (unsigned)below(m, RIG_CLIENTS);
    struct sub *s = &m->sub[ch][client];
    uint8_t flags = 0;

    if (s->state == LIVE || s->state == ATTACHING) {
        detach(m, ch, client);
        return;
    }
    if (s->state == LEFT)
        return; /* a hub keeps it until its answer comes */
    if (below(m, 2) == 0)
        flags |= PL_ATTACH_JOIN_LEAVE;
    if (names[ch][0] == '#')
        flags |= PL_ATTACH_HIDDEN;
    if (s->epoch[0] != '\0' && below(m, 3) > 0)
        flags |= PL_ATTACH_RECOVER;
    attach(m, ch, client, flags);
}

static void publish(struct model *m)
{
    unsigned ch = (unsigned)below(m, CHANNELS);
    struct pl_publish_mail *p = pl_publish_mail_create();

    m->next++;
    m->unanswered++;
    p->pub = pl_pub_create(
        pl_span_of(names[ch]), rig_hash(names[ch]),
        (struct pl_span){(const char *)&m->next, sizeof m->next}, NULL);
    rig_send(m->r, (unsigned)below(m, RIG_LOOPS + 1), &p->msg);
}

static void act(struct model *m)
{
    switch (below(m, 8)) {
    case 0:
    case 1:
    case 2:
        toggle(m);
        break;
    case 3:
    case 4:
    case 5:
        publish(m);
        break;
    case 6:
        for (uint64_t n = below(m, 20); n > 0; n--)
            pl_sim_step(m->r->sim);
        break;
    default:
        if (below(m, 4) == 0)
            pl_sim_advance(m->r->sim, below(m, 30));
    }
}

/* --- At rest --- */

static struct pl_query_mail *ask(struct model *m, enum pl_query_kind kind,
                                 unsigned ch, int32_t limit)
{
    for (int tries = 0; tries < 50; tries++) { /* stores may fail */
        struct pl_query_mail *q = rig_query_mail(kind, names[ch]);

        q->limit = limit;
        m->unanswered++;
        rig_send(m->r, 0, &q->msg);
        pl_sim_advance(m->r->sim, 1000);
        assert_int_equal(m->unanswered, 0);
        if (q->error == 0)
            return q;
        assert_true(m->is_faulty);
        pl_mail_destroy(&q->msg);
    }
    fail();
    return NULL;
}

static unsigned count_live(const struct model *m, unsigned ch, bool hidden_too)
{
    unsigned n = 0;

    for (unsigned i = 0; i < RIG_CLIENTS; i++) {
        const struct sub *s = &m->sub[ch][i];

        n += s->state == LIVE &&
             (hidden_too || (s->flags & PL_ATTACH_HIDDEN) == 0);
    }
    return n;
}

static void check_presence(struct model *m, unsigned ch)
{
    struct pl_query_mail *q = ask(m, PL_QUERY_PRESENCE, ch, 0);

    assert_int_equal(q->count, count_live(m, ch, false));
    for (uint32_t i = 0; i < q->count; i++)
        assert_int_equal(m->sub[ch][client_of(m, q->clients[i])].state, LIVE);
    pl_mail_destroy(&q->msg);
    q = ask(m, PL_QUERY_PRESENCE_STATS, ch, 0);
    assert_int_equal(q->count, count_live(m, ch, false));
    pl_mail_destroy(&q->msg);
}

static void check_positions(struct model *m, unsigned ch)
{
    struct pl_query_mail *q = ask(m, PL_QUERY_HISTORY, ch, -1);

    assert_int_equal(q->offset, m->published[ch]);
    assert_int_equal(q->offset, m->top[ch]);
    for (uint64_t o = 1; o <= m->top[ch]; o++)
        assert_int_not_equal(m->data[ch][o], 0);
    for (uint32_t i = 0; i < q->count; i++) {
        assert_int_equal(q->pubs[i]->offset, q->offset - q->count + 1 + i);
        check_pub(m, ch, q->pubs[i]);
    }
    for (unsigned i = 0; i < RIG_CLIENTS; i++)
        if (m->sub[ch][i].state == LIVE)
            assert_int_equal(m->sub[ch][i].last, q->offset);
    pl_mail_destroy(&q->msg);
}

static bool is_listed(const struct model *m, unsigned ch, unsigned client)
{
    const struct sub *s = &m->sub[ch][client];

    return s->state == LIVE && (s->flags & PL_ATTACH_HIDDEN) == 0;
}

static void check_user_joins(const struct model *m, unsigned ch,
                             const struct sub *receiver)
{
    for (unsigned u = 0; u < RIG_CLIENTS / 2; u++) {
        bool is_seen = is_listed(m, ch, 2 * u) || is_listed(m, ch, 2 * u + 1);

        if (receiver->known[u] != UNKNOWN)
            assert_int_equal(receiver->known[u], is_seen ? IN : OUT);
    }
}

static void check_joins(const struct model *m, unsigned ch)
{
    for (unsigned i = 0; i < RIG_CLIENTS; i++) {
        const struct sub *receiver = &m->sub[ch][i];

        if (receiver->state != LIVE ||
            (receiver->flags & PL_ATTACH_JOIN_LEAVE) == 0)
            continue;
        if (m->is_by_user) {
            check_user_joins(m, ch, receiver);
            continue;
        }
        for (unsigned k = 0; k < RIG_CLIENTS; k++) {
            const struct sub *s = &m->sub[ch][k];
            bool is_seen = is_listed(m, ch, k);

            if (receiver->known[k] == IN)
                assert_true(is_seen);
            if (receiver->known[k] == OUT)
                assert_false(is_seen);
            if (is_seen && s->asked > receiver->lived)
                assert_int_equal(receiver->known[k], IN);
        }
    }
}

static void check_list(struct model *m)
{
    struct pl_list_mail *l = pl_list_mail_create();
    unsigned channels = 0;

    m->unanswered++;
    rig_send(m->r, 0, &l->msg);
    pl_sim_advance(m->r->sim, 0);
    for (uint32_t i = 0; i < l->count; i++)
        assert_int_equal(
            l->channels[i].subscribers,
            count_live(m, channel_of(pl_blob_span(l->channels[i].channel)),
                       true));
    for (unsigned ch = 0; ch < CHANNELS; ch++)
        channels += count_live(m, ch, true) > 0;
    assert_int_equal(l->count, channels);
    assert_int_equal(m->r->metrics.value[PL_METRIC_CHANNELS], channels);
    pl_mail_destroy(&l->msg);
}

static void check_all(struct model *m)
{
    pl_sim_advance(m->r->sim, 5000); /* late answers, removals tried again */
    assert_int_equal(m->unanswered, 0);
    for (unsigned ch = 0; ch < CHANNELS; ch++) {
        check_presence(m, ch);
        if (m->has_history)
            check_positions(m, ch);
        if (!m->is_faulty)
            check_joins(m, ch);
    }
    check_list(m);
}

static void leave_all(struct model *m)
{
    for (unsigned ch = 0; ch < CHANNELS; ch++)
        for (unsigned i = 0; i < RIG_CLIENTS; i++)
            if (m->sub[ch][i].state == LIVE)
                detach(m, ch, i);
}

static void run(uint64_t seed, const struct pl_late_options *late)
{
    struct rig_options o = {.rules.history_ttl_ms = 100000000,
                            .rules.meta_ttl_ms = 100000000,
                            .rules.sub.flags =
                                PL_RULE_PRESENCE | PL_RULE_JOIN_LEAVE};
    struct model *m = calloc(1, sizeof *m);

    assert_non_null(m);
    o.rules.history_size = seed % 4 == 0 ? 0 : seed % 4 == 1 ? 5 : LARGE;
    m->has_history = o.rules.history_size > 0;
    m->is_large = o.rules.history_size == LARGE;
    m->is_faulty = late != NULL && late->fail_permille > 0;
    m->is_by_user = seed / 4 % 2 == 1;
    if (m->is_by_user)
        o.rules.sub.flags |= PL_RULE_JOINS_BY_USER;
    m->r = rig_create(seed, &o, late);
    m->r->test = m;
    m->r->on_mail = on_mail;
    for (unsigned i = 0; i < ROUNDS; i++)
        act(m);
    check_all(m);
    for (unsigned i = 0; i < ROUNDS; i++)
        act(m);
    check_all(m);
    leave_all(m);
    check_all(m);
    assert_true(m->events > 0);
    rig_destroy(m->r);
    free(m);
}

static uint64_t first_seed(const char *name, unsigned *runs)
{
    bool is_replay = getenv("PL_SEED") != NULL;
    uint64_t seed = pl_sim_test_seed(name);

    *runs = is_replay ? 1 : 200;
    return seed;
}

/* Say which of the seeds it was. */
static void run_many(const char *name, uint32_t delay_ms, uint32_t permille)
{
    unsigned runs;
    uint64_t seed = first_seed(name, &runs);

    for (unsigned i = 0; i < runs; i++) {
        struct pl_late_options late = {
            .seed = seed + i, .delay_ms = delay_ms, .fail_permille = permille};

        print_message("%s PL_SEED=%llu\n", name,
                      (unsigned long long)(seed + i));
        run(seed + i, delay_ms > 0 ? &late : NULL);
    }
}

static void the_owner_is_right_on_memory_stores(void **state)
{
    (void)state;
    run_many("memory", 0, 0);
}

static void the_owner_is_right_on_late_stores(void **state)
{
    (void)state;
    run_many("late", 20, 0);
}

static void the_owner_is_right_on_late_stores_that_fail(void **state)
{
    (void)state;
    run_many("faulty", 20, 10);
}

static void the_owner_is_right_on_stores_that_fail_often(void **state)
{
    (void)state;
    run_many("very faulty", 5, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_owner_is_right_on_memory_stores),
        cmocka_unit_test(the_owner_is_right_on_late_stores),
        cmocka_unit_test(the_owner_is_right_on_late_stores_that_fail),
        cmocka_unit_test(the_owner_is_right_on_stores_that_fail_often),
    };

    return cmocka_run_group_tests_name("channels_random", tests, NULL, NULL);
}
