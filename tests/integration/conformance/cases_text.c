/* SPDX-License-Identifier: Apache-2.0 */
/* cases_text.c - RFC 6455 section 8.1 and RFC 3629: text is UTF-8, and what is
 * not is told at its first wrong byte.
 *
 * Each row becomes several cases: in one frame, cut into a fragment a byte,
 * behind good text and behind a good message; what is wrong already at its last
 * byte here also in a frame that never ends. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

enum { SCRIPT = 1024 };

static const struct {
    const char *name, *bytes;
} good[] = {
    {"the first of one byte", "%00"},
    {"the last of one byte", "%7F"},
    {"the first of two bytes", "%C2%80"},
    {"the last of two bytes", "%DF%BF"},
    {"the first of three bytes", "%E0%A0%80"},
    {"the last of three bytes", "%EF%BF%BF"},
    {"the first of four bytes", "%F0%90%80%80"},
    {"the last of all", "%F4%8F%BF%BF"},
    {"the last before the surrogates", "%ED%9F%BF"},
    {"the first behind the surrogates", "%EE%80%80"},
    {"a replacement character", "%EF%BF%BD"},
    {"a byte order mark", "%EF%BB%BF"},
    {"Greek", "%CE%BA%E1%BD%B9%CF%83%CE%BC%CE%B5"},
    {"all lengths", "a%C3%A9%E2%82%AC%F0%9F%98%80z"},
    {"a plane behind the first", "%F0%9F%91%A9%E2%80%8D%F0%9F%92%BB"},
    {"a noncharacter", "%EF%BF%BE"},
    {"the anchors of interlinear text", "%EF%BF%B9%EF%BF%BA%EF%BF%BB"},
    {"an object replacement character", "%EF%BF%BC"},
};

/* is_told: the last byte here cannot follow those before it. */
static const struct {
    const char *name, *bytes;
    int is_told;
} bad[] = {
    {"a lone continuation", "%80", 1},
    {"the last continuation alone", "%BF", 1},
    {"two lone continuations", "%80%BF", 1},
    {"six lone continuations", "%80%BF%80%BF%80%BF", 1},
    {"a first of two bytes without the second", "%C2", 0},
    {"a first of three bytes without more", "%E2", 0},
    {"two of three bytes", "%E2%82", 0},
    {"a first of four bytes without more", "%F0", 0},
    {"two of four bytes", "%F0%9F", 0},
    {"three of four bytes", "%F0%9F%98", 0},
    {"a character cut by an ASCII one", "%C3a", 1},
    {"three bytes cut by an ASCII one", "%E2%82a", 1},
    {"four bytes cut by an ASCII one", "%F0%9F%98a", 1},
    {"a character cut by another", "%E2%C3", 1},
    {"an overlong NUL in two", "%C0%80", 1},
    {"an overlong slash in two", "%C0%AF", 1},
    {"the last overlong of two", "%C1%BF", 1},
    {"an overlong slash in three", "%E0%80%AF", 1},
    {"the last overlong of three", "%E0%9F%BF", 1},
    {"an overlong slash in four", "%F0%80%80%AF", 1},
    {"the last overlong of four", "%F0%8F%BF%BF", 1},
    {"an overlong NUL in three", "%E0%80%80", 1},
    {"an overlong NUL in four", "%F0%80%80%80", 1},
    {"an overlong slash in five", "%F8%80%80%80%AF", 1},
    {"an overlong slash in six", "%FC%80%80%80%80%AF", 1},
    {"the first surrogate", "%ED%A0%80", 1},
    {"the last high surrogate", "%ED%AF%BF", 1},
    {"the first low surrogate", "%ED%B0%80", 1},
    {"the last surrogate", "%ED%BF%BF", 1},
    {"a high surrogate of private use", "%ED%AE%80", 1},
    {"a pair of surrogates", "%ED%A0%BD%ED%B8%80", 1},
    {"the first pair of surrogates", "%ED%A0%80%ED%B0%80", 1},
    {"the last pair of surrogates", "%ED%AF%BF%ED%BF%BF", 1},
    {"the first behind the last of all", "%F4%90%80%80", 1},
    {"a plane that there is not", "%F5%80%80%80", 1},
    {"a sequence of five bytes", "%F8%88%80%80%80", 1},
    {"a sequence of six bytes", "%FC%84%80%80%80%80", 1},
    {"the last sequence of four bytes", "%F7%BF%BF%BF", 1},
    {"the last sequence of five bytes", "%FB%BF%BF%BF%BF", 1},
    {"the last sequence of six bytes", "%FD%BF%BF%BF%BF%BF", 1},
    {"FE", "%FE", 1},
    {"FF", "%FF", 1},
    {"FE FE FF FF", "%FE%FE%FF%FF", 1},
    {"Latin 1", "caf%E9%20", 1},
};

/* A fragment a byte; the last frame is empty. */
static void cut(char *script, const char *bytes)
{
    size_t len = 0;

    for (int first = 1; *bytes != '\0'; first = 0) {
        int n = *bytes == '%' ? 3 : 1;

        len += (size_t)sprintf(script + len, "%s:%.*s ", first ? "01" : "00", n,
                               bytes);
        bytes += n;
    }
    strcpy(script + len, "80:");
}

static void add_good(struct suite *s, const char *name, const char *bytes)
{
    char send[SCRIPT], expect[SCRIPT];

    snprintf(send, sizeof send, "81:%s", bytes);
    snprintf(expect, sizeof expect, "text:%s", bytes);
    suite_add(s, send, expect, "%s in a text", name);
    cut(send, bytes);
    suite_add(s, send, expect, "%s in fragments", name);
    snprintf(send, sizeof send, "81:a{61}%sa{200}", bytes);
    snprintf(expect, sizeof expect, "text:a{61}%sa{200}", bytes);
    suite_add(s, send, expect, "%s inside other text", name);
}

static void add_bad(struct suite *s, const char *name, const char *bytes,
                    int is_told)
{
    char send[SCRIPT];

    snprintf(send, sizeof send, "81:%s", bytes);
    suite_add(s, send, "close:1007", "%s in a text", name);
    cut(send, bytes);
    suite_add(s, send, "close:1007", "%s in fragments", name);
    snprintf(send, sizeof send, "81:before 81:a{63}%s", bytes);
    suite_add(s, send, "text:before close:1007", "%s behind a message", name);
    snprintf(send, sizeof send, "82:%s", bytes);
    char expect[SCRIPT];
    snprintf(expect, sizeof expect, "binary:%s", bytes);
    suite_add(s, send, expect, "%s in a binary", name);
    if (!is_told)
        return;
    snprintf(send, sizeof send, "81=60000:good%s", bytes);
    suite_add(s, send, "close:1007", "%s in a frame that does not end", name);
    snprintf(send, sizeof send, "01:good 00=60000:%s", bytes);
    suite_add(s, send, "close:1007", "%s in a fragment that does not end",
              name);
}

/* The last two code points of every plane, which are no characters but valid:
 * section 3 of RFC 3629 excludes none but the surrogates. */
static void add_noncharacters(struct suite *s)
{
    char bytes[34 * 12 + 1];
    size_t len = 0;

    for (unsigned plane = 0; plane <= 16; plane++) {
        for (unsigned code = plane << 16 | 0xFFFE; (code & 0xFFFF) != 0;
             code++) {
            if (plane > 0)
                len += (size_t)sprintf(bytes + len, "%%%02X%%%02X",
                                       0xF0 | code >> 18,
                                       0x80 | (code >> 12 & 0x3F));
            else
                len += (size_t)sprintf(bytes + len, "%%EF");
            len += (size_t)sprintf(bytes + len, "%%BF%%%02X",
                                   0x80 | (code & 0x3F));
        }
    }
    add_good(s, "the noncharacters of every plane", bytes);
}

/* Each byte that is not ASCII, with a blank behind it, in a frame that does not
 * end. */
static void add_lone_bytes(struct suite *s)
{
    char send[32];

    for (unsigned byte = 0x80; byte <= 0xFF; byte++) {
        snprintf(send, sizeof send, "81=9:%%%02X%%20", byte);
        suite_add(s, send, "close:1007", "the byte %02X before a blank", byte);
    }
}

/* A text of five letters of two or three bytes, ended behind each byte. */
static void add_prefixes(struct suite *s)
{
    static const char greek[] = "%CE%BA%E1%BD%B9%CF%83%CE%BC%CE%B5";
    static const unsigned ends[] = {2, 5, 7, 9, 11};
    char send[64], expect[64];

    for (unsigned n = 1, letter = 0; n <= ends[4]; n++) {
        bool is_whole = n == ends[letter];

        snprintf(send, sizeof send, "81:%.*s", (int)(3 * n), greek);
        snprintf(expect, sizeof expect, "text:%.*s", (int)(3 * n), greek);
        suite_add(s, send, is_whole ? expect : "close:1007",
                  "%u bytes of Greek", n);
        letter += is_whole;
    }
}

void add_text(struct suite *s)
{
    add_noncharacters(s);
    add_lone_bytes(s);
    add_prefixes(s);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        add_good(s, good[i].name, good[i].bytes);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        add_bad(s, bad[i].name, bad[i].bytes, bad[i].is_told);
    suite_add(s, "01:%E2 89:p 80:%82%AC", "pong:p text:%E2%82%AC",
              "a ping inside a character");
    suite_add(s, "01:%E2 00: 00:%82 00: 80:%AC", "text:%E2%82%AC",
              "empty fragments inside a character");
    suite_add(s, "01:%E2%82 80:", "close:1007",
              "a message that ends inside a character");
    suite_add(s, "01:%E2%82 89:p 80:a", "pong:p close:1007",
              "a ping, then a character that does not go on");
    suite_add(s, "02:%E2 80:%28", "binary:%E2(", "no text, no check");
    suite_add(s, "81:%C3%A9{1}a 81:%FF", "text:%C3%A9a close:1007",
              "a good text, then a bad one");
    suite_add(s, "01:a{30000} 80:a{30000}%FF", "close:1007",
              "a bad byte far behind");
}
