/* SPDX-License-Identifier: Apache-2.0 */
/* hello.c - a minimal program: two loops, and one message to an actor on the
 * second.
 *
 *     cc hello.c $(pkg-config --cflags --libs parley-actors) && ./a.out */
#include <parley-actors/reactor.h>
#include <parley-actors/system.h>
#include <stdio.h>

struct greeter {
    struct pl_actor actor; /* first, so that the cast in reap() is valid */
    struct pl_reactor *reactor;
};

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    printf("hello from loop %u\n", pl_loop_index(a->loop));
    msg->destroy(msg);
    pl_actor_exit(a, "normal");
}

static void reap(struct pl_actor *a)
{
    pl_reactor_stop(((struct greeter *)a)->reactor);
}

static const struct pl_actor_ops greeter_ops = {"greeter", 16, receive, reap};

static void keep(struct pl_msg *msg)
{
    (void)msg; /* the message is a variable of main() */
}

int main(void)
{
    struct pl_system *system;
    struct greeter greeter;
    struct pl_msg msg = {.type = 1, .destroy = keep};

    if (pl_system_create(&system, &(struct pl_system_options){.loops = 2}))
        return 1;
    struct pl_loop *loop = pl_system_loop(system, 1);
    if (pl_reactor_create(&greeter.reactor, loop, NULL) != PL_OK ||
        pl_actor_init(&greeter.actor, loop, &greeter_ops) != PL_OK)
        return 1;
    struct pl_address address = pl_actor_address(&greeter.actor);
    if (pl_reactor_start(greeter.reactor, "greeter") != PL_OK)
        return 1;
    pl_system_post(system, address, &msg);
    pl_reactor_join(greeter.reactor, 10000);
    pl_reactor_destroy(greeter.reactor);
    pl_system_destroy(system);
    return 0;
}
