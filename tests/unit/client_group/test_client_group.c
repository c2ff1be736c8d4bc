/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_group.c - groups: calls, callbacks and stops, on a thread of
 * their own, on a lent base and by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "group.h"
#include "quota.h"

enum { LONG_MS = 60000, CALLS = 50 };

static int rounds = 200; /* of each race; 10,000 with an argument */

/* --- A part: it reports each call as an event --- */

struct fake {
    struct plc_part part; /* first */
    bool is_unresponsive; /* it ends only when it is cut */
    bool is_full;         /* it found no space for events */
};

struct call {
    struct plc_mail mail; /* first */
    unsigned number;
};

static atomic_uint called, freed, released, stopped, forced, results;
static atomic_uint last_number, disorder;
static struct plc_group *group;
/* What the next callback does to the group. */
static void (*in_callback)(void);

static void run_call(struct plc_event *e)
{
    unsigned number = ((struct call *)e)->number;

    if (number != atomic_load(&last_number) + 1)
        atomic_fetch_add(&disorder, 1);
    atomic_store(&last_number, number);
    atomic_fetch_add(&called, 1);
    if (in_callback != NULL)
        in_callback();
}

static void destroy_call(struct pl_msg *msg)
{
    free(msg);
}

static void handle_call(struct plc_mail *m)
{
    struct plc_group *g = m->part->group;

    plc_group_counts(g)[PLC_COUNT_ACCEPTED]++;
    plc_group_counts(g)[PLC_COUNT_DONE]++;
    ((struct fake *)m->part)->is_full |=
        plc_events_is_full(plc_group_events(g));
    plc_events_put(plc_group_events(g), &m->event);
}

static void fake_stop(struct plc_part *p, bool is_flushed)
{
    if (!((struct fake *)p)->is_unresponsive || !is_flushed)
        plc_part_ended(p);
}

static bool fake_cut(struct plc_part *p)
{
    plc_part_ended(p);
    return true;
}

static void fake_resume(struct plc_part *p)
{
    ((struct fake *)p)->is_full = false;
}

static void fake_free(struct plc_part *p)
{
    atomic_fetch_add(&freed, 1);
    pl_quota_destroy(p->quota);
    free(p->label);
    free(p);
}

static const struct plc_part_ops fake_ops = {
    .stop = fake_stop,
    .cut = fake_cut,
    .resume = fake_resume,
    .free = fake_free,
};

static struct fake *fake_new(const char *label)
{
    struct fake *f = calloc(1, sizeof *f);

    assert_non_null(f);
    f->part.ops = &fake_ops;
    f->part.label = label == NULL ? NULL : strdup(label);
    return f;
}

static struct fake *fake_added(const char *label)
{
    struct fake *f = fake_new(label);

    assert_int_equal(plc_part_add(group, &f->part), PL_OK);
    return f;
}

static enum pl_err call(struct fake *f, unsigned number)
{
    struct call *c = calloc(1, sizeof *c);

    c->mail.event.run = run_call;
    c->mail.event.msg.destroy = destroy_call;
    c->mail.part = &f->part;
    c->mail.handle = handle_call;
    c->number = number;
    enum pl_err rc = plc_part_post(&c->mail);
    if (rc != PL_OK)
        free(c);
    return rc;
}

/* --- Groups --- */

static void on_stopped(struct plc_group *g, unsigned n, void *arg)
{
    (void)g, (void)arg;
    atomic_fetch_add(&stopped, 1);
    atomic_store(&forced, n);
}

static void on_release(void *arg)
{
    (void)arg;
    atomic_fetch_add(&released, 1);
}

static void on_result(struct plc_group *g, const char *label, enum pl_err err,
                      const char *why, void *arg)
{
    (void)g, (void)arg;
    if (strcmp(label, "one") == 0 && err == PL_ECLOSED && *why != '\0')
        atomic_fetch_add(&results, 1);
}

static void create(struct event_base *base, uint32_t flags)
{
    struct plc_group_options o = {
        .size = sizeof o,
        .base = base,
        .flags = flags,
        .event_queue = 4,
        .result = on_result,
        .stopped = on_stopped,
        .release = on_release,
    };

    assert_int_equal(plc_group_create(&group, &o), PL_OK);
}

static int reset(void **state)
{
    (void)state;
    atomic_store(&called, 0);
    atomic_store(&freed, 0);
    atomic_store(&released, 0);
    atomic_store(&stopped, 0);
    atomic_store(&forced, 0);
    atomic_store(&results, 0);
    atomic_store(&last_number, 0);
    atomic_store(&disorder, 0);
    in_callback = NULL;
    return 0;
}

static struct plc_status status(void)
{
    struct plc_status s = {.size = sizeof s};

    plc_group_status(group, &s);
    return s;
}

/* --- On a thread of its own --- */

static void calls_come_back_in_order_and_a_stop_comes_after_them(void **state)
{
    (void)state;
    create(NULL, 0);
    struct fake *f = fake_added("one");
    for (unsigned i = 1; i <= CALLS; i++)
        assert_int_equal(call(f, i), PL_OK);
    plc_group_stop(group, LONG_MS);
    assert_int_equal(plc_group_wait(group, LONG_MS), PL_OK);
    assert_int_equal(atomic_load(&called), CALLS);
    assert_int_equal(atomic_load(&disorder), 0);
    assert_int_equal(atomic_load(&stopped), 1);
    assert_int_equal(atomic_load(&forced), 0);
    assert_int_equal(atomic_load(&results), 1);
    assert_int_equal(call(f, 1), PL_ESTOPPING);
    plc_part_drop(&f->part);
    assert_int_equal(atomic_load(&freed), 1);
    plc_group_destroy(group);
    assert_int_equal(atomic_load(&released), 1);
}

static void a_unresponsive_part_is_cut_at_the_nearest_deadline(void **state)
{
    (void)state;
    create(NULL, 0);
    struct fake *f = fake_added(NULL);
    f->is_unresponsive = true;
    plc_group_stop(group, LONG_MS);
    assert_int_equal(plc_group_wait(group, 5), PL_ETIMEDOUT);
    plc_group_stop(group, 10);
    plc_group_stop(group, LONG_MS);
    assert_int_equal(plc_group_wait(group, LONG_MS), PL_OK);
    assert_int_equal(atomic_load(&forced), 1);
    assert_int_equal(status().stop_forced, 1);
    assert_true(status().dispatcher_cancelled);
    plc_group_destroy(group);
    assert_int_equal(atomic_load(&freed), 1);
}

static void a_part_is_freed_after_its_last_callback(void **state)
{
    (void)state;
    create(NULL, 0);
    struct fake *f = fake_added(NULL);
    for (unsigned i = 1; i <= CALLS; i++)
        assert_int_equal(call(f, i), PL_OK);
    plc_part_drop(&f->part);
    while (atomic_load(&freed) == 0)
        sched_yield();
    assert_int_equal(atomic_load(&called), CALLS);
    assert_int_equal(atomic_load(&stopped), 0);
    plc_group_destroy(group);
    assert_int_equal(atomic_load(&stopped), 1);
}

static void a_label_is_given_once(void **state)
{
    (void)state;
    create(NULL, 0);
    fake_added("one");
    fake_added("two");
    fake_added(NULL);
    fake_added(NULL);
    struct fake *again = fake_new("one");
    assert_int_equal(plc_part_add(group, &again->part), PL_EEXIST);
    fake_free(&again->part);
    plc_group_stop(group, 0);
    struct fake *late = fake_new("three");
    assert_int_equal(plc_part_add(group, &late->part), PL_ESTOPPING);
    fake_free(&late->part);
    plc_group_destroy(group);
    assert_int_equal(atomic_load(&freed), 6);
}

static void the_status_says_how_far_a_stop_is(void **state)
{
    char *json;

    (void)state;
    create(NULL, 0);
    struct fake *f = fake_added(NULL);
    f->is_unresponsive = true;
    assert_int_equal(call(f, 1), PL_OK);
    while (status().done == 0)
        sched_yield();
    assert_true(status().client_running);
    assert_true(status().network_driver_running);
    assert_int_equal(status().connections, 1);
    assert_int_equal(status().pending, 0);
    plc_group_stop(group, LONG_MS);
    assert_false(status().client_running);
    assert_true(status().network_driver_running);
    assert_false(status().dispatcher_done);
    plc_group_stop(group, 0);
    assert_int_equal(plc_group_wait(group, LONG_MS), PL_OK);
    assert_false(status().network_driver_running);
    assert_true(status().dispatcher_done);
    assert_int_equal(status().connections, 0);
    assert_int_equal(plc_group_status_json(group, &json), PL_OK);
    assert_non_null(strstr(json,
                           "\"dispatcher_task\":{\"exists\":true,\"done\":"
                           "true,\"cancelled\":true}"));
    assert_non_null(strstr(json, "\"stop_forced\":1,"));
    free(json);
    plc_group_destroy(group);
}

static void an_older_program_gets_the_members_that_it_knows(void **state)
{
    struct plc_status s;

    (void)state;
    create(NULL, 0);
    memset(&s, 0xff, sizeof s);
    s.size = offsetof(struct plc_status, connections);
    plc_group_status(group, &s);
    assert_int_equal(s.event_queue_size, 0);
    assert_true(s.open == UINT64_MAX);
    plc_group_destroy(group);
}

static void options_that_are_not_known_are_refused(void **state)
{
    struct {
        struct plc_group_options o;
        uint64_t newer;
    } more = {.o.size = sizeof more};
    struct plc_group_options none = {0},
                             flag = {.size = sizeof flag, .flags = 8};

    (void)state;
    assert_int_equal(plc_group_create(&group, NULL), PL_EINVAL);
    assert_int_equal(plc_group_create(&group, &none), PL_EINVAL);
    assert_int_equal(plc_group_create(&group, &flag), PL_EINVAL);
    assert_int_equal(plc_group_create(&group, &more.o), PL_OK);
    plc_group_destroy(group);
    more.newer = 1;
    assert_int_equal(plc_group_create(&group, &more.o), PL_EINVAL);
    plc_group_destroy(NULL);
}

/* The group of this process and its child, where it does nothing: neither waits
 * for a lock that the loop may have held, nor writes. */
static int use_in_a_child(struct fake *f)
{
    struct plc_status s = {.size = sizeof s};
    struct fake *other = fake_new(NULL);
    bool is_well = plc_part_add(group, &other->part) == PL_ECLOSED &&
                   call(f, 1) == PL_ECLOSED &&
                   plc_group_wait(group, 1000) == PL_ECLOSED &&
                   plc_group_dispatch(group, 1) == 0;

    fake_free(&other->part);
    plc_group_status(group, &s);
    is_well = is_well && !s.client_running && !s.network_driver_running;
    plc_part_drop(&f->part);
    plc_group_stop(group, 0);
    plc_group_destroy(group);
    return is_well ? 0 : 1;
}

static void a_child_of_the_process_does_nothing_with_a_group(void **state)
{
    int status_of_child = -1;

    (void)state;
    create(NULL, 0);
    struct fake *f = fake_added(NULL);
    assert_int_equal(call(f, 1), PL_OK);
    pid_t child = fork();
    if (child == 0)
        _exit(use_in_a_child(f));
    assert_int_equal(waitpid(child, &status_of_child, 0), child);
    assert_int_equal(status_of_child, 0);
    assert_int_equal(call(f, 2), PL_OK);
    while (atomic_load(&called) < 2)
        sched_yield();
    assert_int_equal(atomic_load(&freed), 0);
    plc_group_destroy(group);
    assert_int_equal(atomic_load(&freed), 1);
}

/* --- Races --- */

static void *stop_it(void *arg)
{
    plc_group_stop(group, *(uint32_t *)arg);
    return NULL;
}

static void *call_until_refused(void *arg)
{
    struct fake *f = arg;
    unsigned n = 0;

    while (call(f, n + 1) == PL_OK)
        n++;
    plc_part_drop(&f->part);
    atomic_fetch_sub(&called, n);
    return NULL;
}

static void stops_among_calls_settle_each_call(void **state)
{
    static uint32_t deadlines[] = {0, 1, LONG_MS};

    (void)state;
    for (int round = 0; round < rounds; round++) {
        pthread_t caller, stopper[2];

        reset(NULL);
        create(NULL, 0);
        struct fake *f = fake_added("one");
        f->is_unresponsive = round % 4 == 0;
        if (f->is_unresponsive)
            deadlines[2] = 1;
        pthread_create(&caller, NULL, call_until_refused, f);
        for (int i = 0; i < 2; i++)
            pthread_create(&stopper[i], NULL, stop_it,
                           &deadlines[(round + i) % 3]);
        pthread_join(caller, NULL);
        for (int i = 0; i < 2; i++)
            pthread_join(stopper[i], NULL);
        assert_int_equal(plc_group_wait(group, LONG_MS), PL_OK);
        plc_group_destroy(group);
        assert_int_equal(atomic_load(&called), 0);
        assert_int_equal(atomic_load(&disorder), 0);
        assert_int_equal(atomic_load(&freed), 1);
        assert_int_equal(atomic_load(&stopped), 1);
        assert_int_equal(atomic_load(&released), 1);
    }
}

/* --- On a lent base --- */

static struct event_base *base;

static void destroy_group(void)
{
    in_callback = NULL;
    plc_group_destroy(group);
}

static void stop_and_destroy_group(void)
{
    in_callback = NULL;
    plc_group_stop(group, LONG_MS);
    plc_group_destroy(group);
    plc_group_destroy(group);
}

static void break_and_destroy_group(void)
{
    event_base_loopbreak(base);
    destroy_group();
}

static void a_group_that_is_destroyed_in_a_callback_leaves_nothing(void **state)
{
    static void (*const ways[])(void) = {destroy_group, stop_and_destroy_group,
                                         break_and_destroy_group};

    (void)state;
    base = event_base_new();
    for (int round = 0; round < rounds; round++) {
        reset(NULL);
        create(base, 0);
        struct fake *f = fake_added("one");
        f->is_unresponsive = round % 2 == 0;
        for (unsigned i = 1; i <= 3; i++)
            assert_int_equal(call(f, i), PL_OK);
        in_callback = ways[round % 3];
        event_base_dispatch(base);
        assert_int_equal(atomic_load(&called), 3);
        assert_int_equal(atomic_load(&freed), 1);
        assert_int_equal(atomic_load(&stopped), 1);
        assert_int_equal(atomic_load(&released), 1);
        assert_int_equal(event_base_dispatch(base), 1); /* nothing is left */
    }
    event_base_free(base);
}

static void a_stopped_group_lets_a_lent_base_end(void **state)
{
    (void)state;
    base = event_base_new();
    create(base, 0);
    struct fake *f = fake_added(NULL);
    assert_int_equal(call(f, 1), PL_OK);
    plc_group_stop(group, LONG_MS);
    assert_int_equal(event_base_dispatch(base), 1); /* ends by itself */
    assert_int_equal(atomic_load(&stopped), 1);
    assert_int_equal(plc_group_wait(group, 0), PL_OK);
    plc_group_destroy(group);
    assert_int_equal(atomic_load(&freed), 1);
    event_base_free(base);
}

static void a_group_is_destroyed_outside_its_callbacks(void **state)
{
    (void)state;
    base = event_base_new();
    create(base, 0);
    struct fake *f = fake_added(NULL);
    f->is_unresponsive = true;
    assert_int_equal(call(f, 1), PL_OK);
    plc_group_destroy(group); /* no turn has run */
    assert_int_equal(atomic_load(&called), 1);
    assert_int_equal(atomic_load(&stopped), 1);
    assert_int_equal(atomic_load(&freed), 1);
    assert_int_equal(event_base_dispatch(base), 1);
    event_base_free(base);
}

/* --- By hand --- */

static bool has_events(int wait_ms)
{
    struct pollfd p = {.fd = plc_group_fd(group), .events = POLLIN};

    return poll(&p, 1, wait_ms) == 1;
}

static void callbacks_wait_for_a_dispatch(void **state)
{
    (void)state;
    create(NULL, PLC_MANUAL);
    struct fake *f = fake_added(NULL);
    assert_false(has_events(0));
    for (unsigned i = 1; i <= 3; i++)
        assert_int_equal(call(f, i), PL_OK);
    while (status().event_queue_size < 3)
        sched_yield();
    assert_int_equal(atomic_load(&called), 0);
    assert_true(has_events(0));
    assert_int_equal(plc_group_dispatch(group, 2), 2);
    assert_int_equal(atomic_load(&called), 2);
    assert_true(has_events(0));
    assert_int_equal(plc_group_dispatch(group, 2), 1);
    assert_false(has_events(0));
    plc_group_stop(group, LONG_MS);
    assert_int_equal(plc_group_wait(group, LONG_MS), PL_OK);
    assert_int_equal(atomic_load(&stopped), 0);
    assert_false(status().dispatcher_done);
    plc_part_drop(&f->part);
    assert_int_equal(atomic_load(&freed), 0);
    assert_int_equal(plc_group_dispatch(group, 10), 2);
    assert_int_equal(atomic_load(&stopped), 1);
    assert_int_equal(atomic_load(&freed), 1);
    assert_true(status().dispatcher_done);
    plc_group_destroy(group);
}

static void destroying_runs_the_callbacks_that_wait(void **state)
{
    (void)state;
    create(NULL, PLC_MANUAL);
    struct fake *f = fake_added(NULL);
    for (unsigned i = 1; i <= 3; i++)
        assert_int_equal(call(f, i), PL_OK);
    plc_group_destroy(group);
    assert_int_equal(atomic_load(&called), 3);
    assert_int_equal(atomic_load(&stopped), 1);
    assert_int_equal(atomic_load(&freed), 1);
}

static void a_full_queue_says_when_there_is_room(void **state)
{
    (void)state;
    for (int round = 0; round < rounds; round++) {
        unsigned n = 0;

        reset(NULL);
        create(NULL, PLC_MANUAL);
        struct fake *f = fake_added(NULL);
        for (unsigned i = 1; i <= 6; i++)
            assert_int_equal(call(f, i), PL_OK);
        while (n < 6)
            if (has_events(LONG_MS))
                n += (unsigned)plc_group_dispatch(group, 1);
        plc_group_stop(group, LONG_MS);
        assert_int_equal(plc_group_wait(group, LONG_MS), PL_OK);
        assert_false(f->is_full);
        plc_group_destroy(group);
    }
}

static void a_lent_base_may_dispatch_and_destroy_in_a_callback(void **state)
{
    (void)state;
    base = event_base_new();
    for (int round = 0; round < rounds; round++) {
        reset(NULL);
        create(base, PLC_MANUAL);
        struct fake *f = fake_added(NULL);
        for (unsigned i = 1; i <= 3; i++)
            assert_int_equal(call(f, i), PL_OK);
        event_base_loop(base, EVLOOP_NONBLOCK);
        in_callback = destroy_group;
        assert_int_equal(plc_group_dispatch(group, 1), 1);
        assert_int_equal(atomic_load(&called), 3);
        assert_int_equal(atomic_load(&freed), 1);
        assert_int_equal(atomic_load(&released), 1);
        assert_int_equal(event_base_dispatch(base), 1);
    }
    event_base_free(base);
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

int main(int argc, char **argv)
{
    if (argc > 1)
        rounds = atoi(argv[1]);

    const struct CMUnitTest tests[] = {
        TEST(calls_come_back_in_order_and_a_stop_comes_after_them),
        TEST(a_unresponsive_part_is_cut_at_the_nearest_deadline),
        TEST(a_part_is_freed_after_its_last_callback),
        TEST(a_label_is_given_once),
        TEST(the_status_says_how_far_a_stop_is),
        TEST(an_older_program_gets_the_members_that_it_knows),
        TEST(options_that_are_not_known_are_refused),
        TEST(a_child_of_the_process_does_nothing_with_a_group),
        TEST(stops_among_calls_settle_each_call),
        TEST(a_group_that_is_destroyed_in_a_callback_leaves_nothing),
        TEST(a_stopped_group_lets_a_lent_base_end),
        TEST(a_group_is_destroyed_outside_its_callbacks),
        TEST(callbacks_wait_for_a_dispatch),
        TEST(destroying_runs_the_callbacks_that_wait),
        TEST(a_full_queue_says_when_there_is_room),
        TEST(a_lent_base_may_dispatch_and_destroy_in_a_callback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
