/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - the numbers of a group, for the program.
 *
 * The loop publishes what it counts at the end of each turn that did something.
 * So this never waits for a loop, not even for one that a callback blocks. */
#include <stddef.h>
#include <string.h>

#include "buf.h"
#include "group.h"

static struct plc_status status_of(const struct plc_group *g)
{
    struct plc_group_facts f = plc_group_facts(g);
    uint64_t v[PLC_COUNTS];

    plc_group_read(g, v);
    return (struct plc_status){
        .client_running = f.is_running,
        .network_driver_running = !f.has_ended,
        .dispatcher_exists = true,
        .dispatcher_done = f.has_ended && f.waiting == 0,
        .dispatcher_cancelled = f.was_cut,
        .event_queue_size = f.waiting,
        .connections = v[PLC_COUNT_CONNECTIONS],
        .open = v[PLC_COUNT_OPEN],
        .subscriptions = v[PLC_COUNT_SUBSCRIPTIONS],
        .accepted = v[PLC_COUNT_ACCEPTED],
        .done = v[PLC_COUNT_DONE],
        .refused = v[PLC_COUNT_REFUSED],
        .not_sent = v[PLC_COUNT_NOT_SENT],
        .unknown = v[PLC_COUNT_UNKNOWN],
        .pending = v[PLC_COUNT_ACCEPTED] - v[PLC_COUNT_DONE] -
                   v[PLC_COUNT_REFUSED] - v[PLC_COUNT_NOT_SENT] -
                   v[PLC_COUNT_UNKNOWN],
        .turned_away = f.turned_away,
        .queue_bytes = v[PLC_COUNT_QUEUE_BYTES],
        .publications = v[PLC_COUNT_PUBLICATIONS],
        .bytes_in = v[PLC_COUNT_BYTES_IN],
        .bytes_out = v[PLC_COUNT_BYTES_OUT],
        .reconnects = v[PLC_COUNT_RECONNECTS],
        .stop_forced = v[PLC_COUNT_FORCED],
        .stop_elapsed_ms = v[PLC_COUNT_ELAPSED_MS],
        .dropped = v[PLC_COUNT_DROPPED],
        .events_lost = v[PLC_COUNT_EVENTS_LOST],
        .tls_handshakes = v[PLC_COUNT_TLS_HANDSHAKES],
        .tls_resumed = v[PLC_COUNT_TLS_RESUMED],
    };
}

/* A program of another version knows fewer members, or more. */
void plc_group_status(const struct plc_group *g, struct plc_status *s)
{
    struct plc_status all = status_of(g);
    size_t size = s->size < sizeof all ? s->size : sizeof all;

    all.size = s->size;
    memset(s, 0, s->size);
    memcpy(s, &all, size);
}

static void put_flag(struct pl_buf *b, const char *name, bool value)
{
    pl_buf_printf(b, "\"%s\":%s,", name, value ? "true" : "false");
}

static void put_flags(struct pl_buf *b, const struct plc_status *s)
{
    put_flag(b, "client_running", s->client_running);
    put_flag(b, "network_driver_running", s->network_driver_running);
    pl_buf_printf(b, "\"dispatcher_task\":{");
    put_flag(b, "exists", s->dispatcher_exists);
    put_flag(b, "done", s->dispatcher_done);
    pl_buf_printf(b, "\"cancelled\":%s},",
                  s->dispatcher_cancelled ? "true" : "false");
}

#define NUMBER(name)                                                           \
    {                                                                          \
#name, offsetof(struct plc_status, name)                               \
    }

static void put_numbers(struct pl_buf *b, const struct plc_status *s)
{
    static const struct {
        const char *name;
        size_t offset;
    } numbers[] = {
        NUMBER(event_queue_size), NUMBER(connections), NUMBER(open),
        NUMBER(subscriptions),    NUMBER(accepted),    NUMBER(done),
        NUMBER(refused),          NUMBER(not_sent),    NUMBER(unknown),
        NUMBER(pending),          NUMBER(turned_away), NUMBER(queue_bytes),
        NUMBER(publications),     NUMBER(bytes_in),    NUMBER(bytes_out),
        NUMBER(reconnects),       NUMBER(stop_forced), NUMBER(stop_elapsed_ms),
        NUMBER(dropped),          NUMBER(events_lost), NUMBER(tls_handshakes),
        NUMBER(tls_resumed),
    };

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        uint64_t value;

        memcpy(&value, (const char *)s + numbers[i].offset, sizeof value);
        pl_buf_printf(b, "%s\"%s\":%llu", i == 0 ? "" : ",", numbers[i].name,
                      (unsigned long long)value);
    }
}

enum pl_err plc_group_status_json(const struct plc_group *g, char **out)
{
    struct plc_status s = status_of(g);
    struct pl_buf b = {0};

    pl_buf_put_byte(&b, '{');
    put_flags(&b, &s);
    put_numbers(&b, &s);
    pl_buf_put(&b, "}", 2); /* with the final zero byte */
    if (b.failed) {
        pl_buf_fini(&b);
        return PL_ENOMEM;
    }
    *out = b.data;
    return PL_OK;
}
