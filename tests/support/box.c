/* SPDX-License-Identifier: Apache-2.0 */
/* box.c - see box.h.
 *
 * Everything is asked through pl_broker_status(), as an embedding program
 * would: what is true for a test is what the broker tells strangers.  Waiting
 * looks again until a deadline; nothing is concluded from how long it took.
 *
 * Failures call abort() with a line on stderr, since they may come on any
 * thread and cmocka's assertions only work on its own. */
#include "box.h"

#include <dirent.h>
#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker.h"
#include "buf.h"
#include "late_store.h"
#include "log.h"
#include "loop.h"
#include "reactor.h"
#include "moment.h"

#if defined(__has_feature) /* clang has no macros for these */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER
#endif
#ifdef HAS_SANITIZER
/* Of the sanitizer's runtime; not every compiler installs its header. */
size_t __sanitizer_get_current_allocated_bytes(void);
#endif

enum { SETS_MAX = 32 };

static void fail(const char *what, const char *detail)
{
    fprintf(stderr, "box: %s: %s\n", what, detail);
    abort();
}

/* --- Life --- */

/* Seeds differ, so that loops do not answer in step. */
static enum pl_err make_late_stores(struct pl_channels_options *options,
                                    struct pl_reactor *reactor, void *delay_ms)
{
    struct pl_loop *loop = pl_reactor_loop(reactor);
    struct pl_late_options late = {
        .seed = 1 + pl_loop_index(loop),
        .delay_ms = (uint32_t)strtoul(delay_ms, NULL, 10),
    };

    return pl_late_stores_create(options, loop, &late);
}

void box_open(struct box *b, const struct pl_broker_setup *setup)
{
    enum pl_err rc = pl_broker_open(&b->broker, setup);

    if (rc != PL_OK)
        fail("cannot create", pl_err_text(rc));
    char *delay_ms = getenv("PL_LATE_DELAY_MS");
    if (delay_ms != NULL)
        pl_broker_set_stores(b->broker, make_late_stores, delay_ms);
}

static void create(struct box *b, const char *const *sets, bool insecure)
{
    const char *all[SETS_MAX] = {"listen=[127.0.0.1:0]", "admin.listen=off",
                                 "admin.socket=off",     "loops=2",
                                 "ping.interval=1h",     "connect.timeout=1h",
                                 "limits.loop_lag=0"}; /* sanitizers are slow */
    struct pl_broker_setup o = {.size = sizeof o,
                                .sets = all,
                                .set_count = 7,
                                .flags = insecure ? PL_INSECURE : 0};

    while (sets != NULL && *sets != NULL && o.set_count < SETS_MAX)
        all[o.set_count++] = *sets++;
    box_open(b, &o);
}

void box_create(struct box *b, const char *const *sets)
{
    create(b, sets, true);
}

void box_create_strict(struct box *b, const char *const *sets)
{
    create(b, sets, false);
}

void box_run(struct box *b)
{
    enum pl_err rc = pl_broker_start(b->broker);

    if (rc != PL_OK)
        fail("cannot start", pl_err_text(rc));
    b->port = pl_broker_port(b->broker, 0);
}

void box_start(struct box *b, const char *const *sets)
{
    box_create(b, sets);
    box_run(b);
}

void box_stop(struct box *b)
{
    pl_broker_stop(b->broker);
    enum pl_err rc = pl_broker_wait(b->broker);
    if (rc != PL_OK)
        fail("cannot stop", pl_err_text(rc));
    if (!pl_broker_is_balanced(b->broker))
        fail("is not balanced after the stop", "see the log");
    box_assert_zero(b);
}

void box_destroy(struct box *b)
{
    box_rest(b);
    box_stop(b);
    pl_broker_destroy(b->broker);
    b->broker = NULL;
}

/* --- Status --- */

static json_t *find(json_t *at, const char *path)
{
    char part[64];

    while (at != NULL && *path != '\0') {
        size_t len = strcspn(path, ".");

        snprintf(part, sizeof part, "%.*s", (int)len, path);
        at = json_is_array(at) ? json_array_get(at, strtoul(part, NULL, 10))
                               : json_object_get(at, part);
        path += len + (path[len] == '.');
    }
    return at;
}

static int64_t number_in(json_t *root, const char *path)
{
    json_t *at = find(root, path);

    if (json_is_boolean(at))
        return json_is_true(at);
    if (!json_is_integer(at))
        fail("the status has no such number", path);
    return json_integer_value(at);
}

static void check_signs(json_t *at, const char *text)
{
    const char *key;
    json_t *inner;
    size_t i;

    if (json_is_integer(at) && json_integer_value(at) < 0) {
        fprintf(stderr, "%s\n", text);
        fail("a number is negative", "see the status");
    }
    json_object_foreach(at, key, inner) check_signs(inner, text);
    json_array_foreach(at, i, inner) check_signs(inner, text);
}

/* Each loop publishes its numbers at the end of a turn.  So these ledgers,
 * which are balanced when those of each loop are, agree at any time; only what
 * is posted between loops may be on its way. */
static void check_ledgers(json_t *root, const char *text)
{
    static const char *const exact[] = {"ledgers.commands.balanced",
                                        "ledgers.mail.balanced",
                                        "ledgers.deliveries.balanced"};

    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        if (number_in(root, exact[i]) == 1)
            continue;
        fprintf(stderr, "%s\n", text);
        fail("is not balanced", exact[i]);
    }
}

/* Whatever a test asks for, all of the status must make sense. */
static json_t *status_of(const struct box *b, char **text)
{
    json_error_t error;

    if (pl_broker_status(b->broker, text) != PL_OK)
        fail("no status", "out of memory");
    json_t *root = json_loads(*text, 0, &error);
    if (root == NULL)
        fail("the status is not JSON", error.text);
    check_signs(root, *text);
    check_ledgers(root, *text);
    return root;
}

int64_t box_number(const struct box *b, const char *path)
{
    char *text;
    json_t *root = status_of(b, &text);
    int64_t n = number_in(root, path);

    json_decref(root);
    free(text);
    return n;
}

bool box_has_text(const struct box *b, const char *path, const char *wanted)
{
    char *text;
    json_t *root = status_of(b, &text);
    const char *is = json_string_value(find(root, path));
    bool has = is != NULL && strcmp(is, wanted) == 0;

    json_decref(root);
    free(text);
    return has;
}

bool box_has_null(const struct box *b, const char *path)
{
    char *text;
    json_t *root = status_of(b, &text);
    bool has = json_is_null(find(root, path));

    json_decref(root);
    free(text);
    return has;
}

static void say_status(const struct box *b)
{
    char *text;

    json_decref(status_of(b, &text));
    fprintf(stderr, "%s\n", text);
    free(text);
}

static bool is_late(const struct box *b, uint64_t began)
{
    if (moment_ms() > began + BOX_DEADLINE_MS) {
        say_status(b);
        return true;
    }
    moment_rest(began);
    return false;
}

void box_await(const struct box *b, const char *path, int64_t value)
{
    uint64_t began = moment_ms();

    while (box_number(b, path) != value) {
        if (is_late(b, began))
            fail("did not get its value", path);
    }
}

void box_await_least(const struct box *b, const char *path, int64_t value)
{
    uint64_t began = moment_ms();

    while (box_number(b, path) < value) {
        if (is_late(b, began))
            fail("did not get large enough", path);
    }
}

void box_await_text(const struct box *b, const char *path, const char *text)
{
    uint64_t began = moment_ms();

    while (!box_has_text(b, path, text)) {
        if (is_late(b, began))
            fail("did not get its text", path);
    }
}

static const char *const ledgers[] = {
    "ledgers.commands.balanced",
    "ledgers.mail.balanced",
    "ledgers.deliveries.balanced",
    "ledgers.posts.balanced",
};

static const char *const in_progress[] = {
    "commands.pending",
    "deliveries.queued",
    "mailboxes.queued",
    "connections.out_queue_bytes",
};

/* Posts tell whether anything is in transit, and so whether the loops' numbers
 * are from moments that fit together. */
static bool is_at_rest(json_t *root)
{
    for (size_t i = 0; i < sizeof in_progress / sizeof *in_progress; i++) {
        if (number_in(root, in_progress[i]) != 0)
            return false;
    }
    return number_in(root, "ledgers.posts.balanced") != 0;
}

static bool has_rest(const struct box *b)
{
    char *text;
    json_t *root = status_of(b, &text);
    bool rests = is_at_rest(root);

    for (size_t i = 0; rests && i < sizeof ledgers / sizeof *ledgers; i++) {
        if (number_in(root, ledgers[i]) != 1) {
            fprintf(stderr, "%s\n", text);
            fail("is not balanced", ledgers[i]);
        }
    }
    json_decref(root);
    free(text);
    return rests;
}

void box_rest(const struct box *b)
{
    uint64_t began = moment_ms();

    while (!has_rest(b)) {
        if (is_late(b, began))
            fail("did not come to rest", "see the status");
    }
}

void box_assert_zero(const struct box *b)
{
    static const char *const gauges[] = {"active_connections",
                                         "registered_users",
                                         "custom_handlers",
                                         "listeners",
                                         "connections.open",
                                         "connections.logged_in",
                                         "admission.addresses",
                                         "admission.connections",
                                         "dead_letters.refused",
                                         "connections.out_queue_bytes",
                                         "users.all",
                                         "users.single",
                                         "users.several",
                                         "channels.with_subscribers",
                                         "channels.positions_kept",
                                         "channels.subscriptions",
                                         "mailboxes.queued",
                                         "mailboxes.deepest",
                                         "mailboxes.actors",
                                         "mailboxes.timers",
                                         "mailboxes.wait_ns",
                                         "handlers.registered",
                                         "commands.pending",
                                         "deliveries.queued",
                                         "loops.0.lag_ns",
                                         "loops.0.lag_recent_ns",
                                         "memory.used",
                                         "memory.limit",
                                         "memory.state",
                                         "loops.0.actors",
                                         "loops.0.timers",
                                         "loops.0.connections",
                                         "loops.0.mail_queued"};
    char *text;
    json_t *root = status_of(b, &text);

    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++) {
        if (number_in(root, gauges[i]) == 0)
            continue;
        fprintf(stderr, "%s\n", text);
        fail("is not 0 after the stop", gauges[i]);
    }
    for (size_t i = 0; i < sizeof ledgers / sizeof *ledgers; i++) {
        if (number_in(root, ledgers[i]) == 1)
            continue;
        fprintf(stderr, "%s\n", text);
        fail("is not balanced after the stop", ledgers[i]);
    }
    json_decref(root);
    free(text);
}

/* --- The process --- */

static unsigned count_entries(const char *path)
{
    DIR *d = opendir(path);
    unsigned n = 0;

    if (d == NULL)
        fail("cannot read", path);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static size_t heap_in_use(void)
{
#ifdef HAS_SANITIZER
    return __sanitizer_get_current_allocated_bytes();
#else
    return mallinfo2().uordblks;
#endif
}

void box_census(struct box_census *out)
{
    out->threads = count_entries("/proc/self/task");
    out->descriptors = count_entries("/proc/self/fd");
    out->heap = heap_in_use();
}

void box_await_census(const struct box_census *then)
{
    uint64_t began = moment_ms();
    struct box_census now;

    for (;;) {
        box_census(&now);
        if (now.threads == then->threads &&
            now.descriptors == then->descriptors)
            return;
        if (moment_ms() > began + BOX_DEADLINE_MS)
            break;
        moment_rest(began); /* a joined thread leaves /proc a moment later */
    }
    fprintf(stderr, "threads %u, then %u; descriptors %u, then %u\n",
            then->threads, now.threads, then->descriptors, now.descriptors);
    fail("left something behind", "threads or descriptors");
}

/* --- The log --- */

static struct {
    pthread_mutex_t lock;
    struct pl_buf lines;
    unsigned warnings;
} logged = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void sink(void *arg, enum pl_log_level level, struct pl_span line)
{
    (void)arg;
    pthread_mutex_lock(&logged.lock);
    pl_buf_put_span(&logged.lines, line);
    logged.warnings += level >= PL_LOG_WARN;
    pthread_mutex_unlock(&logged.lock);
}

void box_log_begin(void)
{
    pl_buf_fini(&logged.lines);
    logged.warnings = 0;
    pl_log_set_sink(sink, NULL);
}

void box_log_end(void)
{
    pl_log_set_sink(NULL, NULL);
    pl_buf_fini(&logged.lines);
}

unsigned box_log_warnings(void)
{
    pl_log_flush(BOX_DEADLINE_MS);
    pthread_mutex_lock(&logged.lock);
    unsigned n = logged.warnings;
    if (n > 0)
        fwrite(logged.lines.data, 1, logged.lines.len, stderr);
    pthread_mutex_unlock(&logged.lock);
    return n;
}

unsigned box_log_count(const char *text)
{
    size_t len = strlen(text);
    unsigned n = 0;

    pl_log_flush(BOX_DEADLINE_MS);
    pthread_mutex_lock(&logged.lock);
    for (size_t at = 0; at < logged.lines.len; at++) {
        const char *found =
            memmem(logged.lines.data + at, logged.lines.len - at, text, len);
        if (found == NULL)
            break;
        at = (size_t)(found - logged.lines.data);
        n++;
    }
    pthread_mutex_unlock(&logged.lock);
    return n;
}

bool box_log_has(const char *text)
{
    return box_log_count(text) > 0;
}
