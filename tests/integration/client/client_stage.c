/* SPDX-License-Identifier: Apache-2.0 */
/* client_stage.c - see client_stage.h.
 *
 * Invariant: the log has each callback once, in the order in which they ran. */
#include "client_stage.h"

#include <dirent.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

struct raw_server server;
struct plc_group *group;
struct plc_client *client;
struct plc_ws *channel;
struct plc_link link_options;
struct plc_client_options client_options;
struct plc_ws_options channel_options;
char url[80];
char log_[8192];
void (*in_callback)(void);

static unsigned entries_before;
static bool has_stopped;

static const char *const states[] = {"disconnected", "connecting",
                                     "connected",    "unsubscribed",
                                     "subscribing",  "subscribed"};

static void word(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void word(const char *format, ...)
{
    size_t len = strlen(log_);
    void (*what)(void) = in_callback;
    va_list args;

    va_start(args, format);
    vsnprintf(log_ + len, sizeof log_ - len, format, args);
    va_end(args);
    in_callback = NULL;
    if (what != NULL)
        what();
}

/* --- Callbacks --- */

static void on_state(struct plc_client *c, const struct plc_change *h,
                     void *arg)
{
    (void)c, (void)arg;
    word("%s(%u) ", states[h->to], h->code);
}

static void on_error(struct plc_client *c, enum pl_err err, uint32_t code,
                     const char *text, void *arg)
{
    (void)c, (void)err, (void)arg;
    word("error(%u %s) ", code, text);
}

static void on_server_state(struct plc_client *c, const char *name,
                            const struct plc_change *h, void *arg)
{
    (void)c, (void)arg;
    word("server:%s:%s(%u) ", name, states[h->to], h->code);
}

static void on_sub_state(struct plc_sub *s, const struct plc_change *h,
                         void *name)
{
    (void)s;
    word("%s:%s(%u)%s ", (const char *)name, states[h->to], h->code,
         h->recovered ? "+" : "");
}

static void on_publication(struct plc_sub *s, const struct plc_publication *p,
                           void *name)
{
    (void)s;
    word("%s:%.*s ", (const char *)name, (int)p->data.len,
         (const char *)p->data.at);
}

static void on_open(struct plc_ws *w, const char *subprotocol, void *arg)
{
    (void)w, (void)subprotocol, (void)arg;
    word("open ");
}

static void on_message(struct plc_ws *w, enum plc_kind kind,
                       const struct plc_bytes *data, void *arg)
{
    (void)w, (void)arg, (void)kind;
    word("\"%.*s\" ", (int)data->len, (const char *)data->at);
}

static void on_closed(struct plc_ws *w, uint16_t code, const char *reason,
                      bool clean, void *arg)
{
    (void)w, (void)arg;
    word("closed(%u %s %s) ", code, clean ? "clean" : "cut", reason);
}

static void on_failed(struct plc_ws *w, enum pl_err err, int http_status,
                      const char *why, void *arg)
{
    (void)w, (void)http_status, (void)arg;
    word("failed(%d %s) ", err, why);
}

static void on_done(const struct plc_result *r, void *name)
{
    static const char *const outcomes[] = {"done", "refused", "not sent",
                                           "unknown"};

    word("%s:%s ", (const char *)name, outcomes[r->outcome]);
}

static void on_stopped(struct plc_group *g, unsigned forced, void *arg)
{
    (void)g, (void)arg;
    has_stopped = true;
    word("stopped(%u) ", forced);
}

/* --- Waiting --- */

void await(bool (*holds)(void))
{
    struct pollfd p = {.fd = plc_group_fd(group), .events = POLLIN};

    while (!holds()) {
        if (poll(&p, 1, QUIET_MS) <= 0)
            fail_msg("nothing was called; the log is: %s", log_);
        plc_group_dispatch(group, 1);
    }
}

static const char *awaited;

static bool has_all(void)
{
    return strlen(log_) >= strlen(awaited);
}

static bool has_word(void)
{
    return strstr(log_, awaited) != NULL;
}

void called(const char *wanted)
{
    awaited = wanted;
    await(has_all);
    assert_string_equal(log_, wanted);
    log_[0] = '\0';
}

void await_word(const char *w)
{
    awaited = w;
    await(has_word);
}

/* --- What is left --- */

static unsigned count_entries(const char *folder)
{
    DIR *d = opendir(folder);
    unsigned n = 0;

    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

static void *do_nothing(void *arg)
{
    return arg;
}

/* With the first thread of a process, ThreadSanitizer starts one of its own,
 * which stays.  Let it come before anything is counted. */
static void start_a_thread(void)
{
    static bool has_started;
    pthread_t thread;

    if (has_started)
        return;
    has_started = true;
    assert_int_equal(pthread_create(&thread, NULL, do_nothing, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static unsigned count_leftovers(void)
{
    return count_entries("/proc/self/fd") + count_entries("/proc/self/task");
}

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

size_t allocated(void)
{
    if (__sanitizer_get_current_allocated_bytes != NULL)
        return __sanitizer_get_current_allocated_bytes();
    return mallinfo2().uordblks;
}

struct plc_status status_now(void)
{
    struct plc_status s = {.size = sizeof s};

    plc_group_status(group, &s);
    return s;
}

/* --- Set-up --- */

int set_up(void **state)
{
    struct plc_group_options go = {
        .size = sizeof go, .flags = PLC_MANUAL, .stopped = on_stopped};

    (void)state;
    start_a_thread();
    entries_before = count_leftovers();
    log_[0] = '\0';
    in_callback = NULL;
    has_stopped = false;
    raw_listen(&server);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", server.port);
    link_options = (struct plc_link){.size = sizeof link_options};
    client_options = (struct plc_client_options){
        .size = sizeof client_options,
        .url = url,
        .link = &link_options,
        .backoff_min_ms = 1,
        .backoff_max_ms = 2,
        .state = on_state,
        .error = on_error,
        .server_state = on_server_state,
    };
    channel_options = (struct plc_ws_options){
        .size = sizeof channel_options,
        .url = url,
        .link = &link_options,
        .open = on_open,
        .message = on_message,
        .closed = on_closed,
        .failed = on_failed,
    };
    return plc_group_create(&group, &go) == PL_OK ? 0 : -1;
}

static bool is_stopped(void)
{
    return has_stopped;
}

int tear_down(void **state)
{
    (void)state;
    in_callback = NULL;
    plc_group_stop(group, 0);
    await(is_stopped);
    assert_int_equal(plc_group_wait(group, LONG_MS), PL_OK);
    struct plc_status s = status_now();
    assert_int_equal(s.pending, 0);
    assert_int_equal(s.open, 0);
    assert_int_equal(s.queue_bytes, 0);
    assert_int_equal(s.accepted, s.done + s.refused + s.not_sent + s.unknown);
    plc_group_destroy(group);
    raw_fini(&server);
    assert_int_equal(count_leftovers(), entries_before);
    return 0;
}

void use_tls(void)
{
    snprintf(url, sizeof url, "wss://127.0.0.1:%u/", server.port);
}

void create_client(void)
{
    assert_int_equal(plc_client_create(&client, group, &client_options), PL_OK);
    assert_int_equal(plc_client_connect(client), PL_OK);
}

void create_channel(void)
{
    assert_int_equal(plc_ws_create(&channel, group, &channel_options), PL_OK);
    assert_int_equal(plc_ws_open(channel), PL_OK);
}

struct plc_sub *subscribe(const char *name, uint32_t flags)
{
    struct plc_sub_options o = {
        .size = sizeof o,
        .channel = name,
        .flags = flags,
        .state = on_sub_state,
        .publication = on_publication,
        .arg = (void *)name,
    };
    struct plc_sub *s;

    assert_int_equal(plc_subscribe(&s, client, &o), PL_OK);
    return s;
}

enum pl_err publish(const char *name)
{
    return plc_publish(client, "a", "1", 1, on_done, (void *)name);
}

enum pl_err send_text(const char *name)
{
    struct plc_bytes part = {name, strlen(name)};

    return plc_ws_send(channel, PLC_TEXT, &part, 1, on_done, (void *)name);
}
