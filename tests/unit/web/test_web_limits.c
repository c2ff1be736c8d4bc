/* SPDX-License-Identifier: Apache-2.0 */
/* test_web_limits.c - web.h: deadlines, shares of connections, bytes. */
#include "rig.h"

#define HUGE_BODY "Content-Length: 1048576\r\n"

static uint64_t metric(const struct rig *r, enum pl_metric m)
{
    return r->metrics.value[m];
}

/* --- Time --- */

static void a_head_that_dribbles_is_aborted_at_its_deadline(void **state)
{
    static const char head[] = "GET /now HTTP/1.1\r\nHost: aaaaaaaaaaaaaaa";
    struct rig *r = *state;
    struct peer *p = connect_stranger(r);

    for (size_t i = 0; i < 9; i++) {
        pl_sim_advance(r->sim, TIMEOUT_MS / 10);
        peer_bytes(p, (struct pl_span){head + i, 1});
    }
    assert_int_equal(p->heard.len, 0);
    pl_sim_advance(r->sim, TIMEOUT_MS / 10 + 10);
    assert_int_equal(peer_status(p), 408);
    assert_true(p->is_ending);
    assert_int_equal(metric(r, PL_METRIC_ADMIN_TIMED_OUT), 1);
    /* nor does the peer's end keep it for long */
    pl_sim_advance(r->sim, TIMEOUT_MS);
    assert_null(p->conn);
    peer_free(p);
}

static void a_later_head_has_the_same_deadline(void **state)
{
    struct rig *r = *state;
    struct peer *p = connect_trusted(r);

    peer_say(p, REQUEST("GET /now", ""));
    pl_sim_advance(r->sim, 3 * TIMEOUT_MS); /* idle: a longer time */
    assert_non_null(p->conn);
    peer_forget(p);
    peer_say(p, "GET ");
    pl_sim_advance(r->sim, TIMEOUT_MS / 2);
    peer_say(p, "/now");
    assert_int_equal(p->heard.len, 0);
    pl_sim_advance(r->sim, TIMEOUT_MS / 2 + 10);
    assert_int_equal(peer_status(p), 408);
    peer_free(p);
}

static void a_connection_that_says_nothing_is_closed(void **state)
{
    struct rig *r = *state;
    struct peer *p = connect_stranger(r), *q = connect_trusted(r);

    peer_say(q, REQUEST("GET /now", ""));
    pl_sim_advance(r->sim, TIMEOUT_MS + 10);
    assert_null(p->conn);
    assert_int_equal(p->heard.len, 0);
    assert_non_null(q->conn);
    pl_sim_advance(r->sim, 60000);
    assert_null(q->conn);
    peer_free(p);
    peer_free(q);
}

static void a_body_that_dribbles_is_aborted(void **state)
{
    static const char *const kinds[] = {HUGE_BODY,
                                        "Transfer-Encoding: chunked\r\n"};
    struct rig *r = *state;

    for (size_t i = 0; i < 2; i++) {
        struct peer *p = connect_trusted(r);
        struct pl_buf b = {0};

        pl_buf_printf(&b, "POST /now HTTP/1.1\r\nHost: x\r\n%s\r\n%s", kinds[i],
                      i == 0 ? "" : "1000\r\n");
        peer_bytes(p, pl_buf_span(&b));
        for (int n = 0; n < 9; n++) {
            pl_sim_advance(r->sim, TIMEOUT_MS / 10);
            peer_say(p, "abc");
        }
        assert_int_equal(p->heard.len, 0);
        pl_sim_advance(r->sim, TIMEOUT_MS / 10 + 10);
        assert_int_equal(peer_status(p), 408);
        pl_buf_fini(&b);
        peer_free(p);
    }
    assert_int_equal(metric(r, PL_METRIC_ADMIN_TIMED_OUT), 2);
}

static void a_body_that_comes_fast_enough_has_its_time(void **state)
{
    enum { PIECE = 64 * 1024 };
    struct rig *r = *state;
    struct peer *p = connect_trusted(r);
    char *piece = calloc(1, PIECE);

    peer_say(p, REQUEST("POST /now", HUGE_BODY));
    for (int i = 0; i < BODY_MAX / PIECE; i++) {
        pl_sim_advance(r->sim, TIMEOUT_MS - 100);
        peer_bytes(p, (struct pl_span){piece, PIECE});
    }
    pl_sim_advance(r->sim, 0);
    assert_int_equal(peer_status(p), 200);
    free(piece);
    peer_free(p);
}

static void a_reader_that_does_not_read_is_aborted(void **state)
{
    struct rig *r = *state;
    struct peer *p = connect_trusted(r);

    p->space = 3;
    peer_say(p, REQUEST("GET /now", ""));
    pl_sim_advance(r->sim, TIMEOUT_MS - 100);
    assert_non_null(p->conn);
    pl_sim_advance(r->sim, 200);
    assert_null(p->conn);
    assert_int_equal(metric(r, PL_METRIC_ADMIN_TIMED_OUT), 1);
    peer_free(p);
}

/* --- Bytes --- */

static void a_body_over_the_limit_is_413(void **state)
{
    struct rig *r = *state;
    struct peer *p = connect_trusted(r);

    peer_say(p, REQUEST("POST /now", "Content-Length: 1048577\r\n"));
    assert_int_equal(peer_status(p), 413);
    peer_free(p);
    p = connect_trusted(r);
    peer_say(p,
             REQUEST("POST /now", "Content-Length: 99999999999999999999\r\n"));
    assert_int_equal(peer_status(p), 413);
    peer_free(p);
    p = connect_trusted(r);
    peer_say(p, REQUEST("POST /now", "Transfer-Encoding: chunked\r\n"));
    for (int i = 0; i < 20 && p->heard.len == 0; i++) {
        static char chunk[65536 + 9];

        memcpy(chunk, "10000\r\n", 7);
        memcpy(chunk + 7 + 65536, "\r\n", 2);
        peer_bytes(p, (struct pl_span){chunk, sizeof chunk});
        pl_sim_advance(r->sim, 0);
    }
    assert_int_equal(peer_status(p), 413);
    peer_free(p);
}

/* Of a stranger nothing is kept, and of others no more than the bound. */
static void unfinished_bodies_are_bounded_together(void **state)
{
    enum { MANY = 120, MOST = (64 << 20) + BODY_MAX, PIECE = BODY_MAX - 1 };
    struct rig *r = *state;
    struct peer *p[MANY];
    char *piece = calloc(1, PIECE);
    unsigned refused = 0;

    for (int i = 0; i < MANY; i++) {
        p[i] = connect_trusted(r);
        assert_non_null(p[i]);
        peer_say(p[i], REQUEST("POST /now", HUGE_BODY));
        peer_bytes(p[i], (struct pl_span){piece, PIECE});
        pl_sim_advance(r->sim, 0);
        refused += p[i]->heard.len > 0 && peer_status(p[i]) == 503;
    }
    assert_in_range(MANY - refused, 16, MOST / PIECE);
    for (int i = 0; i < MANY; i++)
        peer_free(p[i]);
    /* all of it is given back */
    p[0] = connect_trusted(r);
    peer_say(p[0], REQUEST("POST /now", HUGE_BODY));
    peer_bytes(p[0], (struct pl_span){piece, PIECE});
    peer_say(p[0], "x");
    assert_int_equal(peer_status(p[0]), 200);
    peer_free(p[0]);
    free(piece);
}

/* Ask for many answers of 1 MiB and read none; return how many are there. */
static unsigned unread_answers(struct rig *r,
                               struct peer *(*connect)(struct rig *),
                               const char *request)
{
    enum { MANY = 100, LEN = 1 << 20 };
    struct peer *p[MANY];
    char *text = calloc(1, LEN);
    unsigned whole = 0;

    for (int i = 0; i < MANY; i++) {
        p[i] = connect(r);
        p[i]->space = 0;
        peer_say(p[i], request);
        site_reply(r->served, (struct pl_span){text, LEN});
        whole += pl_web_output(p[i]->conn).len > LEN;
    }
    p[MANY - 1]->space = SIZE_MAX;
    take_output(p[MANY - 1]->conn);
    assert_int_equal(peer_status(p[MANY - 1]), 503);
    for (int i = 0; i < MANY; i++)
        peer_free(p[i]);
    free(text);
    return whole;
}

static void answers_that_are_not_read_are_bounded_together(void **state)
{
    struct rig *r = *state;

    assert_in_range(
        unread_answers(r, connect_stranger, KEYED("GET /later", "")), 16, 65);
    assert_in_range(
        unread_answers(r, connect_trusted, REQUEST("GET /later", "")), 4, 17);
}

/* Whatever holders of the key leave unfinished. */
static void bodies_do_not_keep_answers_from_the_socket(void **state)
{
    enum { MANY = 70, PIECE = BODY_MAX - 1 };
    struct rig *r = *state;
    struct peer *p[MANY], *operator= connect_trusted(r);
    char *piece = calloc(1, PIECE);

    for (int i = 0; i < MANY; i++) {
        p[i] = connect_stranger(r);
        peer_say(p[i], KEYED("POST /now", HUGE_BODY));
        peer_bytes(p[i], (struct pl_span){piece, PIECE});
        pl_sim_advance(r->sim, 0);
    }
    assert_int_equal(peer_status(p[MANY - 1]), 503); /* all is taken */
    peer_say(operator, REQUEST("GET /now", ""));
    assert_int_equal(peer_status(operator), 200);
    for (int i = 0; i < MANY; i++)
        peer_free(p[i]);
    peer_free(operator);
    free(piece);
}

/* --- Connections --- */

static void clients_without_a_key_give_way_to_one_another(void **state)
{
    enum { SHARE = 512 / 4 };
    struct rig *r = *state;
    struct peer *p[SHARE + 1];

    for (int i = 0; i < SHARE; i++)
        p[i] = connect_from(r, (uint8_t)i, false);
    p[SHARE] = connect_from(r, 200, false);
    assert_non_null(p[SHARE]);
    assert_null(p[0]->conn); /* the oldest */
    assert_non_null(p[1]->conn);
    assert_int_equal(metric(r, PL_METRIC_ADMIN_REFUSED), 1);
    assert_int_equal(metric(r, PL_METRIC_ADMIN_CONNECTIONS), SHARE);
    peer_say(p[SHARE], REQUEST("GET /now", ""));
    assert_int_equal(peer_status(p[SHARE]), 200);
    for (int i = 0; i <= SHARE; i++)
        peer_free(p[i]);
}

/* One address with most of the share can only end its own. */
static void one_address_does_not_end_those_of_others(void **state)
{
    enum { SHARE = 512 / 4 };
    struct rig *r = *state;
    struct peer *other = connect_from(r, 7, false), *p[2 * SHARE];

    for (int i = 0; i < 2 * SHARE; i++) {
        p[i] = connect_from(r, 1, false);
        assert_non_null(p[i]);
    }
    assert_non_null(other->conn);
    peer_say(other, REQUEST("GET /now", ""));
    assert_int_equal(peer_status(other), 200);
    assert_int_equal(metric(r, PL_METRIC_ADMIN_CONNECTIONS), SHARE);
    for (int i = 0; i < 2 * SHARE; i++)
        peer_free(p[i]);
    peer_free(other);
}

static void no_share_takes_from_another(void **state)
{
    enum { QUARTER = 512 / 4 };
    struct rig *r = *state;
    struct peer *p[5 * QUARTER];
    int n = 0;

    for (int i = 0; i < 2 * QUARTER; i++, n++) {
        p[n] = connect_stranger(r);
        peer_say(p[n], KEYED("GET /later", ""));
        assert_false(p[n]->is_ending);
    }
    p[n] = connect_stranger(r); /* one too many with a key */
    peer_say(p[n], KEYED("GET /now", ""));
    assert_int_equal(peer_status(p[n]), 503);
    assert_true(p[n++]->is_ending);
    for (int i = 1; i < QUARTER; i++, n++)
        assert_non_null(p[n] = connect_stranger(r));
    for (int i = 0; i < QUARTER; i++, n++)
        assert_non_null(p[n] = connect_trusted(r));
    assert_null(connect_trusted(r));
    assert_int_equal(metric(r, PL_METRIC_ADMIN_CONNECTIONS), 512);
    peer_say(p[n - 1], REQUEST("GET /now", ""));
    assert_int_equal(peer_status(p[n - 1]), 200);
    while (n > 0)
        peer_free(p[--n]);
    /* and each is given back */
    p[0] = connect_stranger(r);
    peer_say(p[0], KEYED("GET /now", ""));
    assert_int_equal(peer_status(p[0]), 200);
    peer_free(p[0]);
}

/* The first of those that wait, and none that is at work. */
static void one_that_waits_for_its_next_request_gives_way(void **state)
{
    enum { HALF = 512 / 2 };
    struct rig *r = *state;
    struct peer *p[HALF + 2];
    int n;

    for (n = 0; n < HALF; n++) {
        p[n] = connect_stranger(r);
        peer_say(p[n], n == 5 || n == 7 ? KEYED("GET /now", "")
                                        : KEYED("GET /later", ""));
    }
    for (; n < HALF + 2; n++) {
        p[n] = connect_stranger(r);
        peer_say(p[n], KEYED("GET /later", ""));
        assert_null(p[n == HALF ? 5 : 7]->conn);
        assert_non_null(p[n]->conn);
    }
    assert_int_equal(metric(r, PL_METRIC_ADMIN_REFUSED), 0);
    peer_free(p[5]); /* one too many: all are at work */
    p[5] = connect_stranger(r);
    peer_say(p[5], KEYED("GET /now", ""));
    assert_int_equal(peer_status(p[5]), 503);
    while (n > 0)
        peer_free(p[--n]);
}

static void a_closed_server_takes_nobody(void **state)
{
    struct rig *r = *state;
    struct peer *p = connect_trusted(r), *q = connect_trusted(r);

    peer_say(p, REQUEST("GET /later", ""));
    pl_web_close(r->web);
    assert_null(p->conn);
    assert_null(q->conn);
    assert_int_equal(r->gone, 0);
    assert_null(connect_trusted(r));
    peer_free(p);
    peer_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(a_head_that_dribbles_is_aborted_at_its_deadline),
        WITH_RIG(a_later_head_has_the_same_deadline),
        WITH_RIG(a_connection_that_says_nothing_is_closed),
        WITH_RIG(a_body_that_dribbles_is_aborted),
        WITH_RIG(a_body_that_comes_fast_enough_has_its_time),
        WITH_RIG(a_reader_that_does_not_read_is_aborted),
        WITH_RIG(a_body_over_the_limit_is_413),
        WITH_RIG(unfinished_bodies_are_bounded_together),
        WITH_RIG(answers_that_are_not_read_are_bounded_together),
        WITH_RIG(bodies_do_not_keep_answers_from_the_socket),
        WITH_RIG(clients_without_a_key_give_way_to_one_another),
        WITH_RIG(one_address_does_not_end_those_of_others),
        WITH_RIG(no_share_takes_from_another),
        WITH_RIG(one_that_waits_for_its_next_request_gives_way),
        WITH_RIG(a_closed_server_takes_nobody),
    };

    return cmocka_run_group_tests_name("web_limits", tests, NULL, NULL);
}
