/* SPDX-License-Identifier: Apache-2.0 */
/* test_tls.c - the same over TLS: garbage below it and inside it, visits cut at
 * each byte, and subscribers that never read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "mischief.h"
#include "stage.h"

static const struct tls_options usual = {.host = "localhost"};

/* With a reset, a FIN alone, or a close_notify before it. */
static void leave(struct tls_client *c, unsigned how)
{
    if (how % 3 == 2)
        SSL_shutdown(c->ssl);
    ERR_clear_error();
    stage_leave(c->fd, how % 3 == 0 ? LEAVE_RESET : LEAVE_FIN);
    c->fd = -1;
    tls_fini(c);
}

/* A greeting as a client says it first. */
static void put_greeting(struct pl_buf *b)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    char *at;

    assert_non_null(ssl);
    SSL_set_bio(ssl, in, out);
    SSL_set_tlsext_host_name(ssl, "localhost");
    assert_int_equal(SSL_connect(ssl), -1);
    long len = BIO_get_mem_data(out, &at);
    assert_in_range(len, 100, 2000);
    pl_buf_put(b, at, (size_t)len);
    ERR_clear_error();
    SSL_free(ssl);
    SSL_CTX_free(ctx);
}

static void garbage_below_tls_harms_nobody(void **state)
{
    unsigned count = stage_connections(1000), seed = 3;
    int *fds = calloc(count, sizeof *fds);
    struct tls_folder folder;
    struct stage s;

    (void)state;
    assert_non_null(fds);
    tls_folder_init(&folder);
    stage_begin(&s, stage_tls(&folder, NULL));
    for (unsigned i = 0; i < count; i++) {
        struct pl_buf b = {0};

        if (i % 2 == 0) { /* a greeting with a byte that is wrong */
            put_greeting(&b);
            b.data[stage_random(&seed) % b.len] ^= (char)(1 + i % 255);
        }
        mischief_put_garbage(&b, i, &seed);
        fds[i] = stage_socket_at(s.broker.tls_port);
        stage_send(fds[i], b.data, b.len);
        pl_buf_fini(&b);
    }
    remote_await_least(&s.broker, "connections.accepted", count);
    stage_serves(&s);
    for (unsigned i = 0; i < count; i++)
        stage_leave(fds[i], i % LEAVE_COUNT);
    free(fds);
    stage_end(&s);
    tls_folder_fini(&folder);
}

static void a_greeting_may_be_split_at_each_byte(void **state)
{
    struct pl_buf greeting = {0};
    struct tls_folder folder;
    struct stage s;

    (void)state;
    tls_folder_init(&folder);
    put_greeting(&greeting);
    stage_begin(&s, stage_tls(&folder, NULL));
    for (size_t cut = 0; cut <= greeting.len; cut++) {
        int fd = stage_socket_at(s.broker.tls_port);

        stage_send(fd, greeting.data, cut);
        stage_leave(fd, cut % LEAVE_COUNT);
    }
    pl_buf_fini(&greeting);
    stage_end(&s);
    tls_folder_fini(&folder);
}

static void put_number(struct pl_buf *b, size_t bytes, size_t number)
{
    while (bytes-- > 0)
        pl_buf_put(b, &(char){(char)(number >> 8 * bytes)}, 1);
}

/* An extension whose content is a list of `bytes` bytes. */
static void put_extension(struct pl_buf *b, unsigned type, size_t bytes)
{
    put_number(b, 2, type);
    put_number(b, 2, bytes + 2);
    put_number(b, 2, bytes);
}

/* A greeting of TLS 1.3 with so many groups that nobody knows and X25519, and a
 * key share for the last unknown one as often; RFC 8446, sections 4.1.2, 4.2.
 */
static void put_groups(struct pl_buf *b, size_t count)
{
    static const char key[32] = {9};
    size_t groups = 2 * (count + 1), shares = 5 * count + 36;
    size_t extensions = 7 + 8 + 6 + groups + 6 + shares;
    size_t body = 2 + 32 + 1 + 4 + 2 + 2 + extensions;

    pl_buf_put_span(b, PL_SPAN("\x16\3\1"));
    put_number(b, 2, body + 4);
    put_number(b, 1, 1); /* a ClientHello */
    put_number(b, 3, body);
    pl_buf_put_span(b, PL_SPAN("\3\3"));
    pl_buf_put(b, key, sizeof key); /* as its random bytes */
    pl_buf_put_span(b, PL_SPAN("\0\0\2\x13\1\1\0"));
    put_number(b, 2, extensions);
    pl_buf_put_span(b, PL_SPAN("\0\x2b\0\3\2\3\4"));   /* versions */
    pl_buf_put_span(b, PL_SPAN("\0\x0d\0\4\0\2\4\3")); /* signatures */
    put_extension(b, 10, groups);
    for (size_t i = 0; i < count; i++)
        put_number(b, 2, 0x7a7a);
    put_number(b, 2, 29);
    put_extension(b, 51, shares);
    for (size_t i = 0; i < count; i++)
        pl_buf_put_span(b, PL_SPAN("\x7a\x7a\0\1x"));
    pl_buf_put_span(b, PL_SPAN("\0\x1d\0\x20"));
    pl_buf_put(b, key, sizeof key);
}

/* The type of the first record that answers such a greeting. */
static char answer_to_groups(const struct stage *s, size_t count)
{
    int fd = stage_socket_at(s->broker.tls_port);
    struct pl_buf b = {0};
    char type = 0;

    put_groups(&b, count);
    stage_send(fd, b.data, b.len);
    assert_int_equal(recv(fd, &type, 1, 0), 1);
    pl_buf_fini(&b);
    close(fd);
    return type;
}

/* Each share is looked for in the list of groups: 64 KiB of both held the loop
 * for 40 ms. */
static void who_offers_hundreds_of_groups_is_refused(void **state)
{
    struct tls_folder folder;
    struct stage s;

    (void)state;
    tls_folder_init(&folder);
    stage_begin(&s, stage_tls(&folder, NULL));
    assert_int_equal(answer_to_groups(&s, 2), 0x16); /* a handshake */
    assert_int_equal(answer_to_groups(&s, 100), 0x16);
    assert_int_equal(answer_to_groups(&s, 200), 0x15); /* an alert */
    assert_int_equal(answer_to_groups(&s, 2000), 0x15);
    stage_serves(&s);
    stage_end(&s);
    tls_folder_fini(&folder);
}

static void garbage_inside_tls_harms_nobody(void **state)
{
    enum { COUNT = 200 };
    static struct tls_client c[COUNT];
    struct tls_folder folder;
    unsigned seed = 5;
    struct stage s;

    (void)state;
    tls_folder_init(&folder);
    stage_begin(&s, stage_tls(&folder, NULL));
    for (unsigned i = 0; i < COUNT; i++) {
        struct pl_buf b = {0};

        mischief_put_garbage(&b, i, &seed);
        assert_true(tls_open(&c[i], s.broker.tls_port, &usual));
        tls_put(&c[i], b.data, b.len);
        pl_buf_fini(&b);
    }
    stage_serves(&s);
    for (unsigned i = 0; i < COUNT; i++)
        leave(&c[i], i);
    stage_end(&s);
    tls_folder_fini(&folder);
}

static void a_visit_over_tls_may_be_split_at_each_byte(void **state)
{
    static struct tls_client c;
    struct mischief_visit v;
    struct tls_folder folder;
    struct stage s;

    (void)state;
    tls_folder_init(&folder);
    mischief_visit_make(&v);
    stage_begin(&s, stage_tls(&folder, NULL));
    for (size_t cut = 1; cut <= v.bytes.len; cut++) {
        assert_true(tls_open(&c, s.broker.tls_port, &usual));
        tls_put(&c, v.bytes.data, cut);
        leave(&c, (unsigned)cut);
    }
    pl_buf_fini(&v.bytes);
    stage_end(&s);
    tls_folder_fini(&folder);
}

/* --- Floods --- */

/* Key updates, encrypted beforehand: each costs its reader far more than its 27
 * bytes say. */
static void put_updates(struct tls_client *c, unsigned count)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *at;

    SSL_set0_wbio(c->ssl, out);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(SSL_key_update(c->ssl, SSL_KEY_UPDATE_NOT_REQUESTED),
                         1);
        assert_int_equal(SSL_do_handshake(c->ssl), 1);
    }
    long len = BIO_get_mem_data(out, &at);
    stage_send(c->fd, at, (size_t)len);
    SSL_set0_wbio(c->ssl, BIO_new_socket(c->fd, BIO_NOCLOSE));
}

static void await_end(int fd)
{
    char some[1024];

    while (recv(fd, some, sizeof some, 0) > 0)
        continue;
}

static void a_flood_of_key_updates_is_aborted(void **state)
{
    static const char *const sets[] = {"connect.timeout=1h", NULL};
    enum { FLOODS = 4 };
    static struct tls_client c[FLOODS];
    struct tls_folder folder;
    struct stage s;

    (void)state;
    tls_folder_init(&folder);
    stage_begin(&s, stage_tls(&folder, sets));
    for (unsigned i = 0; i < FLOODS; i++) {
        assert_true(tls_open(&c[i], s.broker.tls_port, &usual));
        put_updates(&c[i], i == 0 ? 4 : 2000); /* a few are in order */
    }
    for (unsigned i = 1; i < FLOODS; i++) {
        await_end(c[i].fd);
        tls_fini(&c[i]);
    }
    assert_true(remote_has_logged(&s.broker, "too many TLS key updates"));
    assert_true(tls_upgrade(&c[0]));
    leave(&c[0], 2);
    stage_end(&s);
    tls_folder_fini(&folder);
}

/* --- Slow subscribers --- */

enum { SLOW = 4, GOOD = 4, MESSAGE = 24000, QUEUE = 256 * 1024 };

struct room {
    struct stage stage;
    struct tls_client slow[SLOW];
    struct peer publisher, good[GOOD];
    int64_t most_queued;
};

static struct room *room_create(struct tls_folder *folder,
                                const char *const *sets)
{
    struct room *r = calloc(1, sizeof *r);
    struct tls_options o = usual;

    assert_non_null(r);
    tls_folder_init(folder);
    stage_begin(&r->stage, stage_tls(folder, sets));
    o.receive_buffer = 32 * 1024;
    peer_enter(&r->publisher, r->stage.broker.port, PEER_JSON, NULL, NULL);
    for (unsigned i = 0; i < GOOD; i++) {
        peer_enter(&r->good[i], r->stage.broker.port, i % 2, NULL, NULL);
        peer_join(&r->good[i], "room");
    }
    for (unsigned i = 0; i < SLOW; i++) {
        assert_true(tls_open(&r->slow[i], r->stage.broker.tls_port, &o));
        assert_true(tls_enter(&r->slow[i]));
    }
    return r;
}

static void room_destroy(struct room *r, struct tls_folder *folder)
{
    for (unsigned i = 0; i < SLOW; i++)
        tls_fini(&r->slow[i]);
    for (unsigned i = 0; i < GOOD; i++)
        peer_fini(&r->good[i]);
    peer_fini(&r->publisher);
    stage_end(&r->stage);
    tls_folder_fini(folder);
    free(r);
}

/* One publication, which all who read hear, and nothing before it. */
static void say(struct room *r, int number)
{
    char text[MESSAGE + 1];
    struct peer_reply p;

    memset(text, 'x', sizeof text);
    snprintf(text, sizeof text, "\"%08d", number);
    text[9] = '.';
    text[MESSAGE - 1] = '"';
    text[MESSAGE] = '\0';
    peer_await(&r->publisher, peer_publish(&r->publisher, "room", text), &p);
    assert_int_equal(p.kind, PEER_RESULT);
    for (unsigned i = 0; i < GOOD; i++) {
        peer_await_push(&r->good[i], PEER_PUBLICATION, &p);
        assert_int_equal(atoi(p.data.at + 1), number);
        assert_int_equal(p.data.len, MESSAGE);
    }
    int64_t queued =
        remote_number(&r->stage.broker, "connections.out_queue_bytes");
    r->most_queued = queued > r->most_queued ? queued : r->most_queued;
}

/* What is still there for it, and then the Close. */
static void hear_close(struct tls_client *c)
{
    while (tls_hear(c))
        continue;
    assert_int_equal((unsigned char)c->in[0] << 8 | (unsigned char)c->in[1],
                     3008);
}

static void who_never_reads_over_tls_goes_with_3008(void **state)
{
    static const char *const sets[] = {"limits.outgoing_queue=256KiB",
                                       "channels.history_size=0", NULL};
    struct tls_folder folder;
    struct room *r = room_create(&folder, sets);
    int said = 0;

    (void)state;
    while (remote_number(&r->stage.broker, "closed.slow") < SLOW)
        say(r, said++);
    for (unsigned i = 0; i < SLOW; i++)
        hear_close(&r->slow[i]);
    for (int more = 0; more < 100; more++)
        say(r, said++);
    print_message("%d publications beside %d that never read over TLS: most "
                  "queued %lld KiB\n",
                  said, SLOW, (long long)r->most_queued / 1024);
    assert_in_range(r->most_queued, 0, (SLOW + GOOD) * QUEUE);
    assert_int_equal(remote_number(&r->stage.broker, "closed.slow"), SLOW);
    room_destroy(r, &folder);
}

/* The policy sees that TLS has bytes that the kernel did not take. */
static void who_never_reads_over_tls_is_kept_only_the_latest(void **state)
{
    static const char *const sets[] = {"limits.outgoing_queue=256KiB",
                                       "channels.slow=latest",
                                       "channels.history_size=0", NULL};
    struct tls_folder folder;
    struct room *r = room_create(&folder, sets);
    int said = 0;

    (void)state;
    while (said < 100)
        say(r, said++);
    assert_in_range(remote_number(&r->stage.broker, "drops.replaced"), SLOW,
                    100 * SLOW);
    assert_int_equal(remote_number(&r->stage.broker, "drops.oldest"), 0);
    assert_int_equal(remote_number(&r->stage.broker, "closed.slow"), 0);
    room_destroy(r, &folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage_below_tls_harms_nobody),
        cmocka_unit_test(a_greeting_may_be_split_at_each_byte),
        cmocka_unit_test(who_offers_hundreds_of_groups_is_refused),
        cmocka_unit_test(garbage_inside_tls_harms_nobody),
        cmocka_unit_test(a_visit_over_tls_may_be_split_at_each_byte),
        cmocka_unit_test(a_flood_of_key_updates_is_aborted),
        cmocka_unit_test(who_never_reads_over_tls_goes_with_3008),
        cmocka_unit_test(who_never_reads_over_tls_is_kept_only_the_latest),
    };

    signal(SIGPIPE, SIG_IGN); /* TLS writes with write() */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
