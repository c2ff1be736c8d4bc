/* SPDX-License-Identifier: Apache-2.0 */
/* url_query.c - see url_query.h. */
#include "url_query.h"

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool pl_query_decode(struct pl_buf *b, struct pl_span value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];

        if (c == '%') {
            int high = value.len - i < 3 ? -1 : hex_of(value.at[i + 1]);
            int low = high < 0 ? -1 : hex_of(value.at[i + 2]);

            if (low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        pl_buf_put_byte(b, c);
    }
    return true;
}

bool pl_query_next(struct pl_span *query, struct pl_span *name,
                   struct pl_span *value)
{
    if (query->len == 0)
        return false;
    const char *end = memchr(query->at, '&', query->len);
    size_t len = end == NULL ? query->len : (size_t)(end - query->at);
    const char *equals = memchr(query->at, '=', len);
    size_t name_len = equals == NULL ? len : (size_t)(equals - query->at);

    *name = (struct pl_span){query->at, name_len};
    *value = (struct pl_span){query->at + name_len + (equals != NULL),
                              len - name_len - (equals != NULL)};
    query->at += len + (end != NULL);
    query->len -= len + (end != NULL);
    return true;
}
