/* SPDX-License-Identifier: Apache-2.0 */
/* test_terminal_editor.c - a line that is typed, and the lines before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "editor.h"

static struct pl_history history;
static struct pl_editor e;
static struct pl_keys keys;

static void on_key(const struct pl_key *key, void *arg)
{
    (void)arg;
    if (key->kind == PL_KEY_ENTER) {
        pl_history_add(&history, pl_buf_span(&e.text));
        pl_editor_clear(&e);
        return;
    }
    pl_editor_key(&e, key);
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(pl_history_init(&history, NULL), PL_OK);
    pl_editor_init(&e, 20, &history);
    keys = (struct pl_keys){.got = on_key};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pl_editor_fini(&e);
    pl_history_fini(&history);
    return 0;
}

static void type(const char *bytes)
{
    pl_keys_feed(&keys, bytes, strlen(bytes));
}

/* The text with "|" at the cursor. */
static void expect(const char *text)
{
    char shown[256];

    snprintf(shown, sizeof shown, "%.*s|%.*s", (int)e.cursor,
             e.text.data == NULL ? "" : e.text.data,
             (int)(e.text.len - e.cursor),
             e.text.data == NULL ? "" : e.text.data + e.cursor);
    assert_string_equal(shown, text);
}

static void text_goes_in_at_the_cursor(void **state)
{
    (void)state;
    type("hello");
    expect("hello|");
    type("\001>\005<");
    expect(">hello<|");
    type("\002\002\033[D\004");
    expect(">hel|o<");
    type("\x7f\033[3~");
    expect(">he|<");
}

static void the_cursor_moves_by_glyphs(void **state)
{
    (void)state;
    type("xe\u0301世");
    type("\033[D\033[D");
    expect("x|e\u0301世");
    type("\033[C\x7f");
    expect("x|世");
}

static void words_are_moved_over_and_killed(void **state)
{
    (void)state;
    type("one two-three");
    type("\033b");
    expect("one two-|three");
    type("\033b\033d");
    expect("one |-three");
    type("\005\033\x7f");
    expect("one -|");
    type("\027");
    expect("one |");
    type("\001\033f\033[1;5C");
    expect("one |");
    type("\001\033f");
    expect("one| ");
}

static void what_was_killed_is_yanked(void **state)
{
    (void)state;
    type("one two\027\031\031");
    expect("one twotwo|");
    type("\025");
    expect("|");
    type("\031");
    expect("one twotwo|");
    type("\001\013x\031");
    expect("xone twotwo|");
}

static void kills_in_a_row_are_one_text(void **state)
{
    (void)state;
    type("one two three\027\027");
    expect("one |");
    type("\031");
    expect("one two three|");
    type("\001\033d\033d\005\031");
    expect(" threeone two|");
}

static void earlier_lines_come_back_and_the_new_one_is_kept(void **state)
{
    (void)state;
    type("first\rsecond\rnew");
    type("\033[A");
    expect("second|");
    type("\020");
    expect("first|");
    type("\020");
    expect("first|");
    type("\016\033[B");
    expect("new|");
    type("\016");
    expect("new|");
}

static void a_line_is_bounded_in_utf16_units(void **state)
{
    (void)state;
    type("0123456789012345678");
    type("🎉");
    expect("0123456789012345678|");
    type("é");
    expect("0123456789012345678é|");
    type("x");
    expect("0123456789012345678é|");
    assert_int_equal(e.units, 20);
    type("\x7f\x7f🎉");
    expect("012345678901234567🎉|");
}

static void a_paste_may_have_newlines(void **state)
{
    (void)state;
    type("\033[200~one\ntwo\033[201~");
    expect("one\ntwo|");
}

static void replacing_puts_the_cursor_behind(void **state)
{
    (void)state;
    type("hi ad there\001");
    assert_true(pl_editor_replace(&e, 3, 2, PL_SPAN("Ada:")));
    expect("hi Ada:| there");
    assert_false(pl_editor_replace(&e, 0, 0, PL_SPAN("much too long for it")));
    expect("hi Ada:| there");
}

static void a_key_of_the_program_is_not_taken(void **state)
{
    (void)state;
    assert_false(pl_editor_key(&e, &(struct pl_key){.kind = PL_KEY_TAB}));
    assert_false(
        pl_editor_key(&e, &(struct pl_key){.kind = PL_KEY_CTRL, .code = 'd'}));
    assert_false(pl_editor_key(&e, &(struct pl_key){.kind = PL_KEY_TEXT,
                                                    .code = '1',
                                                    .mods = PL_KEY_ALT}));
    expect("|");
}

/* --- The file --- */

static char path[64];

static void reload(void)
{
    pl_history_fini(&history);
    assert_int_equal(pl_history_init(&history, path), PL_OK);
}

static void the_file_keeps_lines_for_the_user_alone(void **state)
{
    char folder[] = "/tmp/parley-history-XXXXXX";
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/lines", folder);
    reload();
    assert_true(pl_history_add(&history, PL_SPAN("one\\n\ntwo")));
    assert_true(pl_history_add(&history, PL_SPAN("three")));
    assert_true(pl_history_add(&history, PL_SPAN("three")));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    reload();
    assert_int_equal(history.count, 2);
    assert_string_equal(history.lines[0], "one\\n\ntwo");
    assert_string_equal(history.lines[1], "three");
    unlink(path);
    rmdir(folder);
}

static void a_file_that_grew_long_is_replaced_by_its_end(void **state)
{
    char folder[] = "/tmp/parley-history-XXXXXX", line[32];
    struct stat before, after;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/lines", folder);
    reload();
    for (int i = 0; i < 3 * PL_HISTORY_LINES; i++) {
        snprintf(line, sizeof line, "line %d", i);
        assert_true(pl_history_add(&history, pl_span_of(line)));
    }
    assert_int_equal(stat(path, &before), 0);
    reload();
    assert_int_equal(history.count, PL_HISTORY_LINES);
    assert_string_equal(history.lines[0], "line 1000");
    assert_int_equal(stat(path, &after), 0);
    assert_true(after.st_size < before.st_size / 2);
    reload();
    assert_string_equal(history.lines[PL_HISTORY_LINES - 1], "line 1499");
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

static void a_file_that_cannot_be_written_is_told(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/nonexistent/lines");
    reload();
    assert_false(pl_history_add(&history, PL_SPAN("one")));
    assert_int_equal(history.count, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_goes_in_at_the_cursor),
        TEST(the_cursor_moves_by_glyphs),
        TEST(words_are_moved_over_and_killed),
        TEST(what_was_killed_is_yanked),
        TEST(kills_in_a_row_are_one_text),
        TEST(earlier_lines_come_back_and_the_new_one_is_kept),
        TEST(a_line_is_bounded_in_utf16_units),
        TEST(a_paste_may_have_newlines),
        TEST(replacing_puts_the_cursor_behind),
        TEST(a_key_of_the_program_is_not_taken),
        TEST(the_file_keeps_lines_for_the_user_alone),
        TEST(a_file_that_grew_long_is_replaced_by_its_end),
        TEST(a_file_that_cannot_be_written_is_told),
    };

    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
