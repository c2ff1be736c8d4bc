/* SPDX-License-Identifier: Apache-2.0 */
/* envelope.c - see envelope.h.
 *
 * The broker writes the sender; a client cannot set it.  So the receiver may
 * trust it. */
#include "envelope.h"

#include "codec.h"
#include "wire_text.h"

static void put_member(struct pl_buf *b, const char *name, struct pl_span text)
{
    pl_buf_printf(b, ",\"%s\":", name);
    pl_json_text_encode(b, text);
}

void pl_envelope_write(struct pl_buf *out, const struct pl_envelope *l,
                       uint64_t id)
{
    pl_buf_put_span(out, PL_SPAN("{\"from\":{\"user\":"));
    pl_json_text_encode(out, l->user);
    put_member(out, "client", l->client);
    pl_buf_put_span(out, PL_SPAN("}"));
    put_member(out, "to", l->to);
    if (l->type.at != NULL)
        put_member(out, "type", l->type);
    if (l->body.at != NULL) {
        pl_buf_put_span(out, PL_SPAN(",\"body\":"));
        pl_buf_put_span(out, l->body);
    }
    pl_buf_printf(out, ",\"id\":\"%016llx\"}", (unsigned long long)id);
}
