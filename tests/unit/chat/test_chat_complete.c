/* SPDX-License-Identifier: Apache-2.0 */
/* test_chat_complete.c - what the Tab key inserts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <string.h>

#include "complete.h"

static struct pl_chat chat;
static struct pl_chat_room *room;
static struct pl_editor e;
static struct pl_chat_completion k;

static void meet(const char *client, const char *nick, bool self)
{
    pl_chat_people_here(&room->people, client, self);
    pl_chat_people_name(&room->people, client, nick);
}

static int set_up(void **state)
{
    (void)state;
    memset(&chat, 0, sizeof chat);
    assert_int_equal(pl_chat_room_create(&room, &chat.me, "kitchen-sink"),
                     PL_OK);
    chat.rooms[chat.count++] = room;
    chat.me.current = room;
    meet("c1", "ada", true);
    meet("c2", "Bob", false);
    meet("c3", "bobby b", false);
    meet("c4", "eve\033[2J\xc2\x9b", false);
    pl_editor_init(&e, 100, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pl_chat_completion_fini(&k);
    pl_editor_fini(&e);
    pl_chat_room_destroy(room);
    return 0;
}

/* Press Tab after `text` and expect these texts one after the other. */
static void expect(const char *text, const char *first, const char *second)
{
    pl_chat_completion_fini(&k);
    pl_editor_clear(&e);
    pl_editor_insert(&e, pl_span_of(text));
    pl_chat_complete(&k, &chat, pl_buf_span(&e.text));
    pl_chat_completion_next(&k, &e, 1);
    assert_true(pl_span_equal(pl_buf_span(&e.text), pl_span_of(first)));
    pl_chat_completion_next(&k, &e, 1);
    assert_true(pl_span_equal(pl_buf_span(&e.text), pl_span_of(second)));
    assert_int_equal(e.cursor, e.text.len);
}

static void commands_rooms_and_names_are_completed(void **state)
{
    (void)state;
    expect("/le", "/leave ", "/leave ");
    expect("/q", "/quit", "/quit");
    expect("/join ki", "/join kitchen-sink", "/join kitchen");
    expect("/join #mu", "/join #music", "/join #music");
    expect("bo", "Bob: ", "bobby b: ");
    expect("ask BO", "ask Bob ", "ask bobby b ");
    expect("/msg bobb", "/msg bobby b ", "/msg bobby b ");
    expect("x", "x", "x");
}

static void going_back_reaches_the_last_candidate(void **state)
{
    (void)state;
    expect("bo", "Bob: ", "bobby b: ");
    pl_chat_completion_next(&k, &e, -1);
    assert_true(pl_span_equal(pl_buf_span(&e.text), PL_SPAN("Bob: ")));
    pl_chat_completion_next(&k, &e, -1);
    assert_true(pl_span_equal(pl_buf_span(&e.text), PL_SPAN("bobby b: ")));
}

static void this_user_is_no_candidate(void **state)
{
    (void)state;
    expect("ad", "ad", "ad");
}

static void control_characters_of_a_name_are_left_out(void **state)
{
    (void)state;
    expect("ev", "eve[2J: ", "eve[2J: ");
}

static void the_longest_name_that_fits_is_taken(void **state)
{
    struct pl_span rest = PL_SPAN("bobby b hello");

    (void)state;
    assert_string_equal(pl_chat_person_at(&chat, &rest)->client, "c3");
    assert_true(pl_span_equal(rest, PL_SPAN(" hello")));
    rest = PL_SPAN("BOB");
    assert_string_equal(pl_chat_person_at(&chat, &rest)->client, "c2");
    rest = PL_SPAN("bobbo hello");
    assert_null(pl_chat_person_at(&chat, &rest));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(commands_rooms_and_names_are_completed),
        TEST(going_back_reaches_the_last_candidate),
        TEST(this_user_is_no_candidate),
        TEST(control_characters_of_a_name_are_left_out),
        TEST(the_longest_name_that_fits_is_taken),
    };

    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
