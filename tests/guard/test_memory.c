/* SPDX-License-Identifier: Apache-2.0 */
/* test_memory.c - how much memory an idle connection takes.
 *
 * The broker runs in this process, with one loop.  What its threads allocate
 * and free is counted on its way through the functions below, which take the
 * place of libc's for OpenSSL, zlib and libevent too; the visitors are on the
 * test's thread, which is not counted.  So the kernel's part, stacks and what
 * malloc() keeps for itself are not in it.
 *
 * Each visitor subscribes, says something and hears something.  Then nothing
 * is said any more, and the difference to the same with few visitors is theirs:
 * what a loop keeps for itself was there before.  The bounds are a third above
 * what was measured with glibc 2.36 and OpenSSL 3.0.
 *
 * The visitors are not the client library: its loop would be a thread whose
 * memory is counted with the broker's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "box.h"
#include "buf.h"
#include "decoder.h"
#include "deflate.h"
#include "tls_client.h"

/* --- Counting --- */

enum { HEADER = 8 /* of each block, glibc's */ };

static atomic_llong held; /* bytes, by threads that are not the test's */
static pthread_t tester;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);
void *__libc_memalign(size_t align, size_t size);

static long long size_of(void *block)
{
    return block == NULL ? 0 : (long long)malloc_usable_size(block) + HEADER;
}

static void count(long long bytes)
{
    if (!pthread_equal(pthread_self(), tester))
        atomic_fetch_add(&held, bytes);
}

static void *counted(void *block)
{
    count(size_of(block));
    return block;
}

/* Seen by the libraries, which have their own way to libc. */
#pragma GCC visibility push(default)

void *malloc(size_t size)
{
    return counted(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
    return counted(__libc_calloc(n, size));
}

void *realloc(void *block, size_t size)
{
    long long before = size_of(block);
    void *moved = __libc_realloc(block, size);

    if (moved != NULL || size == 0)
        count(size_of(moved) - before);
    return moved;
}

void free(void *block)
{
    count(-size_of(block));
    __libc_free(block);
}

void *memalign(size_t align, size_t size)
{
    return counted(__libc_memalign(align, size));
}

void *aligned_alloc(size_t align, size_t size)
{
    return memalign(align, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
    void *block = memalign(align, size);

    if (block == NULL)
        return ENOMEM;
    *out = block;
    return 0;
}

#pragma GCC visibility pop

/* --- Visitors --- */

struct visitor {
    int fd;                 /* without TLS; else -1 */
    struct tls_client *tls; /* NULL: without */
    struct pl_ws_decoder ws;
    const struct pl_ws_limits *limits; /* of `ws` */
    struct pl_buf in;
    size_t heard; /* bytes of frames */
};

enum kind { PLAIN, DEFLATE, TLS, TLS_DEFLATE };

static struct pl_inflater inflater;
static const struct pl_ws_limits limits = {.max_message = 65536};
static const struct pl_ws_limits inflating = {.max_message = 65536,
                                              .inflater = &inflater};

static bool is_tls(enum kind k)
{
    return k == TLS || k == TLS_DEFLATE;
}

static bool is_deflated(enum kind k)
{
    return k == DEFLATE || k == TLS_DEFLATE;
}

static void put(struct visitor *v, const void *bytes, size_t len)
{
    if (v->tls != NULL)
        assert_true(tls_put(v->tls, bytes, len));
    else
        assert_int_equal(send(v->fd, bytes, len, MSG_NOSIGNAL), len);
}

/* Read what comes, behind the content of v->in. */
static void get(struct visitor *v)
{
    char bytes[4096];
    long n = v->tls != NULL ? SSL_read(v->tls->ssl, bytes, sizeof bytes)
                            : recv(v->fd, bytes, sizeof bytes, 0);

    assert_true(n > 0);
    pl_buf_put(&v->in, bytes, (size_t)n);
}

static void dial(struct visitor *v, uint16_t port, enum kind kind)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval deadline = {.tv_sec = TLS_DEADLINE_S};
    int on =
        1; /* else the second piece waits for what acknowledges the first */

    *v = (struct visitor){.fd = -1};
    v->limits = is_deflated(kind) ? &inflating : &limits;
    if (is_tls(kind)) {
        const struct tls_options o = {.host = "memory.test"};

        v->tls = malloc(sizeof *v->tls);
        assert_true(tls_open(v->tls, port, &o));
        setsockopt(v->tls->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return;
    }
    v->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(v->fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    setsockopt(v->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    assert_int_equal(connect(v->fd, (struct sockaddr *)&to, sizeof to), 0);
}

static void upgrade(struct visitor *v, enum kind kind)
{
    static const char request[] =
        "GET /connection/websocket HTTP/1.1\r\nHost: localhost\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n";
    static const char offer[] =
        "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    struct pl_buf b = {0};

    pl_buf_put(&b, request, sizeof request - 1);
    if (is_deflated(kind))
        pl_buf_put(&b, offer, sizeof offer - 1);
    else
        pl_buf_put(&b, "\r\n", 2);
    put(v, b.data, b.len);
    pl_buf_fini(&b);
    while (v->in.len < 4 ||
           memcmp(v->in.data + v->in.len - 4, "\r\n\r\n", 4) != 0)
        get(v);
    assert_memory_equal(v->in.data, "HTTP/1.1 101 ", 13);
    assert_true((memmem(v->in.data, v->in.len, "permessage-deflate", 18) !=
                 NULL) == is_deflated(kind));
    v->in.len = 0;
}

/* One message, masked with zeros; compressed, one block that is stored.  In two
 * pieces, so that something is kept between them. */
static void say(struct visitor *v, enum kind kind, const char *text)
{
    size_t len = strlen(text), all = len + (is_deflated(kind) ? 6 : 0);
    unsigned char h[13] = {(unsigned char)(is_deflated(kind) ? 0xc1 : 0x81),
                           0x80 | 126,
                           (unsigned char)(all >> 8),
                           (unsigned char)all,
                           0,
                           0,
                           0,
                           0,
                           0,
                           (unsigned char)len,
                           (unsigned char)(len >> 8),
                           (unsigned char)~len,
                           (unsigned char)(~len >> 8)};
    struct pl_buf b = {0};

    if (all < 126) { /* the shortest form is the only one */
        h[3] = (unsigned char)(0x80 | all);
        h[2] = h[0];
    }
    size_t from = all < 126 ? 2 : 0;
    pl_buf_put(&b, (char *)h + from, (is_deflated(kind) ? 13 : 8) - from);
    pl_buf_put(&b, text, len);
    if (is_deflated(kind))
        pl_buf_put_byte(&b, 0);
    put(v, b.data, b.len / 2);
    put(v, b.data + b.len / 2, b.len - b.len / 2);
    pl_buf_fini(&b);
}

/* Whether a message with `text` is in what has come; it is taken out. */
static bool take(struct visitor *v, const char *text)
{
    struct pl_span in = pl_buf_span(&v->in);
    struct pl_ws_event e;
    bool is_there = false;

    do {
        pl_ws_decode(&v->ws, v->limits, &in, &e);
        assert_int_not_equal(e.kind, PL_WS_EVENT_ERROR);
        assert_int_not_equal(e.kind, PL_WS_EVENT_CLOSE);
        is_there |= e.kind == PL_WS_EVENT_MESSAGE &&
                    memmem(e.payload.at, e.payload.len, text, strlen(text));
    } while (e.kind != PL_WS_EVENT_NONE);
    v->heard += v->in.len;
    v->in.len = 0;
    return is_there;
}

static void hear(struct visitor *v, const char *text)
{
    do
        get(v);
    while (!take(v, text));
}

static void leave(struct visitor *v)
{
    if (v->tls != NULL)
        tls_fini(v->tls);
    else
        close(v->fd);
    free(v->tls);
    pl_ws_decoder_fini(&v->ws, v->limits);
    pl_buf_fini(&v->in);
}

/* --- Measuring --- */

enum { FEW = 20, MANY = 220, GROUP = 10, LETTER = 1200 };

static struct tls_folder files;
static struct visitor visitors[MANY];

static void start(struct box *b)
{
    char certificate[200], key[200];
    const char *sets[] = {
        "loops=1", "listen_tls=[127.0.0.1:0]", certificate,
        key,       "websocket.deflate=true",   "channels.history_size=0",
        NULL};

    snprintf(certificate, sizeof certificate, "tls.certificate=[%s]",
             tls_file(&files, "memory.pem"));
    snprintf(key, sizeof key, "tls.key=[%s]", tls_file(&files, "memory.key"));
    box_start(b, sets);
}

static void come(struct visitor *v, int index, uint16_t port, enum kind kind)
{
    char text[100];

    dial(v, port, kind);
    upgrade(v, kind);
    say(v, kind, "{\"id\":1,\"connect\":{}}");
    hear(v, "\"id\":1");
    snprintf(text, sizeof text,
             "{\"id\":2,\"subscribe\":{\"channel\":\"c%d\"}}", index / GROUP);
    say(v, kind, text);
    hear(v, "\"id\":2");
}

/* What each says all of its group hear, compressed where that was agreed. */
static void talk(int from, int to, enum kind kind)
{
    char text[LETTER + 100], letter[LETTER + 1];

    memset(letter, 'x', LETTER);
    letter[LETTER] = '\0';
    for (int i = from; i < to; i++) {
        snprintf(
            text, sizeof text,
            "{\"id\":3,\"publish\":{\"channel\":\"c%d\",\"data\":\"%s%d.\"}}",
            i / GROUP, letter, i);
        say(&visitors[i], kind, text);
        hear(&visitors[i], "\"id\":3");
    }
    for (int i = from; i < to; i++) {
        int last = i / GROUP * GROUP + GROUP - 1;

        if (i == last)
            continue; /* has heard itself */
        snprintf(text, sizeof text, "x%d.\"", last);
        hear(&visitors[i], text);
        assert_true((visitors[i].heard < GROUP * LETTER) == is_deflated(kind));
    }
}

/* Until nobody allocates any more. */
static long long at_rest(const struct box *b)
{
    long long before = -1, now = atomic_load(&held);

    box_rest(b);
    for (int same = 0; same < 5; same = before == now ? same + 1 : 0) {
        poll(NULL, 0, 20);
        before = now;
        now = atomic_load(&held);
    }
    return now;
}

static void check(const char *what, enum kind kind, long long bound)
{
    struct box b;

    start(&b);
    uint16_t port = is_tls(kind) ? pl_broker_tls_port(b.broker, 0) : b.port;
    for (int i = 0; i < FEW; i++)
        come(&visitors[i], i, port, kind);
    talk(0, FEW, kind);
    long long before = at_rest(&b);
    for (int i = FEW; i < MANY; i++)
        come(&visitors[i], i, port, kind);
    talk(FEW, MANY, kind);
    long long each = (at_rest(&b) - before) / (MANY - FEW);
    print_message("%s: %lld bytes\n", what, each);
    assert_true(each <= bound);
    for (int i = 0; i < MANY; i++)
        leave(&visitors[i]);
    box_destroy(&b);
}

/* --- The tests --- */

/* Measured: 535, compressed or not; 14,858 over TLS 1.3, nearly all OpenSSL's.
 */
enum { BOUND = 704, TLS_BOUND = 19800 };

static void an_idle_plain_connection_takes_little(void **state)
{
    (void)state;
    check("plain", PLAIN, BOUND);
}

static void an_idle_compressed_connection_takes_what_a_plain_one_does(void **st)
{
    (void)st;
    check("deflate", DEFLATE, BOUND);
}

static void an_idle_tls_connection_takes_what_openssl_does(void **state)
{
    (void)state;
    check("TLS", TLS, TLS_BOUND);
}

static void an_idle_compressed_tls_connection_takes_no_more(void **state)
{
    (void)state;
    check("TLS and deflate", TLS_DEFLATE, TLS_BOUND);
}

static int set_up(void **state)
{
    (void)state;
    tls_folder_init(&files);
    tls_make(&files, "memory", "memory.test", NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tls_folder_fini(&files);
    pl_inflater_fini(&inflater);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_plain_connection_takes_little),
        cmocka_unit_test(
            an_idle_compressed_connection_takes_what_a_plain_one_does),
        cmocka_unit_test(an_idle_tls_connection_takes_what_openssl_does),
        cmocka_unit_test(an_idle_compressed_tls_connection_takes_no_more),
    };

    tester = pthread_self();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
