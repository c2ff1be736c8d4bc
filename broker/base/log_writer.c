/* SPDX-License-Identifier: Apache-2.0 */
/* log_writer.c - the path of a line to the sink or to stderr.
 *
 * An unread pipe, a stopped terminal (Ctrl-S) and a full disk block or fail a
 * write indefinitely, so one thread writes and all others only queue (spool.h).
 * A line leaves in one write(2), which pipes accept whole up to PL_LOG_LINE_MAX
 * (PIPE_BUF), so it does not mix with lines of other processes.  After an error
 * in the middle of a line, a newline ends it before the next line.
 *
 * No line is lost silently: lines that did not fit, that write(2) refused, or
 * that exceeded the rate of their kind are counted, and reported when lines can
 * be written again.
 *
 * Rejected: writing only when poll(2) reports space, because that is wrong for
 * terminals and for pipes with other writers; a non-blocking stderr, because
 * other processes share its description.
 *
 * Invariant: told_full and told_failed never exceed the counters they
 * report. */
#include "log_writer.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "spool.h"

enum { STOP_MS = 1000, TELL_LOSSES_MS = 1000, LAST_MS = 250 };

static void write_piece(uint8_t level, const char *bytes, size_t len);
static uint64_t rest(bool is_last);

/* Constant while threads log. */
static pl_log_sink *line_sink;
static void *line_sink_arg;

/* Any thread. */
static struct pl_spool spool = PL_SPOOL_INIT("parley-log", write_piece, rest);
static struct pl_log_rate rates[PL_LOG_KIND_COUNT];
static struct pl_cell full, failed, failed_errno, suppressed;
static struct pl_cell is_torn; /* the last line has no newline */

/* The writer's thread. */
static uint64_t told_full, told_failed, told_losses_ms;
static uint64_t tell_suppressed_ms; /* when to report; 0: nothing to report */

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

void pl_log_set_sink(pl_log_sink *sink, void *arg)
{
    pl_log_flush(STOP_MS);
    line_sink = sink;
    line_sink_arg = arg;
}

/* --- Writing --- */

static bool wait_for_space(void)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

/* Return 0, or the errno of write(2). */
static int write_bytes(const char *bytes, size_t len, size_t *done)
{
    while (*done < len) {
        ssize_t n = write(STDERR_FILENO, bytes + *done, len - *done);

        if (n >= 0)
            *done += (size_t)n;
        else if (errno != EINTR && !(errno == EAGAIN && wait_for_space()))
            return errno;
    }
    return 0;
}

static bool write_line(struct pl_span line)
{
    size_t done = 0;

    if (pl_cell_get(&is_torn) != 0 && write_bytes("\n", 1, &done) == 0)
        pl_cell_set(&is_torn, 0);
    done = 0;
    int error = write_bytes(line.at, line.len, &done);
    if (error == 0)
        return true;
    if (done > 0)
        pl_cell_set(&is_torn, 1);
    pl_cell_set(&failed_errno, (uint64_t)error);
    return false;
}

bool pl_log_writer_write(enum pl_log_level level, struct pl_span line)
{
    if (line_sink == NULL)
        return write_line(line);
    line_sink(line_sink_arg, level, line);
    return true;
}

static void write_or_count(enum pl_log_level level, struct pl_span line)
{
    if (!pl_log_writer_write(level, line))
        pl_cell_add(&failed, 1);
}

void pl_log_writer_take(enum pl_log_level level, struct pl_span line)
{
    enum pl_err rc = pl_spool_put(&spool, (uint8_t)level, line.at, line.len);

    if (rc == PL_EFULL)
        pl_cell_add(&full, 1);
    else if (rc != PL_OK)
        write_or_count(level, line);
}

/* --- Reporting missing lines, on the writer's thread --- */

static void tell_loss(uint64_t *told, uint64_t count, const char *reason)
{
    const struct pl_log_field fields[] = {
        pl_log_number("count", (int64_t)(count - *told)),
        pl_log_string("reason", reason),
    };

    if (count != *told &&
        pl_log_write_now(PL_LOG_WARN, "log lines dropped", fields, 2))
        *told = count;
}

static void tell_losses(void)
{
    uint64_t missed = pl_cell_get(&failed);

    told_losses_ms = now_ms();
    tell_loss(&told_full, pl_cell_get(&full), "queue full");
    tell_loss(&told_failed, missed, strerror((int)pl_cell_get(&failed_errno)));
}

static void raise_level(struct pl_cell *cell, enum pl_log_level level)
{
    uint64_t old = pl_cell_get(cell);

    while (old < (uint64_t)level &&
           !pl_cell_replace(cell, &old, (uint64_t)level))
        continue;
}

/* Report at the highest level of the suppressed lines. */
static void tell_suppressed_of(enum pl_log_kind kind)
{
    enum pl_log_level level =
        (enum pl_log_level)pl_cell_take(&rates[kind].level);
    uint64_t count = pl_cell_take(&rates[kind].suppressed);
    const struct pl_log_field fields[] = {
        pl_log_string("kind", pl_log_kind_name(kind)),
        pl_log_number("count", (int64_t)count),
    };

    if (count > 0 &&
        !pl_log_write_now(level, "log lines suppressed", fields, 2)) {
        raise_level(&rates[kind].level, level);
        pl_cell_add(&rates[kind].suppressed, count); /* report later */
    }
}

static bool has_suppressed(void)
{
    for (int i = 0; i < PL_LOG_KIND_COUNT; i++) {
        if (pl_cell_get(&rates[i].suppressed) > 0)
            return true;
    }
    return false;
}

/* Return the milliseconds until the next call; 0: none needed. */
static uint64_t tell_suppressed(bool is_last)
{
    uint64_t now = now_ms();

    if (!has_suppressed())
        return tell_suppressed_ms = 0;
    if (tell_suppressed_ms == 0)
        tell_suppressed_ms = now + PL_LOG_TELL_MS;
    if (!is_last && now < tell_suppressed_ms)
        return tell_suppressed_ms - now;
    for (int i = 0; i < PL_LOG_KIND_COUNT; i++)
        tell_suppressed_of((enum pl_log_kind)i);
    return tell_suppressed_ms = 0;
}

static uint64_t rest(bool is_last)
{
    tell_losses();
    return tell_suppressed(is_last);
}

/* A queue that is never empty never calls rest(), so losses are reported here
 * too. */
static void write_piece(uint8_t level, const char *bytes, size_t len)
{
    write_or_count((enum pl_log_level)level, (struct pl_span){bytes, len});
    if (now_ms() >= told_losses_ms + TELL_LOSSES_MS)
        tell_losses();
}

/* --- The calls of log.h --- */

/* The first suppressed line wakes the writer, which then times the report. */
bool pl_log_passes(enum pl_log_kind kind, enum pl_log_level level)
{
    struct pl_log_rate *r = &rates[kind];

    if (pl_log_rate_passes(r, now_ms()))
        return true;
    raise_level(&r->level, level);
    pl_cell_add(&suppressed, 1);
    if (pl_cell_get(&r->suppressed) == 1)
        pl_spool_poke(&spool);
    return false;
}

struct pl_log_counts pl_log_counts(void)
{
    return (struct pl_log_counts){
        .dropped = pl_cell_get(&full) + pl_cell_get(&failed),
        .suppressed = pl_cell_get(&suppressed),
    };
}

enum pl_err pl_log_start(void)
{
    return pl_spool_start(&spool);
}

void pl_log_stop(void)
{
    pl_spool_stop(&spool, STOP_MS);
}

bool pl_log_flush(uint64_t timeout_ms)
{
    return pl_spool_flush(&spool, timeout_ms);
}

/* A signal handler may wait for no condition, so this looks each millisecond:
 * both calls are allowed there. */
void pl_log_flush_last(void)
{
    static const struct timespec a_millisecond = {0, 1000000};

    for (int i = 0; i < LAST_MS && !pl_spool_is_idle(&spool); i++)
        nanosleep(&a_millisecond, NULL);
}
