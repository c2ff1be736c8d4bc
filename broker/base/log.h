/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - logging: one logfmt line per event, with level, event and named
 * fields. */
#ifndef PL_LOG_H
#define PL_LOG_H

#include <stdint.h>

#include "cell.h"
#include "err.h"
#include "log_kind.h"
#include "span.h"
#include "thread.h"

enum pl_log_level { PL_LOG_DEBUG, PL_LOG_INFO, PL_LOG_WARN, PL_LOG_ERROR };

enum {
    /* Bytes of a line with its newline.  A pipe accepts this many at once, so
     * lines of several threads never mix.  A longer line is truncated and ends
     * with `truncated=true`. */
    PL_LOG_LINE_MAX = 4096,
    /* Bytes of one text value; a longer value is truncated and ends with
     * "...". */
    PL_LOG_VALUE_MAX = 512
};

/* One `key=value`.  Created by the calls below, used at once, never kept. */
struct pl_log_field {
    const char *key; /* trusted: letters, digits and '_' */
    struct pl_span text;
    int64_t number;
    bool is_number;
};

/* A value of untrusted bytes: control characters, quotes and invalid UTF-8 are
 * escaped, so it can neither end its line nor look like a field. */
static inline struct pl_log_field pl_log_text(const char *key,
                                              struct pl_span text)
{
    return (struct pl_log_field){.key = key, .text = text};
}

/* `text` may be NULL, which is an empty value. */
static inline struct pl_log_field pl_log_string(const char *key,
                                                const char *text)
{
    return pl_log_text(key, pl_span_of(text));
}

static inline struct pl_log_field pl_log_number(const char *key, int64_t n)
{
    return (struct pl_log_field){.key = key, .number = n, .is_number = true};
}

static inline struct pl_log_field pl_log_error(const char *key, enum pl_err err)
{
    return pl_log_string(key, pl_err_text(err));
}

/* Receives the lines of one log; `line` has no newline and ends with a zero
 * byte.  Called on the thread that logs, several at once; it must not block and
 * must not log. */
typedef void pl_log_receiver(int level, const char *line, void *arg);

/* The level filter of a thread.  A loop's thread uses that of its broker; other
 * threads use the process's, pl_log_default, unless pl_log_use() changes it.
 * The lines of all logs without a receiver go to the same place. */
struct pl_log {
    struct pl_cell level; /* the lowest that is written */
    /* Constant while threads log. */
    pl_log_receiver *call; /* NULL: none */
    void *arg;
};

extern struct pl_log pl_log_default; /* INFO at first */

/* Turn off the levels below `level`.  Thread: any. */
static inline void pl_log_change(struct pl_log *log, enum pl_log_level level)
{
    pl_cell_set(&log->level, level);
}

static inline enum pl_log_level pl_log_level(const struct pl_log *log)
{
    return (enum pl_log_level)pl_cell_get(&log->level);
}

/* Send the lines of threads that use `log` to `call` only; NULL: to the place
 * of all.  Thread: any, before a thread uses `log`. */
static inline void pl_log_call(struct pl_log *log, pl_log_receiver *call,
                               void *arg)
{
    log->call = call;
    log->arg = arg;
}

/* pl_log_change() for threads that belong to no broker. */
static inline void pl_log_set_level(enum pl_log_level level)
{
    pl_log_change(&pl_log_default, level);
}

/* Use `log` for this thread from now on; NULL: the process's.  `log` must
 * outlive the use.  Return the previous one, NULL for the process's. */
static inline const struct pl_log *pl_log_use(const struct pl_log *log)
{
    const struct pl_log *before = pl_thread_note;

    pl_thread_note = log;
    return before;
}

static inline bool pl_log_wants(enum pl_log_level level)
{
    const struct pl_log *log = pl_thread_note;

    return level >= pl_cell_get(&(log == NULL ? &pl_log_default : log)->level);
}

#define PL_LOG_FIELDS(...)                                                     \
    const struct pl_log_field pl_log_fields[] = {{.key = NULL}, ##__VA_ARGS__}
#define PL_LOG_COUNT (sizeof(pl_log_fields) / sizeof(pl_log_fields[0]) - 1)

/* Log an event: PL_LOG(PL_LOG_INFO, "listening", pl_log_string("address", a));
 * with any number of fields, or none.  If the level is off, nothing is
 * evaluated.  Never blocks after pl_log_start().
 * Thread: any. */
#define PL_LOG(level, event, ...)                                              \
    do {                                                                       \
        if (pl_log_wants(level)) {                                             \
            PL_LOG_FIELDS(__VA_ARGS__);                                        \
            pl_log_write((level), (event), pl_log_fields + 1, PL_LOG_COUNT);   \
        }                                                                      \
    } while (0)

/* PL_LOG() for lines that clients can cause: each `kind` (log_kind.h) has a
 * rate per second for all clients together.  Lines over it are counted and
 * reported in one later line. */
#define PL_LOG_LIMITED(kind, level, event, ...)                                \
    do {                                                                       \
        if (pl_log_wants(level) && pl_log_passes(kind, level)) {               \
            PL_LOG_FIELDS(__VA_ARGS__);                                        \
            pl_log_write((level), (event), pl_log_fields + 1, PL_LOG_COUNT);   \
        }                                                                      \
    } while (0)

/* Called by the two macros above, which have checked the level. */
void pl_log_write(enum pl_log_level level, const char *event,
                  const struct pl_log_field *fields, size_t count);
bool pl_log_passes(enum pl_log_kind kind, enum pl_log_level level);

/* Start a thread that writes lines from a bounded queue, so that no caller
 * waits for a reader of stderr.  Lines that do not fit are counted and reported
 * in one later line.  Before this, the calling thread writes its lines.  Each
 * start needs a stop; the last stop waits at most a second for queued lines.
 * Thread: any except a loop's.
 * Errors: PL_ENOMEM, PL_EIO. */
enum pl_err pl_log_start(void);
void pl_log_stop(void);

/* Wait until all earlier lines are written.  Return false if they are not after
 * `timeout_ms`.
 * Thread: any except a loop's. */
bool pl_log_flush(uint64_t timeout_ms);

/* pl_log_flush() for a signal handler of a process that is about to die; waits
 * at most 250 ms. */
void pl_log_flush_last(void);

/* Counters since the process started. */
struct pl_log_counts {
    uint64_t dropped;    /* lines that did not fit, or that write(2) refused */
    uint64_t suppressed; /* lines over the rate of their kind */
};

/* Thread: any. */
struct pl_log_counts pl_log_counts(void);

/* Receives each line; `line` ends with a newline and is valid during the
 * call. */
typedef void pl_log_sink(void *arg, enum pl_log_level level,
                         struct pl_span line);

/* Send lines to `sink` from now on; NULL: to stderr, as at first.  Between
 * start and stop only the log's thread calls it; while it blocks, lines queue
 * and no loop waits.  Otherwise the logging threads call it, several at once.
 * It must not log.
 * Thread: any, while no other thread logs. */
void pl_log_set_sink(pl_log_sink *sink, void *arg);

/* Detect whether stderr is systemd's journal ($JOURNAL_STREAM names its device
 * and inode; systemd.exec(5)).  If so, lines begin with the priority that the
 * journal reads, `<6>`, and carry no time, because the journal adds it.  Return
 * the result.
 * Thread: before other threads start. */
bool pl_log_detect_journal(void);

#endif
