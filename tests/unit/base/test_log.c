/* SPDX-License-Identifier: Apache-2.0 */
/* test_log.c - what a line looks like, and what cannot break it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka.h needs the first three */
#include <cmocka.h>

#include "log.h"

static char lines[2 * PL_LOG_LINE_MAX];
static size_t lines_len;
static unsigned line_count;

static void keep(void *arg, enum pl_log_level level, struct pl_span line)
{
    (void)arg;
    (void)level;
    assert_true(lines_len + line.len < sizeof(lines));
    memcpy(lines + lines_len, line.at, line.len);
    lines_len += line.len;
    lines[lines_len] = '\0';
    line_count++;
}

static int begin(void **state)
{
    (void)state;
    lines_len = 0;
    lines[0] = '\0';
    line_count = 0;
    unsetenv("JOURNAL_STREAM");
    pl_log_detect_journal();
    pl_log_set_level(PL_LOG_INFO);
    pl_log_set_sink(keep, NULL);
    return 0;
}

/* The line without its time, which is checked by its shape here. */
static const char *after_time(void)
{
    static const char shape[] = "time=0000-00-00T00:00:00.000Z ";

    for (size_t i = 0; shape[i] != '\0'; i++)
        if (shape[i] == '0')
            assert_in_range(lines[i], '0', '9');
        else
            assert_int_equal(lines[i], shape[i]);
    return lines + sizeof(shape) - 1;
}

static void assert_value(struct pl_span value, const char *written)
{
    char wanted[256];

    begin(NULL);
    PL_LOG(PL_LOG_INFO, "e", pl_log_text("v", value));
    snprintf(wanted, sizeof(wanted), "level=info event=e v=%s\n", written);
    assert_string_equal(after_time(), wanted);
}

static void a_line_has_time_level_event_and_fields(void **state)
{
    (void)state;
    PL_LOG(PL_LOG_WARN, "client gone", pl_log_string("client", "a-1"),
           pl_log_number("code", -3008), pl_log_error("why", PL_EFULL));
    assert_string_equal(after_time(),
                        "level=warn event=\"client gone\" client=a-1 "
                        "code=-3008 why=\"queue is full\"\n");
    assert_int_equal(line_count, 1);
}

static void an_event_needs_no_fields(void **state)
{
    (void)state;
    PL_LOG(PL_LOG_ERROR, "stop");
    assert_string_equal(after_time(), "level=error event=stop\n");
}

static void a_level_that_is_off_evaluates_nothing(void **state)
{
    int calls = 0;

    (void)state;
    PL_LOG(PL_LOG_DEBUG, "e", pl_log_number("n", ++calls));
    assert_int_equal(calls, 0);
    assert_int_equal(line_count, 0);
    pl_log_set_level(PL_LOG_DEBUG);
    PL_LOG(PL_LOG_DEBUG, "e", pl_log_number("n", ++calls));
    assert_int_equal(calls, 1);
    assert_int_equal(line_count, 1);
}

static void values_are_quoted_and_escaped_when_needed(void **state)
{
    (void)state;
    assert_value(PL_SPAN("plain/1.5:x"), "plain/1.5:x");
    assert_value(PL_SPAN(""), "\"\"");
    assert_value((struct pl_span){NULL, 0}, "\"\"");
    assert_value(PL_SPAN("two words"), "\"two words\"");
    assert_value(PL_SPAN("a=b"), "\"a=b\"");
    assert_value(PL_SPAN("say \"x\\y\""), "\"say \\\"x\\\\y\\\"\"");
    assert_value(PL_SPAN("a\nlevel=error\r\t"), "\"a\\nlevel=error\\r\\t\"");
    assert_value(PL_SPAN("\x1b[31m\0\x7f"), "\"\\u001b[31m\\u0000\\u007f\"");
}

static void utf8_stays_and_what_is_none_becomes_fffd(void **state)
{
    (void)state;
    assert_value(PL_SPAN("h\xc3\xa9 \xf0\x9f\x98\x80"),
                 "\"h\xc3\xa9 \xf0\x9f\x98\x80\"");
    assert_value(PL_SPAN("\xff"), "\"\\ufffd\"");
    assert_value(PL_SPAN("\xc3"), "\"\\ufffd\"");
    assert_value(PL_SPAN("\xc0\xaf"), "\"\\ufffd\\ufffd\"");
    assert_value(PL_SPAN("\xe0\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\"");
    assert_value(PL_SPAN("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");
    assert_value(PL_SPAN("\xf4\x90\x80\x80"),
                 "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
    assert_value(PL_SPAN("\xc2\x9b"), "\"\\u009b\"");     /* C1 */
    assert_value(PL_SPAN("\xe2\x80\xa8"), "\"\\u2028\""); /* line end */
    assert_value(PL_SPAN("\xe2\x80\xae"), "\"\\u202e\""); /* right to left */
}

static void a_long_value_is_truncated_and_says_so(void **state)
{
    char value[PL_LOG_VALUE_MAX + 1];

    (void)state;
    memset(value, 'x', sizeof(value));
    PL_LOG(PL_LOG_INFO, "e",
           pl_log_text("v", (struct pl_span){value, sizeof(value)}),
           pl_log_number("n", 1));
    assert_non_null(strstr(lines, "xxx...\" n=1\n"));
    assert_int_equal(strspn(strchr(lines, '"') + 1, "x"), PL_LOG_VALUE_MAX);
}

static void a_line_too_long_loses_whole_fields_and_says_so(void **state)
{
    char bytes[PL_LOG_VALUE_MAX];
    struct pl_span value = {bytes, sizeof(bytes)};

    (void)state;
    memset(bytes, '\1', sizeof(bytes)); /* six bytes each when escaped */
    PL_LOG(PL_LOG_INFO, "e", pl_log_text("a", value), pl_log_text("b", value),
           pl_log_number("c", 1));
    assert_int_equal(line_count, 1);
    assert_true(lines_len <= PL_LOG_LINE_MAX);
    assert_string_equal(lines + lines_len - 23, "\\u0001\" truncated=true\n");
    assert_null(strstr(lines, " b="));
    assert_null(strstr(lines, " c="));
}

static void the_journal_gets_a_priority_and_no_time(void **state)
{
    char name[64];
    struct stat st;

    (void)state;
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev,
             (uintmax_t)st.st_ino);
    setenv("JOURNAL_STREAM", name, 1);
    assert_true(pl_log_detect_journal());
    pl_log_set_level(PL_LOG_DEBUG);
    PL_LOG(PL_LOG_DEBUG, "e");
    PL_LOG(PL_LOG_INFO, "e");
    PL_LOG(PL_LOG_WARN, "e");
    PL_LOG(PL_LOG_ERROR, "e");
    assert_string_equal(lines, "<7>level=debug event=e\n"
                               "<6>level=info event=e\n"
                               "<4>level=warn event=e\n"
                               "<3>level=error event=e\n");
}

static void another_stream_is_not_the_journal(void **state)
{
    (void)state;
    setenv("JOURNAL_STREAM", "1:1", 1);
    assert_false(pl_log_detect_journal());
    PL_LOG(PL_LOG_INFO, "e");
    assert_string_equal(after_time(), "level=info event=e\n");
}

static void without_a_sink_a_line_goes_to_stderr(void **state)
{
    char got[128];
    int ends[2], saved = dup(STDERR_FILENO);
    ssize_t n;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    pl_log_set_sink(NULL, NULL);
    dup2(ends[1], STDERR_FILENO);
    PL_LOG(PL_LOG_INFO, "to stderr");
    dup2(saved, STDERR_FILENO);
    n = read(ends[0], got, sizeof(got) - 1);
    assert_true(n > 0);
    got[n] = '\0';
    assert_non_null(strstr(got, " level=info event=\"to stderr\"\n"));
    assert_int_equal(line_count, 0);
    close(ends[0]);
    close(ends[1]);
    close(saved);
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_has_time_level_event_and_fields),
        TEST(an_event_needs_no_fields),
        TEST(a_level_that_is_off_evaluates_nothing),
        TEST(values_are_quoted_and_escaped_when_needed),
        TEST(utf8_stays_and_what_is_none_becomes_fffd),
        TEST(a_long_value_is_truncated_and_says_so),
        TEST(a_line_too_long_loses_whole_fields_and_says_so),
        TEST(the_journal_gets_a_priority_and_no_time),
        TEST(another_stream_is_not_the_journal),
        TEST(without_a_sink_a_line_goes_to_stderr),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
