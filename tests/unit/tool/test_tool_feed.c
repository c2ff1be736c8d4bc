/* SPDX-License-Identifier: Apache-2.0 */
/* test_tool_feed.c - what a channel of `parley sub` prints: in order and once,
 * whatever the history answers and when.  The library and stdout are the
 * test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "output.h"

static struct client client;
static struct feed feed;
static char out[4096]; /* offsets that were printed, each with a blank */

/* --- The library --- */

static plc_done *asked; /* the history call that waits; NULL: none */
static uint64_t asked_since;
static int asks;

enum pl_err plc_history(struct plc_client *c, const char *channel,
                        int32_t limit, const char *since_epoch,
                        uint64_t since_offset, bool reverse, plc_done *done,
                        void *arg)
{
    (void)c, (void)since_epoch;
    assert_null(asked);
    assert_string_equal(channel, "news");
    assert_int_equal(limit, -1);
    assert_false(reverse);
    assert_ptr_equal(arg, &feed);
    asked = done;
    asked_since = since_offset;
    asks++;
    return PL_OK;
}

/* --- The tool --- */

bool output_is_json;

void client_end(struct client *c, int rc)
{
    (void)rc;
    c->is_over = true;
}

bool output_line(const char *text, size_t len)
{
    char number[16];

    (void)len;
    assert_int_equal(sscanf(text, "%15[0-9]", number), 1);
    assert_true(strlen(out) + strlen(number) + 2 < sizeof out);
    strcat(strcat(out, number), " ");
    return true;
}

bool output_buf(struct pl_buf *line)
{
    pl_buf_put_byte(line, '\0');
    bool is_out = output_line(line->data, line->len - 1);
    line->len = 0;
    return is_out;
}

/* --- What happens --- */

static void publish(uint64_t offset)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)offset);
    struct plc_publication p = {
        .data = {text, (size_t)n}, .channel = "news", .offset = offset};

    feed_publication(NULL, &p, &feed);
}

static void subscribed(const char *epoch, uint64_t offset, bool was_recovering,
                       bool recovered)
{
    struct plc_change c = {.from = PLC_SUBSCRIBING,
                           .to = PLC_SUBSCRIBED,
                           .epoch = epoch,
                           .offset = offset,
                           .recoverable = true,
                           .positioned = true,
                           .was_recovering = was_recovering,
                           .recovered = recovered};

    feed_state(NULL, &c, &feed);
}

/* The history answers with the offsets `from` to `to`. */
static void answer(const char *epoch, uint64_t from, uint64_t to)
{
    struct plc_publication p[16];
    const struct plc_publication *list[16];
    char text[16][24];
    struct plc_result r = {.epoch = epoch, .offset = to};
    plc_done *done = asked;

    for (uint64_t i = from; i <= to; i++) {
        size_t n = r.publication_count++;
        int len =
            snprintf(text[n], sizeof text[n], "%llu", (unsigned long long)i);

        p[n] = (struct plc_publication){
            .data = {text[n], (size_t)len}, .channel = "news", .offset = i};
        list[n] = &p[n];
    }
    r.publications = list;
    assert_non_null(done);
    asked = NULL;
    done(&r, &feed);
}

static void answer_badly(enum plc_outcome outcome, enum pl_err err)
{
    struct plc_result r = {.outcome = outcome, .err = err, .message = "no"};
    plc_done *done = asked;

    assert_non_null(done);
    asked = NULL;
    done(&r, &feed);
}

static int set_up(void **state)
{
    (void)state;
    client = (struct client){0};
    feed =
        (struct feed){.client = &client, .channel = "news", .data_only = true};
    out[0] = '\0';
    asked = NULL;
    asks = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    feed_fini(&feed);
    return 0;
}

/* --- Tests --- */

static void what_the_library_recovers_is_printed_at_once(void **state)
{
    (void)state;
    subscribed("A", 7, false, false);
    publish(8);
    subscribed("A", 10, true, true);
    publish(9);
    publish(10);
    assert_string_equal(out, "8 9 10 ");
    assert_int_equal(asks, 0);
}

static void a_new_epoch_is_printed_from_its_start(void **state)
{
    (void)state;
    subscribed("A", 7, false, false);
    publish(8);
    subscribed("B", 3, true, false);
    publish(4); /* is held */
    assert_string_equal(out, "8 ");
    answer("B", 1, 4);
    assert_string_equal(out, "8 1 2 3 4 ");
    publish(5);
    assert_string_equal(out, "8 1 2 3 4 5 ");
    assert_int_equal(asks, 1);
}

static void an_answer_that_was_cut_is_asked_on(void **state)
{
    (void)state;
    subscribed("A", 2, false, false);
    subscribed("A", 8, true, false);
    assert_int_equal(asked_since, 2);
    answer("A", 4, 5); /* 3 is gone */
    assert_int_equal(asked_since, 5);
    publish(9);
    answer("A", 6, 9);
    assert_string_equal(out, "4 5 6 7 8 9 ");
}

static void an_empty_history_ends_the_filling(void **state)
{
    (void)state;
    subscribed("A", 2, false, false);
    subscribed("A", 8, true, false);
    publish(9);
    answer("A", 1, 0);
    assert_string_equal(out, "9 ");
}

static void the_last_ones_of_before_come_first(void **state)
{
    (void)state;
    feed.history = 3;
    subscribed("A", 10, false, false);
    assert_int_equal(asked_since, 7);
    publish(11);
    answer("A", 8, 11);
    assert_string_equal(out, "8 9 10 11 ");
}

static void a_connection_that_is_lost_while_filling_is_asked_again(void **state)
{
    (void)state;
    subscribed("A", 2, false, false);
    subscribed("B", 3, true, false);
    publish(4);
    answer_badly(PLC_UNKNOWN, PL_ECLOSED);
    subscribed("B", 5, true, true);
    publish(5);
    answer("B", 1, 5);
    assert_string_equal(out, "1 2 3 4 5 ");
}

static void an_epoch_that_changes_while_filling_begins_anew(void **state)
{
    (void)state;
    subscribed("A", 2, false, false);
    subscribed("B", 3, true, false);
    publish(4);
    subscribed("C", 2, true, false);
    assert_string_equal(out, "4 "); /* held ones are of before */
    answer("B", 1, 3);              /* counts no more */
    answer("C", 1, 2);
    publish(3);
    assert_string_equal(out, "4 1 2 3 ");
}

static void a_history_that_is_refused_ends_the_filling(void **state)
{
    (void)state;
    subscribed("A", 2, false, false);
    subscribed("B", 3, true, false);
    publish(4);
    answer_badly(PLC_REFUSED, PL_EDENIED);
    publish(5);
    assert_string_equal(out, "4 5 ");
}

static void too_much_that_waits_ends_the_filling(void **state)
{
    enum { LARGE = 1024 * 1024 };
    char *text = malloc(LARGE);
    struct plc_publication p = {.data = {text, LARGE}, .channel = "news"};

    (void)state;
    assert_non_null(text);
    memset(text, '1', LARGE);
    subscribed("A", 2, false, false);
    subscribed("B", 3, true, false);
    for (int i = 0; i < 65 && feed.is_filling; i++) {
        assert_string_equal(out, "");
        p.offset = 4 + (uint64_t)i;
        feed_publication(NULL, &p, &feed);
        assert_true(feed.held.len <= 64 * LARGE + LARGE);
    }
    assert_false(feed.is_filling);
    assert_int_equal(feed.held.len, 0);
    answer("B", 1, 3);
    assert_null(strstr(out, " 1 2 3 "));
    free(text);
}

#define ON_FEED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_FEED(what_the_library_recovers_is_printed_at_once),
        ON_FEED(a_new_epoch_is_printed_from_its_start),
        ON_FEED(an_answer_that_was_cut_is_asked_on),
        ON_FEED(an_empty_history_ends_the_filling),
        ON_FEED(the_last_ones_of_before_come_first),
        ON_FEED(a_connection_that_is_lost_while_filling_is_asked_again),
        ON_FEED(an_epoch_that_changes_while_filling_begins_anew),
        ON_FEED(a_history_that_is_refused_ends_the_filling),
        ON_FEED(too_much_that_waits_ends_the_filling),
    };

    return cmocka_run_group_tests_name("tool_feed", tests, NULL, NULL);
}
