/* SPDX-License-Identifier: Apache-2.0 */
/* json_lines.c - see json_lines.h.
 *
 * Data passes byte for byte, as it does in the broker: a number with twenty
 * digits stays what it is.  The broker's own scanner decides what JSON is, so
 * what passes here passes there.
 *
 * Rejected: jansson, which would change numbers.
 *
 * Invariant: nothing that is appended has a line end. */
#include "json_lines.h"

#include <inttypes.h>
#include <stdint.h>

#include "json_scan.h"

void put_string(struct pl_buf *b, struct pl_span text)
{
    pl_buf_put_byte(b, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];

        if (c < 0x20) {
            pl_buf_printf(b, "\\u%04x", c);
            continue;
        }
        if (c == '"' || c == '\\')
            pl_buf_put_byte(b, '\\');
        pl_buf_put_byte(b, (char)c);
    }
    pl_buf_put_byte(b, '"');
}

void put_member(struct pl_buf *b, const char *before, const char *name,
                const char *text)
{
    pl_buf_printf(b, "%s\"%s\":", before, name);
    put_string(b, pl_span_of(text));
}

bool is_json(struct pl_span data, const char **why, size_t *at)
{
    struct pl_arena arena = {0};
    struct pl_json j;

    pl_json_init(&j, data, &arena);
    const char *begin = j.at;
    pl_json_space(&j);
    bool is = pl_json_skip(&j, PL_JSON_DEPTH_MAX);
    if (is) {
        pl_json_space(&j);
        is = j.at == j.end || pl_json_fail(&j, "something follows");
    }
    if (!is && why != NULL)
        *why = j.why;
    if (!is && at != NULL)
        *at = (size_t)(j.at - begin);
    pl_arena_fini(&arena);
    return is;
}

void put_base64(struct pl_buf *b, const char *before, struct plc_bytes data)
{
    const unsigned char *at = data.at;
    const size_t len = data.len;
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    pl_buf_printf(b, "%s\"", before);
    for (size_t i = 0; i < len; i += 3) {
        uint32_t three = (uint32_t)at[i] << 16;

        three |= i + 1 < len ? (uint32_t)at[i + 1] << 8 : 0;
        three |= i + 2 < len ? at[i + 2] : 0;
        pl_buf_put_byte(b, digits[three >> 18]);
        pl_buf_put_byte(b, digits[three >> 12 & 63]);
        pl_buf_put_byte(b, i + 1 < len ? digits[three >> 6 & 63] : '=');
        pl_buf_put_byte(b, i + 2 < len ? digits[three & 63] : '=');
    }
    pl_buf_put_byte(b, '"');
}

void put_data(struct pl_buf *b, const char *before, const char *name,
              struct plc_bytes data)
{
    size_t begin = b->len;

    pl_buf_printf(b, "%s\"%s\":", before, name);
    size_t at = b->len;
    pl_buf_put(b, data.at, data.len);
    if (!b->failed && data.len > 0 &&
        is_json((struct pl_span){b->data + at, data.len}, NULL, NULL))
        return;
    b->len = begin;
    pl_buf_printf(b, "%s\"b64%s\":", before, name);
    put_base64(b, "", data);
}

void put_info(struct pl_buf *b, const struct plc_info *info)
{
    put_member(b, "{", "user", info->user);
    put_member(b, ",", "client", info->client);
    if (info->conn_info.len > 0)
        put_data(b, ",", "conn_info", info->conn_info);
    if (info->chan_info.len > 0)
        put_data(b, ",", "chan_info", info->chan_info);
    pl_buf_put_byte(b, '}');
}

static void put_tags(struct pl_buf *b, const struct plc_publication *p)
{
    const char *before = ",\"tags\":{";

    for (size_t i = 0; i < p->tag_count; i++) {
        pl_buf_put_span(b, pl_span_of(before));
        put_string(b, pl_span_of(p->tags[i].key));
        pl_buf_put_byte(b, ':');
        put_string(b, pl_span_of(p->tags[i].value));
        before = ",";
    }
    pl_buf_put_byte(b, '}');
}

void put_publication(struct pl_buf *b, const struct plc_publication *p)
{
    put_data(b, "{", "data", p->data);
    if (p->info != NULL) {
        pl_buf_put_span(b, PL_SPAN(",\"info\":"));
        put_info(b, p->info);
    }
    if (p->offset != 0)
        pl_buf_printf(b, ",\"offset\":%" PRIu64, p->offset);
    if (p->tag_count > 0)
        put_tags(b, p);
    if (p->time_ms != 0)
        pl_buf_printf(b, ",\"time\":%" PRId64, p->time_ms);
    pl_buf_put_byte(b, '}');
}
