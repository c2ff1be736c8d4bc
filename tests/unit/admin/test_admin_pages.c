/* SPDX-License-Identifier: Apache-2.0 */
/* test_admin_pages.c - lists and tops of the server API, from body to answer,
 * with fake session managers. */
#include "calls_rig.h"

#include "look_mail.h"

enum { ROWS_EACH = 10, ROWS_A_MAIL = 3 };

/* A session manager of ROWS_EACH connections that looks at a few for each
 * mail.  With `user` set nobody matches. */
struct manager {
    struct pl_actor actor;
    unsigned mails;
};

static void manage(struct pl_actor *a, struct pl_msg *msg)
{
    struct pl_look_mail *m = (struct pl_look_mail *)msg;

    ((struct manager *)a)->mails++;
    for (int i = 0; i < ROWS_A_MAIL && m->at < ROWS_EACH && m->count < m->most;
         i++, m->at++) {
        if (m->user == NULL)
            pl_buf_printf(pl_look_mail_row(m), "%u", (unsigned)m->at);
    }
    m->has_more = m->at < ROWS_EACH;
    pl_mail_answer(a, msg);
}

static const struct pl_actor_ops manager_ops = {
    .name = "session_manager",
    .mailbox_limit = 64,
    .receive = manage,
    .reap = reap,
};

static struct manager managers[OWNERS];
static struct pl_address manager_at[OWNERS];

static void create_managers(struct fixture *f)
{
    struct pl_system *s = pl_sim_system(f->sim);

    for (unsigned i = 0; i < OWNERS; i++) {
        managers[i] = (struct manager){.mails = 0};
        assert_int_equal(pl_actor_init(&managers[i].actor, pl_system_loop(s, i),
                                       &manager_ops),
                         PL_OK);
        manager_at[i] = pl_actor_address(&managers[i].actor);
    }
    f->options.managers = manager_at;
    f->options.manager_count = OWNERS;
}

static void a_page_ends_when_it_is_full_and_goes_on_at_its_cursor(void **state)
{
    struct fixture *f = *state;

    create_managers(f);
    expect(f, PL_CALL_ONE, PL_API_CONNECTIONS, "{\"limit\":4}",
           "{\"result\":{\"connections\":{0,1,2,3},\"next\":\"0.4\"}}");
    assert_int_equal(managers[0].mails, 2);
    expect(f, PL_CALL_ONE, PL_API_CONNECTIONS,
           "{\"limit\":8,\"cursor\":\"0.4\"}",
           "{\"result\":{\"connections\":{4,5,6,7,8,9,0,1},"
           "\"next\":\"1.2\"}}");
    expect(f, PL_CALL_ONE, PL_API_CONNECTIONS,
           "{\"limit\":8,\"cursor\":\"2.2\"}",
           "{\"result\":{\"connections\":{2,3,4,5,6,7,8,9}}}");
    expect(f, PL_CALL_ONE, PL_API_CONNECTIONS, "{\"cursor\":\"2.a\"}",
           "{\"result\":{\"connections\":{}}}");
}

static void a_page_that_ends_with_a_loop_goes_on_at_the_next(void **state)
{
    struct fixture *f = *state;

    create_managers(f);
    expect(f, PL_CALL_ONE, PL_API_CONNECTIONS,
           "{\"limit\":2,\"cursor\":\"0.8\"}",
           "{\"result\":{\"connections\":{8,9},\"next\":\"1.0\"}}");
}

static void a_filter_that_matches_nobody_looks_at_all_loops(void **state)
{
    struct fixture *f = *state;

    create_managers(f);
    expect(f, PL_CALL_ONE, PL_API_CONNECTIONS, "{\"user\":\"nobody\"}",
           "{\"result\":{\"connections\":{}}}");
    for (unsigned i = 0; i < OWNERS; i++)
        assert_int_equal(managers[i].mails, 4);
}

/* The list never ends, and nobody in it matches. */
static void search(struct pl_actor *a, struct pl_msg *msg)
{
    struct pl_look_mail *m = (struct pl_look_mail *)msg;

    ((struct manager *)a)->mails++;
    m->at += 1024;
    m->has_more = true;
    pl_mail_answer(a, msg);
}

static const struct pl_actor_ops searcher_ops = {
    .name = "session_manager",
    .mailbox_limit = 64,
    .receive = search,
    .reap = reap,
};

static void create_searcher(struct fixture *f)
{
    managers[0] = (struct manager){.mails = 0};
    assert_int_equal(pl_actor_init(&managers[0].actor,
                                   pl_system_loop(pl_sim_system(f->sim), 0),
                                   &searcher_ops),
                     PL_OK);
    manager_at[0] = pl_actor_address(&managers[0].actor);
    f->options.managers = manager_at;
    f->options.manager_count = 1;
}

static void a_page_that_finds_little_ends_with_a_cursor(void **state)
{
    struct fixture *f = *state;

    create_searcher(f);
    expect(f, PL_CALL_ONE, PL_API_CONNECTIONS, "{\"user\":\"nobody\"}",
           "{\"result\":{\"connections\":{},\"next\":\"0.40000\"}}");
    assert_int_equal(managers[0].mails, 256);
}

static void a_top_of_a_large_table_ends_with_a_cursor(void **state)
{
    struct fixture *f = *state;

    create_searcher(f);
    expect(f, PL_CALL_ONE, PL_API_TOP, "{\"table\":\"connections\"}",
           "{\"result\":{\"top\":[],\"next\":\"0.4000\"}}");
    assert_int_equal(managers[0].mails, 16);
}

/* Each loop has one row, whose score is ten times the number of the loop. */
static void rank(struct pl_actor *a, struct pl_msg *msg)
{
    struct pl_look_mail *m = (struct pl_look_mail *)msg;
    unsigned loop = pl_loop_index(a->loop);

    if (pl_top_wants(&m->top, loop * 10))
        pl_buf_printf(pl_top_enter(&m->top, loop * 10), "%u", loop * 10);
    m->has_more = false;
    pl_mail_answer(a, msg);
}

static const struct pl_actor_ops ranker_ops = {
    .name = "session_manager",
    .mailbox_limit = 64,
    .receive = rank,
    .reap = reap,
};

static void a_top_has_the_best_of_all_loops(void **state)
{
    struct fixture *f = *state;

    for (unsigned i = 0; i < OWNERS; i++) {
        managers[i] = (struct manager){.mails = 0};
        assert_int_equal(pl_actor_init(&managers[i].actor,
                                       pl_system_loop(pl_sim_system(f->sim), i),
                                       &ranker_ops),
                         PL_OK);
        manager_at[i] = pl_actor_address(&managers[i].actor);
    }
    f->options.managers = manager_at;
    f->options.manager_count = OWNERS;
    expect(f, PL_CALL_ONE, PL_API_TOP,
           "{\"table\":\"connections\",\"limit\":2}",
           "{\"result\":{\"top\":[20,10]}}");
}

static void a_cursor_or_filter_that_is_wrong_is_refused(void **state)
{
    expect(*state, PL_CALL_ONE, PL_API_CONNECTIONS, "{\"cursor\":\"1\"}",
           "{\"error\":{\"code\":107,\"message\":\"bad request: cursor: "
           "it is not from a page\"}}");
    expect(*state, PL_CALL_ONE, PL_API_USERS, "{\"limit\":-1}",
           "{\"error\":{\"code\":107,\"message\":\"bad request: limit: "
           "it must be from 1 to 1000\"}}");
    expect(*state, PL_CALL_ONE, PL_API_CONNECTIONS, "{\"address\":\"x\"}",
           "{\"error\":{\"code\":107,\"message\":\"bad request: address: "
           "it is no IP address and no network\"}}");
}

static void a_page_in_a_batch_stands_under_its_name(void **state)
{
    struct fixture *f = *state;

    create_managers(f);
    expect(f, PL_CALL_BATCH, 0,
           "{\"commands\":[{\"connections\":{\"limit\":1}}]}",
           "{\"replies\":[{\"connections\":{\"connections\":{0},"
           "\"next\":\"0.1\"}}]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(a_page_ends_when_it_is_full_and_goes_on_at_its_cursor),
        WITH_FIXTURE(a_page_that_ends_with_a_loop_goes_on_at_the_next),
        WITH_FIXTURE(a_filter_that_matches_nobody_looks_at_all_loops),
        WITH_FIXTURE(a_page_that_finds_little_ends_with_a_cursor),
        WITH_FIXTURE(a_top_of_a_large_table_ends_with_a_cursor),
        WITH_FIXTURE(a_top_has_the_best_of_all_loops),
        WITH_FIXTURE(a_cursor_or_filter_that_is_wrong_is_refused),
        WITH_FIXTURE(a_page_in_a_batch_stands_under_its_name),
    };

    return cmocka_run_group_tests_name("admin_pages", tests, NULL, NULL);
}
