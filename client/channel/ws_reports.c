/* SPDX-License-Identifier: Apache-2.0 */
/* ws_reports.c - see ws_reports.h.
 *
 * Each report is one allocation with all that the program gets.  Those of the
 * begin and the end of a connection are allocated before it is tried, with
 * space for the longest text.
 *
 * Rejected: an event inside the channel that says that callbacks are lost, as
 * clients of the protocol have it.  They connect again by themselves; a program
 * with a plain channel counts on one closed() for each open().
 *
 * Invariant: a report is put once, or freed with its life. */
#include "ws_reports.h"

#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "link.h"
#include "text.h"

enum { WHY_MAX = 400 };

struct plc_ws_report {
    struct plc_event event; /* first */
    struct plc_ws *ws;
    enum plc_kind kind;
    enum pl_err err;
    int number; /* a code, or the status of HTTP */
    bool is_clean;
    size_t len;  /* of a message */
    size_t size; /* of `text` */
    char text[]; /* with a final zero byte */
};

static struct plc_ws_report *report_of(struct plc_event *e)
{
    return (struct plc_ws_report *)e;
}

static void destroy_report(struct pl_msg *msg)
{
    free(msg);
}

static struct plc_ws_report *create(struct plc_ws *w, size_t text_max)
{
    struct plc_ws_report *r = malloc(sizeof *r + text_max + 1);

    if (r == NULL)
        return NULL;
    memset(r, 0, sizeof *r);
    r->event.msg.destroy = destroy_report;
    r->event.size = sizeof *r + text_max;
    r->ws = w;
    r->size = text_max + 1;
    return r;
}

static void put(struct plc_ws_report *r, void (*run)(struct plc_event *))
{
    r->event.run = run;
    plc_events_put(plc_ws_events(r->ws), &r->event);
}

/* --- What begins and ends --- */

enum pl_err plc_ws_life_init(struct plc_ws_life *l, struct plc_ws *w,
                             size_t protocol_max)
{
    const struct plc_ws_options *o = plc_ws_calls(w);
    bool has_end = o->closed != NULL || o->failed != NULL;

    *l = (struct plc_ws_life){0};
    if (o->open != NULL)
        l->open = create(w, protocol_max);
    if (has_end)
        l->end = create(w, WHY_MAX);
    bool is_whole =
        (l->open != NULL || o->open == NULL) && (l->end != NULL || !has_end);
    if (is_whole)
        return PL_OK;
    plc_ws_life_fini(l);
    return PL_ENOMEM;
}

void plc_ws_life_fini(struct plc_ws_life *l)
{
    free(l->open);
    free(l->end);
    l->open = l->end = NULL;
}

static void run_open(struct plc_event *e)
{
    struct plc_ws_report *r = report_of(e);
    const struct plc_ws_options *o = plc_ws_calls(r->ws);

    o->open(r->ws, r->text, o->arg);
}

void plc_ws_report_open(struct plc_ws_life *l, struct pl_span protocol)
{
    struct plc_ws_report *r = l->open;

    if (r == NULL)
        return;
    l->open = NULL;
    plc_text_copy(r->text, r->size, protocol);
    put(r, run_open);
}

static void run_closed(struct plc_event *e)
{
    struct plc_ws_report *r = report_of(e);
    const struct plc_ws_options *o = plc_ws_calls(r->ws);

    if (o->closed != NULL)
        o->closed(r->ws, (uint16_t)r->number, r->text, r->is_clean, o->arg);
}

static void run_failed(struct plc_event *e)
{
    struct plc_ws_report *r = report_of(e);
    const struct plc_ws_options *o = plc_ws_calls(r->ws);

    if (o->failed != NULL)
        o->failed(r->ws, r->err, r->number, r->text, o->arg);
}

void plc_ws_report_end(struct plc_ws_life *l, const struct plc_link_end *end)
{
    struct plc_ws_report *r = l->end;

    l->end = NULL;
    plc_ws_life_fini(l); /* it may not have opened */
    if (r == NULL)
        return;
    plc_text_copy(r->text, r->size, pl_span_of(end->why));
    r->err = end->err;
    r->number = end->was_open ? end->code : end->http_status;
    r->is_clean = end->is_clean;
    put(r, end->was_open ? run_closed : run_failed);
}

/* --- Messages --- */

static void run_message(struct plc_event *e)
{
    struct plc_ws_report *r = report_of(e);
    const struct plc_ws_options *o = plc_ws_calls(r->ws);

    o->message(r->ws, r->kind, &(struct plc_bytes){r->text, r->len}, o->arg);
}

bool plc_ws_report_message(struct plc_ws *w, enum plc_kind kind,
                           struct pl_span data)
{
    struct plc_ws_report *r;

    if (plc_ws_calls(w)->message == NULL)
        return true;
    r = create(w, data.len);
    if (r == NULL)
        return false;
    r->kind = kind;
    r->len = data.len;
    plc_text_copy(r->text, r->size, data);
    put(r, run_message);
    return true;
}
