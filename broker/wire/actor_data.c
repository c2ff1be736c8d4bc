/* SPDX-License-Identifier: Apache-2.0 */
/* actor_data.c - see actor_data.h.
 *
 * One struct serves all methods, because they share most members and the
 * receiver skips what it does not know. */
#include "actor_data.h"

#include "json_codec.h"
#include "wire_text.h"

#define PUT(b, literal) pl_buf_put(b, literal, sizeof(literal) - 1)

struct out {
    struct pl_buf *b;
    const char **why;
    size_t *at;
    char before; /* the next member */
};

static void put_name(struct out *o, const char *name)
{
    pl_buf_put_byte(o->b, o->before);
    PUT(o->b, "\"");
    pl_buf_put_span(o->b, pl_span_of(name));
    PUT(o->b, "\":");
    o->before = ',';
}

static bool put_text(struct out *o, const char *name, struct pl_span s)
{
    if (s.len == 0)
        return true;
    if (!pl_text_valid(s)) {
        *o->why = "a string is not UTF-8 or has a zero byte";
        *o->at = pl_text_fault(s);
        return false;
    }
    put_name(o, name);
    pl_json_text_encode(o->b, s);
    return true;
}

static bool put_value(struct out *o, const char *name, struct pl_span s)
{
    if (s.at == NULL)
        return true;
    put_name(o, name);
    return pl_json_data_encode(o->b, s, o->why, o->at);
}

static bool put(struct out *o, const struct pl_actor_data *d)
{
    if (!put_text(o, "to", d->to) || !put_text(o, "type", d->type) ||
        !put_text(o, "name", d->name) ||
        !put_text(o, "reply_to", d->reply_to) ||
        !put_value(o, "body", d->body) || !put_value(o, "error", d->error))
        return false;
    if (d->timeout_ms != 0) {
        put_name(o, "timeout_ms");
        pl_json_number_encode(o->b, d->timeout_ms);
    }
    if (o->before == '{')
        PUT(o->b, "{");
    PUT(o->b, "}");
    return true;
}

enum pl_err pl_actor_data_encode(struct pl_buf *b,
                                 const struct pl_actor_data *d,
                                 const char **why, size_t *at)
{
    struct out o = {b, why, at, '{'};
    size_t before = b->len;
    enum pl_err rc = put(&o, d) ? PL_OK : PL_EINVAL;

    if (rc == PL_OK && b->failed)
        rc = PL_ENOMEM;
    if (rc != PL_OK)
        b->len = before;
    return rc;
}
