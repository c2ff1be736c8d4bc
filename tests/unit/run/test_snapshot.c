/* SPDX-License-Identifier: Apache-2.0 */
/* test_snapshot.c - readers never see a torn picture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "snapshot.h"

#ifdef __SANITIZE_THREAD__ /* each step takes ten times as long */
enum { READS = 40000, PICTURES = 100 };
#else
enum {
    READS = 400000,  /* of each reader; more than a million together */
    PICTURES = 1000, /* different ones that each reader waits for */
};
#endif

enum {
    COUNT = 12,
    READERS = 3,
    PAUSE = 1000, /* loops of the writer between two, for readers to pass */
};

static void all_numbers_are_zero_until_published(void **state)
{
    struct pl_snapshot *s;
    uint64_t values[3] = {7, 7, 7};

    (void)state;
    assert_int_equal(pl_snapshot_create(&s, 3), PL_OK);
    pl_snapshot_read(s, values);
    for (int i = 0; i < 3; i++)
        assert_int_equal(values[i], 0);
    pl_snapshot_destroy(s);
}

static void the_newest_published_numbers_are_read(void **state)
{
    struct pl_snapshot *s;
    uint64_t values[2] = {1, UINT64_MAX};
    uint64_t out[2];

    (void)state;
    assert_int_equal(pl_snapshot_create(&s, 2), PL_OK);
    pl_snapshot_publish(s, values);
    values[0] = 2;
    pl_snapshot_publish(s, values);
    values[0] = 3; /* not published */
    pl_snapshot_read(s, out);
    assert_int_equal(out[0], 2);
    assert_true(out[1] == UINT64_MAX);
    pl_snapshot_destroy(s);
}

static void a_snapshot_of_nothing_and_no_snapshot_are_harmless(void **state)
{
    struct pl_snapshot *s;
    uint64_t none = 5;

    (void)state;
    assert_int_equal(pl_snapshot_create(&s, 0), PL_OK);
    pl_snapshot_publish(s, &none);
    pl_snapshot_read(s, &none);
    assert_int_equal(none, 5);
    pl_snapshot_destroy(s);
    pl_snapshot_destroy(NULL);
    assert_int_equal(pl_snapshot_create(&s, SIZE_MAX), PL_ENOMEM);
}

struct shared {
    struct pl_snapshot *snapshot;
    atomic_int reading;
};

static void *keep_writing(void *arg)
{
    struct shared *shared = arg;
    uint64_t values[COUNT];
    volatile int pause = 0;

    for (uint64_t n = 1; atomic_load(&shared->reading) > 0; n++) {
        for (uint64_t i = 0; i < COUNT; i++)
            values[i] = n * (i + 1);
        pl_snapshot_publish(shared->snapshot, values);
        for (pause = 0; pause < PAUSE;)
            pause++;
    }
    return NULL;
}

static bool is_whole(const uint64_t *values)
{
    for (uint64_t i = 1; i < COUNT; i++) {
        if (values[i] != values[0] * (i + 1))
            return false;
    }
    return true;
}

/* Gives the number of pictures that were torn or older than one before. */
static void *keep_reading(void *arg)
{
    struct shared *shared = arg;
    uint64_t values[COUNT], newest = 0;
    uintptr_t wrong = 0;

    for (int reads = 0, pictures = 0; reads < READS || pictures < PICTURES;
         reads++) {
        pl_snapshot_read(shared->snapshot, values);
        wrong += !is_whole(values) || values[0] < newest;
        pictures += values[0] != newest;
        newest = values[0];
    }
    atomic_fetch_sub(&shared->reading, 1);
    return (void *)wrong;
}

static void no_reader_sees_a_torn_or_an_older_picture(void **state)
{
    struct shared shared = {.reading = READERS};
    pthread_t writer, reader[READERS];

    (void)state;
    assert_int_equal(pl_snapshot_create(&shared.snapshot, COUNT), PL_OK);
    assert_int_equal(pthread_create(&writer, NULL, keep_writing, &shared), 0);
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(
            pthread_create(&reader[i], NULL, keep_reading, &shared), 0);
    }
    for (int i = 0; i < READERS; i++) {
        void *wrong;

        pthread_join(reader[i], &wrong);
        assert_int_equal((uintptr_t)wrong, 0);
    }
    pthread_join(writer, NULL);
    pl_snapshot_destroy(shared.snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_numbers_are_zero_until_published),
        cmocka_unit_test(the_newest_published_numbers_are_read),
        cmocka_unit_test(a_snapshot_of_nothing_and_no_snapshot_are_harmless),
        cmocka_unit_test(no_reader_sees_a_torn_or_an_older_picture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
