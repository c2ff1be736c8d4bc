/* SPDX-License-Identifier: Apache-2.0 */
/* test_systemd.c - sockets that a supervisor of services passes to the process:
 * the broker serves them, or refuses them by name and leaves them alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box.h"
#include "peer.h"

enum { FIRST = 3, COUNT = 2 };

/* What was at the descriptors that the sockets take. */
static int saved[COUNT];

static int open_socket(int type)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in sa;
    socklen_t len = sizeof sa;

    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    return ntohs(sa.sin_port);
}

static void set_environment(const char *count)
{
    char pid[16];

    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", count, 1);
    setenv("LISTEN_FDNAMES", "clients:more", 1);
}

/* Pass two sockets to this process; the second one is of `type`. */
static void pass(int type)
{
    const int types[COUNT] = {SOCK_STREAM, type};

    for (int i = 0; i < COUNT; i++)
        saved[i] = fcntl(FIRST + i, F_DUPFD_CLOEXEC, FIRST + COUNT);
    for (int i = 0; i < COUNT; i++) {
        int fd = open_socket(types[i]);

        if (fd == FIRST + i) {
            assert_int_equal(fcntl(fd, F_SETFD, 0), 0);
            continue;
        }
        assert_int_equal(dup2(fd, FIRST + i), FIRST + i);
        close(fd);
    }
    set_environment("2");
}

static void take_back(void)
{
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    for (int i = 0; i < COUNT; i++) {
        close(FIRST + i);
        if (saved[i] >= 0) {
            dup2(saved[i], FIRST + i);
            close(saved[i]);
        }
    }
}

static const char *const sets[] = {"listen=[]", "admin.listen=off",
                                   "admin.socket=off", "loops=2",
                                   "limits.loop_lag=0"};

static const struct pl_broker_setup setup = {.size = sizeof setup,
                                             .sets = sets,
                                             .set_count = 5,
                                             .flags = PL_INSECURE |
                                                      PL_SYSTEMD_SOCKETS};

static void enter_and_leave(uint16_t port)
{
    struct peer p;

    peer_enter(&p, port, PEER_JSON, NULL, NULL);
    peer_join(&p, "room");
    peer_fini(&p);
}

static void sockets_of_systemd_are_served_and_closed_in_the_end(void **st)
{
    struct box b;

    (void)st;
    pass(SOCK_STREAM);
    uint16_t ports[] = {port_of(FIRST), port_of(FIRST + 1)};
    assert_int_equal(pl_broker_open(&b.broker, &setup), PL_OK);
    for (int life = 0; life < 2; life++) {
        box_run(&b);
        for (unsigned i = 0; i < COUNT; i++) {
            assert_int_equal(pl_broker_port(b.broker, i), ports[i]);
            assert_int_equal(fcntl(FIRST + (int)i, F_GETFD), FD_CLOEXEC);
            enter_and_leave(ports[i]);
        }
        box_await(&b, "connections.open", 0);
        box_stop(&b);
    }
    pl_broker_destroy(b.broker);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(fcntl(FIRST + i, F_GETFD), -1);
    take_back();
}

static void they_follow_the_listeners_of_the_setup(void **st)
{
    struct pl_broker_setup s = setup;
    struct box b;

    (void)st;
    pass(SOCK_STREAM);
    int own = open_socket(SOCK_STREAM);
    uint16_t port = port_of(own);
    s.listeners = &own;
    s.listener_count = 1;
    assert_int_equal(pl_broker_open(&b.broker, &s), PL_OK);
    box_run(&b);
    assert_int_equal(pl_broker_port(b.broker, 0), port);
    assert_int_equal(pl_broker_port(b.broker, 2), port_of(FIRST + 1));
    enter_and_leave(port_of(FIRST + 1));
    box_await(&b, "connections.open", 0);
    box_destroy(&b);
    take_back();
}

/* Each socket stays open, and free for others. */
static void refuse(const char *option, const char *reason)
{
    struct pl_broker *b = NULL;

    box_log_begin();
    assert_int_equal(pl_broker_open(&b, &setup), PL_EINVAL);
    assert_null(b);
    assert_true(box_log_has(option));
    assert_true(box_log_has(reason));
    box_log_end();
}

static void assert_free(int fd)
{
    assert_int_equal(fcntl(fd, F_GETFD), 0);
}

static void one_that_does_not_fit_is_refused_by_name(void **st)
{
    (void)st;
    pass(SOCK_DGRAM);
    refuse("option=\"LISTEN_FDS[1] (more)\"", "it is not a TCP socket");
    assert_free(FIRST);
    assert_free(FIRST + 1);
    close(FIRST + 1);
    refuse("option=\"LISTEN_FDS[1] (more)\"", "it is not open");
    assert_free(FIRST);
    take_back();
}

static void a_count_that_cannot_be_is_refused(void **st)
{
    static const char *const bad[] = {"", "-1", "two", "2x",
                                      "99999999999999999999"};

    (void)st;
    pass(SOCK_STREAM);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        set_environment(bad[i]);
        refuse("option=LISTEN_FDS ", "it is not a number of sockets");
    }
    set_environment("65");
    refuse("option=LISTEN_FDS ", "more than 64 listeners");
    assert_free(FIRST);
    take_back();
}

static void a_second_broker_does_not_take_them(void **st)
{
    struct pl_broker *one = NULL;

    (void)st;
    pass(SOCK_STREAM);
    assert_int_equal(pl_broker_open(&one, &setup), PL_OK);
    refuse("option=\"LISTEN_FDS[0] (clients)\"", "it has an owner already");
    pl_broker_destroy(one);
    take_back();
}

static void sockets_of_another_process_are_left_alone(void **st)
{
    static const char *const listen_set[] = {
        "listen=[127.0.0.1:0]", "admin.listen=off", "admin.socket=off"};
    struct pl_broker_setup s = setup;
    struct box b;

    (void)st;
    pass(SOCK_STREAM);
    setenv("LISTEN_PID", "1", 1);
    s.sets = listen_set;
    s.set_count = 3;
    assert_int_equal(pl_broker_open(&b.broker, &s), PL_OK);
    box_run(&b);
    assert_int_equal(pl_broker_port(b.broker, 1), 0);
    box_destroy(&b);
    assert_free(FIRST);
    assert_free(FIRST + 1);
    take_back();
}

/* --- The program --- */

static _Noreturn void become_parleyd(int log)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    set_environment("2"); /* with the process id of this child */
    dup2(log, STDERR_FILENO);
    execl(getenv("PARLEYD"), "parleyd", "--insecure", "--set", "listen=[]",
          "--set", "admin.listen=off", "--set", "admin.socket=off", "--set",
          "limits.loop_lag=0", (char *)NULL);
    _exit(127);
}

static void await_running(int log)
{
    char text[8192];
    size_t len = 0;
    ssize_t n;

    do {
        n = read(log, text + len, sizeof text - 1 - len);
        assert_true(n > 0);
        len += (size_t)n;
        text[len] = '\0';
    } while (strstr(text, "event=running") == NULL);
}

static void parleyd_serves_what_systemd_passes(void **st)
{
    int log[2], status;

    (void)st;
    pass(SOCK_STREAM);
    assert_int_equal(pipe2(log, O_CLOEXEC), 0); /* beside the sockets */
    uint16_t ports[] = {port_of(FIRST), port_of(FIRST + 1)};
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        become_parleyd(log[1]);
    take_back();
    close(log[1]);
    await_running(log[0]);
    for (unsigned i = 0; i < COUNT; i++)
        enter_and_leave(ports[i]);
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    close(log[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parleyd_serves_what_systemd_passes),
        cmocka_unit_test(sockets_of_systemd_are_served_and_closed_in_the_end),
        cmocka_unit_test(they_follow_the_listeners_of_the_setup),
        cmocka_unit_test(one_that_does_not_fit_is_refused_by_name),
        cmocka_unit_test(a_count_that_cannot_be_is_refused),
        cmocka_unit_test(a_second_broker_does_not_take_them),
        cmocka_unit_test(sockets_of_another_process_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
