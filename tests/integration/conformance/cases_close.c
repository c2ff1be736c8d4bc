/* SPDX-License-Identifier: Apache-2.0 */
/* cases_close.c - RFC 6455 sections 5.5.1 and 7: codes, reasons, and that a
 * Close is the last that counts. */
#include "suite.h"

#include <stdio.h>

static const struct {
    const char *name, *send, *expect;
} cases[] = {
    {"a close without a code", "88:", "close:"},
    {"a close of one byte", "88:x", "close:1002"},
    {"a close of one zero", "88:%00", "close:1002"},
    {"a close of one byte, told before it ends", "88=1:", "close:1002"},
    {"a close with a reason", "88:%03%E8bye", "close:1000"},
    {"a close with the longest reason", "88:%03%E8r{123}", "close:1000"},
    {"a close with a reason too long", "88:%03%E8r{124}", "close:1002"},
    {"a close too long, told before it ends", "88=126:", "close:1002"},
    {"a close with a reason in UTF-8",
     "88:%03%E8%CE%BA%E1%BD%B9%CF%83%F0%9F%98%80", "close:1000"},
    {"a close with a reason that is not UTF-8", "88:%03%E8%CE%BA%FF",
     "close:1007"},
    {"a close with a reason cut inside a character", "88:%03%E8%E2%82",
     "close:1007"},
    {"a close with a reason with a surrogate", "88:%03%E8%ED%A0%80",
     "close:1007"},
    {"a close with an overlong reason", "88:%03%E8%C0%80", "close:1007"},
    {"a message behind a close", "88:%03%E8 81:after", "close:1000"},
    {"a ping behind a close", "88:%03%E8 89:after", "close:1000"},
    {"a close behind a close", "88:%03%E8 88:%03%E9", "close:1000"},
    {"a violation behind a close", "88:%03%E8 83:", "close:1000"},
    {"garbage behind a close", "88:%03%E8 raw:%FF{1000}", "close:1000"},
    {"a fragment behind a close", "88:%03%E8 80:x", "close:1000"},
    {"much behind a close", "88:%03%E8 82:x{60000}", "close:1000"},
    {"a message before a close", "81:a 88:", "text:a close:"},
    {"a large message before a close", "82:a{65536} 88:%0F%A0",
     "binary:a{65536} close:4000"},
    {"two messages before a close and a ping behind it",
     "82:a{65536} 81:b 88:%03%E8 89:p", "binary:a{65536} text:b close:1000"},
    {"a fragment, a close and the other fragment", "01:a 88:%03%E8 80:b",
     "close:1000"},
    {"a message and a ping before a close", "81:a 89:p 88:%03%E9",
     "text:a pong:p close:1001"},
    {"a message before a bad close", "81:a 88:%00%00", "text:a close:1002"},
    {"a ping before a close of one byte", "89:p 88:x", "pong:p close:1002"},
    {"a close and the end", "88:%03%E8 fin", "close:1000"},
    {"an empty close and the end", "88: fin", "close:"},
    {"a violation and the end", "83: fin", "close:1002"},
    {"a violation, much behind it and the end",
     "83: 82:x{60000} 82:x{60000} 82:x{60000} fin", "close:1002"},
    {"a close, much behind it and the end",
     "88:%03%E8 82:x{60000} 82:x{60000} 82:x{60000} fin", "close:1000"},
    {"the end without a close", "fin", "end"},
    {"the end inside a frame", "81=100:abc fin", "end"},
    {"the end inside a message", "01:abc fin", "end"},
    {"the end inside a header", "raw:%81%FE%00 fin", "end"},
    {"the end inside a close", "88=2:%03 fin", "end"},
};

void add_close(struct suite *s)
{
    static const unsigned good[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009,
                                    1010, 1011, 1012, 1013, 1014, 3000, 3001,
                                    3008, 3999, 4000, 4321, 4999};
    static const unsigned bad[] = {0,    1,    999,  1004, 1005,
                                   1006, 1015, 1016, 1100, 1999,
                                   2000, 2999, 5000, 9999, 65535};
    char send[64], expect[32];

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(expect, sizeof expect, "close:%u", good[i]);
        snprintf(send, sizeof send, "88:%%%02X%%%02X", good[i] >> 8,
                 good[i] & 255);
        suite_add(s, send, expect, "code %u", good[i]);
        snprintf(send, sizeof send, "88:%%%02X%%%02Xwhy", good[i] >> 8,
                 good[i] & 255);
        suite_add(s, send, expect, "code %u with a reason", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(send, sizeof send, "88:%%%02X%%%02X", bad[i] >> 8,
                 bad[i] & 255);
        suite_add(s, send, "close:1002", "code %u", bad[i]);
        snprintf(send, sizeof send, "88:%%%02X%%%02Xwhy", bad[i] >> 8,
                 bad[i] & 255);
        suite_add(s, send, "close:1002", "code %u with a reason", bad[i]);
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        suite_add(s, cases[i].send, cases[i].expect, "%s", cases[i].name);
}
