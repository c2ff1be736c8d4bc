/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - one logfmt line an event: level, event, and named fields. */
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
    /* Bytes of a line, its newline included.  Pipes take this many in one
     * piece, so lines of several threads never mix.  What does not fit is cut
     * and the line then ends in `cut=true`. */
    PL_LOG_LINE_MAX = 4096,
    /* Bytes of one text value; the rest of it is cut, marked by "...". */
    PL_LOG_VALUE_MAX = 512
};

/* One `key=value`.  Built by the calls below, used at once, never kept. */
struct pl_log_field {
    const char *key; /* ours: letters, digits and '_' */
    struct pl_span text;
    int64_t number;
    bool is_number;
};

/* Bytes from anywhere: control characters, quotes and invalid UTF-8 come out
 * escaped, so a value can neither end its line nor pretend to be a field. */
static inline struct pl_log_field pl_log_text(const char *key,
                                              struct pl_span text)
{
    return (struct pl_log_field){.key = key, .text = text};
}

/* `text` may be NULL, which is written as an empty value. */
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

/* Which lines a broker wants.  Each thread has one: a loop's thread that of its
 * broker, any other the process's own, pl_log_default, unless pl_log_use() says
 * so.  Lines of all brokers go to the same place. */
struct pl_log {
    struct pl_cell level; /* the lowest that is written */
};

extern struct pl_log pl_log_default; /* INFO at first */

/* Levels below `level` are off.  Thread: any. */
static inline void pl_log_change(struct pl_log *log, enum pl_log_level level)
{
    pl_cell_set(&log->level, level);
}

static inline enum pl_log_level pl_log_level(const struct pl_log *log)
{
    return (enum pl_log_level)pl_cell_get(&log->level);
}

/* pl_log_change() for the threads that no broker has. */
static inline void pl_log_set_level(enum pl_log_level level)
{
    pl_log_change(&pl_log_default, level);
}

/* `log` is this thread's from now on, NULL: the process's.  It outlives the
 * use.  Returns the one before, NULL for the process's. */
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

/* Use this: PL_LOG(PL_LOG_INFO, "listening", pl_log_string("address", a));
 * with any number of fields, also none.  When the level is off nothing is
 * evaluated.  Never blocks once pl_log_start() was called.  Thread: any. */
#define PL_LOG(level, event, ...)                                              \
    do {                                                                       \
        if (pl_log_wants(level)) {                                             \
            PL_LOG_FIELDS(__VA_ARGS__);                                        \
            pl_log_write((level), (event), pl_log_fields + 1, PL_LOG_COUNT);   \
        }                                                                      \
    } while (0)

/* The same for a line that a client can cause, whoever it is: of each `kind`
 * (log_kind.h) there are so many a second, and the rest is counted and told in
 * one line later. */
#define PL_LOG_LIMITED(kind, level, event, ...)                                \
    do {                                                                       \
        if (pl_log_wants(level) && pl_log_passes(kind, level)) {               \
            PL_LOG_FIELDS(__VA_ARGS__);                                        \
            pl_log_write((level), (event), pl_log_fields + 1, PL_LOG_COUNT);   \
        }                                                                      \
    } while (0)

/* Called by the two above, with the level already checked. */
void pl_log_write(enum pl_log_level level, const char *event,
                  const struct pl_log_field *fields, size_t count);
bool pl_log_passes(enum pl_log_kind kind, enum pl_log_level level);

/* From now on lines go into a bounded queue and a thread of its own writes
 * them, so that no line waits for a reader of stderr.  A line that does not fit
 * is counted and told in one line later.  Before, a line is written by whoever
 * says it.  Each start needs a stop; the last one waits a second at most for
 * what is queued.
 * Thread: any, but a loop's.
 * Errors: PL_ENOMEM, PL_EIO. */
enum pl_err pl_log_start(void);
void pl_log_stop(void);

/* Wait until what was said before is written.  False: it is not yet.
 * Thread: any, but a loop's. */
bool pl_log_flush(uint64_t timeout_ms);

/* The same inside a signal handler of a process that is about to die; 250 ms at
 * most. */
void pl_log_flush_last(void);

/* Since the process began. */
struct pl_log_counts {
    uint64_t dropped; /* lines that found no room, or that write(2) refused */
    uint64_t suppressed; /* lines over the rate of their kind */
};

/* Thread: any. */
struct pl_log_counts pl_log_counts(void);

/* What gets each line; `line` ends in a newline and lives for the call. */
typedef void pl_log_sink(void *arg, enum pl_log_level level,
                         struct pl_span line);

/* Lines go to `sink` from now on; NULL: to stderr again, which is also the
 * beginning.  Between start and stop the log's thread alone calls it, and while
 * it blocks lines queue, and no loop waits; else whoever says the line, so
 * several threads at once.  It must not log.
 * Thread: any, while no other one logs. */
void pl_log_set_sink(pl_log_sink *sink, void *arg);

/* Look whether stderr is systemd's journal ($JOURNAL_STREAM names its device
 * and inode; systemd.exec(5)).  If so, lines begin with the priority that the
 * journal reads, `<6>`, and carry no time, since the journal knows it.
 * Returns what it found.  Thread: before other threads start. */
bool pl_log_detect_journal(void);

#endif
