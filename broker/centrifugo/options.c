/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - checks all values by the table of keys, and translates the keys
 * that stand for themselves.
 *
 * A bad value is reported once, here, and used nowhere.
 *
 * Invariant: no value of a text is part of a message, because it may be a
 * secret. */
#include <ctype.h>
#include <string.h>

#include "config_text.h"
#include "import.h"
#include "value.h"

/* --- Values --- */

static const struct pl_leaf *find(const struct pl_import *im, const char *path,
                                  size_t item)
{
    return pl_import_find(im, path, item);
}

bool pl_import_bool(const struct pl_import *im, const char *path, size_t item)
{
    const struct pl_leaf *leaf = find(im, path, item);
    bool is = false;

    return leaf != NULL && pl_value_bool(leaf->text, &is) && is;
}

uint64_t pl_import_number(const struct pl_import *im, const char *path,
                          size_t item, uint64_t absent)
{
    const struct pl_leaf *leaf = find(im, path, item);
    uint64_t n = absent;

    return leaf != NULL && pl_value_number(leaf->text, &n) ? n : absent;
}

uint64_t pl_import_duration(const struct pl_import *im, const char *path,
                            size_t item, uint64_t absent_ms)
{
    const struct pl_leaf *leaf = find(im, path, item);
    uint64_t ms = absent_ms;

    return leaf != NULL && pl_value_duration(leaf->text, &ms) ? ms : absent_ms;
}

const char *pl_import_text(const struct pl_import *im, const char *path,
                           size_t item, const char *absent)
{
    const struct pl_leaf *leaf = find(im, path, item);

    return leaf == NULL ? absent : leaf->text;
}

void pl_import_put(struct pl_import *im, const char *to, size_t item,
                   const struct pl_leaf *from, const char *note,
                   const char *value)
{
    struct pl_buf *out = pl_entries_add(&im->out, to, item, from, note);

    pl_buf_put_span(out, pl_span_of(value));
}

/* --- Types --- */

/* What is wrong with the value as one of its row; NULL: nothing. */
static const char *fault_of(const struct pl_leaf *leaf)
{
    size_t len = strlen(leaf->path);
    bool is_item = len > 2 && strcmp(leaf->path + len - 2, "[]") == 0;
    uint64_t n;
    bool is;

    if (leaf->row->type == PL_ROW_ANY)
        return NULL;
    if (leaf->row->type == PL_ROW_LIST)
        return is_item ? NULL : "must be a list of texts";
    if (is_item)
        return "must not be a list";
    switch (leaf->row->type) {
    case PL_ROW_BOOL:
        return pl_value_bool(leaf->text, &is) ? NULL : "must be true or false";
    case PL_ROW_NUMBER:
        return pl_value_number(leaf->text, &n) ? NULL
                                               : "must be a whole number";
    case PL_ROW_DURATION:
        return pl_value_duration(leaf->text, &n)
                   ? NULL
                   : "must be a duration, as 25s or 1h30m";
    default:
        return NULL;
    }
}

/* True if the value asks for something. */
static bool is_on(const struct pl_leaf *leaf)
{
    const char *text = leaf->text, *harmless = leaf->row->absent;
    uint64_t a, b;
    bool is;

    switch (leaf->row->type) {
    case PL_ROW_BOOL:
        return pl_value_bool(text, &is) && is;
    case PL_ROW_NUMBER:
        return pl_value_number(text, &a) && a != 0 &&
               (harmless == NULL || !pl_value_number(harmless, &b) || a != b);
    case PL_ROW_DURATION:
        return pl_value_duration(text, &a) && a != 0 &&
               (harmless == NULL || !pl_value_duration(harmless, &b) || a != b);
    default:
        return *text != '\0' &&
               (harmless == NULL || strcmp(text, harmless) != 0);
    }
}

/* Return true if the value asks for something that is missed.  Of channels that
 * are closed nothing else than their type is. */
static bool is_missed(const struct pl_import *im, const struct pl_leaf *leaf)
{
    const char *option = pl_row_option(leaf->path);

    return is_on(leaf) &&
           ((option != NULL && strcmp(option, "subscription_type") == 0) ||
            !pl_import_is_closed(im, leaf->path, leaf->item));
}

static void check(struct pl_import *im, struct pl_leaf *leaf)
{
    const char *fault;

    if (leaf->kind == PL_LEAF_NOTHING)
        return;
    leaf->row = pl_row_find(leaf->path);
    if (leaf->row == NULL) {
        PL_LEAF_REPORT(&im->tree, PL_CONFIG_WARNING, leaf,
                       "Centrifugo 6 has no such key, or parley does not know "
                       "it");
        return;
    }
    if ((fault = fault_of(leaf)) != NULL) {
        leaf->is_bad = true;
        PL_LEAF_REPORT(&im->tree, PL_CONFIG_ERROR, leaf, "%s", fault);
    } else if (leaf->row->way == PL_ROW_OLD) {
        PL_LEAF_REPORT(&im->tree, PL_CONFIG_ERROR, leaf, "%s", leaf->row->why);
    } else if (leaf->row->way == PL_ROW_REFUSED && is_missed(im, leaf)) {
        PL_LEAF_REPORT(&im->tree, PL_CONFIG_ERROR, leaf, "not supported: %s",
                       leaf->row->why);
    } else if (leaf->row->way == PL_ROW_WARNED && is_missed(im, leaf)) {
        PL_LEAF_REPORT(&im->tree, PL_CONFIG_WARNING, leaf, "not supported: %s",
                       leaf->row->why);
    }
}

/* --- Keys that are kept --- */

static void put_value(struct pl_buf *out, const struct pl_row *row,
                      const char *text)
{
    uint64_t n = 0;
    bool is = false;

    switch (row->type) {
    case PL_ROW_BOOL:
        pl_value_bool(text, &is);
        pl_buf_put_span(out, pl_span_of(is ? "true" : "false"));
        return;
    case PL_ROW_NUMBER:
        pl_value_number(text, &n);
        pl_buf_printf(out, "%llu", (unsigned long long)n);
        return;
    case PL_ROW_DURATION:
        pl_value_duration(text, &n);
        pl_value_put_duration(out, n);
        return;
    default:
        pl_config_put_quoted(out, pl_span_of(text));
    }
}

static void keep(struct pl_import *im, const struct pl_row *row)
{
    const struct pl_leaf *leaf = find(im, row->key, 0);

    if (leaf != NULL && row->type == PL_ROW_TEXT && *leaf->text == '\0')
        leaf = NULL; /* as if it were not there */
    if (leaf != NULL)
        put_value(pl_entries_add(&im->out, row->to, 0, leaf, row->why), row,
                  leaf->text);
    else if (row->absent != NULL)
        put_value(pl_entries_add(&im->out, row->to, 0, NULL, NULL), row,
                  row->absent);
}

/* --- Keys that need more than a row --- */

static void put_level(struct pl_import *im)
{
    static const struct {
        const char *from, *to;
    } levels[] = {{"trace", "debug"}, {"debug", "debug"}, {"info", "info"},
                  {"warn", "warn"},   {"error", "error"}, {"fatal", "error"},
                  {"none", "error"}};
    const struct pl_leaf *leaf = find(im, "log.level", 0);

    if (leaf == NULL || *leaf->text == '\0')
        return;
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (strcasecmp(leaf->text, levels[i].from) == 0) {
            pl_import_put(im, "log.level", 0, leaf,
                          strcmp(levels[i].from, levels[i].to) == 0
                              ? NULL
                              : "parley's nearest level",
                          levels[i].to);
            return;
        }
    PL_LEAF_REPORT(&im->tree, PL_CONFIG_ERROR, leaf,
                   "must be trace, debug, info, warn, error, fatal or none");
}

/* Append one origin.  Centrifugo compares patterns with the whole origin in
 * lower case; parley's need a scheme. */
static void put_origin(struct pl_import *im, struct pl_buf *out,
                       const struct pl_leaf *leaf, bool is_first)
{
    const char *text = leaf->text;
    struct pl_buf origin = {0};

    if (strpbrk(text, "?[]{}!\\") != NULL &&
        strstr(text, "://[") == NULL) { /* an IPv6 address is no pattern */
        PL_LEAF_REPORT(&im->tree, PL_CONFIG_ERROR, leaf,
                       "parley's patterns have no other character than *");
        return;
    }
    if (strstr(text, "://") == NULL && text[0] == '*' && text[1] != '\0')
        pl_buf_put_span(&origin, PL_SPAN("*://"));
    for (; *text != '\0'; text++)
        pl_buf_put_byte(&origin, (char)tolower((unsigned char)*text));
    if (!is_first)
        pl_buf_put_span(out, PL_SPAN(", "));
    out->failed |= origin.failed;
    pl_config_put_quoted(out, pl_buf_span(&origin));
    pl_buf_fini(&origin);
}

/* Without origins Centrifugo refuses each page; parley then admits those of
 * its own host. */
static void put_origins(struct pl_import *im)
{
    static const char path[] = "client.allowed_origins[]";
    const struct pl_leaf *first = pl_tree_find(&im->tree, path, 0, 0), *leaf;

    if (first == NULL) {
        pl_import_put(im, "websocket.allowed_origins", 0, NULL,
                      "as in Centrifugo, no page may connect without "
                      "client.allowed_origins",
                      "[\"https://nobody.invalid\"]");
        return;
    }
    struct pl_buf *out =
        pl_entries_add(&im->out, "websocket.allowed_origins", 0, first, NULL);
    pl_buf_put_byte(out, '[');
    for (size_t n = 0; (leaf = pl_tree_find(&im->tree, path, 0, n)); n++)
        put_origin(im, out, leaf, n == 0);
    pl_buf_put_byte(out, ']');
}

const struct pl_leaf *pl_import_insecure(const struct pl_import *im)
{
    static const char path[] = "client.insecure";

    return pl_import_bool(im, path, 0) ? find(im, path, 0) : NULL;
}

static void put_anonymous(struct pl_import *im)
{
    static const char path[] = "client.allow_anonymous_connect_without_token";
    const struct pl_leaf *open = pl_import_insecure(im);
    const struct pl_leaf *leaf = open != NULL ? open : find(im, path, 0);

    if (leaf != NULL)
        pl_import_put(im, "auth.anonymous", 0, leaf, NULL,
                      open != NULL || pl_import_bool(im, path, 0) ? "true"
                                                                  : "false");
}

/* The same question, asked the other way round. */
static void put_nameless(struct pl_import *im)
{
    static const char path[] = "client.disallow_anonymous_connection_tokens";
    const struct pl_leaf *leaf = find(im, path, 0);

    if (leaf != NULL)
        pl_import_put(im, "auth.anonymous_tokens", 0, leaf, NULL,
                      pl_import_bool(im, path, 0) ? "false" : "true");
}

static void put_bytes(struct pl_import *im, const char *from, const char *to)
{
    const struct pl_leaf *leaf = find(im, from, 0);

    if (leaf != NULL)
        pl_buf_printf(pl_entries_add(&im->out, to, 0, leaf, NULL), "%lluB",
                      (unsigned long long)pl_import_number(im, from, 0, 0));
}

/* Centrifugo has one time for the whole shutdown; the phase that waits for
 * clients gets what the others leave. */
static void put_shutdown(struct pl_import *im)
{
    static const char path[] = "shutdown.timeout";
    const uint64_t others = 100 + 1000 + 3000, least = 100;
    const struct pl_leaf *leaf = find(im, path, 0);
    uint64_t ms = pl_import_duration(im, path, 0, 0);

    if (leaf == NULL || ms == 0)
        return;
    pl_value_put_duration(
        pl_entries_add(&im->out, "shutdown.disconnect", 0, leaf,
                       "the time for clients; other phases take 4.1s at most"),
        ms > others + least ? ms - others : least);
}

/* Centrifugo looks at the claims aud and iss only where they are configured;
 * parley then refuses tokens that have them. */
static void put_unchecked(struct pl_import *im)
{
    static const char note[] = "as in Centrifugo, aud and iss count only where "
                               "they are configured";

    pl_import_put(im, "auth.ignore_unchecked", 0, NULL, note, "true");
    if (pl_import_bool(im, "client.subscription_token.enabled", 0))
        pl_import_put(im, "auth.subscription.ignore_unchecked", 0, NULL, NULL,
                      "true");
}

void pl_import_options(struct pl_import *im)
{
    for (size_t i = 0; i < im->tree.count; i++)
        check(im, &im->tree.at[i]);
    put_anonymous(im);
    put_nameless(im);
    for (size_t i = 0; i < pl_row_count; i++)
        if (pl_rows[i].way == PL_ROW_KEPT)
            keep(im, &pl_rows[i]);
    put_unchecked(im);
    put_level(im);
    put_origins(im);
    put_bytes(im, "client.queue_max_size", "limits.outgoing_queue");
    put_bytes(im, "websocket.message_size_limit", "websocket.max_message");
    put_shutdown(im);
}
