/* SPDX-License-Identifier: Apache-2.0 */
/* test_protocol_tokens.c - the tokens of a client: asked for, refreshed,
 * refused, and answered too late. */
#include "rig.h"

static struct plc_token *question;
static unsigned questions;

static void on_question(struct plc_client *c, struct plc_token *t, void *arg)
{
    (void)c, (void)arg;
    questions++;
    question = t;
}

static void ask_for_tokens(void)
{
    questions = 0;
    options.get_token = on_question;
}

static void a_token_is_asked_for_before_the_first_dial(void **state)
{
    (void)state;
    ask_for_tokens();
    rig_client();
    assert_int_equal(questions, 1);
    assert_int_equal(fake_dials, 0);
    plc_token_answer(question, "fresh");
    rig_turn();
    rig_accept();
    rig_expect("{\"id\":1,\"connect\":{\"token\":\"fresh\"}}");
}

static void an_expired_token_is_replaced(void **state)
{
    (void)state;
    ask_for_tokens();
    options.token = "old";
    rig_client();
    assert_int_equal(questions, 0);
    rig_accept();
    rig_forget();
    rig_say("{\"id\":1,\"error\":{\"code\":109,\"message\":\"expired\"}}");
    rig_pass(1010);
    assert_int_equal(questions, 1);
    plc_token_answer(question, "new");
    rig_turn();
    rig_accept();
    rig_expect("{\"id\":2,\"connect\":{\"token\":\"new\"}}");
}

static void no_token_is_final_and_a_failure_is_not(void **state)
{
    (void)state;
    ask_for_tokens();
    rig_client();
    rig_forget();
    plc_token_fail(question, "backend down");
    rig_called("error(5 backend down) ");
    rig_pass(1010);
    assert_int_equal(questions, 2);
    plc_token_answer(question, NULL);
    rig_called("disconnected(1 unauthorized) ");
}

static void a_token_is_refreshed_when_it_expires(void **state)
{
    (void)state;
    ask_for_tokens();
    options.token = "one";
    rig_client();
    rig_serve("{\"client\":\"c\",\"expires\":true,\"ttl\":60}");
    rig_forget();
    rig_pass(60100);
    assert_int_equal(questions, 1);
    plc_token_answer(question, "two");
    rig_expect("{\"id\":2,\"refresh\":{\"token\":\"two\"}}");
    rig_say("{\"id\":2,\"refresh\":{\"client\":\"c\",\"expires\":true,\"ttl\":"
            "60}}");
    rig_pass(60100);
    assert_int_equal(questions, 2);
    plc_token_answer(question, "three");
    rig_turn();
    rig_forget();
    rig_say("{\"id\":3,\"error\":{\"code\":103,\"message\":\"no\"}}");
    rig_called("disconnected(103 no) ");
}

static void a_refresh_ends_with_its_connection(void **state)
{
    (void)state;
    ask_for_tokens();
    options.token = "one";
    rig_client();
    rig_serve("{\"client\":\"c\",\"expires\":true,\"ttl\":60}");
    rig_pass(30000);
    rig_close(3000, "r");
    rig_redial();
    rig_serve("{\"client\":\"c\"}");
    rig_forget();
    rig_pass(90000);
    assert_int_equal(questions, 0);
    rig_expect("");
    rig_called("");
}

static void an_answer_for_an_older_connection_counts_no_more(void **state)
{
    (void)state;
    ask_for_tokens();
    rig_client();
    struct plc_token *old = question;
    plc_client_disconnect(client);
    plc_client_connect(client);
    rig_turn();
    assert_int_equal(questions, 2);
    plc_token_answer(old, "old");
    rig_turn();
    assert_int_equal(fake_dials, 0);
    plc_token_answer(question, "new");
    rig_turn();
    rig_accept();
    rig_expect("{\"id\":1,\"connect\":{\"token\":\"new\"}}");
}

static void an_answer_may_come_when_the_client_is_gone(void **state)
{
    (void)state;
    ask_for_tokens();
    rig_client();
    plc_client_destroy(client);
    rig_turn();
    plc_token_answer(question, "late");
    rig_turn();
    assert_int_equal(fake_dials, 0);
}

static void a_late_token_for_a_refresh_makes_no_second_connection(void **state)
{
    (void)state;
    ask_for_tokens();
    rig_client();
    plc_token_answer(question, "one");
    rig_turn();
    rig_serve("{\"client\":\"c\",\"expires\":true,\"ttl\":1}");
    rig_pass(1100);
    assert_int_equal(questions, 2);
    rig_close(3000, "r");
    plc_token_answer(question, "late");
    rig_turn();
    assert_int_equal(fake_dials, 1);
    rig_redial();
    rig_serve(RIG_HELLO);
    rig_pass(5000);
    assert_int_equal(fake_dials, 2);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_is_asked_for_before_the_first_dial),
        TEST(an_expired_token_is_replaced),
        TEST(no_token_is_final_and_a_failure_is_not),
        TEST(a_token_is_refreshed_when_it_expires),
        TEST(a_refresh_ends_with_its_connection),
        TEST(an_answer_for_an_older_connection_counts_no_more),
        TEST(an_answer_may_come_when_the_client_is_gone),
        TEST(a_late_token_for_a_refresh_makes_no_second_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
