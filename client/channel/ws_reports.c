/* SPDX-License-Identifier: Apache-2.0 */
/* ws_reports.c - see ws_reports.h.
 *
 * Invariant: each report is one allocation with all that the program gets. */
#include "ws_reports.h"

#include <stdlib.h>
#include <string.h>

#include "events.h"

struct report {
    struct plc_event event; /* first */
    struct plc_ws *ws;
    enum plc_kind kind;
    enum pl_err err;
    int number; /* a code, or the status of HTTP */
    bool is_clean;
    size_t len;
    char text[]; /* with a final zero byte */
};

static void destroy_report(struct pl_msg *msg)
{
    free(msg);
}

static struct report *create(struct plc_ws *w, void (*run)(struct plc_event *),
                             struct pl_span text)
{
    struct report *r = malloc(sizeof *r + text.len + 1);

    if (r == NULL)
        return NULL;
    memset(r, 0, sizeof *r);
    r->event.run = run;
    r->event.msg.destroy = destroy_report;
    r->ws = w;
    r->len = text.len;
    if (text.len > 0)
        memcpy(r->text, text.at, text.len);
    r->text[text.len] = '\0';
    return r;
}

static void put(struct report *r)
{
    plc_events_put(plc_ws_events(r->ws), &r->event);
}

static void run_open(struct plc_event *e)
{
    struct report *r = (struct report *)e;
    const struct plc_ws_options *o = plc_ws_calls(r->ws);

    o->open(r->ws, r->text, o->arg);
}

void plc_ws_report_open(struct plc_ws *w, struct pl_span protocol)
{
    struct report *r;

    if (plc_ws_calls(w)->open != NULL &&
        (r = create(w, run_open, protocol)) != NULL)
        put(r);
}

static void run_message(struct plc_event *e)
{
    struct report *r = (struct report *)e;
    const struct plc_ws_options *o = plc_ws_calls(r->ws);

    o->message(r->ws, r->kind, &(struct plc_bytes){r->text, r->len}, o->arg);
}

void plc_ws_report_message(struct plc_ws *w, enum plc_kind kind,
                           struct pl_span data)
{
    struct report *r;

    if (plc_ws_calls(w)->message == NULL ||
        (r = create(w, run_message, data)) == NULL)
        return;
    r->kind = kind;
    put(r);
}

static void run_closed(struct plc_event *e)
{
    struct report *r = (struct report *)e;
    const struct plc_ws_options *o = plc_ws_calls(r->ws);

    o->closed(r->ws, (uint16_t)r->number, r->text, r->is_clean, o->arg);
}

void plc_ws_report_closed(struct plc_ws *w, uint16_t code, const char *reason,
                          bool is_clean)
{
    struct report *r;

    if (plc_ws_calls(w)->closed == NULL ||
        (r = create(w, run_closed, pl_span_of(reason))) == NULL)
        return;
    r->number = code;
    r->is_clean = is_clean;
    put(r);
}

static void run_failed(struct plc_event *e)
{
    struct report *r = (struct report *)e;
    const struct plc_ws_options *o = plc_ws_calls(r->ws);

    o->failed(r->ws, r->err, r->number, r->text, o->arg);
}

void plc_ws_report_failed(struct plc_ws *w, enum pl_err err, int http_status,
                          const char *why)
{
    struct report *r;

    if (plc_ws_calls(w)->failed == NULL ||
        (r = create(w, run_failed, pl_span_of(why))) == NULL)
        return;
    r->err = err;
    r->number = http_status;
    put(r);
}
