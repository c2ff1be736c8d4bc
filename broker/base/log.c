/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - see log.h.
 *
 * The calling thread builds a line on its stack and passes it whole to
 * log_writer.h.
 *
 * Values are logfmt with the escapes of JSON strings, which logfmt readers
 * decode.  Bytes that are not UTF-8 become \ufffd.  C1 controls and Unicode
 * line separators are escaped as well, because terminals obey them.
 *
 * Invariant: put() leaves TAIL bytes free, so the end of the line always
 * fits. */
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log_writer.h"

#define TRUNCATED " truncated=true"

enum { TAIL = sizeof(TRUNCATED) }; /* its zero byte is the newline */

struct line {
    char bytes[PL_LOG_LINE_MAX];
    size_t len;
    bool truncated;
};

struct pl_log pl_log_default = {.level = {PL_LOG_INFO}};

static bool to_journal; /* constant once threads run */

static const char *level_text(enum pl_log_level level)
{
    static const char *const text[] = {"debug", "info", "warn", "error"};

    return text[level];
}

bool pl_log_detect_journal(void)
{
    const char *named = getenv("JOURNAL_STREAM");
    char actual[64];
    struct stat st;

    to_journal = false;
    if (named != NULL && fstat(STDERR_FILENO, &st) == 0) {
        snprintf(actual, sizeof(actual), "%ju:%ju", (uintmax_t)st.st_dev,
                 (uintmax_t)st.st_ino);
        to_journal = strcmp(named, actual) == 0;
    }
    return to_journal;
}

static void put(struct line *l, const char *bytes, size_t len)
{
    if (l->truncated || len > sizeof(l->bytes) - TAIL - l->len) {
        l->truncated = true;
        return;
    }
    memcpy(l->bytes + l->len, bytes, len);
    l->len += len;
}

static void put_text(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

/* Return the length of the UTF-8 sequence at the start of `s` and its code
 * point; 0 if it is invalid: overlong, a surrogate or truncated. */
static size_t utf8_read(struct pl_span s, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)s.at[0];
    size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (len == 1) {
        *code = first;
        return 1;
    }
    if (first < 0xc2 || first > 0xf4 || s.len < len)
        return 0;
    *code = first & (0x7f >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s.at[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (s.at[i] & 0x3f);
    }
    if (*code < least[len] || *code > 0x10ffff ||
        (*code >= 0xd800 && *code <= 0xdfff))
        return 0;
    return len;
}

static bool is_plain(uint32_t code)
{
    return code > 0x20 && code < 0x7f && code != '"' && code != '\\' &&
           code != '=';
}

static bool needs_quotes(struct pl_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_plain((unsigned char)s.at[i]))
            return true;
    return s.len == 0;
}

/* Controls, the escape characters themselves, and characters that end a line or
 * change its direction on a terminal. */
static bool needs_escape(uint32_t code)
{
    return code < 0x20 || code == '"' || code == '\\' ||
           (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
           (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

static void put_escaped(struct line *l, uint32_t code)
{
    static const char shorts[] = "\"\"\\\\\nn\rr\tt";
    char out[8];
    int len = 0;

    for (size_t i = 0; i + 1 < sizeof(shorts) && len == 0; i += 2)
        if (code == (unsigned char)shorts[i])
            len = snprintf(out, sizeof(out), "\\%c", shorts[i + 1]);
    if (len == 0)
        len = snprintf(out, sizeof(out), "\\u%04" PRIx32, code & 0xffff);
    put(l, out, (size_t)len);
}

/* Write one character of `s`, escaped if needed; return the bytes used. */
static size_t put_character(struct line *l, struct pl_span s)
{
    uint32_t code;
    size_t len = utf8_read(s, &code);

    if (len == 0 || needs_escape(code))
        put_escaped(l, len == 0 ? 0xfffd : code);
    else
        put(l, s.at, len);
    return len == 0 ? 1 : len;
}

static void put_value(struct line *l, struct pl_span s)
{
    bool truncated = s.len > PL_LOG_VALUE_MAX;

    if (!truncated && !needs_quotes(s)) {
        put(l, s.at, s.len);
        return;
    }
    put_text(l, "\"");
    for (size_t i = 0, end = truncated ? PL_LOG_VALUE_MAX : s.len; i < end;)
        i += put_character(l, (struct pl_span){s.at + i, s.len - i});
    put_text(l, truncated ? "...\"" : "\"");
}

static void put_field(struct line *l, const struct pl_log_field *f)
{
    size_t before = l->len;
    char digits[24];

    put_text(l, " ");
    put_text(l, f->key);
    put_text(l, "=");
    if (f->is_number) {
        snprintf(digits, sizeof(digits), "%" PRId64, f->number);
        put_text(l, digits);
    } else {
        put_value(l, f->text);
    }
    if (l->truncated) /* drop the whole field, otherwise its quote stays open */
        l->len = before;
}

static void put_time(struct line *l)
{
    char text[40];
    struct timespec now;
    struct tm utc;
    size_t len;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    len = strftime(text, sizeof(text), "time=%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + len, sizeof(text) - len, ".%03ldZ ", now.tv_nsec / 1000000);
    put_text(l, text);
}

static void put_head(struct line *l, enum pl_log_level level)
{
    /* syslog(3): error, warning, informational, debug */
    static const char *const priority[] = {"<7>", "<6>", "<4>", "<3>"};

    if (to_journal)
        put_text(l, priority[level]);
    else
        put_time(l);
    put_text(l, "level=");
    put_text(l, level_text(level));
}

static void build(struct line *l, enum pl_log_level level, const char *event,
                  const struct pl_log_field *fields, size_t count)
{
    const struct pl_log_field head = pl_log_string("event", event);

    l->len = 0;
    l->truncated = false;
    put_head(l, level);
    put_field(l, &head);
    for (size_t i = 0; i < count && !l->truncated; i++)
        put_field(l, &fields[i]);
    if (l->truncated) {
        memcpy(l->bytes + l->len, TRUNCATED, sizeof(TRUNCATED) - 1);
        l->len += sizeof(TRUNCATED) - 1;
    }
    l->bytes[l->len++] = '\n';
}

void pl_log_write(enum pl_log_level level, const char *event,
                  const struct pl_log_field *fields, size_t count)
{
    const struct pl_log *log = pl_thread_note;
    struct line l;

    build(&l, level, event, fields, count);
    if (log == NULL || log->call == NULL) {
        pl_log_writer_take(level, (struct pl_span){l.bytes, l.len});
        return;
    }
    l.bytes[l.len - 1] = '\0'; /* in place of the newline */
    log->call(level, l.bytes, log->arg);
}

bool pl_log_write_now(enum pl_log_level level, const char *event,
                      const struct pl_log_field *fields, size_t count)
{
    struct line l;

    build(&l, level, event, fields, count);
    return pl_log_writer_write(level, (struct pl_span){l.bytes, l.len});
}
