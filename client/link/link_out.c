/* SPDX-License-Identifier: Apache-2.0 */
/* link_out.c - what a link sends.
 *
 * Output is one buffer, written once at the end of a turn; what the kernel does
 * not take goes when it takes more.  So a burst of messages costs one system
 * call.
 *
 * Rejected: a list of messages.  Each would cost an allocation, and writev()
 * more than the copy of a small message.
 *
 * Invariant: a message is in the buffer whole, or not at all. */
#include "link_private.h"

#include <string.h>

#include "masked.h"
#include "random.h"

enum { KEEP_MAX = 65536 /* bytes of an empty buffer that is kept */ };

/* The request may have credentials in its header. */
void plc_link_wipe_out(struct plc_link_conn *l)
{
    if (l->out.data != NULL && !l->end.was_open)
        explicit_bzero(l->out.data, l->out.cap);
    pl_buf_fini(&l->out);
}

static void count_taken(struct plc_link_conn *l, size_t n)
{
    l->out_sent += n;
    l->taken += n;
    *l->shared->bytes_out += n;
    if (l->out_sent < l->out.len)
        return;
    l->out.len = l->out_sent = 0;
    if (!l->end.was_open || l->out.cap > KEEP_MAX)
        plc_link_wipe_out(l);
}

static void watch_progress(struct plc_link_conn *l, bool has_progress)
{
    if (!l->is_blocked)
        plc_deadline_stop(l->shared->loop, &l->send);
    else if (l->terms->send_ms > 0 &&
             (has_progress || !pl_timer_is_running(&l->send.timer)))
        plc_deadline_start(l->shared->loop, &l->send, l->terms->send_ms);
}

void plc_link_write_out(struct plc_link_conn *l)
{
    struct pl_span rest = {l->out.data + l->out_sent, l->out.len - l->out_sent};

    if (rest.len == 0)
        return;
    size_t n = plc_stream_write(l->stream, rest);
    l->is_blocked = n < rest.len;
    count_taken(l, n);
    watch_progress(l, n > 0);
    if (n == 0 || l->state < OPEN)
        return;
    plc_link_enter(l);
    l->calls->sent(l->user, l->taken);
    plc_link_leave(l);
}

void plc_link_run_flush(struct pl_task *t)
{
    struct plc_link_conn *l = PL_CONTAINER(t, struct plc_link_conn, flush);

    if (!l->is_blocked)
        plc_link_write_out(l);
}

static void plan_flush(struct plc_link_conn *l)
{
    pl_loop_defer(l->shared->loop, PL_STAGE_FLUSH, &l->flush);
}

uint32_t plc_link_key(struct plc_link_conn *l)
{
    return (uint32_t)pl_random_u64(pl_loop_random(l->shared->loop));
}

/* Move what waits to the front, so that the buffer does not grow for ever on a
 * connection that is never idle. */
static void compact(struct plc_link_conn *l)
{
    if (l->out_sent < KEEP_MAX || l->out_sent < l->out.len / 2)
        return;
    memmove(l->out.data, l->out.data + l->out_sent, l->out.len - l->out_sent);
    l->out.len -= l->out_sent;
    l->out_sent = 0;
}

/* A failed buffer keeps its content: take back what was appended. */
bool plc_link_was_appended(struct plc_link_conn *l, size_t mark)
{
    if (!l->out.failed) {
        plan_flush(l);
        return true;
    }
    l->out.failed = false;
    l->out.len = mark;
    return false;
}

static void put_packed(struct plc_link_conn *l, enum pl_ws_opcode opcode,
                       struct pl_span payload)
{
    size_t mark = pl_ws_frame_begin(&l->out);

    pl_buf_put_span(&l->out, payload);
    pl_ws_frame_end(&l->out, mark, opcode);
    pl_deflate_last(&l->shared->deflater, l->deflate, &l->out, mark);
    pl_ws_masked_last(&l->out, mark, plc_link_key(l));
}

static enum pl_ws_part part_of(size_t index, size_t count)
{
    if (count <= 1)
        return PL_WS_WHOLE;
    if (index == 0)
        return PL_WS_FIRST;
    return index + 1 == count ? PL_WS_LAST : PL_WS_MIDDLE;
}

bool plc_link_send(struct plc_link_conn *l, enum pl_ws_opcode opcode,
                   const struct pl_span *parts, size_t count)
{
    static const struct pl_span nothing = {"", 0};

    compact(l);
    size_t mark = l->out.len;
    if (count == 0)
        parts = &nothing;
    if (count <= 1 && l->deflate != PL_DEFLATE_NONE && opcode <= PL_WS_BINARY &&
        parts[0].len >= PL_DEFLATE_MIN) {
        put_packed(l, opcode, parts[0]);
        return plc_link_was_appended(l, mark);
    }
    for (size_t i = 0; i == 0 || i < count; i++)
        pl_ws_masked_put(&l->out, opcode, part_of(i, count), parts[i],
                         plc_link_key(l));
    return plc_link_was_appended(l, mark);
}

uint64_t plc_link_written(const struct plc_link_conn *l)
{
    return l->taken + plc_link_waiting(l);
}

uint64_t plc_link_taken(const struct plc_link_conn *l)
{
    return l->taken;
}

uint64_t plc_link_may_leave(const struct plc_link_conn *l)
{
    return l->state == CLOSED ? l->taken : plc_link_written(l);
}

uint64_t plc_link_waiting(const struct plc_link_conn *l)
{
    return l->out.len - l->out_sent;
}

bool plc_link_is_open(const struct plc_link_conn *l)
{
    return l->state == OPEN;
}
