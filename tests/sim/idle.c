/* SPDX-License-Identifier: Apache-2.0 */
/* idle.c - see idle.h.
 *
 * The transport has the size of broker/net's, so what is counted is all that
 * the broker allocates for a connection; the simulation itself keeps one
 * pointer each, outside of what is counted.  The kernel's part is missing
 * here: it is the same for every server. */
#include "idle.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "conn.h"
#include "say.h"
#include "session.h"
#include "trace.h"
#include "world.h"
#include "ws_link.h"

static void flush(struct pl_session *s)
{
    struct iovec iov[4];
    int count;

    while ((count = pl_session_output(s, iov, 4)) > 0) {
        size_t len = 0;

        for (int i = 0; i < count; i++)
            len += iov[i].iov_len;
        pl_session_sent(s, len);
    }
}

static void ignore(struct pl_session *s)
{
    (void)s;
}

static void end(struct pl_session *s, enum pl_end how)
{
    (void)how;
    pl_session_gone(s, "ended");
}

static const struct pl_ws_link_ops ops = {
    .link = PL_WS_LINK_OPS(flush, ignore, ignore, NULL),
    .end = end,
    .free = ignore};

static const char request[] = "GET /connection/websocket HTTP/1.1\r\n"
                              "Host: localhost\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                              "\r\n";

static void say(struct pl_session *s, enum verb verb, const char *channel)
{
    struct say what = {.verb = verb, .id = 1, .channel = channel};
    struct pl_buf command = {0}, frame = {0};

    say_command(&command, PEER_JSON, &what);
    say_frame(&frame, 1, pl_buf_span(&command));
    pl_session_visit(s);
    pl_ws_link_input(s, frame.data, frame.len);
    pl_buf_fini(&frame);
    pl_buf_fini(&command);
}

static size_t heap(void)
{
    struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}

static void tell(const char *what, unsigned count, size_t before)
{
    printf("%s: %u connections, %zu bytes of heap each\n", what, count,
           (heap() - before) / count);
}

static void enter(struct world *w, struct pl_session **sessions, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct share *at = &w->at[i % w->workers];
        char bytes[sizeof request];

        memcpy(bytes, request, sizeof request);
        pl_loop_awake(at->loop);
        if (pl_ws_link_create(&sessions[i], at->manager, &ops,
                              sizeof(struct pl_conn)) != PL_OK)
            trace_fail("no memory for connection %u", i);
        pl_session_visit(sessions[i]);
        pl_ws_link_input(sessions[i], bytes, sizeof request - 1);
        say(sessions[i], VERB_CONNECT, NULL);
        if (i % 64 == 63)
            world_pass(w, 0);
    }
    world_pass(w, 0);
    if (world_metric(w, PL_METRIC_CLIENTS) != count)
        trace_fail("only %" PRIu64 " of %u are logged in",
                   world_metric(w, PL_METRIC_CLIENTS), count);
}

static void subscribe(struct world *w, struct pl_session **sessions,
                      unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char name[16];

        snprintf(name, sizeof name, "c%u", i % 1000);
        say(sessions[i], VERB_SUBSCRIBE, name);
        if (i % 64 == 63)
            world_pass(w, 0);
    }
    world_pass(w, 0);
}

void idle_measure(unsigned count)
{
    size_t size = count * sizeof(struct pl_session *);
    struct pl_session **sessions =
        mmap(NULL, size, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct world w;

    if (sessions == MAP_FAILED)
        trace_fail("no memory for %u connections", count);
    world_begin_plain(&w);
    size_t before = heap();
    enter(&w, sessions, count);
    tell("logged in", count, before);
    subscribe(&w, sessions, count);
    tell("subscribed to one of 1000 channels", count, before);
    world_stop(&w, true);
    while (!w.is_stopped)
        world_pass(&w, 100);
    world_end(&w);
    munmap(sessions, size);
}
