/* SPDX-License-Identifier: Apache-2.0 */
/* test_forged.c - messages to client ids that no client has.  An id says the
 * address of an actor, and this one may be any actor of the broker: whatever
 * it is, the sender hears at once that nobody is there, and nothing is left
 * that a stop would wait for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "box.h"
#include "peer.h"
#include "phases.h"

enum { LOOPS = 4, SLOTS = 48, GENERATIONS = 3, NOT_FOUND = 404 };

/* The second half of a forged id, which is random in a real one. */
#define TAIL "AAAAAAAAAAAAAAAA"

struct address {
    uint16_t node, loop;
    uint32_t slot, generation;
};

/* The id that a session with this address would begin with. */
static void forge(char id[33], struct address a)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t word[3] = {(uint32_t)a.node << 16 | a.loop, a.slot, a.generation};

    for (int i = 0; i < 16; i++) {
        unsigned v = 0;

        for (int bit = 6 * i; bit < 6 * i + 6; bit++)
            v = v << 1 | (word[bit / 32] >> (31 - bit % 32) & 1);
        id[i] = digits[v];
    }
    memcpy(id + 16, TAIL, sizeof TAIL);
}

static uint32_t say(struct peer *p, const char *id)
{
    char data[128];

    snprintf(data, sizeof data, "{\"to\":\"conn/%s\",\"body\":1}", id);
    return peer_rpc(p, "actor.send", data);
}

static void assert_nobody(struct peer *p, const char *id)
{
    struct peer_reply r;

    peer_await(p, say(p, id), &r);
    assert_int_equal(r.kind, PEER_ERROR);
    assert_int_equal(r.code, NOT_FOUND);
}

static void assert_nobody_at(struct peer *p, struct address a)
{
    char id[33];

    forge(id, a);
    assert_nobody(p, id);
}

/* An administrator who is connected and says nothing: an actor more. */
static int call_admin(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    memcpy(a.sun_path, path, strlen(path) + 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

/* With limits.address_connections there is an address limiter, with an admin
 * address there are its listeners. */
static void begin(struct box *b, char dir[], char path[64])
{
    char socket_set[96];
    const char *sets[] = {socket_set,
                          "limits.address_connections=1000",
                          "admin.listen=127.0.0.1:0",
                          "shutdown.grace=50s",
                          "shutdown.disconnect=51s",
                          "shutdown.cancel=52s",
                          NULL};

    assert_non_null(mkdtemp(dir));
    snprintf(path, 64, "%s/admin.sock", dir);
    snprintf(socket_set, sizeof socket_set, "admin.socket=%s", path);
    box_start(b, sets);
}

static void every_actor_of_the_broker_is_nobody_to_clients(void **st)
{
    char dir[] = "/tmp/parley-forged-XXXXXX", path[64];
    struct peer p, other;
    struct box b;

    (void)st;
    begin(&b, dir, path);
    int admin = call_admin(path);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    peer_enter(&other, b.port, PEER_PROTOBUF, NULL, NULL);
    box_rest(&b);
    /* no actor has a slot that is not asked */
    assert_in_range(box_number(&b, "mailboxes.actors"), 8, 2 * SLOTS / 3);
    for (uint16_t loop = 0; loop < LOOPS; loop++) {
        for (uint32_t slot = 0; slot < SLOTS; slot++) {
            for (uint32_t g = 0; g < GENERATIONS; g++)
                assert_nobody_at(&p, (struct address){0, loop, slot, g});
        }
    }
    box_rest(&b);
    assert_int_equal(box_number(&b, "commands.pending"), 0);
    assert_int_equal(box_number(&b, "dead_letters.refused"), 0);
    pl_broker_stop(b.broker);
    assert_int_equal(peer_await_end(&p), 3001);
    assert_int_equal(peer_await_end(&other), 3001);
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    assert_unforced(&b, GRACE); /* whose deadline nothing was left for */
    close(admin);
    peer_fini(&p);
    peer_fini(&other);
    box_destroy(&b);
    rmdir(dir);
}

static void an_address_that_cannot_be_is_nobody(void **st)
{
    static const struct address impossible[] = {
        {1, 0, 1, 1},          {UINT16_MAX, 0, 1, 1},
        {0, 1023, 1, 1},       {0, UINT16_MAX, 1, 1},
        {0, 0, 1u << 20, 1},   {0, 0, INT32_MAX, 1},
        {0, 0, UINT32_MAX, 1}, {0, 0, 1, INT32_MAX},
        {0, 0, 1, UINT32_MAX}, {UINT16_MAX, UINT16_MAX, UINT32_MAX, UINT32_MAX},
    };
    struct peer p;
    struct box b;

    (void)st;
    box_start(&b, NULL);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++)
        assert_nobody_at(&p, impossible[i]);
    peer_fini(&p);
    box_destroy(&b);
}

/* Of sessions it is the id that counts: with another tail, or when the session
 * is gone, it is nobody's. */
static void of_a_session_only_the_whole_id_is_good(void **st)
{
    char own[64], others[64], gone[64], id[64];
    struct peer p, other, third;
    struct peer_reply r;
    struct box b;

    (void)st;
    box_start(&b, NULL);
    peer_enter(&p, b.port, PEER_JSON, NULL, own);
    peer_enter(&other, b.port, PEER_JSON, NULL, others);
    peer_enter(&third, b.port, PEER_JSON, NULL, gone);
    peer_fini(&third);
    box_await(&b, "active_connections", 2);
    snprintf(id, sizeof id, "%.16s" TAIL, own);
    assert_nobody(&p, id);
    snprintf(id, sizeof id, "%.16s" TAIL, others);
    assert_nobody(&p, id);
    assert_nobody(&p, gone);
    peer_await(&p, say(&p, others), &r);
    assert_int_equal(r.kind, PEER_RESULT);
    peer_await_push(&other, PEER_MESSAGE, &r);
    uint32_t to_itself = say(&p, own);
    peer_await_push(&p, PEER_MESSAGE, &r);
    peer_await(&p, to_itself, &r);
    assert_int_equal(r.kind, PEER_RESULT);
    peer_fini(&p);
    peer_fini(&other);
    box_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_actor_of_the_broker_is_nobody_to_clients),
        cmocka_unit_test(an_address_that_cannot_be_is_nobody),
        cmocka_unit_test(of_a_session_only_the_whole_id_is_good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
