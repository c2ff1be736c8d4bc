/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_hostile_tls.c - servers that break TLS, or keep it in the worst
 * way that it allows: what plain channels and clients over real sockets make of
 * each of them. */
#include "client_stage.h"

#include <sys/socket.h>

#include "tls_client.h"

enum { TICKETS = 2000, GROWTH_MAX = 300000, FLIGHT_MAX = 1 << 16 };

static struct tls_folder folder;
static SSL_CTX *context; /* of the server */

/* --- Certificates and contexts --- */

static int make_certificates(void **state)
{
    (void)state;
    tls_folder_init(&folder);
    tls_make(&folder, "ca", NULL, NULL);
    tls_make(&folder, "good", "good.test", "ca");
    tls_make(&folder, "wild", "*.good.test", "ca");
    tls_make(&folder, "other", NULL, NULL);
    tls_make_expired(&folder, "old", "good.test", "ca");
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    tls_folder_fini(&folder);
    return 0;
}

static SSL_CTX *context_of(const char *name, int most_version)
{
    SSL_CTX *c = SSL_CTX_new(TLS_server_method());
    char file[16];

    snprintf(file, sizeof file, "%s.pem", name);
    assert_int_equal(
        SSL_CTX_use_certificate_chain_file(c, tls_file(&folder, file)), 1);
    snprintf(file, sizeof file, "%s.key", name);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(c, tls_file(&folder, file),
                                                 SSL_FILETYPE_PEM),
                     1);
    SSL_CTX_set_max_proto_version(c, most_version);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    return c;
}

static char ca_file[384];

static int set_up_tls(void **state)
{
    int rc = set_up(state);

    use_tls();
    snprintf(ca_file, sizeof ca_file, "%s", tls_file(&folder, "ca.pem"));
    link_options.ca_file = ca_file;
    link_options.tls_name = "good.test";
    context = context_of("good", TLS1_3_VERSION);
    return rc;
}

static int tear_down_tls(void **state)
{
    SSL_CTX_free(context);
    return tear_down(state);
}

static void use_context(SSL_CTX *c)
{
    SSL_CTX_free(context);
    context = c;
}

/* Between the rows of a table. */
static void next_row(void)
{
    tear_down_tls(NULL);
    set_up_tls(NULL);
}

static void accept_channel(void)
{
    create_channel();
    raw_accept(&server);
    assert_true(raw_secure(&server, context));
    raw_upgrade(&server);
    called("open ");
}

static void accept_client(void)
{
    create_client();
    raw_accept(&server);
    assert_true(raw_secure(&server, context));
    raw_upgrade(&server);
    unsigned id = raw_id(raw_hear(&server));
    assert_int_equal(id, 1);
    raw_say(&server, "{\"id\":1,\"connect\":{\"client\":\"c\"}}");
    called("connecting(0) connected(0) ");
}

/* The server is not reached, and the reason has `word` in it. */
static void fails_with(const char *w)
{
    await_word("failed(");
    await_word(w);
    log_[0] = '\0';
}

/* --- Whom the client trusts --- */

static void who_cannot_prove_its_name_gets_no_byte(void **state)
{
    static const struct {
        const char *certificate, *name, *why;
    } rows[] = {
        {"good", "127.0.0.1", "IP address mismatch"},
        {"good", "xgood.test", "hostname mismatch"},
        {"wild", "a.b.good.test", "hostname mismatch"},
        {"old", "good.test", "expired"},
        {"other", "good.test", "self-signed"},
    };
    char byte;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        link_options.tls_name = rows[i].name;
        use_context(context_of(rows[i].certificate, TLS1_3_VERSION));
        create_channel();
        send_text("secret");
        raw_accept(&server);
        if (raw_secure(&server, context)) /* its side of it, in TLS 1.3 */
            assert_int_equal(raw_take(&server, &byte, 1), 0);
        await_word("secret:not sent ");
        fails_with(rows[i].why);
        next_row();
    }
}

/* A list of certificates beyond what OpenSSL takes, 100 KiB. */
static void a_chain_without_end_is_refused(void **state)
{
    SSL_CTX *c = context_of("good", TLS1_3_VERSION);
    X509 *x = SSL_CTX_get0_certificate(c);

    (void)state;
    for (int i = 0; i < 1000; i++)
        SSL_CTX_add1_chain_cert(c, x);
    use_context(c);
    create_channel();
    raw_accept(&server);
    raw_secure(&server, context);
    fails_with("excessive message size");
}

/* --- Versions --- */

/* A ServerHello of TLS 1.0, and what follows it. */
static void tls_1_0_is_refused(void **state)
{
    static const unsigned char hello[] = {0x16, 3, 1, 0,        42, 2,    0, 0,
                                          38,   3, 1, [43] = 0, 0,  0x2f, 0};
    char bytes[4096];

    (void)state;
    create_channel();
    raw_accept(&server);
    assert_true(raw_take(&server, bytes, sizeof bytes) > 0);
    raw_put(&server, hello, sizeof hello);
    fails_with("unsupported protocol");
}

static unsigned hellos; /* of the client */

static void on_handshake_message(int is_ours, int version, int type,
                                 const void *bytes, size_t len, SSL *ssl,
                                 void *arg)
{
    (void)version, (void)ssl, (void)arg;
    hellos += !is_ours && type == SSL3_RT_HANDSHAKE && len > 0 &&
              *(const char *)bytes == SSL3_MT_CLIENT_HELLO;
}

static void a_renegotiation_is_refused(void **state)
{
    (void)state;
    hellos = 0;
    use_context(context_of("good", TLS1_2_VERSION));
    SSL_CTX_set_msg_callback(context, on_handshake_message);
    accept_channel();
    assert_int_equal(SSL_renegotiate(server.ssl), 1);
    assert_int_equal(SSL_do_handshake(server.ssl), 1); /* the request of it */
    assert_string_equal(raw_hear(&server), "<end>");   /* its refusal */
    assert_int_equal(hellos, 1);
}

static void a_flood_of_change_cipher_specs_is_refused(void **state)
{
    static const unsigned char record[] = {0x14, 3, 3, 0, 1, 1};
    char bytes[4096];

    (void)state;
    create_channel();
    raw_accept(&server);
    assert_true(raw_take(&server, bytes, sizeof bytes) > 0);
    for (int i = 0; i < 1000; i++)
        raw_put(&server, record, sizeof record);
    fails_with("TLS: ");
}

/* --- Handshakes that stop --- */

static char flight[FLIGHT_MAX];

/* Let the client's bytes into the handshake `ssl`, and return the length of
 * what it answers with. */
static size_t make_flight(SSL *ssl)
{
    char bytes[4096];
    size_t n = raw_take(&server, bytes, sizeof bytes);

    assert_true(n > 0);
    BIO_write(SSL_get_rbio(ssl), bytes, (int)n);
    SSL_accept(ssl);
    int len = BIO_read(SSL_get_wbio(ssl), flight, sizeof flight);
    return len < 0 ? 0 : (size_t)len;
}

/* Accept, and send so many bytes of the first flight, -1: of all but one; with
 * `is_second` all of it, and nothing of the second. */
static void stop_handshake(int version, long bytes, bool is_second)
{
    use_context(context_of("good", version));
    SSL *ssl = SSL_new(context);

    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl);
    create_channel();
    send_text("secret");
    raw_accept(&server);
    size_t len = make_flight(ssl);
    assert_true(len > 100);
    raw_put(&server, flight,
            is_second     ? len
            : bytes == -1 ? len - 1
                          : (size_t)bytes);
    if (is_second)
        assert_true(make_flight(ssl) > 0);
    SSL_free(ssl);
}

static const struct {
    int version;
    long bytes;
    bool is_second;
} stops[] = {
    {TLS1_3_VERSION, 0, false},  {TLS1_3_VERSION, 3, false},
    {TLS1_3_VERSION, 90, false}, {TLS1_3_VERSION, -1, false},
    {TLS1_2_VERSION, 0, false},  {TLS1_2_VERSION, -1, false},
    {TLS1_2_VERSION, 0, true},
};

enum { STOPS = sizeof stops / sizeof stops[0] };

static void a_handshake_that_stops_ends_at_connect_ms(void **state)
{
    (void)state;
    for (size_t i = 0; i < STOPS; i++) {
        link_options.connect_ms = stops[i].is_second ? 400 : 50;
        stop_handshake(stops[i].version, stops[i].bytes, stops[i].is_second);
        called("secret:not sent failed(-13 the server was not reached in time)"
               " ");
        next_row();
    }
}

static void a_stop_waits_for_no_handshake(void **state)
{
    (void)state;
    for (size_t i = 0; i < STOPS; i++) {
        stop_handshake(stops[i].version, stops[i].bytes, stops[i].is_second);
        plc_group_stop(group, LONG_MS);
        called("secret:not sent failed(-16 closed before it was open) "
               "stopped(0) ");
        next_row();
    }
}

/* --- Ends --- */

static void a_cut_without_close_notify_is_no_clean_end(void **state)
{
    (void)state;
    accept_channel();
    send_text("one");
    called("one:done ");
    assert_string_equal(raw_hear(&server), "one");
    raw_put(&server, "\x81\x05he", 4); /* half a message */
    raw_end(&server);
    called("closed(1006 cut TLS: cut without close_notify) ");
    send_text("two");
    raw_accept(&server);
    assert_true(raw_secure(&server, context));
    raw_upgrade(&server);
    called("open two:done ");
    assert_string_equal(raw_hear(&server), "two");
    raw_reset(&server);
    called("closed(1006 cut TLS: Connection reset by peer) ");
}

static void a_client_whose_connection_is_cut_comes_back(void **state)
{
    (void)state;
    accept_client();
    assert_int_equal(publish("one"), PL_OK);
    raw_hear(&server);
    raw_end(&server);
    called("error(2 TLS: cut without close_notify) connecting(1) "
           "one:unknown ");
    raw_accept(&server);
    assert_true(raw_secure(&server, context));
    raw_upgrade(&server);
    char reply[60];
    snprintf(reply, sizeof reply, "{\"id\":%u,\"connect\":{\"client\":\"c\"}}",
             raw_id(raw_hear(&server)));
    raw_say(&server, reply);
    called("connected(0) ");
}

static void tls_where_none_is_expected_is_refused(void **state)
{
    (void)state;
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", server.port);
    create_channel();
    raw_accept(&server);
    assert_false(raw_secure(&server, context));
    raw_end(&server);
    fails_with("failed(");
}

/* --- Certificates of the client --- */

/* In TLS 1.3 the handshake of the client is over before the server has judged
 * it. */
static void the_alert_about_a_certificate_is_told(void **state)
{
    (void)state;
    SSL_CTX_set_verify(context,
                       SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    create_channel();
    send_text("secret");
    raw_accept(&server);
    assert_false(raw_secure(&server, context));
    await_word("secret:not sent ");
    fails_with("certificate required");
    next_row();
    SSL_CTX_set_verify(context,
                       SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    create_client();
    raw_accept(&server);
    assert_false(raw_secure(&server, context));
    await_word("certificate required");
    assert_string_equal(log_, "connecting(0) error(2 TLS: tlsv13 alert "
                              "certificate required) ");
}

/* --- Floods after the handshake --- */

static void say_one(void)
{
    raw_say(&server, "one");
    called("\"one\" ");
}

static void thousands_of_tickets_take_no_memory(void **state)
{
    (void)state;
    accept_channel();
    say_one();
    size_t before = allocated();
    for (int i = 0; i < TICKETS; i++) {
        assert_int_equal(SSL_new_session_ticket(server.ssl), 1);
        assert_int_equal(SSL_do_handshake(server.ssl), 1);
    }
    say_one();
    assert_true(allocated() < before + GROWTH_MAX);
}

static void key_updates_take_no_memory(void **state)
{
    (void)state;
    accept_channel();
    say_one();
    size_t before = allocated();
    for (int i = 0; i < TICKETS; i++) {
        assert_int_equal(
            SSL_key_update(server.ssl, i % 2 == 0
                                           ? SSL_KEY_UPDATE_REQUESTED
                                           : SSL_KEY_UPDATE_NOT_REQUESTED),
            1);
        assert_int_equal(SSL_do_handshake(server.ssl), 1);
    }
    say_one();
    send_text("two");
    called("two:done ");
    assert_string_equal(raw_hear(&server), "two");
    assert_true(allocated() < before + GROWTH_MAX);
}

#undef TEST
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, set_up_tls, tear_down_tls)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_cannot_prove_its_name_gets_no_byte),
        TEST(a_chain_without_end_is_refused),
        TEST(tls_1_0_is_refused),
        TEST(a_renegotiation_is_refused),
        TEST(a_flood_of_change_cipher_specs_is_refused),
        TEST(a_handshake_that_stops_ends_at_connect_ms),
        TEST(a_stop_waits_for_no_handshake),
        TEST(a_cut_without_close_notify_is_no_clean_end),
        TEST(a_client_whose_connection_is_cut_comes_back),
        TEST(tls_where_none_is_expected_is_refused),
        TEST(the_alert_about_a_certificate_is_told),
        TEST(thousands_of_tickets_take_no_memory),
        TEST(key_updates_take_no_memory),
    };

    return cmocka_run_group_tests(tests, make_certificates,
                                  remove_certificates);
}
