/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_random.c - random commands of many clients, cut at random
 * places, over hundreds of seeds; a model watches what every client is told.
 *
 * The model knows of each client which channels it is in and at which offset,
 * and which of its commands are not answered yet; of each channel, which
 * publication has which offset.  It checks that each command is answered once,
 * that publications come in order without gap or duplicate and only between
 * the answers to subscribe and unsubscribe, that everybody sees the same
 * publication at the same offset, that a publisher sees its own before its
 * answer, and that what was acknowledged is in the history, in the order that
 * its publisher sent it. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHANNELS = 4,
    MEMBERS = 8,
    STEPS = 250,
    PUBS_MAX = 4096,
    IDS_MAX = 1024,
    ROUNDS = 120
};

enum verb { NONE, SUBSCRIBE, UNSUBSCRIBE, PUBLISH, STATS, HISTORY, WHOAMI };

struct asked {
    enum verb verb;
    unsigned channel;
    unsigned pub; /* PUBLISH: its number */
    bool is_redundant;
    bool was_subscribed; /* PUBLISH: when it was sent */
    bool recovers;
};

struct member {
    struct client *client;
    unsigned number;    /* of all that ever were */
    struct pl_buf wire; /* said, not yet arrived */
    unsigned next_id;
    struct asked asked[IDS_MAX]; /* by id; NONE: answered */
    bool is_connected;
    bool is_in[CHANNELS];
    bool wants_in[CHANNELS]; /* by what it asked last */
    uint64_t offset[CHANNELS];
    bool has_seen[PUBS_MAX]; /* its own publications */
};

struct publication {
    unsigned by;
    unsigned channel;
    bool is_acked;
    bool is_refused;
    uint64_t offset; /* 0: not seen yet */
};

struct model {
    struct rig *rig;
    struct pl_random random;
    bool is_late;
    uint32_t fail_permille;
    unsigned members_ever;
    struct member *at[MEMBERS];
    struct publication pubs[PUBS_MAX];
    unsigned pub_count;
    unsigned by_offset[CHANNELS][PUBS_MAX]; /* its number, plus 1 */
    char epoch[CHANNELS][9];
    unsigned checked; /* publications that somebody got */
    unsigned recovered;
    unsigned dropped;
};

static const char *const names[CHANNELS] = {"a", "b", "c", "d"};
static uint64_t round_seed; /* printed with a failure */

#define check(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            print_error("round seed %llu: %s\n",                               \
                        (unsigned long long)round_seed, #condition);           \
            fail();                                                            \
        }                                                                      \
    } while (0)

#define check_line(condition, m, line)                                         \
    do {                                                                       \
        if (!(condition))                                                      \
            print_error("client %u was told %s\n", (m)->number, (line));       \
        check(condition);                                                      \
    } while (0)

static unsigned below(struct model *w, unsigned n)
{
    return (unsigned)pl_random_below(&w->random, n);
}

/* --- What clients say --- */

static void say(struct member *m, const char *text)
{
    client_frame(&m->wire, 0x81, text, strlen(text));
}

static void join(struct model *w, unsigned i)
{
    struct member *m = calloc(1, sizeof *m);

    assert_non_null(m);
    m->number = w->members_ever++;
    m->client = client_create(w->rig, below(w, w->rig->loops));
    m->next_id = 2;
    pl_buf_put(&m->wire, client_request, strlen(client_request));
    say(m, "{\"id\":1,\"connect\":{}}");
    w->at[i] = m;
}

static void forget(struct member *m)
{
    pl_buf_fini(&m->wire);
    free(m);
}

static unsigned ask(struct member *m, enum verb verb, unsigned channel)
{
    unsigned id = m->next_id++;

    m->asked[id] = (struct asked){.verb = verb, .channel = channel};
    return id;
}

static void say_subscribe(struct model *w, struct member *m, unsigned channel)
{
    unsigned id = ask(m, SUBSCRIBE, channel);
    char text[256];

    m->asked[id].is_redundant = m->wants_in[channel];
    m->wants_in[channel] = true;
    if (m->offset[channel] > 0 && below(w, 2) == 0) {
        m->asked[id].recovers = true;
        snprintf(text, sizeof text,
                 "{\"id\":%u,\"subscribe\":{\"channel\":\"%s\","
                 "\"recover\":true,\"offset\":%u,\"epoch\":\"%s\"}}",
                 id, names[channel], (unsigned)m->offset[channel],
                 w->epoch[channel]);
    } else {
        snprintf(text, sizeof text,
                 "{\"id\":%u,\"subscribe\":{\"channel\":\"%s\"%s}}", id,
                 names[channel],
                 below(w, 3) == 0 ? ",\"join_leave\":true" : "");
    }
    say(m, text);
}

static void say_unsubscribe(struct member *m, unsigned channel)
{
    unsigned id = ask(m, UNSUBSCRIBE, channel);
    char text[128];

    m->asked[id].is_redundant = !m->wants_in[channel];
    m->wants_in[channel] = false;
    snprintf(text, sizeof text,
             "{\"id\":%u,\"unsubscribe\":{\"channel\":\"%s\"}}", id,
             names[channel]);
    say(m, text);
}

static void say_publish(struct model *w, struct member *m, unsigned channel)
{
    unsigned id = ask(m, PUBLISH, channel), n = w->pub_count++;
    char text[128];

    assert_true(n < PUBS_MAX);
    w->pubs[n] = (struct publication){.by = m->number, .channel = channel};
    m->asked[id].pub = n;
    m->asked[id].was_subscribed = m->is_in[channel] && m->wants_in[channel];
    snprintf(text, sizeof text,
             "{\"id\":%u,\"publish\":{\"channel\":\"%s\",\"data\":{\"n\":%u}}}",
             id, names[channel], n);
    say(m, text);
}

static void say_query(struct member *m, enum verb verb, unsigned channel)
{
    unsigned id = ask(m, verb, channel);
    char text[128];

    if (verb == WHOAMI)
        snprintf(text, sizeof text,
                 "{\"id\":%u,\"rpc\":{\"method\":\"sys.whoami\"}}", id);
    else
        snprintf(text, sizeof text, "{\"id\":%u,\"%s\":{\"channel\":\"%s\"}}",
                 id, verb == STATS ? "presence_stats" : "history",
                 names[channel]);
    say(m, text);
}

static void say_something(struct model *w, struct member *m)
{
    unsigned channel = below(w, CHANNELS);

    if (m->next_id + 1 >= IDS_MAX)
        return;
    switch (below(w, 12)) {
    case 0:
        say_query(m, STATS, channel);
        return;
    case 1:
        say_query(m, HISTORY, channel);
        return;
    case 2:
        say_query(m, WHOAMI, channel);
        return;
    case 3: /* whether it is in or not */
        say_subscribe(w, m, channel);
        return;
    case 4:
        say_unsubscribe(m, channel);
        return;
    case 5:
    case 6:
        if (m->wants_in[channel])
            say_unsubscribe(m, channel);
        else
            say_subscribe(w, m, channel);
        return;
    default:
        say_publish(w, m, channel);
    }
}

/* --- What clients are told --- */

static unsigned channel_in(const char *text)
{
    for (unsigned i = 0; text != NULL && i < CHANNELS; i++)
        if (text[0] == names[i][0] && text[1] == '"')
            return i;
    check(!"a channel of ours");
    return 0;
}

static uint64_t number_after(const char *text, const char *mark)
{
    const char *at = text == NULL ? NULL : strstr(text, mark);

    return at == NULL ? 0 : strtoull(at + strlen(mark), NULL, 10);
}

/* One publication at its place, live, recovered or in history. */
static void see(struct model *w, unsigned channel, uint64_t offset, unsigned n)
{
    check(offset > 0 && offset < PUBS_MAX);
    check(n < w->pub_count);
    check(w->pubs[n].channel == channel);
    check(w->by_offset[channel][offset] == 0 ||
          w->by_offset[channel][offset] == n + 1);
    check(w->pubs[n].offset == 0 || w->pubs[n].offset == offset);
    w->by_offset[channel][offset] = n + 1;
    w->pubs[n].offset = offset;
    w->checked++;
}

static void get(struct model *w, struct member *m, unsigned channel,
                const char *pub)
{
    unsigned n = (unsigned)number_after(pub, "{\"n\":");
    uint64_t offset = number_after(pub, "\"offset\":");

    check_line(offset == m->offset[channel] + 1, m, pub);
    m->offset[channel] = offset;
    see(w, channel, offset, n);
    if (w->pubs[n].by == m->number)
        m->has_seen[n] = true;
}

static void on_push(struct model *w, struct member *m, const char *line)
{
    unsigned channel = channel_in(line + strlen("{\"push\":{\"channel\":\""));

    check_line(m->is_in[channel], m, line);
    if (strstr(line, "\"pub\":{") != NULL) {
        get(w, m, channel, line);
    } else if (strstr(line, "\"unsubscribe\":{\"code\":2500") != NULL) {
        check_line(w->fail_permille > 0, m, line);
        m->is_in[channel] = false;
        m->wants_in[channel] = false;
        w->dropped++;
    } else {
        check_line(strstr(line, "\"join\":{") || strstr(line, "\"leave\":{"), m,
                   line);
    }
}

static void on_subscribed(struct model *w, struct member *m,
                          const struct asked *a, const char *line)
{
    const char *epoch = strstr(line, "\"epoch\":\"") + 9;
    const char *pubs = strstr(line, "\"publications\":[");
    char *end = pubs == NULL ? NULL : strstr(pubs, "]");
    char mine[9] = {0};

    check_line(!m->is_in[a->channel], m, line);
    m->is_in[a->channel] = true;
    memcpy(mine, epoch, 8);
    check(w->epoch[a->channel][0] == '\0' ||
          strcmp(w->epoch[a->channel], mine) == 0);
    memcpy(w->epoch[a->channel], mine, 9);
    if (strstr(line, "\"recovered\":true") != NULL) {
        check_line(a->recovers, m, line);
        w->recovered++;
        m->offset[a->channel] =
            number_after(strstr(line, "\"epoch\""), "\"offset\":");
        while (pubs != NULL &&
               (pubs = strstr(pubs + 1, "{\"data\":")) != NULL && pubs < end)
            get(w, m, a->channel, pubs);
    } else {
        m->offset[a->channel] = number_after(line, "\"offset\":");
    }
}

static void on_answer(struct model *w, struct member *m, struct asked *a,
                      const char *line)
{
    bool is_error = strstr(line, "\"error\":{") != NULL;

    if (is_error)
        check_line(w->fail_permille > 0 || strstr(line, "\"code\":105") != NULL,
                   m, line);
    switch (a->verb) {
    case SUBSCRIBE:
        if (!is_error)
            on_subscribed(w, m, a, line);
        else
            check_line(a->is_redundant || w->fail_permille > 0, m, line);
        break;
    case UNSUBSCRIBE:
        check_line(strstr(line, "\"unsubscribe\":{}") != NULL, m, line);
        if (!a->is_redundant)
            m->is_in[a->channel] = false;
        break;
    case PUBLISH:
        w->pubs[a->pub].is_acked = !is_error;
        w->pubs[a->pub].is_refused = is_error;
        if (!is_error && a->was_subscribed && !w->is_late)
            check_line(m->has_seen[a->pub], m, line);
        break;
    default:
        break;
    }
}

static void on_line(struct model *w, struct member *m, const char *line)
{
    if (strncmp(line, "{\"push\":", 8) == 0) {
        on_push(w, m, line);
        return;
    }
    unsigned id = (unsigned)number_after(line, "{\"id\":");
    if (id == 1) {
        check_line(!m->is_connected, m, line);
        m->is_connected = true;
        return;
    }
    check_line(id > 1 && id < m->next_id && m->asked[id].verb != NONE, m, line);
    struct asked a = m->asked[id];
    m->asked[id].verb = NONE;
    on_answer(w, m, &a, line);
}

static void listen_to(struct model *w, struct member *m)
{
    const char *line;

    while ((line = client_next(m->client)) != NULL)
        on_line(w, m, line);
    if (m->client->closed != 0 || m->client->is_gone)
        print_error("client %u was closed: %u %s\n", m->number,
                    m->client->closed, m->client->reason);
    check(m->client->closed == 0 && !m->client->is_gone);
}

static void listen_to_all(struct model *w)
{
    for (unsigned i = 0; i < MEMBERS; i++)
        listen_to(w, w->at[i]);
    rig_check_ledgers(w->rig);
}

/* --- What happens --- */

static void deliver(struct model *w, struct member *m)
{
    size_t some = below(w, (unsigned)m->wire.len + 1);

    client_feed(m->client, m->wire.data, some);
    memmove(m->wire.data, m->wire.data + some, m->wire.len - some);
    m->wire.len -= some;
}

static void take(struct model *w, struct member *m)
{
    static const size_t sizes[] = {0, 1, 7, 100, 3000};
    unsigned n = below(w, 8);

    client_take(m->client, n < 5 ? sizes[n] : SIZE_MAX);
}

static void leave(struct model *w, unsigned i)
{
    listen_to(w, w->at[i]);
    client_vanish(w->at[i]->client);
    forget(w->at[i]);
    join(w, i);
}

static void step(struct model *w)
{
    unsigned i = below(w, MEMBERS);
    struct member *m = w->at[i];

    switch (below(w, 40)) {
    case 0:
        leave(w, i);
        break;
    case 1:
        rig_run(w->rig, below(w, 30));
        break;
    case 2:
    case 3:
    case 4:
        take(w, m);
        break;
    default:
        for (unsigned n = below(w, 4); n > 0; n--)
            say_something(w, m);
        deliver(w, m);
    }
    for (unsigned n = below(w, 6); n > 0; n--)
        pl_sim_step(w->rig->sim);
    listen_to_all(w);
}

/* Everybody reads everything; then nothing may be missing. */
static void settle(struct model *w)
{
    for (unsigned i = 0; i < MEMBERS; i++) {
        struct member *m = w->at[i];

        client_take(m->client, SIZE_MAX);
        client_feed(m->client, m->wire.data, m->wire.len);
        m->wire.len = 0;
    }
    rig_run(w->rig, 3000);
    listen_to_all(w);
    for (unsigned i = 0; i < MEMBERS; i++) {
        check(w->at[i]->is_connected);
        for (unsigned id = 2; id < w->at[i]->next_id; id++)
            check(w->at[i]->asked[id].verb == NONE);
    }
}

static void read_history(struct model *w, struct client *c, unsigned channel)
{
    uint64_t top, last = 0;
    unsigned last_of[PUBS_MAX] = {0};

    client_sayf(c, "{\"id\":%u,\"history\":{\"channel\":\"%s\",\"limit\":-1}}",
                channel + 2, names[channel]);
    rig_run(w->rig, 1000);
    const char *line = client_next(c), *end = strstr(line, "],\"epoch\"");
    check(end != NULL);
    top = number_after(end, "\"offset\":");
    for (const char *at = line;
         (at = strstr(at + 1, "{\"data\":")) != NULL && at < end;) {
        unsigned n = (unsigned)number_after(at, "{\"n\":");
        uint64_t offset = number_after(at, "\"offset\":");

        check(offset == ++last);
        see(w, channel, offset, n);
        check(last_of[w->pubs[n].by] <= n + 1); /* as its publisher sent them */
        last_of[w->pubs[n].by] = n + 1;
    }
    check(last == top);
    for (unsigned i = 0; i < MEMBERS; i++)
        check(!w->at[i]->is_in[channel] || w->at[i]->offset[channel] == top);
}

static void check_histories(struct model *w)
{
    struct client *c = client_join(w->rig, 0);

    for (unsigned channel = 0; channel < CHANNELS; channel++)
        read_history(w, c, channel);
    for (unsigned n = 0; n < w->pub_count; n++) {
        check(!w->pubs[n].is_acked || w->pubs[n].offset != 0);
        check(!w->pubs[n].is_refused || w->pubs[n].offset == 0 || w->is_late);
    }
}

static void play(struct model *w, uint64_t seed,
                 const struct pl_late_options *late)
{
    static const char *const sets[] = {"ping.interval=0",
                                       "channels.history_size=100000",
                                       "connect.timeout=1h"};
    struct rig_options o = {.sets = sets, .set_count = 3, .late = late};

    round_seed = seed;
    pl_random_init_seeded(&w->random, seed);
    o.loops = 1 + below(w, 3);
    w->is_late = late != NULL;
    w->fail_permille = late == NULL ? 0 : late->fail_permille;
    w->rig = rig_create(seed, &o);
    for (unsigned i = 0; i < MEMBERS; i++)
        join(w, i);
    for (unsigned i = 0; i < STEPS; i++)
        step(w);
    settle(w);
    if (w->fail_permille == 0)
        check_histories(w);
    for (unsigned i = 0; i < MEMBERS; i++)
        forget(w->at[i]);
    rig_destroy(w->rig);
}

static unsigned rounds(void)
{
    const char *text = getenv("PL_ROUNDS");

    return text == NULL ? ROUNDS : (unsigned)strtoul(text, NULL, 10);
}

static void play_many(const char *test, const struct pl_late_options *late)
{
    uint64_t seed = pl_sim_test_seed(test);
    unsigned checked = 0, recovered = 0, dropped = 0;

    for (unsigned i = 0; i < rounds(); i++) {
        struct model *w = calloc(1, sizeof *w);
        struct pl_late_options mine = {0};

        assert_non_null(w);
        if (late != NULL) {
            mine = *late;
            mine.seed = seed + i;
        }
        play(w, seed + i, late == NULL ? NULL : &mine);
        checked += w->checked;
        recovered += w->recovered;
        dropped += w->dropped;
        free(w);
    }
    print_message("%s: %u publications got, %u recoveries, %u dropped\n", test,
                  checked, recovered, dropped);
    assert_true(checked > 0);
    assert_true(recovered > 0 || rounds() < 10);
}

static void all_is_told_once_and_in_order_on_memory_stores(void **state)
{
    (void)state;
    play_many("memory", NULL);
}

static void all_is_told_once_and_in_order_on_late_stores(void **state)
{
    struct pl_late_options late = {.delay_ms = 20};

    (void)state;
    play_many("late", &late);
}

static void what_fails_is_told_and_the_rest_stays_in_order(void **state)
{
    struct pl_late_options late = {
        .delay_ms = 20, .fail_permille = 30, .limit = 20};

    (void)state;
    play_many("failing", &late);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_told_once_and_in_order_on_memory_stores),
        cmocka_unit_test(all_is_told_once_and_in_order_on_late_stores),
        cmocka_unit_test(what_fails_is_told_and_the_rest_stays_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
