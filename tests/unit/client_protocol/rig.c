/* SPDX-License-Identifier: Apache-2.0 */
/* rig.c - see rig.h. */
#include "rig.h"

#include "clock.h"
#include "fake_stream.h"
#include "frame.h"
#include "group.h"
#include "link.h"
#include "loop.h"
#include "system.h"

struct plc_group *group;
struct plc_client *client;
struct plc_client_options options;
char log_[16384];
char rig_lines[4096];
void (*rig_in_callback)(void);

static struct pl_clock_driven clock_;
static struct pl_system *sys;
static struct pl_loop *loop;

/* --- The loop --- */

void rig_turn(void)
{
    int left = 10000;

    do
        pl_loop_turn(loop);
    while (--left > 0 && pl_loop_has_work(loop));
}

void rig_pass(uint64_t ms)
{
    for (; ms > 0; ms--) {
        pl_clock_driven_advance(&clock_, 1000000);
        rig_turn();
    }
}

void rig_hold(uint64_t ms)
{
    pl_clock_driven_advance(&clock_, ms * 1000000);
    pl_loop_turn(loop);
}

void rig_redial(void)
{
    unsigned before = fake_dials;

    for (int i = 0; i < 20010 && fake_dials == before; i++)
        rig_pass(1);
    assert_int_equal(fake_dials, before + 1);
}

/* --- Callbacks --- */

static const char *const states[] = {"disconnected", "connecting",
                                     "connected",    "unsubscribed",
                                     "subscribing",  "subscribed"};

void rig_log(const char *format, ...)
{
    size_t len = strlen(log_);
    va_list args;

    va_start(args, format);
    vsnprintf(log_ + len, sizeof log_ - len, format, args);
    va_end(args);
}

static void act(void)
{
    void (*what)(void) = rig_in_callback;

    rig_in_callback = NULL;
    if (what != NULL)
        what();
}

static void on_state(struct plc_client *c, const struct plc_change *h,
                     void *arg)
{
    (void)c, (void)arg;
    rig_log("%s(%u %s) ", states[h->to], h->code, h->reason);
    act();
}

static void on_error(struct plc_client *c, enum pl_err err, uint32_t code,
                     const char *text, void *arg)
{
    (void)c, (void)arg, (void)err;
    rig_log("error(%u %s) ", code, text);
    act();
}

static void on_message(struct plc_client *c, const struct plc_bytes *data,
                       void *arg)
{
    (void)c, (void)arg;
    rig_log("message(%.*s) ", (int)data->len, (const char *)data->at);
}

static void on_server_state(struct plc_client *c, const char *channel,
                            const struct plc_change *h, void *arg)
{
    (void)c, (void)arg;
    rig_log("server:%s:%s(%u) ", channel, states[h->to], h->code);
}

static void on_server_publication(struct plc_client *c,
                                  const struct plc_publication *p, void *arg)
{
    (void)c, (void)arg;
    rig_log("server:%s:%.*s ", p->channel, (int)p->data.len,
            (const char *)p->data.at);
    act();
}

void rig_done(const struct plc_result *r, void *name)
{
    static const char *const outcomes[] = {"done", "refused", "not sent",
                                           "unknown"};

    rig_log("%s:%s", (const char *)name, outcomes[r->outcome]);
    if (r->outcome == PLC_REFUSED)
        rig_log("(%u %s)", r->code, r->message);
    else if (r->err != PL_OK)
        rig_log("(%d)", r->err);
    rig_log(" ");
    act();
}

void rig_sub_state(struct plc_sub *s, const struct plc_change *h, void *name)
{
    (void)s;
    rig_log("%s:%s(%u %s)%s ", (const char *)name, states[h->to], h->code,
            h->reason, h->recovered ? "+" : "");
    act();
}

void rig_sub_error(struct plc_sub *s, enum pl_err err, uint32_t code,
                   const char *text, void *name)
{
    (void)s, (void)err;
    rig_log("%s:error(%u %s) ", (const char *)name, code, text);
}

void rig_publication(struct plc_sub *s, const struct plc_publication *p,
                     void *name)
{
    (void)s;
    rig_log("%s:%.*s%s ", (const char *)name, (int)p->data.len,
            (const char *)p->data.at, p->recovered ? "+" : "");
    act();
}

void rig_presence(struct plc_sub *s, bool joined, const struct plc_info *i,
                  void *name)
{
    (void)s;
    rig_log("%s:%s(%s %s) ", (const char *)name, joined ? "join" : "leave",
            i->user, i->client);
}

void rig_release(void *name)
{
    rig_log("release(%s) ", (const char *)name);
}

void rig_called(const char *wanted)
{
    rig_turn();
    assert_string_equal(log_, wanted);
    log_[0] = rig_lines[0] = '\0';
}

/* --- Set-up --- */

static void on_stopped(struct plc_group *g, unsigned forced, void *arg)
{
    (void)g, (void)arg;
    rig_log("stopped(%u) ", forced);
}

static void on_line(enum plc_level level, const char *line, void *arg)
{
    size_t len = strlen(rig_lines);

    (void)level, (void)arg;
    snprintf(rig_lines + len, sizeof rig_lines - len, "%s\n", line);
}

int rig_set_up(void **state)
{
    struct pl_system_options o = {
        .loops = 1, .clock = &clock_.clock, .seed = 1};
    struct plc_group_options go = {.size = sizeof go,
                                   .event_queue = 4096,
                                   .log = on_line,
                                   .stopped = on_stopped};

    (void)state;
    pl_clock_driven_init(&clock_);
    if (pl_system_create(&sys, &o) != PL_OK ||
        plc_group_init(&group, sys, &go) != PL_OK)
        return -1;
    plc_group_set_network(group, &fake_network);
    loop = pl_system_loop(sys, 0);
    fake_set_up();
    client = NULL;
    rig_in_callback = NULL;
    log_[0] = '\0';
    options = (struct plc_client_options){
        .size = sizeof options,
        .url = "ws://127.0.0.1:8000/connection/websocket",
        .state = on_state,
        .error = on_error,
        .message = on_message,
        .server_state = on_server_state,
        .server_publication = on_server_publication,
        .release = rig_release,
        .arg = "client",
    };
    return 0;
}

int rig_tear_down(void **state)
{
    (void)state;
    plc_group_stop(group, 0);
    for (int i = 0; i < 100 && !plc_group_has_ended(group); i++)
        pl_loop_turn(loop);
    assert_true(plc_group_has_ended(group));
    assert_int_equal(pl_loop_stats(loop)->timers, 0);
    pl_system_close(sys);
    pl_system_reap(sys);
    plc_group_free(group);
    pl_system_destroy(sys);
    fake_tear_down();
    return 0;
}

void rig_client(void)
{
    assert_int_equal(plc_client_create(&client, group, &options), PL_OK);
    assert_int_equal(plc_client_connect(client), PL_OK);
    rig_turn();
}

struct plc_sub *rig_subscribe(const char *channel, uint32_t flags)
{
    struct plc_sub_options o = {
        .size = sizeof o,
        .channel = channel,
        .flags = flags,
        .state = rig_sub_state,
        .error = rig_sub_error,
        .publication = rig_publication,
        .presence = rig_presence,
        .release = rig_release,
        .arg = (void *)channel,
    };
    struct plc_sub *s;

    assert_int_equal(plc_subscribe(&s, client, &o), PL_OK);
    rig_turn();
    return s;
}

void rig_connect(void)
{
    rig_client();
    rig_serve(RIG_HELLO);
    rig_forget();
}

void rig_publish(const char *name)
{
    assert_int_equal(plc_publish(client, "a", "1", 1, rig_done, (void *)name),
                     PL_OK);
    rig_turn();
}

struct plc_status rig_status(void)
{
    struct plc_status s = {.size = sizeof s};

    rig_turn();
    plc_group_status(group, &s);
    assert_int_equal(s.accepted,
                     s.done + s.refused + s.not_sent + s.unknown + s.pending);
    return s;
}

/* --- The server --- */

bool rig_is_reached(void)
{
    return fakes != NULL;
}

void rig_came(const void *bytes, size_t len)
{
    pl_loop_awake(loop);
    fake_say(bytes, len);
    rig_turn();
}

void rig_accept(void)
{
    struct pl_buf b = {0};

    pl_loop_awake(loop);
    fake_open();
    fake_respond(&b, "");
    rig_came(b.data, b.len);
    pl_buf_fini(&b);
}

/* The text of all messages, one a line. */
void rig_read(struct pl_buf *text)
{
    struct pl_ws_limits limits = {.max_message = 1 << 20, .masked = true};
    struct pl_ws_decoder d = {0};
    struct pl_span in = pl_buf_span(&fake_got);
    struct pl_ws_event e;

    for (;;) {
        pl_ws_decode(&d, &limits, &in, &e);
        if (e.kind == PL_WS_EVENT_NONE)
            break;
        if (text->len > 0)
            pl_buf_put_byte(text, '\n');
        if (e.kind == PL_WS_EVENT_MESSAGE)
            pl_buf_put_span(text, e.payload);
        else
            pl_buf_printf(text, "<close %u>", e.code);
        if (e.kind == PL_WS_EVENT_CLOSE)
            break;
    }
    pl_ws_decoder_fini(&d, &limits);
    pl_buf_put(text, "", 1);
    fake_got.len = 0;
}

void rig_expect(const char *wanted)
{
    struct pl_buf text = {0};

    rig_turn();
    rig_read(&text);
    assert_string_equal(text.data, wanted);
    pl_buf_fini(&text);
}

unsigned rig_sends(void)
{
    struct pl_buf text = {0};
    unsigned n = 0;

    rig_read(&text);
    for (const char *at = text.data; (at = strstr(at, "{\"send\"")) != NULL;
         at++)
        n++;
    pl_buf_fini(&text);
    return n;
}

void rig_forget(void)
{
    rig_turn();
    fake_got.len = 0;
    log_[0] = '\0';
}

void rig_say(const char *text)
{
    struct pl_buf b = {0};

    pl_ws_frame_put(&b, PL_WS_TEXT, pl_span_of(text));
    rig_came(b.data, b.len);
    pl_buf_fini(&b);
}

/* The id of the connect command is the first in the newest message. */
void rig_serve(const char *result)
{
    struct pl_buf text = {0};
    char reply[1024];
    unsigned id = 0;

    rig_accept();
    rig_read(&text);
    char *at = strstr(text.data, "\"id\":");
    assert_non_null(at);
    id = (unsigned)strtoul(at + 5, NULL, 10);
    snprintf(reply, sizeof reply, "{\"id\":%u,\"connect\":%s}", id, result);
    pl_buf_fini(&text);
    rig_say(reply);
}

void rig_close(uint16_t code, const char *reason)
{
    struct pl_buf b = {0};

    if (code > 0) {
        pl_ws_frame_close(&b, code, pl_span_of(reason));
        rig_came(b.data, b.len);
        pl_buf_fini(&b);
    }
    pl_loop_awake(loop);
    if (fakes != NULL)
        fake_end(code > 0, "connection reset");
    rig_turn();
}
