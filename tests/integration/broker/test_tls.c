/* SPDX-License-Identifier: Apache-2.0 */
/* test_tls.c - what a TLS client can agree on with the broker: versions,
 * certificates, protocols, sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "box.h"
#include "tls_client.h"

static struct tls_folder files;

static int make_files(void **st)
{
    (void)st;
    signal(SIGPIPE, SIG_IGN); /* who is refused may still be writing */
    tls_folder_init(&files);
    tls_make(&files, "first", "first.test", NULL);
    tls_make(&files, "wild", "*.wild.test", NULL);
    tls_make(&files, "friends", NULL, NULL);
    tls_make(&files, "friend", "friend.test", "friends");
    tls_make(&files, "strangers", NULL, NULL);
    tls_make(&files, "stranger", "stranger.test", "strangers");
    tls_copy(&files, "friends.pem", "ca.pem");
    return 0;
}

static int remove_files(void **st)
{
    (void)st;
    tls_folder_fini(&files);
    return 0;
}

/* A broker with both certificates, and `more` when it is not NULL. */
static uint16_t start(struct box *b, const char *more)
{
    char certificates[300], keys[300];
    const char *sets[] = {"listen=[]",  "listen_tls=[127.0.0.1:0]",
                          certificates, keys,
                          "loops=4",    more,
                          NULL};

    snprintf(certificates, sizeof certificates, "tls.certificate=[%s, %s]",
             tls_file(&files, "first.pem"), tls_file(&files, "wild.pem"));
    snprintf(keys, sizeof keys, "tls.key=[%s, %s]",
             tls_file(&files, "first.key"), tls_file(&files, "wild.key"));
    box_start(b, sets);
    return pl_broker_tls_port(b->broker, 0);
}

static uint16_t start_with_ca(struct box *b)
{
    char set[200];

    snprintf(set, sizeof set, "tls.client_ca=%s", tls_file(&files, "ca.pem"));
    return start(b, set);
}

/* --- Versions --- */

static void both_versions_carry_the_protocol(void **st)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct tls_client c;
    struct box b;

    (void)st;
    uint16_t port = start(&b, NULL);
    for (int i = 0; i < 2; i++) {
        const struct tls_options o = {.version = versions[i]};

        assert_true(tls_open(&c, port, &o));
        assert_int_equal(SSL_version(c.ssl), versions[i]);
        assert_null(SSL_get_current_compression(c.ssl));
        assert_true(tls_enter(&c));
        assert_true(tls_say(&c, "{\"id\":3,\"publish\":{\"channel\":\"room\","
                                "\"data\":\"hello\"}}"));
        assert_true(tls_hear(&c));
        assert_non_null(strstr(c.in, "hello"));
        tls_fini(&c);
    }
    box_await(&b, "active_connections", 0);
    box_destroy(&b);
}

static void older_versions_are_refused(void **st)
{
    const struct tls_options o = {.version = TLS1_1_VERSION};
    struct tls_client c;
    struct box b;

    (void)st;
    uint16_t port = start(&b, NULL);
    assert_false(tls_open(&c, port, &o));
    tls_fini(&c);
    box_await(&b, "active_connections", 0);
    box_destroy(&b);
}

static void aes_with_128_bits_is_preferred(void **st)
{
    static const struct {
        int version;
        const char *cipher;
    } kind[] = {{TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256"},
                {TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256"}};
    struct tls_client c;
    struct box b;

    (void)st;
    uint16_t port = start(&b, NULL);
    for (int i = 0; i < 2; i++) {
        assert_true(tls_open(
            &c, port, &(struct tls_options){.version = kind[i].version}));
        assert_string_equal(SSL_get_cipher(c.ssl), kind[i].cipher);
        tls_fini(&c);
    }
    box_await(&b, "active_connections", 0);
    box_destroy(&b);
}

/* Of those that OpenSSL takes by itself, ffdhe8192 costs the broker about four
 * hundred times what X25519 does, and a client nothing. */
static void who_asks_for_an_expensive_key_exchange_is_refused(void **st)
{
    static const struct {
        int version;
        const char *groups;
        bool is_good;
    } kind[] = {
        {TLS1_3_VERSION, "X25519", true},
        {TLS1_3_VERSION, "P-256", true},
        {TLS1_3_VERSION, "P-384", true},
        {TLS1_3_VERSION, "ffdhe2048", false},
        {TLS1_3_VERSION, "ffdhe8192", false},
        {TLS1_3_VERSION, "ffdhe8192:P-256", true}, /* after a retry */
        {TLS1_3_VERSION, "X448:P-521", false},
        {TLS1_2_VERSION, "P-384:P-256", true}, /* P-256 is the certificate's */
        {TLS1_2_VERSION, "X448:P-521", false},
    };
    struct tls_client c;
    struct box b;

    (void)st;
    uint16_t port = start(&b, NULL);
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        const struct tls_options o = {.version = kind[i].version,
                                      .groups = kind[i].groups};

        assert_int_equal(tls_open(&c, port, &o), kind[i].is_good);
        tls_fini(&c);
    }
    box_await(&b, "active_connections", 0);
    box_destroy(&b);
}

/* --- Names --- */

static void the_name_picks_the_certificate(void **st)
{
    static const struct {
        const char *host, *certificate;
    } name[] = {
        {"first.test", "first"},
        {"chat.wild.test", "wild"},
        {"wild.test", "first"},
        {"a.b.wild.test", "first"},
        {"CHAT.WILD.TEST", "wild"},
        {"other.test", "first"},
        {NULL, "first"},
    };
    struct tls_client c;
    struct box b;

    (void)st;
    uint16_t port = start(&b, NULL);
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        const struct tls_options o = {.host = name[i].host};

        assert_true(tls_open(&c, port, &o));
        assert_string_equal(tls_server_name(&c), name[i].certificate);
        assert_true(tls_enter(&c));
        tls_fini(&c);
    }
    box_destroy(&b);
}

/* --- Protocols --- */

static void http_1_1_is_the_only_protocol(void **st)
{
    static const struct {
        const char *offer;
        bool is_good;
    } alpn[] = {
        {"\x08http/1.1", true},
        {"\x02h2\x08http/1.1", true},
        {"\x02h2", false},
    };
    struct tls_client c;
    struct box b;

    (void)st;
    uint16_t port = start(&b, NULL);
    for (size_t i = 0; i < sizeof alpn / sizeof *alpn; i++) {
        const struct tls_options o = {.alpn = alpn[i].offer};
        const unsigned char *chosen;
        unsigned len;

        assert_int_equal(tls_open(&c, port, &o), alpn[i].is_good);
        SSL_get0_alpn_selected(c.ssl, &chosen, &len);
        assert_int_equal(len, alpn[i].is_good ? 8 : 0);
        tls_fini(&c);
    }
    box_destroy(&b);
}

/* --- Sessions --- */

/* Connections are spread over four loops: each takes the others' tickets. */
static void a_ticket_is_taken_by_every_loop(void **st)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    enum { ROUNDS = 8 };
    struct tls_client c[ROUNDS + 1];
    struct box b;

    (void)st;
    uint16_t port = start(&b, NULL);
    for (int v = 0; v < 2; v++) {
        struct tls_options o = {.host = "chat.wild.test",
                                .version = versions[v]};

        for (int i = 0; i <= ROUNDS; i++) {
            assert_true(tls_open(&c[i], port, &o));
            assert_int_equal(SSL_session_reused(c[i].ssl), i > 0);
            assert_true(tls_enter(&c[i]));
            assert_int_equal(pl_broker_reload(b.broker), PL_OK);
            if (c[i].ticket != NULL)
                o.session = c[i].ticket;
            assert_non_null(o.session);
        }
        for (int i = 0; i <= ROUNDS; i++)
            tls_fini(&c[i]);
    }
    box_destroy(&b);
}

static void a_restart_takes_no_old_ticket(void **st)
{
    struct tls_options o = {.version = TLS1_3_VERSION};
    struct tls_client c, d;
    struct box b;

    (void)st;
    uint16_t port = start(&b, NULL);
    assert_true(tls_open(&c, port, &o));
    assert_true(tls_enter(&c));
    box_stop(&b);
    box_run(&b);
    port = pl_broker_tls_port(b.broker, 0);
    o.session = c.ticket;
    assert_true(tls_open(&d, port, &o));
    assert_false(SSL_session_reused(d.ssl));
    assert_true(tls_enter(&d));
    tls_fini(&c);
    tls_fini(&d);
    box_destroy(&b);
}

/* RFC 6066, section 3.  With TLS 1.3 a name is no part of a session. */
static void a_ticket_is_for_the_name_that_it_was_given_for(void **st)
{
    static const struct {
        const char *host;
        bool is_good;
    } kind[] = {
        {"first.test", true},
        {"FIRST.test", true},
        {"chat.wild.test", false},
        {"other.test", false},
    };
    struct tls_options o = {.host = "first.test", .version = TLS1_2_VERSION};
    struct tls_client c, d;
    struct box b;

    (void)st;
    uint16_t port = start(&b, NULL);
    assert_true(tls_open(&c, port, &o));
    assert_true(tls_enter(&c));
    o.session = c.ticket;
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        o.host = kind[i].host;
        assert_true(tls_open(&d, port, &o));
        if (SSL_session_reused(d.ssl) != kind[i].is_good)
            fail_msg("%s", kind[i].host);
        assert_true(tls_enter(&d));
        SSL_shutdown(d.ssl); /* else its session counts as broken */
        tls_fini(&d);
    }
    tls_fini(&c);
    box_destroy(&b);
}

/* --- Client certificates --- */

/* With TLS 1.3 a client believes in its handshake until it reads. */
static bool gets_in(struct tls_client *c, uint16_t port,
                    const struct tls_options *o)
{
    return tls_open(c, port, o) && tls_enter(c);
}

static void only_certificates_of_the_client_ca_get_in(void **st)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct tls_client c;
    struct box b;

    (void)st;
    box_log_begin();
    uint16_t port = start_with_ca(&b);
    for (int v = 0; v < 2; v++) {
        struct tls_options o = {.version = versions[v]};

        assert_false(gets_in(&c, port, &o));
        tls_fini(&c);
        o.certificate = tls_file(&files, "stranger.pem");
        o.key = tls_file(&files, "stranger.key");
        assert_false(gets_in(&c, port, &o));
        tls_fini(&c);
        o.certificate = tls_file(&files, "friend.pem");
        o.key = tls_file(&files, "friend.key");
        assert_true(gets_in(&c, port, &o));
        tls_fini(&c);
    }
    box_await(&b, "active_connections", 0);
    assert_true(box_log_has("peer did not return a certificate"));
    assert_true(box_log_has("unable to get local issuer certificate"));
    box_destroy(&b);
    assert_int_equal(box_log_warnings(), 0);
    box_log_end();
}

/* The file may have a CA that another one signed, and not that one. */
static void a_client_ca_need_not_be_a_root(void **st)
{
    struct tls_client c;
    struct box b;

    (void)st;
    tls_make(&files, "branch", NULL, "friends");
    tls_make(&files, "member", "member.test", "branch");
    tls_copy(&files, "branch.pem", "ca.pem");
    uint16_t port = start_with_ca(&b);
    struct tls_options o = {.certificate = tls_file(&files, "member.pem"),
                            .key = tls_file(&files, "member.key")};
    assert_true(gets_in(&c, port, &o));
    tls_fini(&c);
    o.certificate = tls_file(&files, "friend.pem"); /* the root's own */
    o.key = tls_file(&files, "friend.key");
    assert_false(gets_in(&c, port, &o));
    tls_fini(&c);
    tls_copy(&files, "friends.pem", "ca.pem");
    box_destroy(&b);
}

/* What follows the certificate need not be of use, but each costs the broker as
 * much as a good one, before it knows whose they are. */
static void make_chain(const char *name, unsigned more)
{
    char one[4096], path[384];
    FILE *in = fopen(tls_file(&files, "friends.pem"), "re");

    snprintf(path, sizeof path, "%s", tls_file(&files, name));
    assert_non_null(in);
    size_t len = fread(one, 1, sizeof one, in);
    fclose(in);
    tls_copy(&files, "friend.pem", name);
    FILE *out = fopen(path, "ae");
    assert_non_null(out);
    while (more-- > 0)
        assert_int_equal(fwrite(one, 1, len, out), len);
    fclose(out);
}

static void a_chain_of_more_than_16_kib_is_refused(void **st)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct tls_client c;
    struct box b;

    (void)st;
    make_chain("short.pem", 20); /* of 400 bytes each */
    make_chain("long.pem", 60);
    box_log_begin();
    uint16_t port = start_with_ca(&b);
    for (int v = 0; v < 2; v++) {
        struct tls_options o = {.version = versions[v],
                                .key = tls_file(&files, "friend.key")};

        o.certificate = tls_file(&files, "short.pem");
        assert_true(gets_in(&c, port, &o));
        tls_fini(&c);
        o.certificate = tls_file(&files, "long.pem");
        assert_false(gets_in(&c, port, &o));
        tls_fini(&c);
    }
    box_await(&b, "active_connections", 0);
    assert_true(box_log_has("excessive message size"));
    box_destroy(&b);
    assert_int_equal(box_log_warnings(), 0);
    box_log_end();
}

static void a_ticket_dies_with_the_client_ca(void **st)
{
    struct tls_options o = {.version = TLS1_3_VERSION};
    struct tls_client c, d;
    struct box b;

    (void)st;
    uint16_t port = start_with_ca(&b);
    o.certificate = tls_file(&files, "friend.pem");
    o.key = tls_file(&files, "friend.key");
    assert_true(gets_in(&c, port, &o));
    o.certificate = NULL;
    o.session = c.ticket;
    assert_true(gets_in(&d, port, &o)); /* its ticket says who it is */
    assert_true(SSL_session_reused(d.ssl));
    tls_copy(&files, "strangers.pem", "ca.pem");
    assert_int_equal(pl_broker_reload(b.broker), PL_OK);
    tls_fini(&d);
    bool got_in = gets_in(&d, port, &o);
    tls_fini(&d);
    while (got_in) { /* the reload is on its way to a loop */
        got_in = gets_in(&d, port, &o);
        tls_fini(&d);
    }
    assert_true(tls_say(&c, "{\"id\":3,\"publish\":{\"channel\":\"room\","
                            "\"data\":\"still\"}}"));
    assert_true(tls_hear(&c));
    tls_fini(&c);
    tls_copy(&files, "friends.pem", "ca.pem");
    box_destroy(&b);
}

/* --- Renegotiation --- */

static void renegotiation_is_refused(void **st)
{
    const struct tls_options o = {.version = TLS1_2_VERSION};
    struct tls_client c;
    struct box b;

    (void)st;
    uint16_t port = start(&b, NULL);
    assert_true(tls_open(&c, port, &o));
    assert_true(tls_enter(&c));
    assert_int_equal(SSL_renegotiate(c.ssl), 1);
    assert_int_not_equal(SSL_do_handshake(c.ssl), 1);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    ERR_clear_error();
    tls_fini(&c);
    assert_true(tls_open(&c, port, &o));
    assert_true(tls_enter(&c));
    tls_fini(&c);
    box_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_versions_carry_the_protocol),
        cmocka_unit_test(older_versions_are_refused),
        cmocka_unit_test(who_asks_for_an_expensive_key_exchange_is_refused),
        cmocka_unit_test(aes_with_128_bits_is_preferred),
        cmocka_unit_test(the_name_picks_the_certificate),
        cmocka_unit_test(http_1_1_is_the_only_protocol),
        cmocka_unit_test(a_ticket_is_taken_by_every_loop),
        cmocka_unit_test(a_restart_takes_no_old_ticket),
        cmocka_unit_test(a_ticket_is_for_the_name_that_it_was_given_for),
        cmocka_unit_test(only_certificates_of_the_client_ca_get_in),
        cmocka_unit_test(a_client_ca_need_not_be_a_root),
        cmocka_unit_test(a_chain_of_more_than_16_kib_is_refused),
        cmocka_unit_test(a_ticket_dies_with_the_client_ca),
        cmocka_unit_test(renegotiation_is_refused),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
