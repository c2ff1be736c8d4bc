/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_keys.c - tokens whose keys a server publishes (auth.jwks_url),
 * which is quick, slow, mute, wrong or gone. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base64.h"
#include "fetch.h"
#include "jws.h"

static const char *const sets[] = {"auth.jwks_url=https://id.example/keys",
                                   "ping.interval=0",
                                   "channels.allow_subscribe=none"};

/* The server: requests wait for the test. */
static struct {
    void *set; /* of the request that waits; NULL: none */
    unsigned requests;
    unsigned destroyed;
} server;

static enum pl_err fetch(void *source, const char *url, void *set)
{
    (void)source;
    assert_string_equal(url, "https://id.example/keys");
    assert_null(server.set); /* one at a time */
    server.set = set;
    server.requests++;
    return PL_OK;
}

static void destroy(void *source)
{
    (void)source;
    server.destroyed++;
}

static const struct pl_keyring_source source = {fetch, destroy};

/* A key pair: its private half, and its public one as an item of a set. */
static struct {
    struct pl_jws_key *own;
    char jwk[400];
} pair;

static int make_pair(void **state)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    BIO *pem = BIO_new(BIO_s_mem());
    struct pl_buf x = {0};
    unsigned char raw[32];
    size_t len = sizeof raw;
    const char *why = "";
    char *at;

    (void)state;
    PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL);
    long n = BIO_get_mem_data(pem, &at);
    assert_int_equal(pl_jws_key_of_pem(&pair.own,
                                       (struct pl_span){at, (size_t)n}, true,
                                       &why),
                     PL_OK);
    assert_int_equal(EVP_PKEY_get_raw_public_key(key, raw, &len), 1);
    pl_base64url_encode(&x, (struct pl_span){(char *)raw, len});
    pl_buf_put_byte(&x, '\0');
    snprintf(pair.jwk, sizeof pair.jwk,
             "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"sig\","
             "\"kid\":\"k1\",\"x\":\"%s\"}",
             x.data);
    pl_buf_fini(&x);
    BIO_free(pem);
    EVP_PKEY_free(key);
    return 0;
}

static int free_pair(void **state)
{
    (void)state;
    pl_jws_key_release(pair.own);
    return 0;
}

static struct rig *set_up(const char *test)
{
    struct rig_options o = {
        .loops = 2, .sets = sets, .set_count = 3, .keys = &source};

    memset(&server, 0, sizeof server);
    return rig_start(test, &o);
}

static void tear_down(struct rig *r)
{
    rig_destroy(r);
    assert_int_equal(server.destroyed, 1);
}

/* End the request that waits. */
static void serve(struct rig *r, enum pl_err err, unsigned status,
                  const char *body)
{
    const struct pl_fetch_result result = {.err = err,
                                           .status = status,
                                           .body = pl_span_of(body),
                                           .reason = "a test says so"};
    void *set = server.set;

    assert_non_null(set);
    server.set = NULL;
    pl_keyring_fetched(set, &result);
    rig_run(r, 0);
}

static void serve_keys(struct rig *r)
{
    char body[500];

    snprintf(body, sizeof body, "{\"keys\":[%s]}", pair.jwk);
    serve(r, PL_OK, 200, body);
}

/* Put a token signed with the pair into `out`, which names the key `kid`. */
static void sign(char out[700], const char *kid, const char *payload)
{
    struct pl_buf token = {0}, text = {0};

    pl_buf_printf(&text, "{\"alg\":\"EdDSA\",\"kid\":\"%s\"}", kid);
    pl_base64url_encode(&token, pl_buf_span(&text));
    pl_buf_put_byte(&token, '.');
    pl_base64url_encode(&token, pl_span_of(payload));
    text.len = 0;
    pl_buf_put_span(&text, pl_buf_span(&token));
    pl_buf_put_byte(&token, '.');
    assert_int_equal(
        pl_jws_key_sign(pair.own, PL_JWS_EdDSA, pl_buf_span(&text), &token),
        PL_OK);
    snprintf(out, 700, "%.*s", (int)token.len, token.data);
    pl_buf_fini(&token);
    pl_buf_fini(&text);
}

static struct client *ask_in(struct rig *r, unsigned loop, const char *kid)
{
    struct client *c = client_open(r, loop);
    char token[700];

    sign(token, kid, "{\"sub\":\"ann\"}");
    client_sayf(c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", token);
    rig_run(r, 0);
    return c;
}

static void all_that_wait_for_a_key_get_in_with_one_request(void **state)
{
    struct rig *r = set_up("one request");
    struct client *c[40];

    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        c[i] = ask_in(r, i % 2, "k1");
        client_expect_silence(c[i]);
    }
    client_vanish(c[7]);
    rig_run(r, 0);
    assert_int_equal(server.requests, 1);
    serve_keys(r);
    for (unsigned i = 0; i < 40; i++)
        if (i != 7)
            client_expect(c[i], "{\"id\":1,\"connect\":{*");
    client_expect(ask_in(r, 0, "k1"), "{\"id\":1,\"connect\":{*");
    assert_int_equal(server.requests, 1);
    tear_down(r);
}

static void a_key_that_is_not_there_closes_and_asks_no_more(void **state)
{
    struct rig *r = set_up("no key");
    struct client *c = ask_in(r, 0, "k2"), *d;
    char kid[20];

    (void)state;
    serve_keys(r);
    client_expect_close(c, 3500);
    for (unsigned i = 0; i < 300; i++) { /* more than are kept */
        snprintf(kid, sizeof kid, "invented-%u", i);
        d = ask_in(r, 0, kid);
        client_expect_close(d, 3500);
    }
    assert_int_equal(server.requests, 1);
    rig_run(r, PL_KEYRING_AGAIN_MS + 10); /* keys may be new */
    d = ask_in(r, 0, "k3");
    assert_int_equal(server.requests, 2);
    serve_keys(r);
    client_expect_close(d, 3500);
    client_expect(ask_in(r, 1, "k1"), "{\"id\":1,\"connect\":{*");
    tear_down(r);
}

static void a_server_that_fails_is_tried_twice_and_then_left_alone(void **state)
{
    static const struct {
        enum pl_err err;
        unsigned status;
        const char *body;
    } rows[] = {
        {PL_ETIMEDOUT, 0, ""},
        {PL_EIO, 0, ""},
        {PL_ETOOBIG, 200, ""},
        {PL_OK, 404, "{\"keys\":[]}"},
        {PL_OK, 302, ""},
        {PL_OK, 200, "<html>"},
        {PL_OK, 200, "{\"keys\":{}}"},
        {PL_OK, 200, "[]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig *r = set_up("fails");
        struct client *c = ask_in(r, 0, "k1"), *d;

        serve(r, rows[i].err, rows[i].status, rows[i].body);
        client_expect_silence(c);
        assert_int_equal(server.requests, 2);
        serve(r, rows[i].err, rows[i].status, rows[i].body);
        client_expect(c, "{\"id\":1,\"error\":{\"code\":100,*\"temporary\":"
                         "true*");
        d = ask_in(r, 1, "k1");
        client_expect(d, "{\"id\":1,\"error\":{\"code\":100,*");
        assert_int_equal(server.requests, 2);
        rig_run(r, PL_KEYRING_AGAIN_MS + 10);
        d = ask_in(r, 0, "k1");
        serve_keys(r);
        client_expect(d, "{\"id\":1,\"connect\":{*");
        tear_down(r);
    }
}

static void a_mute_server_keeps_nobody_beyond_connect_timeout(void **state)
{
    struct rig *r = set_up("mute");
    struct client *c = ask_in(r, 0, "k1");

    (void)state;
    rig_run(r, 11 * 1000);
    client_expect(c, "{\"id\":1,\"error\":{\"code\":100,*");
    serve_keys(r); /* late: it wakes nobody */
    client_expect_silence(c);
    client_expect(ask_in(r, 0, "k1"), "{\"id\":1,\"connect\":{*");
    tear_down(r);
}

static void keys_are_fetched_again_after_an_hour(void **state)
{
    struct rig *r = set_up("an hour");
    struct client *c = ask_in(r, 0, "k1");

    (void)state;
    serve_keys(r);
    client_expect(c, "{\"id\":1,\"connect\":{*");
    rig_run(r, PL_KEYRING_LIFE_MS - 1000);
    client_expect(ask_in(r, 0, "k1"), "{\"id\":1,\"connect\":{*");
    rig_run(r, 2000);
    c = ask_in(r, 0, "k1");
    client_expect_silence(c);
    assert_int_equal(server.requests, 2);
    serve(r, PL_OK, 200, "{\"keys\":[]}"); /* it was withdrawn */
    client_expect_close(c, 3500);
    tear_down(r);
}

static void commands_wait_for_a_key_and_others_do_not(void **state)
{
    struct rig *r = set_up("commands");
    struct client *c = ask_in(r, 0, "k1");
    char token[700];

    (void)state;
    serve_keys(r);
    client_expect(c, "{\"id\":1,\"connect\":{*");
    rig_run(r, PL_KEYRING_LIFE_MS + 10);
    sign(token, "k1", "{\"sub\":\"ann\",\"channel\":\"$room\"}");
    client_sayf(c,
                "{\"id\":2,\"subscribe\":{\"channel\":\"$room\",\"token\":"
                "\"%s\"}}",
                token);
    client_say(c, "{\"id\":3,\"publish\":{\"channel\":\"$room\",\"data\":1}}");
    client_say(c, "{\"id\":4,\"presence_stats\":{\"channel\":\"x\"}}");
    sign(token, "k1", "{\"sub\":\"ann\"}");
    client_sayf(c, "{\"id\":5,\"refresh\":{\"token\":\"%s\"}}", token);
    rig_run(r, 0);
    client_expect(c, "{\"id\":4,\"presence_stats\":{*");
    client_expect_silence(c);
    assert_int_equal(server.requests, 2);
    serve_keys(r);
    client_expect(c, "{\"id\":5,\"refresh\":{*");
    client_expect(c, "{\"id\":2,\"subscribe\":{*");
    client_expect(c, "{\"push\":{\"channel\":\"$room\",\"pub\":{*");
    client_expect(c, "{\"id\":3,\"publish\":{}}");
    tear_down(r);
}

static void a_token_without_a_key_or_by_a_secret_asks_for_nothing(void **state)
{
    static const char *const tokens[] = {
        /* {"alg":"EdDSA"}, {"alg":"HS256","kid":"k1"}, {"alg":"none"} */
        "eyJhbGciOiJFZERTQSJ9.e30.AA",
        "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIn0.e30.AA",
        "eyJhbGciOiJub25lIn0.e30.",
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct rig *r = set_up("no kid");
        struct client *c = client_open(r, 0);

        client_sayf(c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", tokens[i]);
        client_expect_close(c, 3500);
        assert_int_equal(server.requests, 0);
        tear_down(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_wait_for_a_key_get_in_with_one_request),
        cmocka_unit_test(a_key_that_is_not_there_closes_and_asks_no_more),
        cmocka_unit_test(
            a_server_that_fails_is_tried_twice_and_then_left_alone),
        cmocka_unit_test(a_mute_server_keeps_nobody_beyond_connect_timeout),
        cmocka_unit_test(keys_are_fetched_again_after_an_hour),
        cmocka_unit_test(commands_wait_for_a_key_and_others_do_not),
        cmocka_unit_test(a_token_without_a_key_or_by_a_secret_asks_for_nothing),
    };

    return cmocka_run_group_tests(tests, make_pair, free_pair);
}
