/* SPDX-License-Identifier: Apache-2.0 */
/* calls_rig.h - server API calls in a simulation, with fake owners of
 * channels. */
#ifndef CALLS_RIG_H
#define CALLS_RIG_H

#include <stdio.h>

#include "calls.h"
#include "fake_owner.h"
#include "settings_options.h"
#include "loop.h"
#include "sim.h"
#include "system.h"

enum { OWNERS = 3, LOOPS = OWNERS + 1 };

struct fixture {
    struct pl_sim *sim;
    struct pl_settings *config;
    struct pl_hash_key key;
    struct owner *owner[OWNERS];
    struct pl_address owners[OWNERS];
    struct pl_metrics metrics;
    struct pl_admin_options options;
    struct pl_actor actor; /* sends the mails of the calls */
    struct pl_actor supervisor;
    uint64_t published_before; /* the supervisor's last mail */
    struct pl_api_calls calls;
    char answer[4096];
    unsigned answers;
};

static inline void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct fixture *f = PL_CONTAINER(a, struct fixture, actor);

    pl_api_calls_receive(&f->calls, msg);
}

static inline uint64_t count_published(const struct fixture *f)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < OWNERS; i++)
        n += f->owner[i]->published;
    return n;
}

/* Answers everything, and notes what was published before. */
static inline void supervise(struct pl_actor *a, struct pl_msg *msg)
{
    struct fixture *f = PL_CONTAINER(a, struct fixture, supervisor);

    f->published_before = count_published(f);
    pl_mail_answer(a, msg);
}

static inline void reap(struct pl_actor *a)
{
    (void)a;
}

static const struct pl_actor_ops ops = {
    .name = "calls",
    .mailbox_limit = 65536,
    .receive = receive,
    .reap = reap,
};

static const struct pl_actor_ops supervisor_ops = {
    .name = "supervisor",
    .mailbox_limit = 64,
    .receive = supervise,
    .reap = reap,
};

static inline int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct pl_system *s;

    assert_non_null(f);
    assert_int_equal(
        pl_sim_create(&f->sim, LOOPS, pl_sim_test_seed("admin_calls")), PL_OK);
    assert_int_equal(pl_settings_create_default(&f->config), PL_OK);
    s = pl_sim_system(f->sim);
    for (unsigned i = 0; i < OWNERS; i++) {
        f->owner[i] = owner_create(pl_system_loop(s, i));
        f->owners[i] = pl_actor_address(&f->owner[i]->actor);
    }
    struct pl_loop *control = pl_system_loop(s, OWNERS);
    assert_int_equal(pl_actor_init(&f->supervisor, control, &supervisor_ops),
                     PL_OK);
    assert_int_equal(pl_actor_init(&f->actor, control, &ops), PL_OK);
    f->options = (struct pl_admin_options){
        .key = &f->key,
        .channels = f->owners,
        .channel_owners = OWNERS,
        .supervisor = pl_actor_address(&f->supervisor),
        .metrics = &f->metrics,
    };
    pl_settings_fill_admin(f->config, &f->options);
    assert_int_equal(pl_api_calls_init(&f->calls, &f->actor, &f->options),
                     PL_OK);
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;

    pl_api_calls_fini(&f->calls);
    pl_sim_destroy(f->sim);
    pl_settings_destroy(f->config);
    free(f);
    return 0;
}

static inline void on_done(void *arg, const struct pl_buf *body, uint32_t error)
{
    struct fixture *f = arg;

    (void)error;
    assert_false(body->failed);
    snprintf(f->answer, sizeof f->answer, "%.*s", (int)body->len, body->data);
    f->answers++;
}

static inline struct pl_api_call *begin(struct fixture *f,
                                        enum pl_api_call_form form,
                                        enum pl_api_method method,
                                        const char *text)
{
    char body[4096];
    struct pl_api_call *call = NULL;

    snprintf(body, sizeof body, "%s", text);
    assert_int_equal(pl_api_call_create(&call, &f->calls, NULL, form, method,
                                        pl_span_of(body), on_done, f),
                     PL_OK);
    return call;
}

/* Call, and see that the answer is `want`. */
static inline void expect(struct fixture *f, enum pl_api_call_form form,
                          enum pl_api_method method, const char *text,
                          const char *want)
{
    unsigned before = f->answers;

    pl_api_call_start(begin(f, form, method, text));
    pl_sim_advance(f->sim, 0);
    assert_int_equal(f->answers, before + 1);
    assert_string_equal(f->answer, want);
    assert_int_equal(f->calls.in_flight, 0);
    assert_int_equal(f->calls.mails, 0);
}

#define WITH_FIXTURE(test)                                                     \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
