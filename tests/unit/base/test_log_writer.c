/* SPDX-License-Identifier: Apache-2.0 */
/* test_log_writer.c - lines reach stderr or the sink, whatever blocks or fails
 * there, and what does not is counted and told.  Needs TSan to be of full use.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

enum { LONG_MS = 60000, SHORT_MS = 20, FLOOD = 20000, PIPE_BYTES = 4096 };

/* stderr while a test has it. */
static int saved, reading;
static char text[8 << 20];
static size_t text_len;
static struct pl_log_counts before;

static void give_stderr(int fd)
{
    dup2(fd, STDERR_FILENO);
    close(fd);
}

/* stderr is a small pipe that nobody reads yet. */
static void begin(int flags)
{
    int ends[2];

    saved = dup(STDERR_FILENO);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
    fcntl(ends[1], F_SETFL, flags);
    give_stderr(ends[1]);
    reading = ends[0];
    text_len = 0;
    before = pl_log_counts();
    assert_int_equal(pl_log_start(), PL_OK);
}

static void *read_all(void *arg)
{
    ssize_t n;

    (void)arg;
    while ((n = read(reading, text + text_len, sizeof text - 1 - text_len)) > 0)
        text_len += (size_t)n;
    text[text_len] = '\0';
    return NULL;
}

/* Everything is written and read. */
static void end(void)
{
    pthread_t reader;

    pthread_create(&reader, NULL, read_all, NULL);
    assert_true(pl_log_flush(LONG_MS));
    pl_log_stop();
    dup2(saved, STDERR_FILENO); /* which ends the pipe */
    close(saved);
    pthread_join(reader, NULL);
    close(reading);
}

static unsigned count(const char *what)
{
    unsigned n = 0;

    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

/* The sum of the counts that lines of this event tell. */
static uint64_t told(const char *event)
{
    uint64_t sum = 0;

    for (const char *at = text; (at = strstr(at, event)) != NULL; at++)
        sum += strtoull(strstr(at, "count=") + 6, NULL, 10);
    return sum;
}

static void a_stderr_that_nobody_reads_blocks_no_line(void **state)
{
    (void)state;
    begin(0);
    for (int i = 0; i < FLOOD; i++)
        PL_LOG(PL_LOG_INFO, "flood", pl_log_number("n", i));
    assert_false(pl_log_flush(SHORT_MS));
    uint64_t dropped = pl_log_counts().dropped - before.dropped;
    assert_true(dropped > 0);
    end();
    assert_int_equal(count("event=flood"), FLOOD - dropped);
    assert_int_equal(told("event=\"log lines dropped\""), dropped);
    assert_int_equal(count("reason=\"queue full\""), 1);
}

static void a_stop_does_not_wait_for_a_reader_that_never_comes(void **state)
{
    (void)state;
    begin(0);
    for (int i = 0; i < FLOOD; i++)
        PL_LOG(PL_LOG_INFO, "flood", pl_log_number("n", i));
    pl_log_stop();
    PL_LOG(PL_LOG_INFO, "afterwards"); /* does not block either */
    assert_int_equal(pl_log_start(), PL_OK);
    end();
    assert_true(count("event=flood") > 0);
}

static void a_stderr_that_does_not_block_loses_nothing(void **state)
{
    (void)state;
    begin(O_NONBLOCK);
    for (int i = 0; i < 1000; i++)
        PL_LOG(PL_LOG_INFO, "patience", pl_log_number("n", i));
    end();
    assert_int_equal(count("event=patience"), 1000);
    assert_int_equal(pl_log_counts().dropped, before.dropped);
}

static void what_a_full_disk_refuses_is_counted_and_told_later(void **state)
{
    (void)state;
    begin(0);
    int pipe_end = dup(STDERR_FILENO);
    give_stderr(open("/dev/full", O_WRONLY | O_CLOEXEC));
    for (int i = 0; i < 3; i++)
        PL_LOG(PL_LOG_INFO, "lost");
    assert_true(pl_log_flush(LONG_MS));
    assert_int_equal(pl_log_counts().dropped - before.dropped, 3);
    give_stderr(pipe_end);
    PL_LOG(PL_LOG_INFO, "found");
    end();
    assert_int_equal(count("event=lost"), 0);
    assert_int_equal(count("event=found"), 1);
    assert_int_equal(told("event=\"log lines dropped\""), 3);
    assert_int_equal(count("reason=\"No space left on device\""), 1);
}

static void a_reader_that_has_gone_ends_nothing(void **state)
{
    int ends[2];

    (void)state;
    begin(0);
    int pipe_end = dup(STDERR_FILENO);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    give_stderr(ends[1]);
    PL_LOG(PL_LOG_INFO, "lost"); /* SIGPIPE would end the test */
    assert_true(pl_log_flush(LONG_MS));
    give_stderr(pipe_end);
    PL_LOG(PL_LOG_INFO, "found");
    end();
    assert_int_equal(count("event=found"), 1);
    assert_int_equal(told("event=\"log lines dropped\""), 1);
    assert_int_equal(count("reason=\"Broken pipe\""), 1);
}

static void on_abort(int number)
{
    (void)number;
    pl_log_flush_last();
}

static _Noreturn void die(void)
{
    signal(SIGABRT, on_abort);
    if (pl_log_start() != PL_OK)
        _exit(1);
    for (int i = 0; i < 100; i++)
        PL_LOG(PL_LOG_ERROR, "last words");
    abort();
}

static void the_last_lines_before_a_crash_are_written(void **state)
{
    int ends[2], status;
    pid_t pid;

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        give_stderr(ends[1]);
        die();
    }
    close(ends[1]);
    reading = ends[0];
    text_len = 0;
    read_all(NULL);
    close(reading);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(count("event=\"last words\""), 100);
}

/* --- The sink --- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static struct pl_cell passed;

static void block(void *arg, enum pl_log_level level, struct pl_span line)
{
    (void)arg, (void)level, (void)line;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    pl_cell_add(&passed, 1);
}

static void a_sink_that_blocks_delays_no_thread(void **state)
{
    (void)state;
    pl_cell_set(&passed, 0);
    pl_log_set_sink(block, NULL);
    assert_int_equal(pl_log_start(), PL_OK);
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 100; i++)
        PL_LOG(PL_LOG_INFO, "e");
    assert_int_equal(pl_cell_get(&passed), 0);
    pthread_mutex_unlock(&gate);
    assert_true(pl_log_flush(LONG_MS));
    assert_int_equal(pl_cell_get(&passed), 100);
    pl_log_stop();
    pl_log_set_sink(NULL, NULL);
}

/* --- Rates --- */

static void a_kind_has_its_burst_and_then_its_rate(void **state)
{
    const uint64_t now = 1000000;
    struct pl_log_rate r = {0};
    unsigned n = 0;

    (void)state;
    for (int i = 0; i < 1000; i++)
        n += pl_log_rate_passes(&r, now);
    assert_int_equal(n, PL_LOG_BURST);
    assert_int_equal(pl_cell_get(&r.suppressed), 1000 - PL_LOG_BURST);
    for (uint64_t ms = 1; ms <= 10 * PL_LOG_INTERVAL_MS; ms++)
        n += pl_log_rate_passes(&r, now + ms);
    assert_int_equal(n, PL_LOG_BURST + 10);
    for (int i = 0; i < 1000; i++) /* after a long rest, a burst again */
        n += pl_log_rate_passes(&r, now + 3600000);
    assert_int_equal(n, 2 * PL_LOG_BURST + 10);
}

static struct pl_log_rate shared;

static void *pass_often(void *arg)
{
    uintptr_t n = 0;

    (void)arg;
    for (int i = 0; i < 5000; i++)
        n += pl_log_rate_passes(&shared, 1000000);
    return (void *)n;
}

static void threads_share_the_rate_of_a_kind(void **state)
{
    pthread_t t[4];
    uintptr_t n = 0;

    (void)state;
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, pass_often, NULL);
    for (int i = 0; i < 4; i++) {
        void *passes;

        pthread_join(t[i], &passes);
        n += (uintptr_t)passes;
    }
    assert_int_equal(n, PL_LOG_BURST);
    assert_int_equal(pl_cell_get(&shared.suppressed), 20000 - PL_LOG_BURST);
}

static void what_is_over_the_rate_is_told_in_one_line(void **state)
{
    (void)state;
    begin(0);
    for (int i = 0; i < 1000; i++)
        PL_LOG_LIMITED(PL_LOG_KIND_TOKEN, PL_LOG_INFO, "stranger",
                       pl_log_number("n", i));
    uint64_t suppressed = pl_log_counts().suppressed - before.suppressed;
    PL_LOG_LIMITED(PL_LOG_KIND_TLS, PL_LOG_INFO, "another kind");
    end();
    assert_true(count("event=stranger") >= PL_LOG_BURST);
    assert_int_equal(count("event=stranger") + suppressed, 1000);
    assert_int_equal(told("event=\"log lines suppressed\" kind=token"),
                     suppressed);
    assert_int_equal(count("log lines suppressed"), 1);
    assert_int_equal(count("event=\"another kind\""), 1);
}

/* --- Levels --- */

static void *say_both(void *log)
{
    pl_log_use(log);
    for (int i = 0; i < 100; i++) {
        PL_LOG(PL_LOG_DEBUG, "e", pl_log_number("debug", 1));
        PL_LOG(PL_LOG_ERROR, "e", pl_log_number("error", 1));
    }
    return NULL;
}

static void each_thread_has_the_level_of_its_log(void **state)
{
    struct pl_log all = {0}, few = {0};
    pthread_t t[3];

    (void)state;
    pl_log_change(&all, PL_LOG_DEBUG);
    pl_log_change(&few, PL_LOG_ERROR);
    begin(0);
    pthread_create(&t[0], NULL, say_both, &all);
    pthread_create(&t[1], NULL, say_both, &few);
    pthread_create(&t[2], NULL, say_both, NULL); /* the process's: INFO */
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    end();
    assert_int_equal(count(" debug=1"), 100);
    assert_int_equal(count(" error=1"), 300);
}

static void a_level_may_change_while_others_log(void **state)
{
    struct pl_log log = {0};
    pthread_t t;

    (void)state;
    pl_log_change(&log, PL_LOG_ERROR);
    begin(0);
    pthread_create(&t, NULL, say_both, &log);
    pl_log_change(&log, PL_LOG_DEBUG);
    pthread_join(t, NULL);
    assert_int_equal(pl_log_level(&log), PL_LOG_DEBUG);
    end();
    assert_int_equal(count(" error=1"), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_lines_before_a_crash_are_written),
        cmocka_unit_test(a_stderr_that_nobody_reads_blocks_no_line),
        cmocka_unit_test(a_stop_does_not_wait_for_a_reader_that_never_comes),
        cmocka_unit_test(a_stderr_that_does_not_block_loses_nothing),
        cmocka_unit_test(what_a_full_disk_refuses_is_counted_and_told_later),
        cmocka_unit_test(a_reader_that_has_gone_ends_nothing),
        cmocka_unit_test(a_sink_that_blocks_delays_no_thread),
        cmocka_unit_test(a_kind_has_its_burst_and_then_its_rate),
        cmocka_unit_test(threads_share_the_rate_of_a_kind),
        cmocka_unit_test(what_is_over_the_rate_is_told_in_one_line),
        cmocka_unit_test(each_thread_has_the_level_of_its_log),
        cmocka_unit_test(a_level_may_change_while_others_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
