/* SPDX-License-Identifier: Apache-2.0 */
/* court.c - see court.h. */
#include "court.h"

#include <stdio.h>
#include <string.h>

enum pl_verdict_kind court_keep(struct court *t, struct pl_question *q)
{
    assert_true(t->count < COURT_CALLS_MAX);
    struct pl_call *call = pl_question_keep(q);
    if (call == NULL)
        return PL_LATER;
    assert_null(pl_question_keep(q)); /* once */
    t->calls[t->count++] = call;
    return PL_LATER;
}

static enum pl_verdict_kind judge(struct pl_question *q, void *context,
                                  struct pl_verdict *out)
{
    struct court *t = context;

    t->asked++;
    snprintf(t->data, sizeof t->data, "%.*s", (int)q->data.len, q->data.at);
    if (t->is_careless)
        return PL_LATER;
    if (t->is_twofold)
        court_keep(t, q);
    if (q->channel.len == 0) /* a refresh */
        return court_keep(t, q);
    switch (q->channel.at[0]) {
    case 'n':
        out->code = 403;
        out->text = PL_SPAN("not you");
        return PL_NO;
    case 'f':
        out->code = 1001;
        out->is_temporary = true;
        return PL_NO;
    case 'x':
        out->code = 4500;
        out->text = PL_SPAN("begone");
        return PL_NO;
    case 'l':
        return court_keep(t, q);
    default:
        return PL_YES;
    }
}

struct rig *court_open(const char *test, struct court *t, unsigned which,
                       const char *const *sets, size_t set_count)
{
    struct pl_handlers *table = pl_handlers_create(), *more;
    struct rig_options o = {.sets = sets, .set_count = set_count};

    for (unsigned asks = PL_ASKS_REFRESH; asks < PL_ASKS_COUNT; asks++) {
        if (!(which >> asks & 1))
            continue;
        assert_int_equal(
            pl_handlers_with_judge(table, (enum pl_asks)asks, judge, t, &more),
            PL_OK);
        pl_handlers_release(table);
        table = more;
    }
    o.handlers = table;
    t->rig = rig_start(test, &o);
    return t->rig;
}

void court_allow(struct court *t, unsigned call)
{
    assert_int_equal(pl_call_allow(t->calls[call], 0), PL_OK);
    rig_run(t->rig, 0);
}

void court_ask(struct client *c, unsigned id, const char *channel)
{
    client_sayf(c, "{\"id\":%u,\"subscribe\":{\"channel\":\"%s\"}}", id,
                channel);
    rig_run(c->rig, 0);
}

void court_expect_error(struct client *c, unsigned id, unsigned code,
                        const char *text, bool is_temporary)
{
    char pattern[160];

    snprintf(pattern, sizeof pattern,
             "{\"id\":%u,\"error\":{\"code\":%u,\"message\":\"%s\"%s}}", id,
             code, text, is_temporary ? ",\"temporary\":true" : "");
    client_expect(c, pattern);
}
