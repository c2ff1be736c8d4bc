/* SPDX-License-Identifier: Apache-2.0 */
/* The histogram of parley bench, its schedule, and what it draws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "curve.h"
#include "hist.h"
#include "schedule.h"

static struct bench_hist *new_hist(void)
{
    struct bench_hist *h = calloc(1, sizeof *h);

    assert_non_null(h);
    return h;
}

/* A value is reported as itself, or as up to 1/64 more. */
static void assert_near(uint64_t got, uint64_t value)
{
    assert_in_range(got, value, value + value / 64);
}

static void an_empty_histogram_has_no_quantiles(void **state)
{
    struct bench_hist *h = new_hist();

    (void)state;
    assert_int_equal(bench_hist_quantile(h, 0.5), 0);
    assert_int_equal(bench_hist_quantile(h, 1), 0);
    free(h);
}

static void each_value_is_known_to_a_64th_of_itself(void **state)
{
    (void)state;
    for (uint64_t v = 1; v < UINT64_C(1) << 43; v += v / 7 + 1) {
        struct bench_hist *h = new_hist();

        bench_hist_add(h, v, 1);
        bench_hist_add(h, v * 3, 1);
        assert_near(bench_hist_quantile(h, 0.5), v);
        assert_true(bench_hist_quantile(h, 1) == v * 3);
        free(h);
    }
}

static void quantiles_are_those_of_the_sorted_values(void **state)
{
    static const double fractions[] = {0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999};
    struct bench_hist *h = new_hist();

    (void)state;
    for (uint64_t v = 10000; v >= 1; v--)
        bench_hist_add(h, v * 1000, 1);
    for (size_t i = 0; i < sizeof fractions / sizeof fractions[0]; i++) {
        uint64_t rank = (uint64_t)(fractions[i] * 10000 + 0.5);

        assert_near(bench_hist_quantile(h, fractions[i]),
                    (rank == 0 ? 1 : rank) * 1000);
    }
    free(h);
}

static void a_value_beyond_all_buckets_is_in_the_last(void **state)
{
    struct bench_hist *h = new_hist();

    (void)state;
    bench_hist_add(h, UINT64_MAX, 2);
    bench_hist_add(h, 0, 1);
    assert_int_equal(bench_hist_quantile(h, 0.1), 0);
    assert_true(bench_hist_quantile(h, 1) >= UINT64_C(1) << 45);
    assert_true(h->max == UINT64_MAX);
    free(h);
}

static void a_sum_has_the_values_of_both(void **state)
{
    struct bench_hist *a = new_hist(), *b = new_hist();

    (void)state;
    bench_hist_add(a, 100, 1);
    bench_hist_add(b, 1000000, 3);
    bench_hist_merge(a, b);
    assert_int_equal(a->count, 4);
    assert_near(bench_hist_quantile(a, 0.25), 100);
    assert_near(bench_hist_quantile(a, 0.5), 1000000);
    bench_hist_subtract(a, b);
    assert_int_equal(a->count, 1);
    assert_near(bench_hist_quantile(a, 1), 100);
    bench_hist_subtract(a, b); /* it does not have it any more */
    assert_int_equal(a->count, 1);
    free(a);
    free(b);
}

static void an_event_is_due_at_its_multiple_of_the_interval(void **state)
{
    struct bench_schedule s;

    (void)state;
    bench_schedule_start(&s, 3);
    s.done = 3000000;
    assert_in_range(bench_schedule_next_ns(&s) - s.start_ns,
                    UINT64_C(1000000) * 1000000000 - 1000,
                    UINT64_C(1000000) * 1000000000 + 1000);
}

static void what_is_due_after_the_stop_is_not_done(void **state)
{
    struct bench_schedule s;

    (void)state;
    bench_schedule_start(&s, 1e6);
    while (bench_now_ns() < s.start_ns + 5000)
        ;
    bench_schedule_stop(&s);
    assert_true(bench_schedule_next_ns(&s) == s.start_ns);
    while (bench_schedule_next_ns(&s) != UINT64_MAX)
        s.done++;
    assert_true(s.done >= 5); /* all that was due before it is */
    assert_true(s.start_ns + s.done * 1000 >= s.until_ns);
}

/* The picture as text; the caller frees it. */
static char *drawn(const char *title, const struct bench_curve *curves,
                   unsigned count)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    assert_true(bench_curve_draw(f, title, curves, count));
    fclose(f);
    return text;
}

static void text_in_a_picture_is_escaped(void **state)
{
    struct bench_curve c = {.name = "a<b&c>d\x01"};
    struct bench_hist *h = new_hist();

    (void)state;
    bench_hist_add(h, 5000, 1);
    bench_curve_add(&c, (struct bench_point){.rate = 10}, h);
    char *text = drawn("</svg>&", &c, 1);
    assert_non_null(strstr(text, ">&lt;/svg&gt;&amp;<"));
    assert_non_null(strstr(text, ">a&lt;b&amp;c&gt;d  p50<"));
    assert_null(strchr(text, 1));
    assert_ptr_equal(strstr(text, "</svg>"), strrchr(text, '<'));
    free(text);
    free(h);
}

static void every_point_is_within_the_frame(void **state)
{
    struct bench_curve c = {.name = "plain"};
    struct bench_hist *h = new_hist();

    (void)state;
    bench_hist_add(h, 1, 1);
    bench_hist_add(h, UINT64_MAX, 1);
    for (unsigned i = 0; i < BENCH_POINTS_MAX + 1; i++)
        bench_curve_add(&c, (struct bench_point){.rate = 1 + i}, h);
    assert_int_equal(c.count, BENCH_POINTS_MAX);
    char *text = drawn("all", &c, 1);
    const char *at = text;
    for (unsigned n = 0; n < 3; n++) {
        at = strstr(at, "points=\"") + 8;
        for (char *end; *at != '"'; at = *end == ' ' ? end + 1 : end) {
            double x = strtod(at, &end), y = strtod(end + 1, &end);

            assert_true(x >= 80 && x <= 660 && y >= 50 && y <= 420);
        }
    }
    free(text);
    free(h);
}

static void a_picture_without_points_is_one(void **state)
{
    struct bench_curve c = {.name = "plain"};
    char *text = drawn("nothing", &c, 1);

    (void)state;
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    assert_non_null(strstr(text, "</svg>\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_histogram_has_no_quantiles),
        cmocka_unit_test(each_value_is_known_to_a_64th_of_itself),
        cmocka_unit_test(quantiles_are_those_of_the_sorted_values),
        cmocka_unit_test(a_value_beyond_all_buckets_is_in_the_last),
        cmocka_unit_test(a_sum_has_the_values_of_both),
        cmocka_unit_test(an_event_is_due_at_its_multiple_of_the_interval),
        cmocka_unit_test(what_is_due_after_the_stop_is_not_done),
        cmocka_unit_test(text_in_a_picture_is_escaped),
        cmocka_unit_test(every_point_is_within_the_frame),
        cmocka_unit_test(a_picture_without_points_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
