/* SPDX-License-Identifier: Apache-2.0 */
/* echoes.c - see echoes.h.
 *
 * One message is on its way at a time, so that neither side waits for the other
 * to read.  Texts are words in several alphabets, which compress as chat does;
 * binaries are noise, which does not.
 *
 * Each case has a connection of its own, which must end in order. */
#include "echoes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hear.h"
#include "link.h"
#include "pack.h"

enum {
    KIB = 1024,
    MIB = 1024 * KIB,
    LARGEST = 16 * MIB,
    BLOCK = 64, /* bytes; texts may be cut at its multiples */
    TEXT = 1,
    BINARY = 2,
    PING_EACH = 100, /* fragments */
    LATE_MAX = 15    /* deadlines: 16 MiB take a busy machine long */
};

/* How messages are said. */
struct manner {
    size_t fragment; /* bytes of the message in each frame; 0: one frame */
    size_t chop;     /* bytes of each write; 0: one write */
    bool pings;      /* between fragments */
};

struct caller {
    struct hearing hear; /* first */
    struct link link;
    struct packer *says; /* NULL: no compression */
    struct pl_buf out;
    struct pl_span said; /* what must come back */
    unsigned opcode;
    unsigned pings, pongs;
    uint32_t key;
    bool is_back;
    char close[8];
    const char *wrong; /* NULL: nothing */
};

static char *texts, *noise; /* LARGEST bytes each */

static void make_bytes(void)
{
    static const char *const words[] = {"hello ",
                                        "parley ",
                                        "\xCE\xBA\xCE\xB1\xCE\xBB\xCE\xB7 ",
                                        "message ",
                                        "\xF0\x9F\x98\x80 ",
                                        "\"data\":",
                                        "\xE4\xBD\xA0\xE5\xA5\xBD ",
                                        "12345 "};
    uint32_t seed = 1;

    texts = malloc(LARGEST);
    noise = malloc(LARGEST);
    if (texts == NULL || noise == NULL)
        abort();
    memset(texts, '.', LARGEST);
    for (size_t at = 0; at < LARGEST; at++) {
        seed = seed * 1664525u + 1013904223u;
        noise[at] = (char)(seed >> 24);
    }
    /* The last bytes of a block, and the first, stay ASCII. */
    for (size_t block = 0; block < LARGEST; block += BLOCK) {
        for (size_t at = block + 1, n; at < block + BLOCK - 14; at += n) {
            const char *word = words[(unsigned char)noise[at] %
                                     (sizeof words / sizeof *words)];

            n = strlen(word);
            memcpy(texts + at, word, n);
        }
    }
}

/* --- What comes back --- */

static void told(struct hearing *h, const char *kind, struct pl_span payload)
{
    struct caller *c = (struct caller *)h;
    unsigned ping;

    if (strcmp(kind, c->opcode == TEXT ? "text" : "binary") == 0) {
        if (c->is_back || !pl_span_equal(payload, c->said))
            c->wrong = "another message came back";
        c->is_back = true;
    } else if (strcmp(kind, "pong") == 0) {
        if (payload.len != sizeof ping ||
            memcmp(payload.at, &c->pongs, sizeof ping) != 0)
            c->wrong = "another pong came";
        c->pongs++;
    } else if (strcmp(kind, "close") == 0) {
        snprintf(c->close, sizeof c->close, "%.*s", (int)payload.len,
                 payload.at);
    } else {
        c->wrong = kind;
    }
}

/* --- What is said --- */

static void put_frame(struct caller *c, unsigned first, struct pl_span payload)
{
    char head[14], *to;
    size_t size = 2;

    c->key = c->key * 1664525u + 1013904223u;
    head[0] = (char)first;
    if (payload.len < 126) {
        head[1] = (char)(0x80 | payload.len);
    } else {
        int bytes = payload.len < 65536 ? 2 : 8;

        head[1] = (char)(bytes == 2 ? 0x80 | 126 : 0x80 | 127);
        for (int i = bytes - 1; i >= 0; i--)
            head[size++] = (char)((uint64_t)payload.len >> 8 * i);
    }
    memcpy(head + size, &c->key, 4);
    pl_buf_put(&c->out, head, size + 4);
    if ((to = pl_buf_reserve(&c->out, payload.len)) == NULL)
        abort();
    for (size_t i = 0; i < payload.len; i++)
        to[i] = (char)(payload.at[i] ^ head[size + i % 4]);
    c->out.len += payload.len;
}

/* One fragment; it is the first, the last, both or neither. */
static void put_piece(struct caller *c, struct pl_span piece, bool is_first,
                      bool is_last)
{
    unsigned first = (is_last ? 0x80u : 0) | (is_first ? c->opcode : 0);
    struct pl_buf packed = {0};

    if (c->says == NULL) {
        put_frame(c, first, piece);
        return;
    }
    packer_put(c->says, &packed, piece, is_last);
    put_frame(c, first | (is_first ? 0x40u : 0), pl_buf_span(&packed));
    pl_buf_fini(&packed);
}

static void put_message(struct caller *c, const struct manner *m)
{
    size_t size = m->fragment == 0 ? c->said.len : m->fragment, at = 0;
    unsigned pieces = 0;

    c->out.len = 0;
    do {
        size_t len = size < c->said.len - at ? size : c->said.len - at;
        bool is_last = at + len == c->said.len;

        put_piece(c, (struct pl_span){c->said.at + at, len}, at == 0, is_last);
        at += len;
        if (m->pings && !is_last && pieces++ % PING_EACH == 0) {
            put_frame(c, 0x89,
                      (struct pl_span){(char *)&c->pings, sizeof c->pings});
            c->pings++;
        }
    } while (at < c->said.len);
}

static bool write_out(struct caller *c, size_t chop)
{
    for (size_t at = 0, n; at < c->out.len; at += n) {
        n = c->out.len - at;
        n = chop != 0 && chop < n ? chop : n;
        if (!link_write(&c->link, c->out.data + at, n))
            return false;
    }
    return true;
}

/* One message there and back. */
static void bounce(struct caller *c, unsigned opcode, size_t len,
                   const struct manner *m)
{
    if (c->wrong != NULL)
        return;
    c->opcode = opcode;
    c->said = (struct pl_span){opcode == TEXT ? texts : noise, len};
    c->is_back = false;
    put_message(c, m);
    if (!write_out(c, m->chop))
        c->wrong = "the server takes no more";
    for (int late = 0; !c->is_back && c->wrong == NULL;) {
        enum link_got got = hear_more(&c->hear);

        late += got == LINK_LATE;
        if ((got != LINK_GOT && got != LINK_LATE) || late == LATE_MAX)
            c->wrong = "nothing comes back";
    }
    if (c->wrong == NULL && c->pongs != c->pings)
        c->wrong = "pongs are missing";
}

/* --- Connections --- */

static void agree(struct caller *c, const char *offer, size_t head)
{
    struct pl_span answer = hear_extensions(&c->hear, head);
    struct pack_terms terms;

    c->wrong = answer.at == NULL
                   ? "no permessage-deflate"
                   : pack_check(pl_span_of(offer), answer, &terms);
    if (c->wrong == NULL)
        c->says = c->hear.packer = packer_create(&terms, PACK_USUAL);
}

static void open_caller(struct caller *c, const struct target *t,
                        const char *offer)
{
    *c = (struct caller){.hear = {.link = &c->link, .told = told}, .key = 1};
    link_open(&c->link, t->port, t->is_tls);
    run_put_opening(&c->out, t, offer);
    write_out(c, 0);
    size_t head = hear_head(&c->hear);
    if (head == 0 || strncmp(c->hear.in.data, "HTTP/1.1 101 ", 13) != 0)
        c->wrong = "no 101";
    else if (offer != NULL)
        agree(c, offer, head);
}

static void close_caller(struct caller *c, const char *name,
                         struct echo_counts *n)
{
    if (c->wrong == NULL) {
        c->out.len = 0;
        put_frame(c, 0x88, PL_SPAN("\x03\xE8"));
        write_out(c, 0);
        hear_out(&c->hear);
        if (c->wrong == NULL && strcmp(c->close, "1000") != 0)
            c->wrong = "no close 1000";
    }
    n->cases++;
    n->failed += c->wrong != NULL;
    if (c->wrong != NULL)
        printf("FAIL %s: %s\n", name, c->wrong);
    packer_destroy(c->says);
    pl_buf_fini(&c->out);
    hear_fini(&c->hear);
    link_close(&c->link);
}

/* --- Cases --- */

struct echo_case {
    char name[96];
    const char *offer; /* NULL: the usual, if any */
    size_t size;       /* bytes of a message */
    unsigned count;    /* of texts, and of binaries */
    struct manner how;
};

static void run_case(const struct target *t, const struct echo_case *e,
                     const char *only, struct echo_counts *n)
{
    static const char *const usual =
        "permessage-deflate; client_max_window_bits";
    struct caller c;

    if (only != NULL && strstr(e->name, only) == NULL)
        return;
    open_caller(&c, t,
                e->offer != NULL ? e->offer
                : t->deflates    ? usual
                                 : NULL);
    for (unsigned i = 0; i < 2 * e->count; i++, n->messages++)
        bounce(&c, i % 2 == 0 ? TEXT : BINARY, e->size, &e->how);
    close_caller(&c, e->name, n);
}

static void run_sizes(const struct target *t, const char *only,
                      struct echo_counts *n)
{
    static const size_t sizes[] = {0,   1,       125,    126,   127,
                                   128, 65535,   65536,  65537, 64 * KIB * 4,
                                   MIB, 4 * MIB, LARGEST};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct echo_case e = {.size = sizes[i], .count = 1};

        snprintf(e.name, sizeof e.name, "messages of %zu bytes", sizes[i]);
        run_case(t, &e, only, n);
    }
}

static void run_fragments(const struct target *t, const char *only,
                          struct echo_counts *n)
{
    size_t all = t->deflates ? MIB : 4 * MIB; /* compressing takes its time */

    for (size_t size = 64; size <= all; size *= 4) {
        struct echo_case e = {
            .size = all, .count = 1, .how = {.fragment = size, .pings = true}};

        snprintf(e.name, sizeof e.name, "%zu KiB in fragments of %zu bytes",
                 all / KIB, size);
        run_case(t, &e, only, n);
    }
}

static void run_chops(const struct target *t, const char *only,
                      struct echo_counts *n)
{
    for (size_t size = 64; size <= 2048; size *= 2) {
        struct echo_case e = {.size = MIB, .count = 1, .how = {.chop = size}};

        snprintf(e.name, sizeof e.name, "1 MiB in writes of %zu bytes", size);
        run_case(t, &e, only, n);
    }
    for (size_t size = 1; size <= 280; size++) {
        struct echo_case e = {
            .size = 256, .count = 1, .how = {.fragment = 100, .chop = size}};

        snprintf(e.name, sizeof e.name, "fragments in writes of %zu bytes",
                 size);
        run_case(t, &e, only, n);
    }
}

static void run_trips(const struct target *t, const char *only,
                      struct echo_counts *n)
{
    static const size_t sizes[] = {0, 16, 64, 256, 1024, 4096};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct echo_case e = {.size = sizes[i], .count = 500};

        snprintf(e.name, sizeof e.name, "1000 round trips of %zu bytes",
                 sizes[i]);
        run_case(t, &e, only, n);
    }
}

/* Every window with every takeover, at all sizes, whole and in fragments. */
static void run_windows(const struct target *t, const char *only,
                        struct echo_counts *n)
{
    static const char *const contexts[] = {
        "", "; server_no_context_takeover", "; client_no_context_takeover",
        "; server_no_context_takeover; client_no_context_takeover"};
    static const size_t sizes[] = {16, 256, 4 * KIB, 32 * KIB, 128 * KIB};
    char offer[200];

    for (unsigned i = 0; i < 8 * 4 * sizeof sizes / sizeof *sizes; i++) {
        size_t size = sizes[i / 32];
        unsigned bits = 8 + i % 8;
        struct echo_case e = {.offer = offer, .size = size, .count = 2};

        snprintf(offer, sizeof offer,
                 "permessage-deflate%s; server_max_window_bits=%u; "
                 "client_max_window_bits=%u",
                 contexts[i / 8 % 4], bits, bits);
        e.count = size <= KIB ? 16 : 2;
        e.how.fragment = i % 3 == 0 ? size / 4 : 0;
        snprintf(e.name, sizeof e.name, "windows of %u bits, %zu bytes%s", bits,
                 size, contexts[i / 8 % 4]);
        run_case(t, &e, only, n);
    }
}

/* As many as public suites send. */
static void run_streams(const struct target *t, const char *only,
                        struct echo_counts *n)
{
    for (size_t size = 16; size <= 128 * KIB; size *= 8) {
        struct echo_case e = {.size = size};

        e.count = size <= 4 * KIB ? 500 : 50;
        e.how.fragment = size > 4 * KIB ? size / 8 : 0;
        snprintf(e.name, sizeof e.name, "a stream of messages of %zu bytes",
                 size);
        run_case(t, &e, only, n);
    }
}

void echoes_run(const struct target *t, const char *only,
                struct echo_counts *out)
{
    *out = (struct echo_counts){0};
    make_bytes();
    run_sizes(t, only, out);
    run_fragments(t, only, out);
    run_chops(t, only, out);
    run_trips(t, only, out);
    if (t->deflates) {
        run_windows(t, only, out);
        run_streams(t, only, out);
    }
    free(texts);
    free(noise);
}
