/* SPDX-License-Identifier: Apache-2.0 */
/* tags.c - see tags.h. */
#include "tags.h"

#include "codec.h"

void pl_tags_write_json(struct pl_buf *b, struct pl_span tags)
{
    struct pl_span key, value;
    char before = '{';

    while (pl_tags_next(&tags, &key, &value)) {
        pl_buf_put_byte(b, before);
        pl_json_text_encode(b, key);
        pl_buf_put_byte(b, ':');
        pl_json_text_encode(b, value);
        before = ',';
    }
    if (before == '{')
        pl_buf_put_byte(b, before);
    pl_buf_put_byte(b, '}');
}
