/* SPDX-License-Identifier: Apache-2.0 */
/* cases_limits.c - RFC 6455 section 10.4: messages beyond 64 KiB, the default
 * of websocket.max_message, end in 1009 before they are here. */
#include "suite.h"

static const struct {
    const char *name, *send, *expect;
} cases[] = {
    {"one byte too many, told by the header", "82=65537:", "close:1009"},
    {"a text of one byte too many", "81=65537:a", "close:1009"},
    {"one byte too many, all of it here", "82:x{65537}", "close:1009"},
    {"a gigabyte", "82=1073741824:x", "close:1009"},
    {"a terabyte", "82=1099511627776:x", "close:1009"},
    {"the largest length there is", "82=9223372036854775807:x", "close:1009"},
    {"fragments beyond the limit, told by a header",
     "02:x{40000} 80=25537:", "close:1009"},
    {"the last fragment one byte too many", "02:x{65536} 80:x", "close:1009"},
    {"a fragment of a terabyte", "01=1099511627776:", "close:1009"},
    {"an overflow of the sum", "02:x 80=9223372036854775807:", "close:1009"},
    {"exactly the limit in fragments", "02:x{40000} 00:x{25535} 80:x",
     "binary:x{65536}"},
    {"exactly the limit, then an empty fragment",
     "02:x{65536} 80:", "binary:x{65536}"},
    {"the limit is each message's", "82:x{65536} 82:y{65536}",
     "binary:x{65536} binary:y{65536}"},
    {"control frames do not count",
     "02:x{65536} 89:p{125} 80:", "pong:p{125} binary:x{65536}"},
    {"a message before one that is too long",
     "81:a 82=65537:", "text:a close:1009"},
    {"a ping before one that is too long", "89:p 82=65537:x",
     "pong:p close:1009"},
    {"too long and not masked", "82u=65537:", "close:1002"},
    {"too long and with a reserved bit", "92=65537:", "close:1002"},
};

void add_limits(struct suite *s)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        suite_add(s, cases[i].send, cases[i].expect, "%s", cases[i].name);
}
