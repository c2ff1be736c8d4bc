/* SPDX-License-Identifier: Apache-2.0 */
/* test_embed.c - row A22: a broker fits into the life of its host.
 *
 *     test_broker_embed EXAMPLE
 *
 * EXAMPLE is docs/examples/embed.c, built; from the build tree or against what
 * was installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box.h"
#include "broker.h"
#include "gate.h"
#include "handlers_mail.h"
#include "peer.h"
#include "reactor.h"
#include "status.h"

static const char *example;

/* --- The host's own loop --- */

struct host {
    struct box box;
    struct gate gate;
    struct event_base *base;
    struct event *bell;
    int pipe[2];
    unsigned answered;
    bool has_stopped; /* the broker said so */
};

/* A handler of the broker: rings in the host's loop. */
static void ring(struct pl_call *call, void *context)
{
    struct host *h = context;

    gate_keep(call, &h->gate);
    assert_int_equal(write(h->pipe[1], "c", 1), 1);
}

static void on_stopped(void *context)
{
    struct host *h = context;

    assert_int_equal(write(h->pipe[1], "s", 1), 1);
}

/* On the host's loop, whose thread has no part in the broker. */
static void on_bell(evutil_socket_t fd, short what, void *context)
{
    struct host *h = context;
    char letter;

    (void)what;
    assert_int_equal(read(fd, &letter, 1), 1);
    if (letter == 's') {
        h->has_stopped = true;
        event_base_loopbreak(h->base);
        return;
    }
    h->answered++;
    pl_call_reply(gate_take(&h->gate), "\"from the host\"", 15);
    if (h->answered == 3)
        pl_broker_stop(h->box.broker);
}

static void create_host(struct host *h)
{
    const char *sets[] = {"listen=[127.0.0.1:0]", "admin.listen=off",
                          "admin.socket=off", "loops=2"};
    struct pl_broker_setup o = {.size = sizeof o,
                                .sets = sets,
                                .set_count = 4,
                                .flags = PL_INSECURE,
                                .stopped = on_stopped,
                                .arg = h};

    gate_init(&h->gate);
    assert_int_equal(pipe(h->pipe), 0);
    h->base = event_base_new();
    h->bell = event_new(h->base, h->pipe[0], EV_READ | EV_PERSIST, on_bell, h);
    event_add(h->bell, NULL);
    assert_int_equal(pl_broker_open(&h->box.broker, &o), PL_OK);
    assert_int_equal(pl_broker_method(h->box.broker, "ring", ring, h, NULL),
                     PL_OK);
}

static void a22_a_host_with_a_loop_of_its_own_lives_on(void **st)
{
    static struct host h;
    struct peer_reply r;
    struct peer p;

    (void)st;
    create_host(&h);
    box_run(&h.box);
    peer_enter(&p, h.box.port, PEER_JSON, NULL, NULL);
    uint32_t first = peer_rpc(&p, "ring", "1");
    peer_rpc(&p, "ring", "2");
    uint32_t last = peer_rpc(&p, "ring", "3");
    p.is_unresponsive = true; /* nobody reads while the host is in its loop */
    event_base_dispatch(h.base);
    assert_true(h.has_stopped);
    assert_int_equal(h.answered, 3);
    assert_int_equal(pl_broker_wait(h.box.broker), PL_OK);
    peer_await(&p, first, &r);
    assert_true(pl_span_equal(r.data, PL_SPAN("\"from the host\"")));
    peer_await(&p, last, &r);
    assert_int_equal(peer_await_end(&p), 3001);
    peer_fini(&p);
    box_assert_zero(&h.box);
    /* the host's loop is as good as before */
    assert_int_equal(write(h.pipe[1], "s", 1), 1);
    h.has_stopped = false;
    event_base_dispatch(h.base);
    assert_true(h.has_stopped);
    box_destroy(&h.box);
    event_free(h.bell);
    event_base_free(h.base);
    close(h.pipe[0]);
    close(h.pipe[1]);
    gate_fini(&h.gate);
}

/* --- In the middle of a start --- */

/* Called when all threads run but that of the control loop. */
static void (*before_control)(void);

enum pl_err __real_pl_reactor_start(struct pl_reactor *r, const char *name);
enum pl_err __wrap_pl_reactor_start(struct pl_reactor *r, const char *name);

enum pl_err __wrap_pl_reactor_start(struct pl_reactor *r, const char *name)
{
    if (before_control != NULL && strcmp(name, "parley-control") == 0)
        before_control();
    return __real_pl_reactor_start(r, name);
}

static struct box early;
static struct peer early_bird;

static void stop_it(struct pl_call *call, void *context)
{
    (void)context;
    pl_broker_stop(early.broker);
    pl_call_reply(call, "1", 1);
}

static void come_early(void)
{
    struct peer_reply r;

    peer_enter(&early_bird, pl_broker_port(early.broker, 0), PEER_JSON, NULL,
               NULL);
    peer_await(&early_bird, peer_rpc(&early_bird, "stop", "1"), &r);
    assert_int_equal(r.kind, PEER_RESULT);
}

static void a_handler_may_stop_it_before_the_start_returns(void **st)
{
    const char *sets[] = {"loops=1", NULL};

    (void)st;
    box_create(&early, sets);
    assert_int_equal(
        pl_broker_method(early.broker, "stop", stop_it, NULL, NULL), PL_OK);
    before_control = come_early;
    box_run(&early);
    before_control = NULL;
    box_await(&early, "server_running", 0);
    assert_int_equal(peer_await_end(&early_bird), 3001);
    peer_fini(&early_bird);
    assert_int_equal(pl_broker_wait(early.broker), PL_OK);
    box_destroy(&early);
}

/* --- Without memory --- */

static unsigned mail_fails_at; /* 0: it does not */

struct pl_handlers_mail *__real_pl_handlers_mail_create(void);
struct pl_handlers_mail *__wrap_pl_handlers_mail_create(void);

struct pl_handlers_mail *__wrap_pl_handlers_mail_create(void)
{
    if (mail_fails_at > 0 && --mail_fails_at == 0)
        return NULL;
    return __real_pl_handlers_mail_create();
}

static uint32_t echo_code(struct peer *p)
{
    struct peer_reply r;

    peer_await(p, peer_rpc(p, "echo", "1"), &r);
    return r.code;
}

/* A loop takes over what is registered meanwhile with one of its turns. */
static void await_echo(struct peer *p, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        while (echo_code(&p[i]) != 0)
            ;
    }
}

/* Often enough that what is on its way to a loop is there. */
static void expect_echo(struct peer *p, unsigned count, uint32_t code)
{
    for (unsigned i = 0; i < 20 * count; i++)
        assert_int_equal(echo_code(&p[i % count]), code);
}

/* Each peer is on a loop of its own. */
static void a_handler_is_registered_on_every_loop_or_on_none(void **st)
{
    struct peer p[2];
    struct box b;

    (void)st;
    box_start(&b, NULL);
    for (int i = 0; i < 2; i++)
        peer_enter(&p[i], b.port, PEER_JSON, NULL, NULL);
    mail_fails_at = 2;
    assert_int_equal(pl_broker_method(b.broker, "echo", gate_echo, NULL, NULL),
                     PL_ENOMEM);
    expect_echo(p, 2, 108);
    assert_int_equal(pl_broker_method(b.broker, "echo", gate_echo, NULL, NULL),
                     PL_OK);
    await_echo(p, 2);
    mail_fails_at = 2;
    assert_int_equal(pl_broker_drop_method(b.broker, "echo"), PL_ENOMEM);
    expect_echo(p, 2, 0);
    for (int i = 0; i < 2; i++)
        peer_fini(&p[i]);
    box_destroy(&b);
}

/* --- Two brokers --- */

/* One with a file, in which there is nothing but the level. */
struct leveled {
    struct box box;
    char file[32];
};

static void set_level(const struct leveled *l, const char *level)
{
    FILE *f = fopen(l->file, "we");

    assert_non_null(f);
    assert_true(fprintf(f, "log: {level: %s}\n", level) > 0);
    assert_int_equal(fclose(f), 0);
}

static void start_leveled(struct leveled *l, const char *level)
{
    static const char *const sets[] = {"listen=[127.0.0.1:0]",
                                       "admin.listen=off", "admin.socket=off",
                                       "loops=2"};
    struct pl_broker_setup o = {.size = sizeof o,
                                .config_file = l->file,
                                .sets = sets,
                                .set_count = 4,
                                .flags = PL_INSECURE};

    snprintf(l->file, sizeof l->file, "/tmp/parley-XXXXXX");
    int fd = mkstemp(l->file);
    assert_true(fd >= 0);
    close(fd);
    set_level(l, level);
    assert_int_equal(pl_broker_open(&l->box.broker, &o), PL_OK);
    box_run(&l->box);
}

static void end_leveled(struct leveled *l)
{
    box_destroy(&l->box);
    unlink(l->file);
}

/* Whether its loops say what they say of a client at the level debug.  Both
 * loops have one by then. */
static bool is_debugging(const struct leveled *l)
{
    char id[2][64], line[2][192];
    struct peer p[2];

    for (int i = 0; i < 2; i++) {
        peer_enter(&p[i], l->box.port, PEER_JSON, NULL, id[i]);
        snprintf(line[i], sizeof line[i],
                 "level=debug event=\"client connected\" client=%s ", id[i]);
    }
    for (int i = 0; i < 2; i++)
        peer_fini(&p[i]);
    assert_int_equal(box_log_has(line[0]), box_log_has(line[1]));
    return box_log_has(line[0]);
}

static void reload(struct leveled *l, const char *level)
{
    set_level(l, level);
    assert_int_equal(pl_broker_reload(l->box.broker), PL_OK);
}

static void each_of_two_brokers_has_a_level_of_its_own(void **st)
{
    struct leveled a, b;

    (void)st;
    box_log_begin();
    start_leveled(&a, "debug");
    start_leveled(&b, "warn");
    assert_true(is_debugging(&a));
    assert_false(is_debugging(&b));
    assert_int_equal(box_log_count("event=running "), 1); /* of `a` */
    reload(&b, "debug");
    assert_true(is_debugging(&a));
    assert_true(is_debugging(&b));
    reload(&a, "error");
    assert_false(is_debugging(&a));
    assert_true(is_debugging(&b));
    /* a life later it is still the reloaded one */
    unsigned running = box_log_count("event=running ");
    box_stop(&a.box);
    box_run(&a.box);
    assert_int_equal(box_log_count("event=running "), running);
    assert_false(is_debugging(&a));
    assert_true(is_debugging(&b));
    end_leveled(&a);
    assert_true(is_debugging(&b));
    end_leveled(&b);
    box_log_end();
}

/* --- A start that fails --- */

/* Somebody else has the port. */
static int take_port(uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static void a_start_that_fails_gives_all_back_and_may_come_again(void **st)
{
    char folder[] = "/tmp/parley-XXXXXX", path[64], socket_set[96], listen[64];
    struct box_census before;
    uint16_t port;
    struct box b;

    (void)st;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/s", folder);
    snprintf(socket_set, sizeof socket_set, "admin.socket=%s", path);
    int other = take_port(&port);
    snprintf(listen, sizeof listen, "listen=[127.0.0.1:%u]", port);
    const char *sets[] = {listen, socket_set, "admin.listen=127.0.0.1:0", NULL};
    box_log_begin();
    box_create(&b, sets);
    box_census(&before);
    assert_int_equal(pl_broker_start(b.broker), PL_EIO);
    assert_true(box_log_has("Address already in use"));
    assert_true(box_log_has("level=error event=\"cannot start\""));
    box_await_census(&before);
    assert_int_not_equal(access(path, F_OK), 0);
    close(other);
    box_run(&b);
    assert_int_equal(access(path, F_OK), 0);
    box_destroy(&b);
    box_log_end();
    assert_int_equal(rmdir(folder), 0);
}

/* --- What cannot be looked at --- */

/* What /proc tells; 0: nothing.  By default what it really does. */
static atomic_bool is_proc_unreadable, is_memory_full, is_status_short;
static atomic_uint measured;

uint64_t __real_pl_memory_resident(const char *root);
uint64_t __wrap_pl_memory_resident(const char *root);
uint64_t __real_pl_memory_ceiling(const char *root);
uint64_t __wrap_pl_memory_ceiling(const char *root);
enum pl_err __real_pl_status_collect(struct pl_status *out,
                                     const struct pl_status_source *from);
enum pl_err __wrap_pl_status_collect(struct pl_status *out,
                                     const struct pl_status_source *from);

uint64_t __wrap_pl_memory_resident(const char *root)
{
    atomic_fetch_add(&measured, 1);
    if (atomic_load(&is_proc_unreadable))
        return 0;
    return atomic_load(&is_memory_full) ? 1ull << 50
                                        : __real_pl_memory_resident(root);
}

uint64_t __wrap_pl_memory_ceiling(const char *root)
{
    return atomic_load(&is_proc_unreadable) ? 0
                                            : __real_pl_memory_ceiling(root);
}

enum pl_err __wrap_pl_status_collect(struct pl_status *out,
                                     const struct pl_status_source *from)
{
    return atomic_load(&is_status_short) ? PL_ENOMEM
                                         : __real_pl_status_collect(out, from);
}

static void a_limit_of_memory_that_cannot_be_kept_is_no_start(void **st)
{
    static const char *const limits[] = {
        "limits.memory=auto", "limits.memory=10%", "limits.memory=64GiB"};

    (void)st;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const char *sets[] = {limits[i], NULL};
        struct box b;

        box_log_begin();
        box_create(&b, sets);
        atomic_store(&is_proc_unreadable, true);
        assert_int_equal(pl_broker_start(b.broker), PL_EIO);
        atomic_store(&is_proc_unreadable, false);
        assert_true(box_log_has("limits.memory cannot be kept"));
        box_run(&b);
        box_destroy(&b);
        box_log_end();
    }
}

/* As when no descriptor is left to read /proc with. */
static void memory_that_cannot_be_read_is_as_it_was(void **st)
{
    const char *sets[] = {"limits.memory=64GiB", NULL};
    struct box b;

    (void)st;
    box_start(&b, sets);
    atomic_store(&is_memory_full, true);
    box_await(&b, "memory.state", 2);
    atomic_store(&is_proc_unreadable, true);
    unsigned before = atomic_load(&measured);
    while (atomic_load(&measured) < before + 6)
        sched_yield();
    assert_int_equal(box_number(&b, "memory.state"), 2);
    atomic_store(&is_memory_full, false);
    atomic_store(&is_proc_unreadable, false);
    box_await(&b, "memory.state", 0);
    box_destroy(&b);
}

static void ledgers_that_nobody_could_look_at_are_not_balanced(void **st)
{
    struct box b;

    (void)st;
    box_log_begin();
    box_start(&b, NULL);
    atomic_store(&is_status_short, true);
    pl_broker_stop(b.broker);
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    atomic_store(&is_status_short, false);
    assert_false(pl_broker_is_balanced(b.broker));
    assert_true(box_log_has("the ledgers were not checked"));
    pl_broker_destroy(b.broker);
    box_log_end();
}

/* --- The example --- */

struct program {
    pid_t pid;
    FILE *out;
    int log; /* what it says on stderr, in memory */
    uint16_t port;
};

static void start_example(struct program *e)
{
    int out[2];
    unsigned port;

    assert_int_equal(pipe(out), 0);
    e->log = memfd_create("log", MFD_CLOEXEC);
    assert_true(e->log >= 0);
    fflush(NULL);
    e->pid = fork();
    assert_true(e->pid >= 0);
    if (e->pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        dup2(e->log, STDERR_FILENO);
        close(out[0]);
        close(out[1]);
        execl(example, example, "0", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    e->out = fdopen(out[0], "r");
    assert_int_equal(fscanf(e->out, "listening on port %u", &port), 1);
    e->port = (uint16_t)port;
}

/* Among errors would be a ledger that does not agree behind the stop. */
static void assert_clean_log(struct program *e)
{
    static char text[1 << 16];
    ssize_t n = pread(e->log, text, sizeof text - 1, 0);

    assert_true(n >= 0);
    text[n] = '\0';
    if (strstr(text, "level=warn") != NULL ||
        strstr(text, "level=error") != NULL)
        fail_msg("%s", text);
    assert_non_null(strstr(text, "event=stopped"));
    close(e->log);
}

static int end_example(struct program *e)
{
    int status;

    kill(e->pid, SIGTERM);
    while (waitpid(e->pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    fclose(e->out);
    assert_true(WIFEXITED(status));
    assert_clean_log(e);
    return WEXITSTATUS(status);
}

static void say_name(struct peer *p, const char *name)
{
    char text[128];
    int len =
        snprintf(text, sizeof text,
                 "{\"id\":1,\"connect\":{\"data\":{\"name\":\"%s\"}}}", name);

    p->last_id = 1;
    peer_frame(p, PL_WS_TEXT, (struct pl_span){text, (size_t)len});
}

static void a22_the_example_serves_three_handlers_and_stops(void **st)
{
    struct program e;
    struct peer_reply r;
    struct peer ann, nobody;

    (void)st;
    if (example == NULL)
        skip();
    start_example(&e);
    assert_int_equal(peer_open(&ann, e.port, PEER_JSON), 101);
    say_name(&ann, "ann");
    peer_await(&ann, 1, &r);
    assert_int_equal(r.kind, PEER_RESULT);
    peer_await(&ann, peer_rpc(&ann, "echo", "{\"a\":1}"), &r);
    assert_true(pl_span_equal(r.data, PL_SPAN("{\"a\":1}")));
    peer_await(&ann, peer_rpc(&ann, "count", "\"12345\""), &r);
    assert_true(pl_span_equal(r.data, PL_SPAN("{\"bytes\":7}")));
    peer_join(&ann, "room");

    assert_int_equal(peer_open(&nobody, e.port, PEER_JSON), 101);
    say_name(&nobody, "");
    peer_await(&nobody, 1, &r);
    assert_int_equal(r.kind, PEER_ERROR);
    assert_int_equal(r.code, 1401);
    peer_fini(&nobody);

    kill(e.pid, SIGTERM);
    assert_int_equal(peer_await_end(&ann), 3001);
    peer_fini(&ann);
    assert_int_equal(end_example(&e), 0);
}

/* --- A wait without an end --- */

/* While days pass, each wait with a deadline is over at once. */
static atomic_bool do_days_pass, is_waiting, has_stopped_a_loop;

int __wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m);
int __real_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m);
int __wrap_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m,
                                  const struct timespec *until);
int __real_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m,
                                  const struct timespec *until);
void __wrap_pl_reactor_stop(struct pl_reactor *r);
void __real_pl_reactor_stop(struct pl_reactor *r);

int __wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
    atomic_store(&is_waiting, true);
    return __real_pthread_cond_wait(c, m);
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m,
                                  const struct timespec *until)
{
    return atomic_load(&do_days_pass)
               ? ETIMEDOUT
               : __real_pthread_cond_timedwait(c, m, until);
}

void __wrap_pl_reactor_stop(struct pl_reactor *r)
{
    atomic_store(&has_stopped_a_loop, true);
    __real_pl_reactor_stop(r);
}

static void *wait_for_it(void *broker)
{
    enum pl_err rc = pl_broker_wait(broker);

    return rc == PL_OK ? broker : NULL;
}

static void a_wait_has_no_end_but_the_stop(void **state)
{
    struct peer p;
    struct box b;
    pthread_t waiter;
    void *result;

    (void)state;
    box_start(&b, NULL);
    atomic_store(&has_stopped_a_loop, false);
    atomic_store(&is_waiting, false);
    atomic_store(&do_days_pass, true);
    assert_int_equal(pthread_create(&waiter, NULL, wait_for_it, b.broker), 0);
    while (!atomic_load(&is_waiting) && !atomic_load(&has_stopped_a_loop))
        sched_yield();
    assert_false(atomic_load(&has_stopped_a_loop));
    atomic_store(&do_days_pass, false);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL); /* it serves */
    pl_broker_stop(b.broker);
    assert_int_equal(peer_await_end(&p), 3001);
    assert_int_equal(pthread_join(waiter, &result), 0);
    assert_ptr_equal(result, b.broker);
    peer_fini(&p);
    pl_broker_destroy(b.broker);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a22_a_host_with_a_loop_of_its_own_lives_on),
        cmocka_unit_test(a_handler_may_stop_it_before_the_start_returns),
        cmocka_unit_test(a_handler_is_registered_on_every_loop_or_on_none),
        cmocka_unit_test(each_of_two_brokers_has_a_level_of_its_own),
        cmocka_unit_test(a_start_that_fails_gives_all_back_and_may_come_again),
        cmocka_unit_test(a_limit_of_memory_that_cannot_be_kept_is_no_start),
        cmocka_unit_test(memory_that_cannot_be_read_is_as_it_was),
        cmocka_unit_test(ledgers_that_nobody_could_look_at_are_not_balanced),
        cmocka_unit_test(a22_the_example_serves_three_handlers_and_stops),
        cmocka_unit_test(a_wait_has_no_end_but_the_stop),
    };

    example = argc > 1 ? argv[1] : NULL;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
