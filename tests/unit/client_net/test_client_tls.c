/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_tls.c - streams with TLS: which servers are trusted, and which
 * files. */
#include "rig.h"

#include "tls.h"
#include "tls_client.h"
#include "tls_pool.h"

enum { BIG = 4 << 20 };

static struct tls_folder folder;

static SSL_CTX *server_tls(const char *name)
{
    SSL_CTX *c = SSL_CTX_new(TLS_server_method());
    char file[16];

    snprintf(file, sizeof file, "%s.pem", name);
    SSL_CTX_use_certificate_chain_file(c, tls_file(&folder, file));
    snprintf(file, sizeof file, "%s.key", name);
    SSL_CTX_use_PrivateKey_file(c, tls_file(&folder, file), SSL_FILETYPE_PEM);
    return c;
}

static struct plc_tls_settings *settings(const char *ca, bool accepts_any)
{
    struct plc_tls_files f = {.ca_file =
                                  ca == NULL ? NULL : tls_file(&folder, ca),
                              .accepts_any = accepts_any};
    struct plc_tls_settings *t;
    char why[200];

    assert_int_equal(plc_tls_load(&t, &f, why, sizeof why), PL_OK);
    return t;
}

static void make_certificates(void)
{
    tls_folder_init(&folder);
    tls_make(&folder, "ca", NULL, NULL);
    tls_make(&folder, "good", "good.test", "ca");
    tls_make(&folder, "other", NULL, NULL);
}

/* Connect to good.test, or another name; what the user saw is in *u. */
static void try_tls(struct user *u, const char *certificate, const char *ca,
                    bool accepts_any, const char *name)
{
    struct server s = {.tls = server_tls(certificate)};

    start_server(&s);
    struct plc_target t = target_of(&s, "good.test");
    t.is_tls = true;
    t.tls = settings(ca, accepts_any);
    t.tls_name = name;
    run_user(u, &t);
    plc_tls_destroy(t.tls);
    stop_server(&s);
}

static void tls_carries_bytes_to_a_server_that_is_verified(void **state)
{
    struct user u = {.left = BIG, .finishes = true};

    (void)state;
    make_certificates();
    try_tls(&u, "good", "ca.pem", false, NULL);
    assert_int_equal(u.heard, BIG);
    assert_true(u.has_ended && u.is_clean);
    tls_folder_fini(&folder);
}

static void tls_goes_through_a_proxy_to_the_server(void **state)
{
    struct server s = {.proxy = "HTTP/1.1 200 Go\r\n\r\n"};
    struct user u = {.say = "hello", .close_at = 5};

    (void)state;
    make_certificates();
    s.tls = server_tls("good");
    start_server(&s);
    struct plc_target t = behind_proxy(&s);
    t.host = "good.test";
    t.is_tls = true;
    t.tls = settings("ca.pem", false);
    run_user(&u, &t);
    assert_string_equal(u.text, "hello");
    plc_tls_destroy(t.tls);
    stop_server(&s);
    tls_folder_fini(&folder);
}

static void a_certificate_that_proves_nothing_is_refused(void **state)
{
    static const struct {
        const char *certificate, *ca, *name, *why;
    } cases[] = {
        {"good", "ca.pem", "evil.test", "hostname mismatch"},
        {"good", "ca.pem", "127.0.0.1", "IP address mismatch"},
        {"good", "other.pem", NULL, "issuer certificate"},
        {"other", "ca.pem", NULL, "self-signed"},
    };

    (void)state;
    make_certificates();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct user u = {.say = "secret"};

        try_tls(&u, cases[i].certificate, cases[i].ca, false, cases[i].name);
        assert_false(u.is_open);
        assert_int_equal(u.err, PL_EDENIED);
        if (strstr(u.why, cases[i].why) == NULL)
            fail_msg("case %zu: %s", i, u.why);
    }
    tls_folder_fini(&folder);
}

/* Connect twice with one ticket; return true if the second resumed. */
static bool second_resumes(int most_version, bool is_lost)
{
    struct server s = {.tls = server_tls("good")};
    struct plc_tls_ticket ticket = {0};
    struct user first = {
        .say = "hello", .close_at = is_lost ? 5 : 0, .finishes = !is_lost};
    struct user second = {.say = "again", .close_at = 5};

    SSL_CTX_set_max_proto_version(s.tls, most_version);
    start_server(&s);
    struct plc_target t = target_of(&s, "good.test");
    t.is_tls = true;
    t.tls = settings("ca.pem", false);
    t.ticket = &ticket;
    run_user(&first, &t);
    assert_string_equal(first.text, "hello");
    assert_false(first.was_resumed);
    assert_non_null(ticket.session);
    run_user(&second, &t);
    assert_string_equal(second.text, "again");
    plc_tls_ticket_fini(&ticket);
    plc_tls_destroy(t.tls);
    stop_server(&s);
    return second.was_resumed;
}

static void a_session_is_resumed_with_the_newest_ticket(void **state)
{
    (void)state;
    make_certificates();
    assert_true(second_resumes(TLS1_3_VERSION, false));
    assert_true(second_resumes(TLS1_2_VERSION, false));
    tls_folder_fini(&folder);
}

static void a_lost_connection_leaves_its_ticket_good(void **state)
{
    (void)state;
    make_certificates();
    assert_true(second_resumes(TLS1_3_VERSION, true));
    assert_true(second_resumes(TLS1_2_VERSION, true));
    tls_folder_fini(&folder);
}

static void a_ticket_of_tls_1_3_is_shown_once(void **state)
{
    struct plc_tls_ticket ticket = {0};
    struct server s = {0};
    struct user u = {.say = "hello", .close_at = 5};

    (void)state;
    make_certificates();
    s.tls = server_tls("good");
    start_server(&s);
    struct plc_target t = target_of(&s, "good.test");
    t.is_tls = true;
    t.tls = settings("ca.pem", false);
    t.ticket = &ticket;
    run_user(&u, &t);
    struct ssl_st *ssl = plc_tls_connect(t.tls, -1, "good.test", &ticket);
    assert_null(ticket.session);
    plc_tls_free(ssl);
    plc_tls_destroy(t.tls);
    stop_server(&s);
    tls_folder_fini(&folder);
}

static void a_program_may_accept_any_certificate(void **state)
{
    struct user u = {.say = "hello", .close_at = 5};

    (void)state;
    make_certificates();
    try_tls(&u, "other", NULL, true, NULL);
    assert_string_equal(u.text, "hello");
    tls_folder_fini(&folder);
}

static void a_server_without_tls_is_named(void **state)
{
    struct server s = {0};
    struct user u = {0};

    (void)state;
    start_server(&s); /* it echoes our first flight */
    struct plc_target t = target_of(&s, "127.0.0.1");
    t.is_tls = true;
    t.tls = settings(NULL, true);
    run_user(&u, &t);
    assert_int_equal(u.err, PL_EDENIED);
    assert_non_null(strstr(u.why, "TLS: "));
    plc_tls_destroy(t.tls);
    stop_server(&s);
}

static void a_file_that_is_not_usable_is_named(void **state)
{
    struct plc_tls_settings *t;
    char why[400];

    (void)state;
    make_certificates();
    tls_write(&folder, "bad.pem", "nonsense");
    struct plc_tls_files cases[] = {
        {.ca_file = tls_file(&folder, "none.pem")},
        {.ca_file = tls_file(&folder, "bad.pem")},
        {.cert_file = tls_file(&folder, "bad.pem")},
        {.cert_file = tls_file(&folder, "good.pem"),
         .key_file = tls_file(&folder, "ca.key")},
    };
    static const char *const named[] = {"ca_file", "ca_file", "cert_file",
                                        "key_file"};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(plc_tls_load(&t, &cases[i], why, sizeof why),
                         PL_EINVAL);
        assert_non_null(strstr(why, named[i]));
        assert_non_null(strstr(why, folder.path));
    }
    tls_folder_fini(&folder);
}

static struct plc_tls_settings *take(struct plc_tls_pool *p,
                                     const struct plc_tls_files *files)
{
    struct plc_tls_settings *t;
    char why[400];

    assert_int_equal(plc_tls_pool_take(p, &t, files, why, sizeof why), PL_OK);
    return t;
}

static void connections_with_the_same_files_share_their_settings(void **state)
{
    struct plc_tls_pool *p;
    char why[400];

    (void)state;
    make_certificates();
    tls_write(&folder, "bad.pem", "nonsense");
    struct plc_tls_files files = {.ca_file = tls_file(&folder, "ca.pem")},
                         any = {.accepts_any = true},
                         bad = {.ca_file = tls_file(&folder, "bad.pem")};
    assert_int_equal(plc_tls_pool_create(&p), PL_OK);
    struct plc_tls_settings *first = take(p, &files), *other = take(p, &any),
                            *wrong = NULL;
    assert_ptr_equal(take(p, &files), first);
    assert_ptr_not_equal(other, first);
    assert_int_equal(plc_tls_pool_take(p, &wrong, &bad, why, sizeof why),
                     PL_EINVAL);
    assert_null(wrong);
    plc_tls_pool_give_back(p, first);
    assert_ptr_equal(take(p, &files), first); /* one user was left */
    plc_tls_pool_give_back(p, first);
    plc_tls_pool_give_back(p, first);
    plc_tls_pool_give_back(p, other);
    plc_tls_pool_give_back(p, NULL);
    plc_tls_pool_destroy(p);
    tls_folder_fini(&folder);
}

static void a_file_that_was_renewed_is_read_again(void **state)
{
    struct plc_tls_pool *p;

    (void)state;
    make_certificates();
    struct plc_tls_files files = {.ca_file = tls_file(&folder, "ca.pem")};
    assert_int_equal(plc_tls_pool_create(&p), PL_OK);
    struct plc_tls_settings *old = take(p, &files);
    assert_int_equal(
        rename(tls_file(&folder, "other.pem"), tls_file(&folder, "ca.pem")), 0);
    struct plc_tls_settings *renewed = take(p, &files);
    assert_ptr_not_equal(renewed, old);
    assert_ptr_equal(take(p, &files), renewed);
    plc_tls_pool_give_back(p, old);
    plc_tls_pool_give_back(p, renewed);
    plc_tls_pool_give_back(p, renewed);
    plc_tls_pool_destroy(p);
    tls_folder_fini(&folder);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tls_goes_through_a_proxy_to_the_server),
        TEST(tls_carries_bytes_to_a_server_that_is_verified),
        TEST(a_certificate_that_proves_nothing_is_refused),
        TEST(a_session_is_resumed_with_the_newest_ticket),
        TEST(a_lost_connection_leaves_its_ticket_good),
        TEST(a_ticket_of_tls_1_3_is_shown_once),
        TEST(a_program_may_accept_any_certificate),
        TEST(a_server_without_tls_is_named),
        TEST(a_file_that_is_not_usable_is_named),
        TEST(connections_with_the_same_files_share_their_settings),
        TEST(a_file_that_was_renewed_is_read_again),
    };

    sem_init(&name_may_end, 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
