/* SPDX-License-Identifier: Apache-2.0 */
/* ws_check.h - one expectation about frames, checked in every way the bytes
 * can be cut and from both sides of a connection. */
#ifndef PL_WS_CHECK_H
#define PL_WS_CHECK_H

#include "ws_feed.h"

/* Frames as a server writes them, unmasked, must give `expected`, a log of
 * ws_feed(): to a client, and masked to a server; whole, byte by byte, cut
 * once at every place (up to 400 of them), and in pieces of some sizes.
 * Fails the cmocka test otherwise. */
void ws_check(struct pl_span frames, const char *expected, size_t max_message);

/* The same where permessage-deflate was agreed on. */
void ws_check_deflate(struct pl_span frames, const char *expected,
                      size_t max_message);

/* Bytes must give `expected` to the one side that `limits` describes, cut in
 * the same ways. */
void ws_check_side(const struct pl_ws_limits *limits, struct pl_span bytes,
                   const char *expected);

/* A table of such expectations, checked row by row. */
struct ws_row {
    const char *bytes;
    size_t len;
    const char *expected;
};

#define WS_ROW(bytes, expected)                                                \
    {                                                                          \
        bytes, sizeof bytes - 1, expected                                      \
    }

typedef void ws_checker(struct pl_span frames, const char *expected,
                        size_t max_message);

#define WS_CHECK_ROWS(check, rows, max_message)                                \
    ws_check_rows(check, rows, sizeof(rows) / sizeof *(rows), max_message)
void ws_check_rows(ws_checker *check, const struct ws_row *rows, size_t count,
                   size_t max_message);

#endif
