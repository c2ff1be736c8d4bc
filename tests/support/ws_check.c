/* SPDX-License-Identifier: Apache-2.0 */
/* ws_check.c - see ws_check.h. */
#include "ws_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "deflate.h"

enum { CUTS_MAX = 400 };

static void check_cut(const struct pl_ws_limits *limits, struct pl_span bytes,
                      const char *expected, size_t first, size_t piece)
{
    struct pl_buf log = {0};

    ws_feed(&log, limits, bytes, first, piece);
    if (!pl_span_equal(pl_buf_span(&log), pl_span_of(expected)))
        fail_msg("%s, cut at %zu, then every %zu: got \"%.*s\", not \"%s\"",
                 limits->masked ? "masked" : "unmasked", first, piece,
                 (int)log.len, log.data, expected);
    pl_buf_fini(&log);
}

void ws_check_side(const struct pl_ws_limits *limits, struct pl_span bytes,
                   const char *expected)
{
    static const size_t pieces[] = {1, 2, 3, 5, 7, 16, 61, 1000};

    check_cut(limits, bytes, expected, bytes.len, bytes.len);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        check_cut(limits, bytes, expected, pieces[i], pieces[i]);
    for (size_t cut = 1; cut < bytes.len && cut < CUTS_MAX; cut++)
        check_cut(limits, bytes, expected, cut, bytes.len);
}

static void check(struct pl_span frames, const char *expected,
                  struct pl_ws_limits *limits)
{
    struct pl_buf masked = {0};

    ws_mask(&masked, frames);
    limits->masked = false;
    ws_check_side(limits, frames, expected);
    limits->masked = true;
    ws_check_side(limits, pl_buf_span(&masked), expected);
    pl_buf_fini(&masked);
}

void ws_check(struct pl_span frames, const char *expected, size_t max_message)
{
    struct pl_ws_limits limits = {.max_message = max_message};

    check(frames, expected, &limits);
}

void ws_check_deflate(struct pl_span frames, const char *expected,
                      size_t max_message)
{
    struct pl_inflater inflater = {0};
    struct pl_ws_limits limits = {.max_message = max_message,
                                  .inflater = &inflater};

    check(frames, expected, &limits);
    pl_inflater_fini(&inflater);
}

void ws_check_rows(ws_checker *each, const struct ws_row *rows, size_t count,
                   size_t max_message)
{
    for (size_t i = 0; i < count; i++)
        each((struct pl_span){rows[i].bytes, rows[i].len}, rows[i].expected,
             max_message);
}
