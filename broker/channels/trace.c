/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c - reports publications to traces of their channel or of the user that
 * publishes. */
#include <inttypes.h>

#include "channels_trace.h"
#include "code.h"
#include "codec.h"

/* Return true if the data is shown as it is. */
static bool is_shown(const struct pl_trace *r, const struct pl_pub *p)
{
    return r->has_payload && p->is_json && p->data_len <= PL_TRACE_DATA;
}

static void put_text(struct pl_buf *b, const char *before, struct pl_span text)
{
    pl_buf_put_span(b, pl_span_of(before));
    pl_json_text_encode(b, text);
}

static void put_loops(struct pl_buf *b, const uint32_t *at_loop, unsigned loops)
{
    const char *between = "";

    pl_buf_put_span(b, PL_SPAN(",\"to_loops\":["));
    for (unsigned l = 0; l < loops; l++) {
        if (at_loop[l] == 0)
            continue;
        pl_buf_printf(b, "%s%u", between, l);
        between = ",";
    }
    pl_buf_put_byte(b, ']');
}

static void report(struct pl_tracer *t, struct pl_trace *r,
                   const struct pl_publish_mail *m, uint32_t error,
                   const uint32_t *at_loop, unsigned loops)
{
    const struct pl_pub *p = m->pub;
    struct pl_buf *b = pl_trace_begin(t, r, error == 0 ? "publish" : "refused");

    if (b == NULL)
        return;
    put_text(b, ",\"channel\":", pl_pub_channel(p));
    if (p->client != NULL) {
        put_text(b, ",\"client\":", pl_client_id(p->client));
        put_text(b, ",\"user\":", pl_client_user(p->client));
    }
    pl_buf_printf(b, ",\"bytes\":%zu", pl_pub_data(p).len);
    if (error != 0) {
        pl_buf_printf(b, ",\"code\":%" PRIu32, error);
        put_text(b, ",\"reason\":", pl_span_of(pl_code_text(error)));
    } else {
        pl_buf_printf(b, ",\"offset\":%" PRIu64 ",\"subscribers\":%" PRIu32,
                      p->offset, m->accepted);
        if (at_loop != NULL)
            put_loops(b, at_loop, loops);
    }
    if (is_shown(r, p)) {
        pl_buf_put_span(b, PL_SPAN(",\"data\":"));
        pl_buf_put_span(b, pl_pub_data(p));
    }
    pl_trace_end(r);
}

void pl_channels_trace(struct pl_tracer *t, const struct pl_publish_mail *m,
                       uint32_t error, const uint32_t *at_loop, unsigned loops)
{
    struct pl_trace *r;
    uint32_t i = 0;

    while ((r = pl_tracer_next(t, &i, PL_TRACE_CHANNEL,
                               pl_pub_channel(m->pub))) != NULL)
        report(t, r, m, error, at_loop, loops);
    i = 0;
    while (m->pub->client != NULL &&
           (r = pl_tracer_next(t, &i, PL_TRACE_USER,
                               pl_client_user(m->pub->client))) != NULL)
        report(t, r, m, error, at_loop, loops);
}
