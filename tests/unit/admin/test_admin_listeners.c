/* SPDX-License-Identifier: Apache-2.0 */
/* test_admin_listeners.c - the sockets of the admin server: whose file it is,
 * what is left of it, and what happens without descriptors. */
#include <fcntl.h>

#include "descriptors.h"
#include "http_rig.h"
#include "moment.h"

static uint64_t failed_accepts(const struct rig *r)
{
    uint64_t v[PL_METRIC_COUNT];

    pl_snapshot_read(r->snapshot[CONTROL], v);
    return v[PL_METRIC_ACCEPT_FAILED];
}

static void without_descriptors_the_listeners_wait_and_recover(void **state)
{
    struct rig *r = *state;
    struct descriptors all;

    if (getenv("PL_VALGRIND") != NULL)
        skip(); /* see descriptors.h */
    int first = dial_unix(r);
    int second = socket(AF_UNIX, SOCK_STREAM, 0);
    r->answer[0] = '\0';
    say(first, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    hear_until(r, first, "}"); /* it is in */
    descriptors_use_up(&all);
    uint64_t since = moment_ms();
    connect_unix(r, second); /* it comes into the backlog */
    while (failed_accepts(r) < 3) {
        assert_true(moment_ms() < since + 30000);
        moment_nap(1000);
    }
    /* it tries again each 100 ms, and does not spin */
    uint64_t failed = failed_accepts(r);
    assert_true(failed <= (moment_ms() - since) / 100 + 2);
    /* who is there already is served */
    assert_int_equal(ask_on(r, first, "GET /health", "", ""), 200);
    descriptors_give_back(&all);
    assert_int_equal(ask_on(r, second, "GET /health", "", ""), 200);
}

static void a_file_of_a_dead_broker_is_replaced(void **state)
{
    struct rig *r = *state;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(a.sun_path, r->path);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    close(fd);
    go(r);
    assert_int_equal(ask_unix(r, "GET /health", ""), 200);
}

static void a_file_of_a_living_broker_is_left_alone(void **state)
{
    struct rig *r = *state;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct pl_admin *admin = NULL;

    strcpy(a.sun_path, r->path);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(create_admin(r, &admin), PL_EEXIST);
    assert_null(admin);
    assert_int_equal(access(r->path, F_OK), 0);
    close(fd);
    unlink(r->path);
}

/* As one that takes datagrams: no broker, but not ours to remove. */
static void a_socket_of_another_kind_is_left_alone(void **state)
{
    struct rig *r = *state;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct pl_admin *admin = NULL;

    strcpy(a.sun_path, r->path);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(create_admin(r, &admin), PL_EIO);
    assert_int_equal(access(r->path, F_OK), 0);
    close(fd);
    unlink(r->path);
}

static void a_file_that_took_its_place_is_not_removed(void **state)
{
    struct rig *r = *state;

    assert_int_equal(unlink(r->path), 0);
    int fd = open(r->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    pl_supervisor_stop(r->system, pl_supervisor_address(r->supervisor));
    await_stop(r);
    assert_int_equal(access(r->path, F_OK), 0);
    unlink(r->path);
}

static void what_never_ran_closes_when_it_is_reaped(void **state)
{
    struct rig *r = *state;
    struct pl_admin *admin;

    assert_int_equal(create_admin(r, &admin), PL_OK);
    assert_int_equal(access(r->path, F_OK), 0);
    pl_system_reap(r->system);
    assert_int_not_equal(access(r->path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUNNING(without_descriptors_the_listeners_wait_and_recover),
        NOT_RUNNING(a_file_of_a_dead_broker_is_replaced),
        NOT_RUNNING(a_file_of_a_living_broker_is_left_alone),
        NOT_RUNNING(a_socket_of_another_kind_is_left_alone),
        RUNNING(a_file_that_took_its_place_is_not_removed),
        NOT_RUNNING(what_never_ran_closes_when_it_is_reaped),
    };

    return cmocka_run_group_tests_name("admin_listeners", tests, NULL, NULL);
}
