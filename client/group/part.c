/* SPDX-License-Identifier: Apache-2.0 */
/* part.c - the parts of a group: how they come, get their mail, and go.
 *
 * A program may make and drop parts on any thread, at any time.  All of it is
 * mail to the loop, until the group has ended; from then on the thread that
 * drops a part frees it.
 *
 * Invariant: a part is freed once: by its last event, by the thread that drops
 * it, or with the group. */
#include "group_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quota.h"
#include "system.h"

enum { WHY_SIZE = 160 };

struct result {
    struct plc_event event; /* first */
    struct plc_group *group;
    enum pl_err err;
    char why[WHY_SIZE];
    char label[]; /* with a final zero byte */
};

static void run_result(struct plc_event *e)
{
    struct result *r = (struct result *)e;

    r->group->options.result(r->group, r->label, r->err, r->why,
                             r->group->options.arg);
}

static void destroy_result(struct pl_msg *msg)
{
    free(msg);
}

static enum pl_err prepare_result(struct plc_group *g, struct plc_part *p)
{
    if (p->label == NULL || g->options.result == NULL)
        return PL_OK;
    struct result *r = calloc(1, sizeof *r + strlen(p->label) + 1);
    if (r == NULL)
        return PL_ENOMEM;
    r->event.run = run_result;
    r->event.msg.destroy = destroy_result;
    r->group = g;
    memcpy(r->label, p->label, strlen(p->label) + 1);
    p->result = &r->event;
    return PL_OK;
}

void plc_part_result(struct plc_part *p, enum pl_err err, const char *why)
{
    struct result *r = (struct result *)p->result;

    if (r == NULL)
        return;
    p->result = NULL;
    r->err = err;
    snprintf(r->why, sizeof r->why, "%s", why);
    plc_events_put(p->group->events, &r->event);
}

void plc_part_free(struct plc_part *p)
{
    struct plc_group *g = p->group;

    pl_guard_enter(g->guard);
    pl_list_remove(&p->link);
    pl_guard_leave(g->guard);
    free(p->result);
    p->ops->free(p);
}

/* The last event of a part, which its last mail becomes. */
static void destroy_last(struct pl_msg *msg)
{
    plc_part_free(PL_CONTAINER((struct plc_mail *)msg, struct plc_part, drop));
}

static void run_nothing(struct plc_event *e)
{
    (void)e;
}

static struct plc_event *last_event(struct plc_part *p)
{
    p->drop.event.run = run_nothing;
    p->drop.event.msg.destroy = destroy_last;
    return &p->drop.event;
}

void plc_part_ended(struct plc_part *p)
{
    struct plc_group *g = p->group;

    if (p->has_ended)
        return;
    p->has_ended = true;
    pl_list_remove(&p->living);
    g->counts[PLC_COUNT_CONNECTIONS]--;
    plc_part_result(p, PL_ECLOSED, "closed before it was open");
    if (p->is_dropped)
        plc_events_put(g->events, last_event(p));
    if (g->stop == PLC_STOP_WAITS && pl_list_is_empty(&g->living))
        plc_group_finish(g);
}

static void on_add(struct plc_mail *m)
{
    struct plc_part *p = m->part;
    struct plc_group *g = p->group;

    pl_list_append(&g->living, &p->living);
    g->counts[PLC_COUNT_CONNECTIONS]++;
    if (g->stop != PLC_STOP_NOT_BEGUN)
        plc_part_stop(p);
}

static void on_drop(struct plc_mail *m)
{
    struct plc_part *p = m->part;

    p->is_dropped = true;
    if (p->quota != NULL)
        pl_quota_close(p->quota);
    if (p->has_ended)
        plc_events_put(p->group->events, last_event(p));
    else
        p->ops->stop(p, false);
}

static bool is_stopping(const struct plc_group *g)
{
    return g->stop_at_ns != UINT64_MAX;
}

static bool has_label(const struct plc_group *g, const char *label)
{
    for (const struct pl_list *at = g->parts.next; at != &g->parts;
         at = at->next) {
        const struct plc_part *p = PL_CONTAINER(at, struct plc_part, link);

        if (p->label != NULL && strcmp(p->label, label) == 0)
            return true;
    }
    return false;
}

static void fill_mail(struct plc_mail *m, struct plc_part *p,
                      void (*handle)(struct plc_mail *))
{
    m->event.msg.destroy = plc_destroy_nothing;
    m->part = p;
    m->handle = handle;
}

void plc_group_fill_mail(struct plc_mail *m)
{
    m->event.msg.type = PLC_MAIL_PART;
    m->event.msg.flags = PL_MSG_RESERVED;
}

struct pl_address plc_group_address(const struct plc_group *g)
{
    return pl_actor_address(&g->actor);
}

/* Under the guard. */
static void post(struct plc_group *g, struct plc_mail *m)
{
    plc_group_fill_mail(m);
    pl_system_post(g->system, pl_actor_address(&g->actor), &m->event.msg);
}

enum pl_err plc_part_add(struct plc_group *g, struct plc_part *p)
{
    p->group = g;
    enum pl_err rc = prepare_result(g, p);
    if (rc != PL_OK)
        return rc;
    fill_mail(&p->add, p, on_add);
    fill_mail(&p->drop, p, on_drop);
    if (!plc_group_is_here(g)) {
        free(p->result);
        return PL_ECLOSED;
    }
    pl_guard_enter(g->guard);
    if (is_stopping(g))
        rc = PL_ESTOPPING;
    else if (p->label != NULL && has_label(g, p->label))
        rc = PL_EEXIST;
    if (rc == PL_OK) {
        pl_list_append(&g->parts, &p->link);
        post(g, &p->add);
    }
    pl_guard_leave(g->guard);
    if (rc != PL_OK)
        free(p->result);
    return rc;
}

static enum pl_err post_unless(struct plc_mail *m,
                               bool (*is_refused)(const struct plc_group *))
{
    struct plc_group *g = m->part->group;

    if (!plc_group_is_here(g))
        return PL_ECLOSED;
    pl_guard_enter(g->guard);
    enum pl_err rc = is_refused(g) ? PL_ESTOPPING : PL_OK;
    if (rc == PL_OK)
        post(g, m);
    pl_guard_leave(g->guard);
    return rc;
}

static bool has_ended(const struct plc_group *g)
{
    return g->has_ended;
}

enum pl_err plc_part_post(struct plc_mail *m)
{
    return post_unless(m, is_stopping);
}

enum pl_err plc_part_post_late(struct plc_mail *m)
{
    return post_unless(m, has_ended);
}

/* Once it is posted, `m` may be gone. */
enum pl_err plc_part_post_call(struct plc_mail *m, size_t bytes,
                               uint32_t wait_ms)
{
    struct plc_part *p = m->part;
    bool is_on_loop = plc_group_is_on_loop(p->group);

    if (!plc_group_is_here(p->group))
        return PL_ECLOSED;
    enum pl_err rc = pl_quota_take(p->quota, bytes, is_on_loop ? 0 : wait_ms);

    if (rc != PL_OK)
        return rc == PL_ETIMEDOUT ? PL_EFULL : rc;
    rc = plc_part_post(m);
    if (rc != PL_OK)
        pl_quota_return(p->quota, bytes);
    return rc;
}

void plc_part_count_accepted(struct plc_part *p, size_t bytes)
{
    p->group->counts[PLC_COUNT_ACCEPTED]++;
    p->group->counts[PLC_COUNT_QUEUE_BYTES] += bytes;
}

void plc_part_count_ended(struct plc_part *p, enum plc_outcome outcome,
                          size_t bytes)
{
    static const enum plc_count counts[] = {
        [PLC_DONE] = PLC_COUNT_DONE,
        [PLC_REFUSED] = PLC_COUNT_REFUSED,
        [PLC_NOT_SENT] = PLC_COUNT_NOT_SENT,
        [PLC_UNKNOWN] = PLC_COUNT_UNKNOWN,
    };

    p->group->counts[counts[outcome]]++;
    p->group->counts[PLC_COUNT_QUEUE_BYTES] -= bytes;
}

void plc_part_drop(struct plc_part *p)
{
    struct plc_group *g = p->group;

    if (!plc_group_is_here(g) || plc_part_post_late(&p->drop) == PL_OK)
        return;
    struct plc_event *last = last_event(p);
    if ((g->options.flags & PLC_MANUAL) != 0)
        plc_events_put_last(g->events, last);
    else
        plc_part_free(p);
}
