/* SPDX-License-Identifier: Apache-2.0 */
/* cases_deflate.c - RFC 7692: what RSV1 means where permessage-deflate was
 * agreed on, and what may be wrong with compressed data.
 *
 * The other tables run with deflate as well, and then most of their messages
 * are compressed.  Data that an earlier message is needed for is wrong, since
 * this suite's servers are to answer client_no_context_takeover. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#define HELLO "%F2H%CD%C9%C9%07%00"

static const struct {
    const char *name, *send, *expect;
} cases[] = {
    /* The examples of section 7.2.3, and what they stand for. */
    {"one block", "C1:" HELLO, "text:Hello"},
    {"one block in two fragments", "41:%F2H%CD 80:%C9%C9%07%00", "text:Hello"},
    {"a block without compression", "C1:%00%05%00%FA%FFHello%00", "text:Hello"},
    {"a final block", "C1:%F3H%CD%C9%C9%07%00%00", "text:Hello"},
    {"a final block, then another", "C1:%F3H%CD%C9%C9%07%00" HELLO,
     "text:HelloHello"},
    {"two blocks", "C1:%F2H%05%00%00%00%FF%FF%CA%C9%C9%07%00", "text:Hello"},
    {"two messages that are the same", "C1:" HELLO " C1:" HELLO,
     "text:Hello text:Hello"},
    {"a message of one empty block", "C1:%00", "text:"},
    {"a binary of one empty block", "C2:%00", "binary:"},
    {"a message of two empty blocks", "C1:%00%00%00%FF%FF%00", "text:"},
    {"an empty fixed block", "C1:%02%00", "text:"},
    {"empty blocks in fragments",
     "41:%00%00%00%FF%FF 00:%00%00%00%FF%FF 00: 80:%00", "text:"},
    {"an empty block between two others",
     "C1:%F2H%05%00%00%00%FF%FF%00%00%00%FF%FF%CA%C9%C9%07%00", "text:Hello"},
    {"a message whose first frame is empty", "41: 00: 80:" HELLO, "text:Hello"},
    {"a message whose last frame is empty", "41:" HELLO " 80:", "text:Hello"},
    /* Where the bit belongs. */
    {"RSV1 in a middle fragment", "41:%F2H%CD 40:%C9 80:%C9%07%00",
     "close:1002"},
    {"RSV1 in a last fragment", "41:%F2H%CD C0:%C9%C9%07%00", "close:1002"},
    {"RSV1 in a fragment of a plain message", "01:He C0:llo", "close:1002"},
    {"RSV1 in a continuation of nothing", "C0:%00", "close:1002"},
    {"RSV1 in a ping", "C9:", "close:1002"},
    {"RSV1 in a pong", "CA:", "close:1002"},
    {"RSV1 in a close", "C8:%03%E8", "close:1002"},
    {"RSV1 in a ping between compressed fragments",
     "41:%F2H%CD C9: 80:%C9%C9%07%00", "close:1002"},
    {"RSV1 and RSV2", "E1:" HELLO, "close:1002"},
    {"RSV1 and RSV3", "D1:" HELLO, "close:1002"},
    {"RSV1 in an unknown opcode", "C3:" HELLO, "close:1002"},
    {"RSV1 in a message inside a message", "41:%F2H%CD C1:" HELLO,
     "close:1002"},
    {"RSV1 and not masked", "C1u:" HELLO, "close:1002"},
    /* Mixed. */
    {"plain messages between compressed ones",
     "81:a C1:" HELLO " 82:b C2:" HELLO " 81:c",
     "text:a text:Hello binary:b binary:Hello text:c"},
    {"plain fragments behind compressed ones",
     "41:%F2H%CD 80:%C9%C9%07%00 01:a 80:b", "text:Hello text:ab"},
    {"pings between compressed fragments",
     "89:0 41:%F2H 89:1 00:%CD 8A:x 00:%C9%C9 89:2 80:%07%00 89:3",
     "pong:0 pong:1 pong:2 text:Hello pong:3"},
    {"a ping's payload is not compressed", "89:" HELLO, "pong:" HELLO},
    {"a close between compressed fragments", "41:%F2H%CD 88:%03%E9",
     "close:1001"},
    {"a compressed message before a violation",
     "C1:" HELLO " 83:", "text:Hello close:1002"},
    /* Invalid data. */
    {"a message without a byte", "C1:", "close:1007"},
    {"a block of a type that there is not", "C1:%07", "close:1007"},
    {"a type that there is not, in a binary", "C2:%07", "close:1007"},
    {"garbage", "C1:%FF%FF%FF%FF%FF", "close:1007"},
    {"a stored block whose lengths differ", "C1:%00%05%00%FF%FFHello%00",
     "close:1007"},
    {"a message cut inside a block", "C1:%F2H%CD%C9", "close:1007"},
    {"a message cut before its last byte", "C1:%F2H%CD%C9%C9%07", "close:1007"},
    {"a stored block that is too short", "C1:%00%FF%00%00%FFHello%00",
     "close:1007"},
    {"a tail that was not cut off", "C1:" HELLO "%00%00%FF%FF", "close:1007"},
    {"a final block without an empty one", "C1:%F3H%CD%C9%C9%07%00",
     "close:1007"},
    {"a distance too far back", "C1:%F2%00%11%00%00", "close:1007"},
    {"a message that refers to the one before",
     "C1:" HELLO " C1:%F2%00%11%00%00", "text:Hello close:1007"},
    {"a good message before a bad one", "81:a C1:%07", "text:a close:1007"},
    {"invalid data in a fragment, told before the end", "41:%07 89:p",
     "close:1007"},
    {"invalid data in a frame that does not end", "C1=60000:%07", "close:1007"},
    {"invalid data in the last of three fragments",
     "42:%00%01%00%FE%FFa 00:%00%01%00%FE%FFb 89:p 80:%07",
     "pong:p close:1007"},
    /* Text. */
    {"compressed text that is not UTF-8", "C1d:a{300}%FF", "close:1007"},
    {"a compressed binary need not be UTF-8", "C2d:a{300}%FF",
     "binary:a{300}%FF"},
    {"compressed text that ends inside a character", "C1d:a%E2%82",
     "close:1007"},
    {"a character over two compressed fragments", "41d:%E2 80d:%82%AC",
     "text:%E2%82%AC"},
    {"a bad byte in a compressed fragment, told before the end",
     "41d:good%FF 89:p 80d:", "close:1007"},
    {"a surrogate in a frame that does not end", "C1d=60000:good%ED%A0",
     "close:1007"},
    {"a bad byte far inside a frame that does not end",
     "C1d=60000:a{50000}%FFa{10000}", "close:1007"},
    {"a ping before a bad byte is answered", "41d:good 89:p 00d:%C3%28",
     "pong:p close:1007"},
    {"a message before a bad one in the same read", "C1d:good C1d:%C3%28",
     "text:good close:1007"},
    /* Limits: 64 KiB and what comes out of it; an eighth more and 64 bytes may
     * go in. */
    {"a message that becomes the limit", "C2d:a{65536}", "binary:a{65536}"},
    {"a message that becomes one byte too many", "C2d:a{65537}", "close:1009"},
    {"a bomb", "C2d:a{10000000}", "close:1009"},
    {"a bomb of text", "C1d:a{10000000}", "close:1009"},
    {"a bomb in fragments",
     "42d:a{30000} 00d:a{30000} 00d:a{30000} 89:p 80d:a{30000}", "close:1009"},
    {"a bomb in a frame that does not end", "C2d=72000:a{70000}", "close:1009"},
    {"a message before a bomb", "81:a C2d:a{100000}", "text:a close:1009"},
    {"bad text before it is too long", "C1d:%FFa{70000}", "close:1007"},
    {"text too long before it is bad", "C1d:a{70000}%FF", "close:1009"},
    {"as many compressed bytes as may come", "C2=73792: fin", "end"},
    {"one compressed byte too many", "C2=73793:", "close:1009"},
    {"fragments of one compressed byte too many",
     "42:%00 80=73792:", "close:1009"},
    {"control frames do not count", "42d:x{65535} 89:p{125} 80d:x",
     "pong:p{125} binary:x{65536}"},
};

/* It costs its sender as much as us, and becomes nothing. */
static void add_empty_blocks(struct suite *s)
{
    enum { BLOCKS = 1000 };
    static const char block[] = "%00%00%00%FF%FF";
    static char send[8 + BLOCKS * sizeof block];

    strcpy(send, "C2:");
    for (size_t i = 0; i < BLOCKS; i++)
        memcpy(send + 3 + i * (sizeof block - 1), block, sizeof block);
    strcat(send, "%00");
    suite_add(s, send, "binary:", "a thousand empty blocks");
}

void add_deflate(struct suite *s)
{
    static const unsigned lengths[] = {
        1,   2,   10,   125,  126,  127,  128,   199,   200,   201,
        255, 256, 1000, 4095, 4096, 8192, 16384, 32768, 65535, 65536};
    char send[64], expect[64];

    s->is_as_written = true;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        suite_add(s, cases[i].send, cases[i].expect, "%s", cases[i].name);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        snprintf(send, sizeof send, "C1d:xy{%u}", lengths[i] - 1);
        snprintf(expect, sizeof expect, "text:xy{%u}", lengths[i] - 1);
        suite_add(s, send, expect, "a compressed text of %u bytes", lengths[i]);
    }
    add_empty_blocks(s);
    s->is_as_written = false;
}
