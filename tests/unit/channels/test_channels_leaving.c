/* SPDX-License-Identifier: Apache-2.0 */
/* What leave.c promises while the presence store is away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "code.h"
#include "presence_memory.h"
#include "rig.h"

enum { MANY = 10000 };

/* --- A presence store that can be away --- */

struct away {
    struct pl_presence presence;
    struct pl_presence *inner;
    bool is_away;
    unsigned removals;
};

static struct away away;

static bool fails(struct pl_store_op *op)
{
    op->error = PL_EIO;
    return away.is_away;
}

static enum pl_store_reply add(struct pl_presence *p,
                               struct pl_presence_change *r)
{
    (void)p;
    return fails(&r->op) ? PL_STORE_DONE : away.inner->ops->add(away.inner, r);
}

static enum pl_store_reply remove_client(struct pl_presence *p,
                                         struct pl_presence_change *r)
{
    (void)p;
    away.removals++;
    return fails(&r->op) ? PL_STORE_DONE
                         : away.inner->ops->remove(away.inner, r);
}

static enum pl_store_reply get(struct pl_presence *p, struct pl_presence_get *r)
{
    (void)p;
    return fails(&r->op) ? PL_STORE_DONE : away.inner->ops->get(away.inner, r);
}

static enum pl_store_reply stats(struct pl_presence *p,
                                 struct pl_presence_stats *r)
{
    (void)p;
    return fails(&r->op) ? PL_STORE_DONE
                         : away.inner->ops->stats(away.inner, r);
}

static void destroy(struct pl_presence *p)
{
    (void)p;
    away.inner->ops->destroy(away.inner);
}

static const struct pl_presence_ops ops = {.add = add,
                                           .remove = remove_client,
                                           .get = get,
                                           .stats = stats,
                                           .destroy = destroy};

static struct rig *make(uint32_t limit)
{
    static struct pl_random random;
    struct rig_options o = {.rules.sub.flags =
                                PL_RULE_PRESENCE | PL_RULE_JOIN_LEAVE,
                            .owner.in_flight_limit = limit,
                            .owner.presence_store = &away.presence};

    pl_random_init_seeded(&random, 5);
    away = (struct away){.presence = {&ops}};
    assert_int_equal(pl_presence_memory_create(&away.inner, &random), PL_OK);
    return rig_create(7, &o, NULL);
}

static uint64_t leaving(const struct rig *r)
{
    return r->metrics.value[PL_METRIC_LEAVING];
}

static uint32_t present(struct rig *r)
{
    return rig_ask(r, rig_query_mail(PL_QUERY_PRESENCE_STATS, "a"))->count;
}

/* --- */

static void who_comes_and_goes_meanwhile_is_kept_once(void **state)
{
    struct rig *r = make(0);

    (void)state;
    rig_attach(r, 1, "a", 0);
    rig_run(r, 0);
    away.is_away = true;
    rig_detach(r, 1, "a", 0);
    for (int i = 0; i < 50; i++) { /* each fails */
        rig_attach(r, 1, "a", 0);
        rig_detach(r, 1, "a", 0);
        rig_run(r, 0);
    }
    assert_int_equal(leaving(r), 1);
    away.removals = 0;
    away.is_away = false;
    rig_run(r, 1000);
    assert_int_equal(leaving(r), 0);
    assert_int_equal(away.removals, 1);
    assert_int_equal(present(r), 0);
    rig_destroy(r);
}

static void attaches_are_refused_while_too_many_are_leaving(void **state)
{
    struct rig *r = make(4);

    (void)state;
    for (unsigned i = 0; i < 6; i++)
        rig_attach(r, i, "a", 0);
    rig_run(r, 0);
    away.is_away = true;
    for (unsigned i = 0; i < 6; i++)
        rig_detach(r, i, "a", 0);
    rig_run(r, 0);
    assert_int_equal(leaving(r), 6); /* a detach is always taken */
    rig_forget(r);
    rig_attach(r, 7, "a", 0);
    rig_run(r, 0);
    struct pl_attach_mail *m = rig_mail(r, 1, PL_MAIL_ATTACH, 0);
    assert_int_equal(m->error, PL_ERROR_TOO_MANY_REQUESTS);
    assert_int_equal(r->metrics.value[PL_METRIC_REFUSED_STORE_REQUESTS], 1);
    away.is_away = false;
    rig_run(r, 1000);
    rig_forget(r);
    rig_attach(r, 7, "a", 0);
    rig_run(r, 0);
    m = rig_mail(r, 1, PL_MAIL_ATTACH, 0);
    assert_int_equal(m->error, 0);
    assert_int_equal(present(r), 1);
    rig_destroy(r);
}

static struct pl_client *make_client(struct rig *r, unsigned hub)
{
    struct pl_client *c;

    assert_int_equal(pl_client_create(&c, pl_actor_address(&r->hub[hub]->actor),
                                      pl_sim_random(r->sim), PL_SPAN("u"),
                                      (struct pl_span){NULL, 0}),
                     PL_OK);
    return c;
}

static void they_are_tried_again_a_part_at_a_time(void **state)
{
    struct rig *r = make(0);
    struct pl_client *mine = r->client[1];
    static struct pl_client *client[MANY];

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        r->client[1] = client[i] = make_client(r, 1);
        rig_attach(r, 1, "a", 0);
    }
    rig_run(r, 0);
    away.is_away = true;
    for (unsigned i = 0; i < MANY; i++) {
        r->client[1] = client[i];
        rig_detach(r, 1, "a", 0);
    }
    rig_run(r, 0);
    assert_int_equal(leaving(r), MANY);
    away.removals = 0;
    rig_run(r, 100);
    assert_in_range(away.removals, 1, MANY / 2);
    away.is_away = false;
    rig_run(r, 1000);
    assert_int_equal(leaving(r), 0);
    assert_int_equal(present(r), 0);
    r->client[1] = mine;
    for (unsigned i = 0; i < MANY; i++)
        pl_client_release(client[i]);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_comes_and_goes_meanwhile_is_kept_once),
        cmocka_unit_test(attaches_are_refused_while_too_many_are_leaving),
        cmocka_unit_test(they_are_tried_again_a_part_at_a_time),
    };

    return cmocka_run_group_tests_name("channels_leaving", tests, NULL, NULL);
}
