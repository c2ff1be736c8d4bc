/* SPDX-License-Identifier: Apache-2.0 */
/* cases_control.c - RFC 6455 section 5.5: pings and pongs. */
#include "suite.h"

#include <stdio.h>

static const struct {
    const char *name, *send, *expect;
} cases[] = {
    {"a ping of any bytes", "89:%00%FF%FE%80%C3%28", "pong:%00%FF%FE%80%C3%28"},
    {"a ping of 126 bytes", "89:p{126}", "close:1002"},
    {"a ping of 127 bytes", "89:p{127}", "close:1002"},
    {"a ping of 65536 bytes", "89:p{65536}", "close:1002"},
    {"a ping of 126 bytes, told before it ends", "89=126:p", "close:1002"},
    {"a ping of 5 bytes in 16 bits", "89w:ppppp", "close:1002"},
    {"a ping of 5 bytes in 64 bits", "89q:ppppp", "close:1002"},
    {"a pong of 126 bytes", "8A:p{126}", "close:1002"},
    {"a pong nobody asked for", "8A:", ""},
    {"a pong with a payload nobody asked for", "8A:x{125}", ""},
    {"pongs and a ping", "8A:a 89:b 8A:c", "pong:b"},
    {"two pings", "89:a 89:b", "pong:a pong:b"},
    {"ten pings", "89:0 89:1 89:2 89:3 89:4 89:5 89:6 89:7 89:8 89:9",
     "pong:0 pong:1 pong:2 pong:3 pong:4 pong:5 pong:6 pong:7 pong:8 pong:9"},
    {"a ping before a message", "89:p 81:m", "pong:p text:m"},
    {"a ping behind a message", "81:m 89:p", "text:m pong:p"},
    {"a ping behind a large message", "82:m{60000} 89:p",
     "binary:m{60000} pong:p"},
    {"a ping before a violation", "89:p 83:", "pong:p close:1002"},
    {"a message and a ping before a violation",
     "81:m 89:p 80:", "text:m pong:p close:1002"},
    {"a ping that is not finished before the end", "89=5:pp fin", "end"},
    {"a ping with a key of zeros", "89z:zero", "pong:zero"},
};

void add_control(struct suite *s)
{
    static const unsigned lengths[] = {0, 1, 2, 4, 5, 32, 124, 125};
    char send[64], expect[64];

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        unsigned n = lengths[i];

        snprintf(send, sizeof send, n == 0 ? "89:" : "89:p{%u}", n);
        snprintf(expect, sizeof expect, n == 0 ? "pong:" : "pong:p{%u}", n);
        suite_add(s, send, expect, "a ping of %u bytes", n);
        snprintf(send, sizeof send, n == 0 ? "8A:" : "8A:%%FF{%u}", n);
        suite_add(s, send, "", "a pong of %u bytes", n);
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        suite_add(s, cases[i].send, cases[i].expect, "%s", cases[i].name);
}
