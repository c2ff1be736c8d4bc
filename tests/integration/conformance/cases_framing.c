/* SPDX-License-Identifier: Apache-2.0 */
/* cases_framing.c - RFC 6455 section 5.2: lengths, masks, reserved bits and
 * opcodes. */
#include "suite.h"

#include <stdio.h>

enum { SCRIPT = 512 };

static void add_lengths(struct suite *s)
{
    static const unsigned lengths[] = {
        0,    1,    2,    3,    4,    5,     7,     8,     9,     15,   16,
        17,   31,   33,   124,  125,  126,   127,   128,   129,   255,  256,
        1000, 4095, 4096, 4097, 8192, 16384, 32768, 65534, 65535, 65536};
    char send[SCRIPT], expect[SCRIPT];

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        unsigned n = lengths[i];

        snprintf(send, sizeof send, n == 0 ? "81:" : "81:t{%u}", n);
        snprintf(expect, sizeof expect, n == 0 ? "text:" : "text:t{%u}", n);
        suite_add(s, send, expect, "a text of %u bytes is echoed", n);
        snprintf(send, sizeof send, n == 0 ? "82:" : "82:%%FE{%u}", n);
        snprintf(expect, sizeof expect, n == 0 ? "binary:" : "binary:%%FE{%u}",
                 n);
        suite_add(s, send, expect, "a binary of %u bytes is echoed", n);
    }
}

static void add_reserved_bits(struct suite *s)
{
    static const struct {
        unsigned first;
        const char *what;
    } frames[] = {{0x81, "a text"},           {0x82, "a binary"},
                  {0x01, "a first fragment"}, {0x89, "a ping"},
                  {0x8A, "a pong"},           {0x88, "a close"}};
    char send[SCRIPT];

    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        for (unsigned bits = 1; bits < 8; bits++) {
            if (s->deflates && bits == 4 && frames[i].first % 16 < 8)
                continue; /* means something: add_deflate() */
            snprintf(send, sizeof send, "%02X:%s", frames[i].first | bits << 4,
                     bits & 1 ? "" : "%03%E8");
            suite_add(s, send, "close:1002", "reserved bits %u in %s", bits,
                      frames[i].what);
        }
    }
    suite_add(s, "01:a 90:b", "close:1002", "RSV3 in a last fragment");
    suite_add(s, "01:a C0:b", "close:1002", "RSV1 in a last fragment");
    suite_add(s, "01:a 20:b 80:c", "close:1002", "RSV2 in a middle fragment");
    suite_add(s, "91=5000:x", "close:1002",
              "a reserved bit before the frame ends");
    suite_add(s, "raw:%A1", "close:1002", "a reserved bit in a first byte");
    suite_add(s, "81:a A1:b 89:p", "text:a close:1002",
              "a reserved bit between a message and a ping");
}

static void add_reserved_opcodes(struct suite *s)
{
    static const unsigned opcodes[] = {3, 4, 5, 6, 7, 11, 12, 13, 14, 15};
    char send[SCRIPT];

    for (size_t i = 0; i < sizeof opcodes / sizeof *opcodes; i++) {
        unsigned o = opcodes[i];

        snprintf(send, sizeof send, "%02X:", 0x80 | o);
        suite_add(s, send, "close:1002", "opcode %u, empty", o);
        snprintf(send, sizeof send, "%02X:payload", 0x80 | o);
        suite_add(s, send, "close:1002", "opcode %u with a payload", o);
        snprintf(send, sizeof send, "81:before %02X:x 81:after", 0x80 | o);
        suite_add(s, send, "text:before close:1002",
                  "opcode %u between two messages", o);
        snprintf(send, sizeof send, "01:a %02X:x 80:b", 0x80 | o);
        suite_add(s, send, "close:1002", "opcode %u between fragments", o);
        snprintf(send, sizeof send, "%02X:x", o);
        suite_add(s, send, "close:1002", "opcode %u without FIN", o);
    }
}

static void add_masks(struct suite *s)
{
    suite_add(s, "81z:Hello", "text:Hello", "a key of zeros");
    suite_add(s, "82z:%00{1000}", "binary:%00{1000}", "zeros under zeros");
    suite_add(s, "raw:%81%85%FF%FF%FF%FF%B7%9A%93%93%90", "text:Hello",
              "a key of ones");
    suite_add(s, "raw:%81%85%37%FA%21%3D%7F%9F%4D%51%58", "text:Hello",
              "the masked Hello of section 5.7");
    suite_add(s, "81u:Hello", "close:1002", "a text that is not masked");
    suite_add(s, "81u:", "close:1002", "an empty text that is not masked");
    suite_add(s, "82u:Hello", "close:1002", "a binary that is not masked");
    suite_add(s, "89u:Hello", "close:1002", "a ping that is not masked");
    suite_add(s, "8Au:", "close:1002", "a pong that is not masked");
    suite_add(s, "88u:%03%E8", "close:1002", "a close that is not masked");
    suite_add(s, "01:a 80u:b", "close:1002",
              "a last fragment that is not masked");
    suite_add(s, "81u=60000:x", "close:1002",
              "not masked, told before the frame ends");
    suite_add(s, "raw:%81%05", "close:1002",
              "not masked, told by the second byte");
}

static void add_encodings(struct suite *s)
{
    static const unsigned short_ones[] = {0, 1, 5, 124, 125};
    char send[SCRIPT];

    for (size_t i = 0; i < sizeof short_ones / sizeof *short_ones; i++) {
        unsigned n = short_ones[i];

        snprintf(send, sizeof send, n == 0 ? "81w:" : "81w:x{%u}", n);
        suite_add(s, send, "close:1002", "%u bytes in a length of 16 bits", n);
        snprintf(send, sizeof send, n == 0 ? "82q:" : "82q:x{%u}", n);
        suite_add(s, send, "close:1002", "%u bytes in a length of 64 bits", n);
    }
    suite_add(s, "81q:x{126}", "close:1002", "126 bytes in 64 bits");
    suite_add(s, "81q:x{65535}", "close:1002", "65535 bytes in 64 bits");
    suite_add(s, "81q:x{65536}", "text:x{65536}", "65536 bytes in 64 bits");
    suite_add(s, "82w:x{126}", "binary:x{126}", "126 bytes in 16 bits");
    suite_add(s, "raw:%82%FF%80%00%00%00%00%00%00%00", "close:1002",
              "a length whose top bit is set");
    suite_add(s, "raw:%82%FF%FF%FF%FF%FF%FF%FF%FF%FF", "close:1002",
              "a length of all ones");
}

void add_framing(struct suite *s)
{
    add_lengths(s);
    add_reserved_bits(s);
    add_reserved_opcodes(s);
    add_masks(s);
    add_encodings(s);
    suite_add(s, "", "", "nothing but a close");
    suite_add(s, "81:a 81:b 81:c", "text:a text:b text:c", "three messages");
    suite_add(s, "81:a 82:b 81: 82: 81:c",
              "text:a binary:b text: binary: text:c",
              "five messages of two kinds");
    suite_add(s, "82:%00%01%02%7F%80%FF", "binary:%00%01%02%7F%80%FF",
              "a binary of any bytes");
    suite_add(s, "81:%00", "text:%00", "a text may have NUL");
}
