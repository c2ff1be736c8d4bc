/* SPDX-License-Identifier: Apache-2.0 */
/* test_tickets.c - session tickets between loops and across rotations: whole
 * handshakes in memory, time in the test's hands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tickets.h"

enum { PERIOD = 1000, START = 7 * PERIOD + 1 }; /* ms */
enum { HOUR = 3600 };                           /* s */

static const unsigned char secret[PL_TICKET_SECRET] = "one secret";
static SSL_CTX *server, *client;

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION **out = SSL_get_app_data(ssl);

    SSL_SESSION_free(*out);
    *out = session;
    return 1;
}

/* With a certificate that ends in so many seconds. */
static void certify(SSL_CTX *ctx, long seconds)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();

    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), seconds);
    X509_set_pubkey(x, key);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    assert_int_equal(SSL_CTX_use_certificate(ctx, x), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
    X509_free(x);
    EVP_PKEY_free(key);
}

static int make_contexts(void **st)
{
    (void)st;
    server = SSL_CTX_new(TLS_server_method());
    client = SSL_CTX_new(TLS_client_method());
    certify(server, HOUR);
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_OFF);
    assert_true(pl_tickets_use(server));
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT |
                                               SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client, on_session);
    return 0;
}

static int free_contexts(void **st)
{
    (void)st;
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    return 0;
}

/* One handshake, with *ticket if there is one, which is then the newest that
 * the server gave.  Gives whether it was resumed. */
static bool meet(struct pl_tickets *t, int version, SSL_SESSION **ticket)
{
    SSL *s = SSL_new(server), *c = SSL_new(client);
    BIO *a = BIO_new(BIO_s_mem()), *b = BIO_new(BIO_s_mem());
    char byte;

    BIO_up_ref(a);
    BIO_up_ref(b);
    SSL_set_bio(s, a, b);
    SSL_set_bio(c, b, a);
    SSL_set_max_proto_version(c, version);
    pl_tickets_attach(s, t);
    SSL_set_app_data(c, ticket);
    if (*ticket != NULL)
        SSL_set_session(c, *ticket);
    SSL_set_connect_state(c);
    SSL_set_accept_state(s);
    for (int i = 0; i < 10; i++) {
        SSL_do_handshake(c);
        SSL_do_handshake(s);
    }
    SSL_read(c, &byte, 1); /* takes the tickets of TLS 1.3 */
    assert_true(SSL_is_init_finished(s) && SSL_is_init_finished(c));
    bool is_reused = SSL_session_reused(s);
    if (version == TLS1_2_VERSION) { /* no callback for a renewed one */
        SSL_SESSION_free(*ticket);
        *ticket = SSL_get1_session(c);
    }
    SSL_shutdown(c); /* else its session counts as broken */
    SSL_free(s);
    SSL_free(c);
    ERR_clear_error();
    return is_reused;
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void those_with_one_secret_take_each_others_tickets(void **st)
{
    struct pl_tickets one, two;

    (void)st;
    for (int v = 0; v < 2; v++) {
        SSL_SESSION *ticket = NULL;

        assert_true(pl_tickets_init(&one, secret, PERIOD, START));
        assert_true(pl_tickets_init(&two, secret, PERIOD, START));
        assert_false(meet(&one, versions[v], &ticket));
        assert_non_null(ticket);
        assert_true(meet(&two, versions[v], &ticket));
        assert_true(meet(&one, versions[v], &ticket));
        SSL_SESSION_free(ticket);
    }
}

static void another_secret_takes_none(void **st)
{
    const unsigned char other[PL_TICKET_SECRET] = "another secret";
    struct pl_tickets one, two;
    SSL_SESSION *ticket = NULL;

    (void)st;
    assert_true(pl_tickets_init(&one, secret, PERIOD, START));
    assert_true(pl_tickets_init(&two, other, PERIOD, START));
    assert_false(meet(&one, TLS1_3_VERSION, &ticket));
    assert_false(meet(&two, TLS1_3_VERSION, &ticket));
    SSL_SESSION_free(ticket);
}

static void a_ticket_survives_one_rotation_and_is_replaced(void **st)
{
    struct pl_tickets t;

    (void)st;
    for (int v = 0; v < 2; v++) {
        SSL_SESSION *ticket = NULL;

        assert_true(pl_tickets_init(&t, secret, PERIOD, START));
        assert_false(meet(&t, versions[v], &ticket));
        for (int i = 1; i <= 5; i++) { /* each time with a newer ticket */
            assert_true(pl_tickets_advance(&t, START + i * PERIOD));
            assert_true(meet(&t, versions[v], &ticket));
        }
        SSL_SESSION_free(ticket);
    }
}

static void a_ticket_does_not_survive_two_rotations(void **st)
{
    struct pl_tickets t;

    (void)st;
    for (int v = 0; v < 2; v++) {
        SSL_SESSION *ticket = NULL;

        assert_true(pl_tickets_init(&t, secret, PERIOD, START));
        assert_false(meet(&t, versions[v], &ticket));
        assert_true(pl_tickets_advance(&t, START + 2 * PERIOD));
        assert_false(meet(&t, versions[v], &ticket));
        assert_true(meet(&t, versions[v], &ticket));
        SSL_SESSION_free(ticket);
    }
}

/* One moved on at each period, the other slept through them all. */
static void who_slept_has_the_same_keys(void **st)
{
    struct pl_tickets one, two;

    (void)st;
    assert_true(pl_tickets_init(&one, secret, PERIOD, START));
    assert_true(pl_tickets_init(&two, secret, PERIOD, START));
    for (int i = 1; i <= 50; i++)
        assert_true(pl_tickets_advance(&one, START + i * PERIOD));
    assert_true(pl_tickets_advance(&two, START + 50 * PERIOD));
    assert_memory_equal(&one.now, &two.now, sizeof one.now);
    assert_memory_equal(&one.before, &two.before, sizeof one.before);
    assert_memory_not_equal(&one.now, &one.before, sizeof one.now);
}

static void within_a_period_nothing_changes(void **st)
{
    struct pl_tickets t, then;

    (void)st;
    assert_true(pl_tickets_init(&t, secret, PERIOD, START));
    then = t;
    assert_true(pl_tickets_advance(&t, START + PERIOD - 2));
    assert_true(pl_tickets_advance(&t, 0)); /* a clock does not go back */
    assert_memory_equal(&t, &then, sizeof t);
    assert_true(pl_tickets_advance(&t, START + PERIOD - 1));
    assert_memory_not_equal(t.chain, then.chain, sizeof t.chain);
}

static int believe(int verdict, X509_STORE_CTX *chain)
{
    (void)verdict;
    (void)chain;
    return 1;
}

/* Whether a client with such a certificate may come back by its ticket; at
 * first it is taken whatever its certificate says. */
static bool returns(int version, long seconds)
{
    struct pl_tickets t;
    SSL_SESSION *ticket = NULL;

    certify(client, seconds);
    assert_true(pl_tickets_init(&t, secret, PERIOD, START));
    assert_false(meet(&t, version, &ticket));
    bool is_reused = meet(&t, version, &ticket);
    SSL_SESSION_free(ticket);
    return is_reused;
}

static void a_ticket_ends_with_its_clients_certificate(void **st)
{
    (void)st;
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER, believe);
    SSL_CTX_set_session_id_context(server, secret, 1);
    for (int v = 0; v < 2; v++) {
        assert_true(returns(versions[v], HOUR));
        assert_false(returns(versions[v], -1));
    }
    SSL_CTX_set_verify(server, SSL_VERIFY_NONE, NULL);
}

static void the_end_leaves_no_key(void **st)
{
    static const struct pl_tickets zero;
    struct pl_tickets t;

    (void)st;
    assert_true(pl_tickets_init(&t, secret, PERIOD, START));
    pl_tickets_fini(&t);
    assert_memory_equal(&t, &zero, sizeof t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_with_one_secret_take_each_others_tickets),
        cmocka_unit_test(another_secret_takes_none),
        cmocka_unit_test(a_ticket_survives_one_rotation_and_is_replaced),
        cmocka_unit_test(a_ticket_does_not_survive_two_rotations),
        cmocka_unit_test(who_slept_has_the_same_keys),
        cmocka_unit_test(within_a_period_nothing_changes),
        cmocka_unit_test(a_ticket_ends_with_its_clients_certificate),
        cmocka_unit_test(the_end_leaves_no_key),
    };

    return cmocka_run_group_tests(tests, make_contexts, free_contexts);
}
