/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - one logfmt line an event: level, event, and named fields. */
#ifndef PL_LOG_H
#define PL_LOG_H

#include <stdint.h>

#include "err.h"
#include "span.h"

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

/* Use this: PL_LOG(PL_LOG_INFO, "listening", pl_log_string("address", a));
 * with any number of fields, also none.  When the level is off nothing is
 * evaluated.  Thread: any. */
#define PL_LOG(level, event, ...)                                              \
    do {                                                                       \
        if ((level) >= pl_log_threshold) {                                     \
            const struct pl_log_field pl_log_fields[] = {{.key = NULL},        \
                                                         ##__VA_ARGS__};       \
            pl_log_write((level), (event), pl_log_fields + 1,                  \
                         sizeof(pl_log_fields) / sizeof(pl_log_fields[0]) -    \
                             1);                                               \
        }                                                                      \
    } while (0)

/* Called by PL_LOG, with the level already checked. */
void pl_log_write(enum pl_log_level level, const char *event,
                  const struct pl_log_field *fields, size_t count);

/* The lowest level that is written; read it, set it by the calls below. */
extern enum pl_log_level pl_log_threshold;

/* Levels below `level` are off.  INFO until somebody sets another.
 * Thread: before other threads start. */
void pl_log_set_level(enum pl_log_level level);

/* What gets each line; `line` ends in a newline and lives for the call. */
typedef void pl_log_sink(void *arg, enum pl_log_level level,
                         struct pl_span line);

/* Lines go to `sink` from now on; NULL: to stderr again, which is also the
 * beginning.  The sink may be called by several threads at once.
 * Thread: before other threads start. */
void pl_log_set_sink(pl_log_sink *sink, void *arg);

/* Look whether stderr is systemd's journal ($JOURNAL_STREAM names its device
 * and inode; systemd.exec(5)).  If so, lines begin with the priority that the
 * journal reads, `<6>`, and carry no time, since the journal knows it.
 * Returns what it found.  Thread: before other threads start. */
bool pl_log_detect_journal(void);

#endif
