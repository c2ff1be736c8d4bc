/* SPDX-License-Identifier: Apache-2.0 */
/* test_stop_signals.c - what parleyd makes of SIGTERM: once, twice, three
 * times, and at any moment of its start.
 *
 * A parleyd that ends with status 0 has looked at its own ledgers and gauges
 * behind the last turn, and found nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "moment.h"
#include "peer.h"
#include "random.h"
#include "remote.h"
#include "tls_client.h"

static const char *program;

static void assert_clean_log(const struct remote *r)
{
    remote_check_log(r);
    assert_false(remote_has_logged(r, "level=warn"));
    assert_false(remote_has_logged(r, "level=error"));
}

static void assert_exit(const struct remote *r, int wanted)
{
    int status = remote_await_exit(r);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), wanted);
}

static void one_ends_it_cleanly_with_status_0(void **state)
{
    const char *sets[] = {"shutdown.grace=60s", "shutdown.disconnect=60s",
                          NULL};
    struct remote r;
    struct peer p, q;

    (void)state;
    remote_start(&r, program, sets);
    peer_enter(&p, r.port, PEER_JSON, NULL, NULL);
    peer_enter(&q, r.port, PEER_PROTOBUF, NULL, NULL);
    peer_join(&p, "room");
    remote_rest(&r);
    remote_signal(&r, SIGTERM);
    assert_int_equal(peer_await_end(&p), 3001);
    assert_int_equal(peer_await_end(&q), 3001);
    assert_exit(&r, 0);
    assert_clean_log(&r);
    assert_true(remote_has_logged(&r, "event=stopped"));
    peer_fini(&p);
    peer_fini(&q);
    remote_fini(&r);
}

/* A reader that takes nothing keeps the broker in its grace, and unresponsive
 * as it is in the phase behind it. */
static void fill(struct remote *r, struct peer *reader)
{
    static char text[30002];
    struct peer_reply reply;
    struct peer p;

    memset(text, 'x', sizeof text - 1);
    text[0] = text[sizeof text - 2] = '"';
    peer_enter(reader, r->port, PEER_JSON, NULL, NULL);
    peer_join(reader, "room");
    reader->is_unresponsive = true;
    peer_enter(&p, r->port, PEER_JSON, NULL, NULL);
    while (remote_number(r, "connections.out_queue_bytes") == 0)
        peer_await(&p, peer_publish(&p, "room", text), &reply);
    peer_fini(&p);
    remote_await(r, "connections.open", 1);
}

static void await_phase(struct remote *r, const char *ended)
{
    char text[64];

    snprintf(text, sizeof text, "event=\"phase over\" phase=%s ", ended);
    for (int i = 0; !remote_has_logged(r, text); i++) {
        assert_true(i < REMOTE_DEADLINE_MS);
        moment_nap(2000);
    }
}

/* A broker with work left, which has been told to stop. */
static void begin_stop(struct remote *r, struct peer *p,
                       const char *const *sets)
{
    remote_start(r, program, sets);
    fill(r, p);
    remote_signal(r, SIGTERM);
    await_phase(r, "signal");
}

static void a_second_skips_what_is_left_of_the_grace(void **state)
{
    const char *sets[] = {"shutdown.grace=1h", "limits.outgoing_queue=64MiB",
                          "channels.history_size=0", NULL};
    struct remote r;
    struct peer p;

    (void)state;
    begin_stop(&r, &p, sets);
    assert_int_equal(remote_number(&r, "connections.open"), 1);
    remote_signal(&r, SIGTERM);
    assert_exit(&r, 0);
    remote_check_log(&r);
    peer_fini(&p);
    remote_fini(&r);
}

static void a_third_ends_it_at_once_with_status_1(void **state)
{
    const char *sets[] = {"shutdown.grace=1h", "shutdown.disconnect=1h",
                          "limits.outgoing_queue=64MiB",
                          "channels.history_size=0", NULL};
    struct remote r;
    struct peer p;

    (void)state;
    begin_stop(&r, &p, sets);
    remote_signal(&r, SIGTERM);
    await_phase(&r, "grace");
    remote_signal(&r, SIGINT); /* it counts the same */
    assert_exit(&r, 1);
    peer_fini(&p);
    remote_fini(&r);
}

static void await_signal(const struct remote *r, int number)
{
    char line[64];

    snprintf(line, sizeof line, "event=signal number=%d ", number);
    for (int n = 0; !remote_has_logged(r, line); n++) {
        assert_true(n < REMOTE_DEADLINE_MS);
        moment_nap(2000);
    }
}

/* SIGUSR1, as from a script that rotates logs. */
static void those_of_others_end_nothing(void **state)
{
    const int ignored[] = {SIGUSR1};

    (void)state;
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        struct remote r;
        struct peer p;

        remote_start(&r, program, NULL);
        peer_enter(&p, r.port, PEER_JSON, NULL, NULL);
        remote_signal(&r, ignored[i]);
        await_signal(&r, ignored[i]);
        peer_join(&p, "room"); /* it is served as before */
        remote_signal(&r, SIGTERM);
        assert_int_equal(peer_await_end(&p), 3001);
        assert_exit(&r, 0);
        assert_clean_log(&r);
        peer_fini(&p);
        remote_fini(&r);
    }
}

/* A broker of TLS whose certificate may become a pipe, which holds whoever
 * reads it until the test lets go. */
struct piped {
    char certificate[128], key[128];
    const char *sets[6];
    struct tls_folder files;
};

static void piped_init(struct piped *p, const char *more, const char *most)
{
    *p = (struct piped){.sets = {"listen_tls=[127.0.0.1:0]", p->certificate,
                                 p->key, more, most, NULL}};
    tls_folder_init(&p->files);
    tls_make(&p->files, "parley", "parley.test", NULL);
    snprintf(p->certificate, sizeof p->certificate, "tls.certificate=[%s]",
             tls_file(&p->files, "parley.pem"));
    snprintf(p->key, sizeof p->key, "tls.key=[%s]",
             tls_file(&p->files, "parley.key"));
}

static void piped_make(struct piped *p)
{
    assert_int_equal(unlink(tls_file(&p->files, "parley.pem")), 0);
    assert_int_equal(mkfifo(tls_file(&p->files, "parley.pem"), 0600), 0);
}

/* Its other end: it opens when the broker reads. */
static int piped_await(struct piped *p)
{
    int fd = open(tls_file(&p->files, "parley.pem"), O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static void one_ends_it_while_a_reload_hangs(void **state)
{
    struct piped p;
    struct remote r;
    struct peer peer;

    (void)state;
    piped_init(&p, NULL, NULL);
    remote_start(&r, program, p.sets);
    peer_enter(&peer, r.port, PEER_JSON, NULL, NULL);
    piped_make(&p);
    remote_signal(&r, SIGHUP);
    int fd = piped_await(&p);
    remote_signal(&r, SIGHUP); /* it waits for the first */
    remote_signal(&r, SIGTERM);
    assert_int_equal(peer_await_end(&peer), 3001);
    assert_exit(&r, 0);
    remote_check_log(&r);
    assert_true(remote_has_logged(&r, "event=stopped"));
    assert_true(remote_has_logged(&r, "a job does not end"));
    assert_false(remote_has_logged(&r, "level=error"));
    close(fd);
    peer_fini(&peer);
    remote_fini(&r);
    tls_folder_fini(&p.files);
}

static void a_second_hurries_while_a_reload_hangs(void **state)
{
    struct piped p;
    struct remote r;
    struct peer peer;

    (void)state;
    piped_init(&p, "shutdown.grace=1h", "limits.outgoing_queue=64MiB");
    remote_start(&r, program, p.sets);
    fill(&r, &peer);
    piped_make(&p);
    remote_signal(&r, SIGHUP);
    int fd = piped_await(&p);
    remote_signal(&r, SIGTERM);
    await_phase(&r, "signal");
    remote_signal(&r, SIGTERM);
    assert_exit(&r, 0);
    remote_check_log(&r);
    close(fd);
    peer_fini(&peer);
    remote_fini(&r);
    tls_folder_fini(&p.files);
}

/* Of those that come during a reload one is done behind it. */
static void reloads_come_one_after_the_other(void **state)
{
    struct piped p;
    struct remote r;
    struct peer peer;

    (void)state;
    piped_init(&p, NULL, NULL);
    remote_start(&r, program, p.sets);
    piped_make(&p);
    remote_signal(&r, SIGHUP);
    int fd = piped_await(&p);
    remote_signal(&r, SIGHUP);
    peer_enter(&peer, r.port, PEER_JSON, NULL, NULL); /* it serves */
    assert_false(remote_has_logged(&r, "configuration not reloaded"));
    assert_int_equal(unlink(tls_file(&p.files, "parley.pem")), 0);
    tls_make(&p.files, "parley", "parley.test", NULL);
    close(fd); /* the first found an empty file, the next a certificate */
    for (int i = 0; !remote_has_logged(&r, "TLS files reloaded"); i++) {
        assert_true(i < REMOTE_DEADLINE_MS);
        moment_nap(2000);
    }
    assert_true(remote_has_logged(&r, "configuration not reloaded"));
    remote_signal(&r, SIGTERM);
    assert_int_equal(peer_await_end(&peer), 3001);
    assert_exit(&r, 0);
    remote_check_log(&r);
    assert_false(remote_has_logged(&r, "a job does not end"));
    peer_fini(&peer);
    remote_fini(&r);
    tls_folder_fini(&p.files);
}

static void a_third_ends_a_start_that_hangs(void **state)
{
    struct piped p;
    struct remote r;

    (void)state;
    piped_init(&p, NULL, NULL);
    piped_make(&p);
    remote_begin(&r, program, p.sets);
    int fd = piped_await(&p);
    remote_signal(&r, SIGTERM);
    await_signal(&r, SIGTERM);
    remote_signal(&r, SIGINT);
    await_signal(&r, SIGINT);
    remote_signal(&r, SIGTERM);
    assert_exit(&r, 1);
    remote_check_log(&r);
    close(fd);
    remote_fini(&r);
    tls_folder_fini(&p.files);
}

/* Before it has blocked signals it is killed by it, as any program; after that
 * it ends as always. */
static void one_at_any_moment_of_the_start_ends_it(void **state)
{
    enum { STARTS = 60, SPREAD_US = 150000 };
    struct pl_random random;
    unsigned clean = 0;

    (void)state;
    pl_random_init_seeded(&random, 1);
    for (unsigned i = 0; i < STARTS; i++) {
        struct remote r;

        remote_begin(&r, program, NULL);
        moment_nap((unsigned)pl_random_below(&random, SPREAD_US));
        remote_signal(&r, SIGTERM);
        int status = remote_await_exit(&r);
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            assert_clean_log(&r);
            assert_true(remote_has_logged(&r, "event=stopped"));
            clean++;
        } else {
            assert_int_equal(WTERMSIG(status), SIGTERM);
            assert_false(remote_has_logged(&r, "event=")); /* nothing begun */
        }
        remote_fini(&r);
    }
    printf("%u of %u were asked before they had begun\n", STARTS - clean,
           STARTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_ends_it_cleanly_with_status_0),
        cmocka_unit_test(a_second_skips_what_is_left_of_the_grace),
        cmocka_unit_test(a_third_ends_it_at_once_with_status_1),
        cmocka_unit_test(those_of_others_end_nothing),
        cmocka_unit_test(one_ends_it_while_a_reload_hangs),
        cmocka_unit_test(a_second_hurries_while_a_reload_hangs),
        cmocka_unit_test(reloads_come_one_after_the_other),
        cmocka_unit_test(a_third_ends_a_start_that_hangs),
        cmocka_unit_test(one_at_any_moment_of_the_start_ends_it),
    };

    program = getenv("PARLEYD");
    if (program == NULL) {
        fprintf(stderr, "PARLEYD names the broker to test\n");
        return EXIT_FAILURE;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
