/* SPDX-License-Identifier: Apache-2.0 */
/* cases_fragments.c - RFC 6455 section 5.4: messages in several frames. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *send, *expect;
} cases[] = {
    {"two fragments", "01:Hel 80:lo", "text:Hello"},
    {"two fragments of a binary", "02:%00%FF 80:%01", "binary:%00%FF%01"},
    {"three fragments", "01:a 00:b 80:c", "text:abc"},
    {"a first fragment that is empty", "01: 80:abc", "text:abc"},
    {"a last fragment that is empty", "01:abc 80:", "text:abc"},
    {"a middle fragment that is empty", "01:ab 00: 80:c", "text:abc"},
    {"fragments that are all empty", "01: 00: 00: 80:", "text:"},
    {"empty fragments of a binary", "02: 00: 80:", "binary:"},
    {"large fragments", "01:a{20000} 00:b{20000} 80:c{20000}",
     "text:a{20000}b{20000}c{20000}"},
    {"fragments of different sizes", "02:a 00:b{125} 00:c{126} 80:d{5000}",
     "binary:ab{125}c{126}d{5000}"},
    {"a fragmented message between whole ones", "81:x 01:a 80:b 81:y",
     "text:x text:ab text:y"},
    {"two fragmented messages", "01:a 80:b 02:c 80:d", "text:ab binary:cd"},
    {"a ping between fragments", "01:a 89:p 80:b", "pong:p text:ab"},
    {"an empty ping between fragments", "01:a 89: 80:b", "pong: text:ab"},
    {"pings between all fragments", "89:0 01:a 89:1 00:b 89:2 80:c 89:3",
     "pong:0 pong:1 pong:2 text:abc pong:3"},
    {"many pings between two fragments", "01:a 89:1 89:2 89:3 89:4 80:b",
     "pong:1 pong:2 pong:3 pong:4 text:ab"},
    {"a large ping between fragments", "02:a 89:p{125} 80:b",
     "pong:p{125} binary:ab"},
    {"a pong between fragments", "01:a 8A:x 80:b", "text:ab"},
    {"a close between fragments", "01:a 88:%03%E8", "close:1000"},
    {"an empty close between fragments", "01:a 88: 80:b", "close:"},
    {"a continuation that continues nothing", "80:x", "close:1002"},
    {"an empty continuation of nothing", "80:", "close:1002"},
    {"a continuation of nothing without FIN", "00:x", "close:1002"},
    {"a continuation behind a whole message", "81:a 80:b", "text:a close:1002"},
    {"a continuation behind a whole message, without FIN", "82:a 00:b 80:c",
     "binary:a close:1002"},
    {"a continuation behind a fragmented message", "01:a 80:b 80:c",
     "text:ab close:1002"},
    {"a continuation behind a fragmented message, without FIN, then a message",
     "01:a 80:b 00:c 81:d", "text:ab close:1002"},
    {"a continuation of nothing without FIN, then a message and another",
     "00:a 81:b 80:c", "close:1002"},
    {"a continuation behind a ping", "89:p 80:x", "pong:p close:1002"},
    {"a text inside a text", "01:a 81:b", "close:1002"},
    {"a binary inside a text", "01:a 82:b", "close:1002"},
    {"a text inside a binary", "02:a 81:b", "close:1002"},
    {"a first fragment inside a message", "01:a 01:b 80:c", "close:1002"},
    {"a first binary fragment inside a text", "01:a 02:b 80:c", "close:1002"},
    {"an empty text inside a message", "01:a 00:b 81:", "close:1002"},
    {"a text inside a message, told before it ends", "01:a 81=5000:b",
     "close:1002"},
    {"a ping answered before a message inside a message", "01:a 89:p 81:b",
     "pong:p close:1002"},
    {"a message before a message inside a message", "81:x 01:a 81:b",
     "text:x close:1002"},
    {"a ping in fragments", "09:p 80:q", "close:1002"},
    {"an empty ping without FIN", "09:", "close:1002"},
    {"a pong in fragments", "0A:p 80:q", "close:1002"},
    {"a close in fragments", "08:%03 80:%E8", "close:1002"},
    {"an empty close without FIN", "08:", "close:1002"},
    {"a ping without FIN between fragments", "01:a 09:p 80:b", "close:1002"},
    {"a fragment that never ends, then a close", "01:a 00:b 88:%03%E9",
     "close:1001"},
};

/* One byte a fragment. */
static void add_many(struct suite *s, int fragments)
{
    static char send[32768], expect[2048];
    size_t len = (size_t)sprintf(send, "01:a");

    for (int i = 2; i < fragments; i++)
        len += (size_t)sprintf(send + len, " 00:%c", 'a' + i % 26);
    sprintf(send + len, " 80:z");
    len = (size_t)sprintf(expect, "text:a");
    for (int i = 2; i < fragments; i++)
        expect[len++] = (char)('a' + i % 26);
    strcpy(expect + len, "z");
    suite_add(s, send, expect, "a text of %d fragments", fragments);
}

/* Fragments of one size and what is left over, as senders make them that cut
 * by themselves. */
static void add_even(struct suite *s, unsigned size, unsigned fragment)
{
    char send[2048], expect[32];
    size_t len = (size_t)sprintf(send, "01:*{%u}", fragment);
    unsigned left = size - fragment;

    for (; left > fragment; left -= fragment)
        len += (size_t)sprintf(send + len, " 00:*{%u}", fragment);
    sprintf(send + len, " 80:*{%u}", left);
    snprintf(expect, sizeof expect, "text:*{%u}", size);
    suite_add(s, send, expect, "%u bytes in fragments of %u", size, fragment);
}

void add_fragments(struct suite *s)
{
    add_even(s, 65536, 1300);
    add_even(s, 65536, 4096);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        suite_add(s, cases[i].send, cases[i].expect, "%s", cases[i].name);
    add_many(s, 10);
    add_many(s, 100);
    add_many(s, 1000);
}
