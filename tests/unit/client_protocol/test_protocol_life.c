/* SPDX-License-Identifier: Apache-2.0 */
/* test_protocol_life.c - whole lives of a client, in which any one allocation
 * fails, any callback stops or destroys, or the loop is held: every call is
 * completed once, no publication is lost, and nothing is left. */
#include "rig.h"

#include "failing_alloc.h"
#include "frame.h"
#include "group.h"

enum { LIVES_MAX = 2000, MINUTE_MS = 60000 };

/* --- Allocations that fail, in the client only --- */

static unsigned fails_at; /* the nth from now; 0: none */

#define IN_CLIENT(what)                                                        \
    do {                                                                       \
        alloc_fails_at = fails_at;                                             \
        what;                                                                  \
        fails_at = alloc_fails_at;                                             \
        alloc_fails_at = 0;                                                    \
    } while (0)

/* --- A server that keeps a history of the channel "a" --- */

static unsigned history; /* its newest offset */
static struct fake_stream *stream;
static bool is_open, is_mute;

static void say(const char *text)
{
    struct pl_buf b = {0};

    if (fakes == NULL || fakes != stream || !is_open)
        return;
    pl_ws_frame_put(&b, PL_WS_TEXT, pl_span_of(text));
    IN_CLIENT(rig_came(b.data, b.len));
    pl_buf_fini(&b);
}

static void reply_subscribe(struct pl_buf *b, unsigned id, const char *line)
{
    const char *from = strstr(line, "\"offset\":");
    bool recovers = strstr(line, "\"recover\":true") != NULL &&
                    strstr(line, "\"epoch\":\"e\"") != NULL;
    unsigned at = from == NULL ? 0 : (unsigned)strtoul(from + 9, NULL, 10);

    pl_buf_printf(b,
                  "{\"id\":%u,\"subscribe\":{\"recoverable\":true,\"epoch\":"
                  "\"e\",\"offset\":%u",
                  id, history);
    if (recovers)
        pl_buf_printf(b, ",\"recovered\":true,\"was_recovering\":true,"
                         "\"publications\":[");
    for (unsigned i = at + 1; recovers && i <= history; i++)
        pl_buf_printf(b, "%s{\"data\":%u,\"offset\":%u}",
                      i == at + 1 ? "" : ",", i, i);
    pl_buf_printf(b, "%s}}\n", recovers ? "]" : "");
}

static void reply_to(struct pl_buf *b, const char *line)
{
    static const char *const verbs[] = {"connect", "unsubscribe", "publish",
                                        "rpc",     "history",     "presence"};
    const char *id = strstr(line, "\"id\":");

    if (id == NULL)
        return;
    unsigned number = (unsigned)strtoul(id + 5, NULL, 10);
    if (strstr(line, ",\"subscribe\":") != NULL)
        reply_subscribe(b, number, line);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        char key[20];

        snprintf(key, sizeof key, ",\"%s\":", verbs[i]);
        if (strstr(line, key) != NULL)
            pl_buf_printf(b, "{\"id\":%u,\"%s\":{}}\n", number, verbs[i]);
    }
}

static void answer(void)
{
    struct pl_buf text = {0}, replies = {0};
    char *rest = NULL;

    rig_read(&text);
    for (char *line = strtok_r(text.data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        reply_to(&replies, line);
    if (replies.len > 0) {
        replies.data[replies.len - 1] = '\0';
        say(replies.data);
    }
    pl_buf_fini(&text);
    pl_buf_fini(&replies);
}

static void accept_stream(void)
{
    struct pl_buf b = {0};

    stream = fakes;
    is_open = false;
    IN_CLIENT(fake_open());
    if (fakes != stream || fake_got.len == 0)
        return;
    fake_respond(&b, "");
    is_open = true;
    IN_CLIENT(rig_came(b.data, b.len));
    pl_buf_fini(&b);
}

/* The server looks at what has come each `step` ms. */
static void pass_by(unsigned step, unsigned ms)
{
    for (; ms >= step; ms -= step) {
        IN_CLIENT(rig_hold(step); rig_turn());
        if (fakes == NULL)
            stream = NULL;
        else if (fakes != stream)
            accept_stream();
        else if (is_open && !is_mute)
            answer();
    }
}

static void pass(unsigned ms)
{
    pass_by(1, ms);
}

static void publish_new(void)
{
    char push[100];

    history++;
    snprintf(push, sizeof push,
             "{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":%u,\"offset\":%u}}"
             "}",
             history, history);
    say(push);
}

static void reset_stream(void)
{
    if (fakes != NULL && fakes == stream)
        IN_CLIENT(fake_end(false, "reset"); rig_turn());
}

/* --- The program --- */

static struct plc_sub *sub;
static unsigned accepted, completed, losses, callbacks;
static unsigned acts_at; /* the nth callback acts; 0: none */
static void (*acts)(void);
static uint64_t heard; /* the offset of the newest publication */
static bool is_gone;

static void on_callback(void)
{
    callbacks++;
    if (callbacks == acts_at)
        acts();
}

static void on_done(const struct plc_result *r, void *arg)
{
    (void)r, (void)arg;
    completed++;
    on_callback();
}

static void on_publication(struct plc_sub *s, const struct plc_publication *p,
                           void *arg)
{
    (void)s, (void)arg;
    if (heard != 0)
        assert_int_equal(p->offset, heard + 1);
    heard = p->offset;
    on_callback();
}

static void on_state(struct plc_client *c, const struct plc_change *h,
                     void *arg)
{
    (void)c, (void)h, (void)arg;
    on_callback();
}

static void on_sub_state(struct plc_sub *s, const struct plc_change *h,
                         void *arg)
{
    (void)s, (void)arg;
    if (h->to == PLC_SUBSCRIBED && !h->recovered)
        heard = h->offset; /* what was before is not promised */
    on_callback();
}

static void on_error(struct plc_client *c, enum pl_err err, uint32_t code,
                     const char *text, void *arg)
{
    (void)c, (void)arg, (void)code, (void)text;
    losses += err == PL_ENOMEM;
    on_callback();
}

static void on_release(void *arg)
{
    (void)arg;
    is_gone = true;
}

/* Until it is accepted: a program tries again, too. */
#define INSIST(call)                                                           \
    do {                                                                       \
        enum pl_err rc_ = PL_ENOMEM;                                           \
        for (int i_ = 0; i_ < 20 && rc_ == PL_ENOMEM && !is_gone; i_++)        \
            IN_CLIENT(rc_ = call);                                             \
    } while (0)

static void begin_life(void)
{
    options.state = on_state;
    options.error = on_error;
    options.release = on_release;
    options.server_state = NULL;
    client = NULL;
    sub = NULL;
    stream = NULL;
    is_mute = is_gone = false;
    history = 7;
    heard = 0;
    accepted = completed = losses = callbacks = 0;
    INSIST(plc_client_create(&client, group, &options));
    assert_non_null(client);
    INSIST(plc_client_connect(client));
    pass(2000);
}

static void subscribe(void)
{
    struct plc_sub_options o = {.size = sizeof o,
                                .channel = "a",
                                .flags = PLC_RECOVERABLE,
                                .state = on_sub_state,
                                .publication = on_publication};

    if (!is_gone)
        INSIST(plc_subscribe(&sub, client, &o));
    pass(10);
}

static void call_all(void)
{
    enum pl_err rc[5] = {PL_OK};

    if (is_gone)
        return;
    IN_CLIENT(rc[0] = plc_publish(client, "a", "1", 1, on_done, NULL));
    IN_CLIENT(rc[1] = plc_rpc(client, "m", "1", 1, on_done, NULL));
    IN_CLIENT(rc[2] = plc_send(client, "1", 1, on_done, NULL));
    IN_CLIENT(rc[3] =
                  plc_history(client, "a", 5, NULL, 0, false, on_done, NULL));
    IN_CLIENT(rc[4] = plc_presence(client, "a", false, on_done, NULL));
    for (int i = 0; i < 5; i++)
        accepted += rc[i] == PL_OK;
    pass(10);
}

/* The server goes on for a minute, then everything must be settled.  Each of a
 * thousand lives ends so: in steps of a millisecond that took 15 s. */
static void end_life(bool was_ended)
{
    struct plc_status s = {.size = sizeof s};

    fails_at = 0;
    is_mute = false;
    pass_by(20, MINUTE_MS);
    if (!was_ended) {
        assert_int_equal(plc_client_state(client), PLC_CONNECTED);
        if (sub != NULL)
            assert_int_equal(heard, history);
    }
    assert_int_equal(completed, accepted);
    plc_group_status(group, &s);
    assert_int_equal(s.pending, 0);
    assert_int_equal(s.accepted, s.done + s.refused + s.not_sent + s.unknown);
    if (s.events_lost > 0 && !was_ended)
        assert_true(losses > 0);
    rig_tear_down(NULL);
    assert_int_equal(completed, accepted);
    rig_set_up(NULL);
}

static void live(void)
{
    begin_life();
    subscribe();
    publish_new();
    publish_new();
    call_all();
    reset_stream();
    history += 3; /* while it is away */
    call_all();
    pass(2000);
    publish_new();
    call_all();
    pass(10);
}

static void whatever_allocation_fails_nothing_is_lost(void **state)
{
    unsigned lives = 0;

    (void)state;
    for (unsigned more = 0; more < 5; more += 4)
        for (unsigned n = 1;; n++) {
            fails_at = n;
            alloc_fails_more = more;
            live();
            bool has_failed = fails_at == 0;
            alloc_fails_more = 0;
            end_life(false);
            if (!has_failed)
                break;
            assert_true(++lives < LIVES_MAX);
        }
    assert_true(lives > 100);
}

static void stop_group(void)
{
    plc_group_stop(group, 0);
}

static void destroy_client(void)
{
    plc_client_destroy(client);
    sub = NULL;
}

static void disconnect(void)
{
    plc_client_disconnect(client);
}

static void whatever_callback_ends_it_nothing_is_left(void **state)
{
    static void (*const ends[])(void) = {stop_group, destroy_client,
                                         disconnect};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (unsigned n = 1;; n++) {
            acts = ends[i];
            acts_at = n;
            live();
            bool has_acted = callbacks >= n;
            end_life(has_acted);
            acts_at = 0;
            if (!has_acted)
                break;
            assert_true(n < LIVES_MAX);
        }
}

/* --- Hostile acts, with a call and a subscription under way --- */

static void mute(void)
{
    is_mute = true;
    pass(6000);
}

static void end_by_push(const char *code)
{
    char push[100];

    snprintf(push, sizeof push,
             "{\"push\":{\"disconnect\":{\"code\":%s,\"reason\":\"r\"}}}",
             code);
    say(push);
}

static void act(unsigned number)
{
    static const char *const says[] = {
        "{\"id\":3,\"history\":{}}",
        "{\"id\":77,\"publish\":{}}\n{\"id\":0,\"rpc\":{}}",
        "{\"id\":3,\"publish\":{}}\n{\"id\":3,\"publish\":{}}",
        "{\"id\":3,\"error\":{\"code\":109,\"message\":\"x\"}}",
        "{\"id\":3,\"error\":{\"code\":100,\"temporary\":true}}",
        "{\"push\":{\"channel\":\"a\",\"unsubscribe\":{\"code\":2500}}}",
        "{\"push\":{\"channel\":\"a\",\"unsubscribe\":{\"code\":2999}}}",
        "{\"push\":{\"channel\":\"zz\",\"pub\":{\"data\":1}}}",
        "{\"push\":{\"channel\":\"zz\",\"subscribe\":{}}}",
        "{\"push\":{\"channel\":\"a\",\"join\":{\"info\":{\"user\":\"u\"}}}}",
        "{\"push\":{\"message\":{\"data\":1}}}",
        "{}\n{}",
        "nonsense",
    };
    static const char *const codes[] = {"1000", "3000", "3001", "3008",
                                        "3014", "4000", "5000"};
    enum {
        SAYS = sizeof says / sizeof says[0],
        CODES = sizeof codes / sizeof codes[0]
    };

    if (number < SAYS)
        say(says[number]);
    else if (number < SAYS + CODES)
        end_by_push(codes[number - SAYS]);
    else if (number == SAYS + CODES)
        reset_stream();
    else if (number == SAYS + CODES + 1)
        mute();
    else
        IN_CLIENT(rig_hold(MINUTE_MS));
}

enum { ACTS = 23 };

static void suffer(unsigned number)
{
    begin_life();
    subscribe();
    is_mute = true;
    call_all();
    publish_new();
    act(number);
    is_mute = false;
    pass(1000);
}

static void hostile_servers_and_failing_allocations(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ACTS; i++)
        for (unsigned n = 1;; n += 7) {
            fails_at = n;
            suffer(i);
            bool has_failed = fails_at == 0;
            end_life(false);
            if (!has_failed)
                break;
        }
}

static void hostile_servers_and_callbacks_that_end_it(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ACTS; i++)
        for (unsigned n = 1; n < 12; n++) {
            acts = n % 2 == 0 ? stop_group : destroy_client;
            acts_at = n;
            suffer(i);
            end_life(callbacks >= n);
            acts_at = 0;
        }
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whatever_allocation_fails_nothing_is_lost),
        TEST(whatever_callback_ends_it_nothing_is_left),
        TEST(hostile_servers_and_failing_allocations),
        TEST(hostile_servers_and_callbacks_that_end_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
