/* SPDX-License-Identifier: Apache-2.0 */
/* rig.h - connections on a reactor that the test turns by hand. */
#ifndef PL_RIG_H
#define PL_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include "conns.h"
#include "hub.h"
#include "session_manager.h"
#include "log.h"
#include "reactor.h"
#include "settings_options.h"
#include "system.h"

struct rig {
    struct pl_system *system;
    struct pl_loop *loop;
    struct pl_reactor *reactor;
    struct pl_settings *config;
    struct pl_metrics metrics;
    struct pl_hash_key key;
    struct pl_address owner; /* of channels: nobody */
    struct pl_hub *hub;
    struct pl_handlers *handlers;
    struct pl_session_manager *manager;
    struct pl_conns *conns;
};

static inline void rig_configure(struct rig *r, const char *const *sets,
                                 size_t count)
{
    struct pl_config_source src = {
        .sets = sets, .set_count = count, .insecure = true};
    struct pl_buf report = {0};
    enum pl_err rc = pl_settings_load(&r->config, &src, &report);

    if (rc != PL_OK)
        print_error("%.*s", (int)report.len, report.data);
    assert_int_equal(rc, PL_OK);
    pl_buf_fini(&report);
}

/* With a clock that the test drives, and a second loop that it turns. */
static inline struct rig *rig_create_on(const struct pl_clock *clock,
                                        unsigned loops, const char *const *sets,
                                        size_t count)
{
    struct rig *r = calloc(1, sizeof *r);
    struct pl_system_options so = {.loops = loops, .clock = clock};

    assert_non_null(r);
    pl_log_set_level(PL_LOG_ERROR);
    assert_int_equal(pl_system_create(&r->system, &so), PL_OK);
    r->loop = pl_system_loop(r->system, 0);
    assert_int_equal(pl_reactor_create(&r->reactor, r->loop, NULL), PL_OK);
    rig_configure(r, sets, count);
    struct pl_hub_options ho = {.key = &r->key,
                                .channels = &r->owner,
                                .channel_owners = 1,
                                .backlog_limit = 1000,
                                .metrics = &r->metrics};
    assert_int_equal(pl_hub_create(&r->hub, r->loop, &ho), PL_OK);
    r->handlers = pl_handlers_create();
    struct pl_session_manager_options ko = {.hub = r->hub,
                                            .metrics = &r->metrics,
                                            .handlers = r->handlers,
                                            .connection_limit = 1000,
                                            .version = "test"};
    pl_settings_fill_session_manager(r->config, &ko);
    assert_int_equal(pl_session_manager_create(&r->manager, r->loop, &ko),
                     PL_OK);
    assert_int_equal(pl_conns_create(&r->conns, r->loop, r->reactor, r->manager,
                                     &r->metrics),
                     PL_OK);
    return r;
}

static inline struct rig *rig_create(const char *const *sets, size_t count)
{
    return rig_create_on(NULL, 1, sets, count);
}

/* What is ready now, and what follows from it at once. */
static inline void rig_turn(struct rig *r)
{
    event_base_loop(pl_reactor_base(r->reactor), EVLOOP_NONBLOCK);
}

static inline void rig_run(struct rig *r)
{
    for (int i = 0; i < 20; i++)
        rig_turn(r);
}

static inline uint64_t rig_metric(const struct rig *r, enum pl_metric m)
{
    return r->metrics.value[m];
}

/* Every connection has ended before. */
static inline void rig_destroy(struct rig *r)
{
    rig_run(r);
    assert_int_equal(rig_metric(r, PL_METRIC_CONNECTIONS), 0);
    assert_int_equal(rig_metric(r, PL_METRIC_QUEUE_BYTES), 0);
    pl_system_reap(r->system);
    pl_reactor_destroy(r->reactor);
    pl_system_destroy(r->system);
    pl_handlers_release(r->handlers);
    pl_settings_destroy(r->config);
    free(r);
}

#endif
