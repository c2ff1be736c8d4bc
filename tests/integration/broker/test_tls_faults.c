/* SPDX-License-Identifier: Apache-2.0 */
/* test_tls_faults.c - what TLS clients do wrong, what operators do wrong with
 * files, and what neither may break. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "box.h"
#include "tls_client.h"

static const struct tls_options usual = {.version = 0};
static struct tls_folder files;

static int make_files(void **st)
{
    (void)st;
    tls_folder_init(&files);
    tls_make(&files, "old", "parley.test", NULL);
    tls_make(&files, "new", "parley.test", NULL);
    tls_make(&files, "ca", NULL, NULL);
    return 0;
}

static int remove_files(void **st)
{
    (void)st;
    tls_folder_fini(&files);
    return 0;
}

/* The broker's own files are now those of `name`. */
static void install(const char *name)
{
    char from[32];

    snprintf(from, sizeof from, "%s.pem", name);
    tls_copy(&files, from, "used.pem");
    snprintf(from, sizeof from, "%s.key", name);
    tls_copy(&files, from, "used.key");
}

/* Row A14, told from inside a loop: what went wrong before left no error. */
static void tell_errors(struct pl_call *call, void *context)
{
    (void)context;
    pl_call_reply(call, ERR_peek_error() == 0 ? "\"none\"" : "\"some\"", 6);
}

/* `more` is NULL or two settings.  No deadline of the broker's is met, however
 * slow the machine: each would be a warning. */
static uint16_t start(struct box *b, const char *const *more)
{
    char certificate[200], key[200];
    const char *sets[] = {"listen_tls=[127.0.0.1:0]",
                          certificate,
                          key,
                          "handlers.slow=1h",
                          "shutdown.disconnect=1h",
                          "shutdown.cancel=1h",
                          more == NULL ? NULL : more[0],
                          more == NULL ? NULL : more[1],
                          NULL};

    install("old");
    snprintf(certificate, sizeof certificate, "tls.certificate=[%s]",
             tls_file(&files, "used.pem"));
    snprintf(key, sizeof key, "tls.key=[%s]", tls_file(&files, "used.key"));
    box_start(b, sets);
    assert_int_equal(
        pl_broker_method(b->broker, "errors", tell_errors, NULL, NULL), PL_OK);
    return pl_broker_tls_port(b->broker, 0);
}

/* Two at once are on two loops, if there are as many. */
static void no_errors_are_left(struct box *b)
{
    static struct tls_client c[2];

    for (int i = 0; i < 2; i++) {
        assert_true(tls_open(&c[i], pl_broker_tls_port(b->broker, 0), &usual));
        assert_true(tls_enter(&c[i]));
    }
    for (int i = 0; i < 2; i++) {
        assert_true(tls_say(&c[i], "{\"id\":3,\"rpc\":{\"method\":\"errors\","
                                   "\"data\":1}}"));
        assert_true(tls_hear(&c[i]));
        assert_non_null(strstr(c[i].in, "\"none\""));
    }
    for (int i = 0; i < 2; i++)
        tls_fini(&c[i]);
}

static void finish(struct box *b)
{
    no_errors_are_left(b);
    box_await(b, "active_connections", 0);
    box_destroy(b);
    assert_int_equal(box_log_warnings(), 0);
    box_log_end();
}

static bool is_alive(struct tls_client *c)
{
    return tls_say(c, "{\"id\":9,\"publish\":{\"channel\":\"room\","
                      "\"data\":\"alive\"}}") &&
           tls_hear(c) && strstr(c->in, "alive") != NULL;
}

static void somebody_is_served(uint16_t port)
{
    struct tls_client c;

    assert_true(tls_open(&c, port, &usual));
    assert_true(tls_enter(&c));
    assert_true(is_alive(&c));
    tls_fini(&c);
}

/* --- Reloading --- */

/* What a new connection is shown, on whichever loop it lands. */
static bool is_shown(uint16_t port, const char *name)
{
    struct tls_client c;

    assert_true(tls_open(&c, port, &usual));
    bool is = strcmp(tls_server_name(&c), name) == 0;
    assert_true(tls_enter(&c));
    tls_fini(&c);
    return is;
}

static void a_reload_swaps_the_certificate_and_loses_nobody(void **st)
{
    struct tls_client c, half;
    struct box b;

    (void)st;
    box_log_begin();
    uint16_t port = start(&b, NULL);
    assert_true(tls_open(&c, port, &usual));
    assert_true(tls_enter(&c));
    tls_begin(&half, port, &usual); /* its handshake comes afterwards */
    box_await(&b, "active_connections", 2);
    install("new");
    assert_int_equal(pl_broker_reload(b.broker), PL_OK);
    assert_true(box_log_has("\"TLS files reloaded\""));
    while (!is_shown(port, "new")) /* mail is on its way to one loop */
        continue;
    while (!is_shown(port, "new")) /* and to the other */
        continue;
    assert_true(is_alive(&c));
    assert_string_equal(tls_server_name(&c), "old");
    assert_int_equal(SSL_connect(half.ssl), 1);
    assert_string_equal(tls_server_name(&half), "old");
    assert_true(tls_enter(&half));
    tls_fini(&half);
    tls_fini(&c);
    finish(&b);
}

/* Each breaks one file and says what the log must have. */
static void break_certificate(void)
{
    tls_write(&files, "used.pem", "no certificate");
}

static void break_key(void)
{
    tls_copy(&files, "new.key", "used.key");
}

static void lose_key(void)
{
    unlink(tls_file(&files, "used.key"));
}

static void lock_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *f = fopen(tls_file(&files, "used.key"), "we");

    assert_non_null(f);
    PEM_write_PrivateKey(f, key, EVP_aes_128_cbc(), NULL, 0, NULL, "secret");
    fclose(f);
    EVP_PKEY_free(key);
}

static void break_ca(void)
{
    tls_write(&files, "used.ca",
              "-----BEGIN CERTIFICATE-----\nAAAA\n"
              "-----END CERTIFICATE-----\n");
}

static void empty_ca(void)
{
    tls_write(&files, "used.ca", "");
}

static const struct {
    void (*spoil)(void);
    const char *file, *reason;
} spoiled[] = {
    {break_certificate, "used.pem reason=", "no start line"},
    {break_key, "used.key reason=", "key values mismatch"},
    {lose_key, "used.key reason=", "No such file or directory"},
    {lock_key, "used.key reason=", "it has a passphrase"},
    {break_ca, "used.ca reason=", "wrong tag"},
    {empty_ca, "used.ca reason=", "no start line"},
};

static void a_bad_file_keeps_the_old_and_is_named(void **st)
{
    char ca[200], me[200], key[200];
    const char *more[] = {ca, "loops=1"};
    struct tls_client c;
    struct box b;

    (void)st;
    snprintf(ca, sizeof ca, "tls.client_ca=%s", tls_file(&files, "used.ca"));
    tls_copy(&files, "ca.pem", "used.ca");
    tls_make(&files, "me", "me.test", "ca");
    snprintf(me, sizeof me, "%s", tls_file(&files, "me.pem"));
    snprintf(key, sizeof key, "%s", tls_file(&files, "me.key"));
    const struct tls_options o = {.certificate = me, .key = key};
    uint16_t port = start(&b, more);
    for (size_t i = 0; i < sizeof spoiled / sizeof *spoiled; i++) {
        box_log_begin();
        spoiled[i].spoil();
        assert_int_equal(pl_broker_reload(b.broker), PL_EINVAL);
        assert_int_equal(ERR_peek_error(), 0);
        assert_true(box_log_has(spoiled[i].file));
        assert_true(box_log_has(spoiled[i].reason));
        box_log_end();
        assert_true(tls_open(&c, port, &o));
        assert_string_equal(tls_server_name(&c), "old");
        assert_true(tls_enter(&c));
        tls_fini(&c);
        install("old");
        tls_copy(&files, "ca.pem", "used.ca");
    }
    box_await(&b, "active_connections", 0);
    box_destroy(&b);
}

static void a_broker_with_a_bad_file_is_not_created(void **st)
{
    char certificate[200], key[200];
    const char *sets[] = {"listen_tls=[127.0.0.1:0]", certificate, key};
    const struct pl_broker_setup o = {
        .size = sizeof o, .sets = sets, .set_count = 3, .flags = PL_INSECURE};
    struct pl_broker *b;

    (void)st;
    box_log_begin();
    install("old");
    break_key();
    snprintf(certificate, sizeof certificate, "tls.certificate=[%s]",
             tls_file(&files, "used.pem"));
    snprintf(key, sizeof key, "tls.key=[%s]", tls_file(&files, "used.key"));
    assert_int_equal(pl_broker_open(&b, &o), PL_EINVAL);
    assert_true(box_log_has("key values mismatch"));
    box_log_end();
}

/* --- Handshakes --- */

static void send_raw(uint16_t port, const void *bytes, size_t len)
{
    struct tls_client c;
    char in[256];

    tls_begin(&c, port, &usual);
    assert_int_equal(send(c.fd, bytes, len, MSG_NOSIGNAL), len);
    while (recv(c.fd, in, sizeof in, 0) > 0) /* an alert, then the end */
        continue;
    tls_fini(&c);
}

static void garbage_is_refused_and_counted(void **st)
{
    static const char http[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char hello[] = "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00";
    static const char giant[] = "\x16\x03\x01\xff\xff\x01\xff\xff\xff";
    char noise[4096];
    struct box b;

    (void)st;
    box_log_begin();
    uint16_t port = start(&b, NULL);
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (char)(0x80u | (i * 7 + round * 131));
        send_raw(port, noise, sizeof noise);
        send_raw(port, http, sizeof http - 1);
        send_raw(port, hello, sizeof hello - 1);
        send_raw(port, giant, sizeof giant - 1);
    }
    assert_true(box_log_has("reason=\"http request\""));
    assert_true(box_log_has("reason=\"wrong version number\""));
    somebody_is_served(port);
    finish(&b);
}

/* Move what the client's side of OpenSSL wrote to the socket, byte by byte. */
static void trickle(struct tls_client *c, BIO *out)
{
    char byte;

    while (BIO_read(out, &byte, 1) == 1)
        assert_int_equal(send(c->fd, &byte, 1, MSG_NOSIGNAL), 1);
}

static void feed(struct tls_client *c, BIO *in)
{
    char bytes[64];
    ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);

    assert_true(n > 0);
    assert_int_equal(BIO_write(in, bytes, (int)n), n);
}

static void a_handshake_may_come_byte_by_byte(void **st)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct tls_client c;
    struct box b;

    (void)st;
    box_log_begin();
    uint16_t port = start(&b, NULL);
    for (int i = 0; i < 2; i++) {
        const struct tls_options o = {.version = versions[i]};
        BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

        tls_begin(&c, port, &o);
        SSL_set_bio(c.ssl, in, out);
        while (SSL_connect(c.ssl) != 1) {
            trickle(&c, out);
            feed(&c, in);
        }
        trickle(&c, out);
        SSL_write(c.ssl, "GET /connection/websocket HTTP/1.1\r\n\r\n", 38);
        trickle(&c, out);
        while (SSL_read(c.ssl, c.in, sizeof c.in) <= 0)
            feed(&c, in);
        assert_int_equal(strncmp(c.in, "HTTP/1.1 400 ", 13), 0);
        tls_fini(&c);
    }
    finish(&b);
}

/* connect.timeout ends it; nobody else notices. */
static void half_a_handshake_is_aborted_at_the_deadline(void **st)
{
    const char *more[] = {"connect.timeout=300ms", "ping.interval=0"};
    struct tls_client c;
    struct box b;
    char byte;

    (void)st;
    if (getenv("PL_VALGRIND") != NULL)
        skip(); /* a good handshake takes longer than that, too */
    box_log_begin();
    uint16_t port = start(&b, more);
    tls_begin(&c, port, &usual);
    assert_int_equal(send(c.fd, "\x16\x03\x01\x02", 4, MSG_NOSIGNAL), 4);
    assert_true(recv(c.fd, &byte, 1, 0) <= 0);
    tls_fini(&c);
    assert_true(tls_open(&c, port, &usual)); /* and then says nothing */
    assert_true(tls_await_notify(&c));
    tls_fini(&c);
    somebody_is_served(port);
    finish(&b);
}

/* --- Ends --- */

static void an_end_without_notice_is_an_end(void **st)
{
    static const struct linger at_once = {.l_onoff = 1};
    struct tls_client c;
    struct box b;

    (void)st;
    box_log_begin();
    uint16_t port = start(&b, NULL);
    for (int i = 0; i < 6; i++) {
        assert_true(tls_open(&c, port, &usual));
        assert_true(tls_enter(&c));
        if (i % 3 == 1) /* with notice */
            SSL_shutdown(c.ssl);
        if (i % 3 == 2) /* with a reset */
            setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        tls_fini(&c);
    }
    finish(&b);
}

/* The message before a broken record is handled all the same. */
static void what_came_before_a_broken_record_counts(void **st)
{
    struct tls_client c, d;
    struct box b;

    (void)st;
    box_log_begin();
    uint16_t port = start(&b, NULL);
    assert_true(tls_open(&c, port, &usual));
    assert_true(tls_enter(&c));
    assert_true(tls_open(&d, port, &usual));
    assert_true(tls_enter(&d));
    BIO *out = BIO_new(BIO_s_mem());
    char bytes[512];
    SSL_set0_wbio(d.ssl, out);
    assert_true(tls_say(&d, "{\"id\":3,\"publish\":{\"channel\":\"room\","
                            "\"data\":\"last\"}}"));
    int len = BIO_read(out, bytes, 400);
    assert_true(len > 0);
    memcpy(bytes + len, "\x17\x03\x03\x00\x20 a record that nobody encrypted ",
           37);
    assert_int_equal(send(d.fd, bytes, (size_t)len + 37, MSG_NOSIGNAL),
                     len + 37);
    assert_true(tls_hear(&c));
    assert_non_null(strstr(c.in, "last"));
    tls_fini(&d);
    tls_fini(&c);
    finish(&b);
}

/* It is no truncation to us, since frames know their length: no alert. */
static void who_ends_without_notice_gets_one_all_the_same(void **st)
{
    struct tls_client c;
    struct box b;

    (void)st;
    box_log_begin();
    uint16_t port = start(&b, NULL);
    assert_true(tls_open(&c, port, &usual));
    assert_true(tls_enter(&c));
    assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
    assert_true(tls_await_notify(&c));
    tls_fini(&c);
    finish(&b);
}

static void a_stop_tells_everybody_and_then_gives_notice(void **st)
{
    enum { CLIENTS = 20 };
    static struct tls_client c[CLIENTS];
    struct box b;

    (void)st;
    box_log_begin();
    uint16_t port = start(&b, NULL);
    for (int i = 0; i < CLIENTS; i++) {
        assert_true(tls_open(&c[i], port, &usual));
        assert_true(tls_enter(&c[i]));
    }
    pl_broker_stop(b.broker);
    for (int i = 0; i < CLIENTS; i++) {
        unsigned char close[] = {0x88, 0x82, 0, 0, 0, 0, 0x0b, 0xb9};

        assert_false(tls_hear(&c[i])); /* no text, but a Close */
        assert_int_equal(
            (unsigned char)c[i].in[0] << 8 | (unsigned char)c[i].in[1], 3001);
        assert_true(tls_put(&c[i], close, sizeof close));
        assert_true(tls_await_notify(&c[i]));
        tls_fini(&c[i]);
    }
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    box_assert_zero(&b);
    box_destroy(&b);
    assert_int_equal(box_log_warnings(), 0);
    box_log_end();
}

/* Who ignores our Close is cut in the end, and has its notice before. */
static void an_aborted_client_gets_notice_too(void **st)
{
    const char *more[] = {"shutdown.disconnect=300ms", "ping.interval=0"};
    struct tls_client c;
    struct box b;

    (void)st;
    box_log_begin();
    uint16_t port = start(&b, more);
    assert_true(tls_open(&c, port, &usual));
    assert_true(tls_enter(&c));
    pl_broker_stop(b.broker);
    assert_false(tls_hear(&c)); /* the Close; nobody answers it */
    assert_true(tls_await_notify(&c));
    tls_fini(&c);
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    box_assert_zero(&b);
    box_destroy(&b);
    box_log_end();
}

/* --- Slow readers --- */

static void publish(struct tls_client *c, unsigned number, size_t size)
{
    char *text = malloc(size + 200);

    assert_non_null(text);
    int at = snprintf(text, 200,
                      "{\"id\":%u,\"publish\":{\"channel\":\"room\",\"data\":"
                      "\"%06u",
                      number + 10, number);
    memset(text + at, 'x', size);
    strcpy(text + at + size, "\"}}");
    assert_true(tls_say(c, text));
    free(text);
    do {
        assert_true(tls_hear(c));
    } while (strstr(c->in, "\"publish\":{}") == NULL);
}

/* A client that reads nothing by itself and has room for little, and one that
 * is to publish. */
static void start_two(struct box *b, const char *const *more,
                      struct tls_client *slow, struct tls_client *fast)
{
    const struct tls_options small = {.receive_buffer = 4096};

    box_log_begin();
    uint16_t port = start(b, more);
    assert_true(tls_open(slow, port, &small));
    assert_true(tls_enter(slow));
    assert_true(tls_open(fast, port, &usual));
    assert_true(tls_enter(fast));
}

/* Whatever waits, encrypted or not, arrives whole and in order. */
static void a_slow_reader_gets_everything_in_order(void **st)
{
    enum { MESSAGES = 150, SIZE = 40000 };
    const char *more[] = {"limits.outgoing_queue=64MiB", "loops=2"};
    static struct tls_client slow, fast;
    char number[16];
    struct box b;

    (void)st;
    start_two(&b, more, &slow, &fast);
    for (unsigned i = 0; i < MESSAGES; i++)
        publish(&fast, i, SIZE);
    assert_true(box_number(&b, "connections.out_queue_bytes") > 0);
    for (unsigned i = 0; i < MESSAGES; i++) {
        assert_true(tls_hear(&slow));
        snprintf(number, sizeof number, "\"%06ux", i);
        assert_non_null(strstr(slow.in, number));
    }
    assert_true(tls_say(&slow, "{\"id\":5,\"publish\":{\"channel\":\"room\","
                               "\"data\":\"alive\"}}"));
    assert_true(tls_hear(&slow));
    tls_fini(&slow);
    tls_fini(&fast);
    finish(&b);
}

/* It begins to read when it is closed, not later: a Close waits 5 s for its
 * reader, in which a slow machine cannot encrypt a crowd of messages. */
static void a_reader_too_slow_is_closed_and_nobody_else(void **st)
{
    enum { SIZE = 40000, MORE = 20 };
    const char *more[] = {"limits.outgoing_queue=256KiB", "loops=2"};
    static struct tls_client slow, fast;
    unsigned number = 0;
    struct box b;

    (void)st;
    start_two(&b, more, &slow, &fast);
    while (box_number(&b, "closed.slow") == 0)
        publish(&fast, number++, SIZE);
    /* what it then reads are whole messages, a Close, and the end */
    while (tls_hear(&slow))
        assert_non_null(strstr(slow.in, "xxxx"));
    assert_int_equal((unsigned char)slow.in[0] << 8 | (unsigned char)slow.in[1],
                     3008);
    tls_fini(&slow);
    for (unsigned i = 0; i < MORE; i++)
        publish(&fast, number++, SIZE);
    assert_int_equal(box_number(&b, "closed.slow"), 1);
    tls_fini(&fast);
    finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reload_swaps_the_certificate_and_loses_nobody),
        cmocka_unit_test(a_bad_file_keeps_the_old_and_is_named),
        cmocka_unit_test(a_broker_with_a_bad_file_is_not_created),
        cmocka_unit_test(garbage_is_refused_and_counted),
        cmocka_unit_test(a_handshake_may_come_byte_by_byte),
        cmocka_unit_test(half_a_handshake_is_aborted_at_the_deadline),
        cmocka_unit_test(an_end_without_notice_is_an_end),
        cmocka_unit_test(what_came_before_a_broken_record_counts),
        cmocka_unit_test(who_ends_without_notice_gets_one_all_the_same),
        cmocka_unit_test(a_stop_tells_everybody_and_then_gives_notice),
        cmocka_unit_test(an_aborted_client_gets_notice_too),
        cmocka_unit_test(a_slow_reader_gets_everything_in_order),
        cmocka_unit_test(a_reader_too_slow_is_closed_and_nobody_else),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
