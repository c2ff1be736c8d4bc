/* SPDX-License-Identifier: Apache-2.0 */
/* deflate_terms.c - negotiates compression; see deflate.h.
 *
 * The answer always asks both sides to drop their context after each message,
 * which RFC 7692 allows even if the offer does not mention it (sections 7.1.1.1
 * and 7.1.1.2).  On our side this makes one compressed frame valid for many
 * subscribers; on the client's it saves a window of 32 KiB per connection.
 *
 * An offer is declined if a parameter is unknown, repeated or out of range, or
 * has a value where none belongs or lacks one; the next offer is then examined.
 * The handshake already refused anything that is not a list of extensions.
 *
 * A client offers to drop both contexts too.  A server that keeps its own is
 * refused, because its messages could not be inflated; whether it has the
 * client drop the client's does not matter.
 *
 * Rejected: context takeover for replies only, because it compresses some
 * percent better but costs 300 KiB per connection.
 *
 * Invariant: the answer repeats nothing of the offer except numbers. */
#include "deflate.h"

#include <stdio.h>

#include "http.h"

enum { BITS_MIN = 8, BITS_MAX = 15, NARROW_BITS = 9 };

/* One offer or one answer; bits 0: not requested. */
struct offer {
    bool server_no_context;
    bool client_no_context;
    bool client_bits_named; /* with or without a number */
    unsigned server_bits;
    unsigned client_bits;
};

/* The length of `s` up to the first `stop` outside quotes, or its whole
 * length. */
static size_t until(struct pl_span s, char stop)
{
    bool quoted = false;

    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == '"')
            quoted = !quoted;
        else if (quoted && s.at[i] == '\\')
            i++;
        else if (!quoted && s.at[i] == stop)
            return i;
    }
    return s.len;
}

/* Remove and return the part of `rest` before the next `stop`. */
static struct pl_span take_until(struct pl_span *rest, char stop)
{
    size_t len = until(*rest, stop);
    struct pl_span part = pl_http_trim((struct pl_span){rest->at, len});

    len += len < rest->len;
    rest->at += len;
    rest->len -= len;
    return part;
}

/* Return a value without its quotes.  An escape inside them is no number and
 * stays invalid. */
static struct pl_span unquote(struct pl_span value)
{
    if (value.len >= 2 && *value.at == '"' && value.at[value.len - 1] == '"')
        return (struct pl_span){value.at + 1, value.len - 2};
    return value;
}

/* Parse 8 to 15 without leading zeros; otherwise return 0. */
static unsigned read_bits(struct pl_span value)
{
    unsigned bits = 0;

    if (value.len == 0 || value.len > 2 || *value.at == '0')
        return 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return 0;
        bits = bits * 10 + (unsigned)(value.at[i] - '0');
    }
    return bits < BITS_MIN || bits > BITS_MAX ? 0 : bits;
}

static bool note_flag(bool *flag, bool has_value)
{
    if (*flag || has_value)
        return false;
    *flag = true;
    return true;
}

static bool note_server_bits(struct offer *o, struct pl_span value)
{
    if (o->server_bits != 0)
        return false;
    o->server_bits = read_bits(value);
    return o->server_bits != 0;
}

static bool note_client_bits(struct offer *o, struct pl_span value,
                             bool has_value)
{
    if (o->client_bits_named)
        return false;
    o->client_bits_named = true;
    o->client_bits = has_value ? read_bits(value) : 0;
    return !has_value || o->client_bits != 0;
}

/* Record one "name" or "name=value".  Return false if the offer must be
 * declined. */
static bool note(struct offer *o, struct pl_span parameter)
{
    struct pl_span value = parameter;
    struct pl_span name = take_until(&value, '=');
    bool has_value = name.len < parameter.len;

    value = unquote(pl_http_trim(value));
    if (pl_http_equal(name, PL_SPAN("server_no_context_takeover")))
        return note_flag(&o->server_no_context, has_value);
    if (pl_http_equal(name, PL_SPAN("client_no_context_takeover")))
        return note_flag(&o->client_no_context, has_value);
    if (pl_http_equal(name, PL_SPAN("server_max_window_bits")))
        return note_server_bits(o, value);
    if (pl_http_equal(name, PL_SPAN("client_max_window_bits")))
        return note_client_bits(o, value, has_value);
    return false;
}

static bool read_offer(struct pl_span extension, struct offer *out)
{
    struct offer o = {0};
    bool more = until(extension, ';') < extension.len;

    if (!pl_http_equal(take_until(&extension, ';'),
                       PL_SPAN("permessage-deflate")))
        return false;
    while (more) {
        more = until(extension, ';') < extension.len;
        if (!note(&o, take_until(&extension, ';')))
            return false;
    }
    *out = o;
    return true;
}

/* Append a parameter with its number, unless the number is 0. */
static void answer_bits(struct pl_deflate_terms *t, const char *name,
                        unsigned bits)
{
    size_t len = strlen(t->answer);

    if (bits != 0)
        snprintf(t->answer + len, sizeof t->answer - len, "; %s=%u", name,
                 bits);
}

static void agree(const struct offer *o, struct pl_deflate_terms *out)
{
    bool is_narrow = o->server_bits != 0 && o->server_bits < BITS_MAX;
    unsigned server = o->server_bits;

    if (is_narrow && server > NARROW_BITS)
        server = NARROW_BITS;
    out->kind = is_narrow ? PL_DEFLATE_NARROW : PL_DEFLATE_WIDE;
    strcpy(out->answer, "permessage-deflate; server_no_context_takeover; "
                        "client_no_context_takeover");
    answer_bits(out, "server_max_window_bits", server);
    answer_bits(out, "client_max_window_bits", o->client_bits);
}

void pl_deflate_choose(struct pl_span offers, struct pl_deflate_terms *out)
{
    struct offer o;

    *out = (struct pl_deflate_terms){.kind = PL_DEFLATE_NONE};
    while (offers.len > 0) {
        if (read_offer(take_until(&offers, ','), &o)) {
            agree(&o, out);
            return;
        }
    }
}

const char *pl_deflate_agree(struct pl_span answer, enum pl_deflate *kind)
{
    struct offer o;
    struct pl_span first = take_until(&answer, ',');

    if (answer.len > 0)
        return "the server accepted more than one extension";
    if (!read_offer(first, &o))
        return "the server accepted other extensions than were offered";
    if (!o.server_no_context)
        return "the server keeps its context between messages";
    if (o.client_bits_named && o.client_bits == 0)
        return "the server named no client_max_window_bits";
    *kind = o.client_bits != 0 && o.client_bits < BITS_MAX ? PL_DEFLATE_NARROW
                                                           : PL_DEFLATE_WIDE;
    return NULL;
}
