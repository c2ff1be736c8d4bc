/* SPDX-License-Identifier: Apache-2.0 */
/* proxy.c - see proxy.h.
 *
 * Each call parses the header from its start and keeps nothing, so the result
 * does not depend on how the network split it.  An error is reported as early
 * as the format allows: field by field in version 2, at the end of the line in
 * version 1.
 *
 * The additions of version 2 after the addresses ("TLVs") are skipped.
 * Families other than TCP over IP are valid but give no address: they are
 * UNKNOWN, not an error.
 *
 * Invariant: *out is written only for a complete, valid header. */
#include "proxy.h"

#include <string.h>

enum {
    FIXED = 16, /* bytes of version 2 before the addresses */
    SIGNATURE = 12,
    FOUR_LEN = 12, /* two addresses and two ports */
    SIX_LEN = 36,
    UNIX_LEN = 216
};

static enum pl_err refuse(const char **why, const char *text)
{
    *why = text;
    return PL_EBADMSG;
}

static unsigned byte_at(struct pl_span in, size_t i)
{
    return (unsigned char)in.at[i];
}

/* --- Version 2 --- */

/* The two nibbles of the family byte are 0 to 3, and 0 to 2. */
static bool is_family(unsigned family)
{
    return family >> 4 <= 3 && (family & 15) <= 2;
}

static size_t length_of(unsigned family)
{
    static const size_t lengths[] = {0, FOUR_LEN, SIX_LEN, UNIX_LEN};

    return lengths[family >> 4];
}

/* True if the proxy itself connects; the family is then ignored (section
 * 2.2). */
static bool is_local(struct pl_span in)
{
    return (byte_at(in, SIGNATURE) & 15) == 0;
}

/* Check the fixed part as far as it has arrived. */
static enum pl_err check_fixed(struct pl_span in, const char **why)
{
    if (in.len > SIGNATURE && byte_at(in, SIGNATURE) >> 4 != 2)
        return refuse(why, "another version of the PROXY protocol");
    if (in.len > SIGNATURE && (byte_at(in, SIGNATURE) & 15) > 1)
        return refuse(why, "an unknown command of the PROXY protocol");
    if (in.len > SIGNATURE + 1 && !is_local(in) &&
        !is_family(byte_at(in, SIGNATURE + 1)))
        return refuse(why, "an unknown family in the PROXY header");
    return in.len < FIXED ? PL_EAGAIN : PL_OK;
}

static struct pl_ip four_at(const char *at)
{
    struct pl_ip ip = {{[10] = 0xff, [11] = 0xff}};

    memcpy(ip.at + 12, at, 4);
    return ip;
}

static void take_address(struct pl_span in, struct pl_proxy *p)
{
    p->kind = PL_PROXY_CLIENT;
    if (is_local(in))
        p->kind = PL_PROXY_LOCAL;
    else if (byte_at(in, SIGNATURE + 1) == 0x11)
        p->from = four_at(in.at + FIXED);
    else if (byte_at(in, SIGNATURE + 1) == 0x21)
        memcpy(p->from.at, in.at + FIXED, sizeof p->from.at);
    else
        p->kind = PL_PROXY_UNKNOWN;
}

static enum pl_err read_binary(struct pl_span in, struct pl_proxy *out,
                               const char **why)
{
    enum pl_err rc = check_fixed(in, why);

    if (rc != PL_OK)
        return rc;
    size_t len = byte_at(in, FIXED - 2) << 8 | byte_at(in, FIXED - 1);
    if (FIXED + len > PL_PROXY_MAX)
        return refuse(why, "the PROXY header is too long");
    if (!is_local(in) && len < length_of(byte_at(in, SIGNATURE + 1)))
        return refuse(why, "the PROXY header is too short for its addresses");
    if (in.len < FIXED + len)
        return PL_EAGAIN;
    struct pl_proxy p = {.len = FIXED + len};
    take_address(in, &p);
    *out = p;
    return PL_OK;
}

/* --- Version 1 --- */

/* Remove the next word and the blank after it, if there is one. */
static struct pl_span next_word(struct pl_span *line)
{
    const char *blank =
        line->len == 0 ? NULL : memchr(line->at, ' ', line->len);
    struct pl_span word = *line;

    if (blank != NULL)
        word.len = (size_t)(blank - line->at);
    line->at += word.len + (blank != NULL);
    line->len -= word.len + (blank != NULL);
    return word;
}

static bool is_port(struct pl_span word)
{
    unsigned n = 0;

    if (word.len == 0 || word.len > 5 || (word.len > 1 && *word.at == '0'))
        return false;
    for (size_t i = 0; i < word.len; i++) {
        if (word.at[i] < '0' || word.at[i] > '9')
            return false;
        n = n * 10 + (unsigned)(word.at[i] - '0');
    }
    return n <= 65535;
}

static bool is_address(struct pl_span word, bool is_four, struct pl_ip *out)
{
    bool has_colon = word.len > 0 && memchr(word.at, ':', word.len) != NULL;

    return has_colon != is_four && pl_ip_parse(out, word);
}

/* Parse "TCP4 from to port port", without the line end. */
static enum pl_err read_words(struct pl_span line, struct pl_proxy *p,
                              const char **why)
{
    struct pl_span family = next_word(&line), word[4];
    bool is_four = pl_span_equal(family, PL_SPAN("TCP4"));
    struct pl_ip to;

    if (pl_span_equal(family, PL_SPAN("UNKNOWN"))) {
        p->kind = PL_PROXY_UNKNOWN;
        return PL_OK;
    }
    if (!is_four && !pl_span_equal(family, PL_SPAN("TCP6")))
        return refuse(why, "an unknown family in the PROXY line");
    for (int i = 0; i < 3; i++)
        word[i] = next_word(&line);
    word[3] = line; /* no blank may follow */
    if (!is_address(word[0], is_four, &p->from) ||
        !is_address(word[1], is_four, &to) || !is_port(word[2]) ||
        !is_port(word[3]))
        return refuse(why, "the addresses in the PROXY line are malformed");
    p->kind = PL_PROXY_CLIENT;
    return PL_OK;
}

static enum pl_err read_text(struct pl_span in, struct pl_proxy *out,
                             const char **why)
{
    const size_t skip = sizeof "PROXY " - 1;
    size_t seen = in.len < PL_PROXY_LINE_MAX ? in.len : PL_PROXY_LINE_MAX;
    const char *end = memchr(in.at, '\n', seen);

    if (end == NULL && in.len >= PL_PROXY_LINE_MAX)
        return refuse(why, "the PROXY line is too long");
    if (end == NULL)
        return PL_EAGAIN;
    struct pl_span line = {in.at, (size_t)(end - in.at)};
    if (line.len <= skip || line.at[line.len - 1] != '\r')
        return refuse(why, "the PROXY line does not end in CR LF");
    struct pl_proxy p = {.len = line.len + 1};
    line.len--;
    enum pl_err rc =
        read_words((struct pl_span){line.at + skip, line.len - skip}, &p, why);
    if (rc == PL_OK)
        *out = p;
    return rc;
}

/* --- Both versions --- */

static bool begins(struct pl_span in, struct pl_span with)
{
    size_t len = in.len < with.len ? in.len : with.len;

    return len == 0 || memcmp(in.at, with.at, len) == 0;
}

enum pl_err pl_proxy_read(struct pl_span in, struct pl_proxy *out,
                          const char **why)
{
    const struct pl_span binary = PL_SPAN("\r\n\r\n\0\r\nQUIT\n");
    const struct pl_span text = PL_SPAN("PROXY ");

    if (begins(in, binary))
        return in.len < binary.len ? PL_EAGAIN : read_binary(in, out, why);
    if (begins(in, text))
        return in.len < text.len ? PL_EAGAIN : read_text(in, out, why);
    return refuse(why, "no PROXY header, where one must be");
}
