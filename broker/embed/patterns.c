/* SPDX-License-Identifier: Apache-2.0 */
/* patterns.c - see patterns.h.
 *
 * What a pattern does not say is as in the configuration, so each new rulebook
 * is made of the newest configuration and of all patterns: by a reload, and by
 * a call of pl_broker_rule().  Both build it under the guard, because one must
 * not lose what the other brings; nothing there blocks.
 *
 * The pattern "*" is for all names that no other rules are for, so a rulebook
 * with it is open: no name is error 102.
 *
 * Rejected: patterns with a star elsewhere, because the rules of a channel are
 * found by the part of its name before the first colon.
 *
 * Invariant: `rules` of the broker is what its next start uses, and what its
 * running loops have or will have once they read their mail. */
#include "patterns.h"

#include <stdlib.h>
#include <string.h>

#include "broker_private.h"
#include "channel_name.h"
#include "rules_mail.h"
#include "system.h"

void pl_patterns_fini(struct pl_patterns *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->at[i].name);
        free(p->at[i].settings);
    }
    free(p->at);
    *p = (struct pl_patterns){0};
}

/* --- A new rulebook --- */

/* Return the place of `name` among the templates; `count` if it is new. */
static uint32_t place_of(const struct pl_rules *templates, uint32_t count,
                         struct pl_span name)
{
    uint32_t i = 0;

    while (i < count && !pl_span_equal(templates[i].name, name))
        i++;
    return i;
}

/* The rules that the configuration has for a pattern. */
static const struct pl_rules *configured(const struct pl_rulebook *b,
                                         struct pl_span name)
{
    const struct pl_rules *r = pl_rulebook_space(b, name);

    return r == NULL ? pl_rulebook_default(b) : r;
}

/* Put the rules of one pattern among the templates. */
static enum pl_err take_pattern(const struct pl_rulebook *b,
                                const struct pl_pattern *p,
                                struct pl_rules *templates, uint32_t *count)
{
    struct pl_span name = pl_span_of(p->name);
    const struct pl_rules *from = configured(b, name);
    struct pl_rules_settings s = from->settings;
    uint32_t at = place_of(templates, *count, name);
    struct pl_buf report = {0};
    enum pl_err rc = pl_rules_settings_change(&s, p->settings, &report);

    pl_buf_fini(&report);
    if (rc != PL_OK)
        return rc;
    templates[at] = pl_rules_of(&s);
    templates[at].name = name;
    templates[at].names = from->names; /* pl_rulebook_create() holds it */
    *count += at == *count;
    return PL_OK;
}

static enum pl_err make_book(struct pl_new_rules *n,
                             const struct pl_patterns *p)
{
    uint32_t count = pl_rulebook_count(n->configured);
    struct pl_rules *templates = malloc((count + p->count) * sizeof *templates);
    enum pl_err rc = PL_OK;
    bool is_open = false;

    if (templates == NULL)
        return PL_ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        templates[i] = *pl_rulebook_at(n->configured, i);
    for (size_t i = 0; i < p->count && rc == PL_OK; i++) {
        is_open = is_open || p->at[i].name[0] == '\0';
        rc = take_pattern(n->configured, &p->at[i], templates, &count);
    }
    if (rc == PL_OK)
        rc = pl_rulebook_create(&n->book, 0, pl_rulebook_naming(n->configured),
                                templates, count);
    if (rc == PL_OK && is_open)
        pl_rulebook_open(n->book);
    free(templates);
    return rc;
}

enum pl_err pl_new_rules_make(struct pl_new_rules *n, struct pl_broker *b,
                              struct pl_rulebook *configured)
{
    *n = (struct pl_new_rules){.configured = pl_rulebook_hold(configured)};
    enum pl_err rc = make_book(n, &b->patterns);

    for (unsigned i = 0; i <= 2 * b->workers && rc == PL_OK; i++) {
        struct pl_rules_mail *m = pl_rules_mail_create();

        if (m == NULL)
            return PL_ENOMEM;
        m->book = pl_rulebook_hold(n->book);
        m->release = pl_rulebook_release;
        n->mail[i] = &m->msg;
    }
    return rc;
}

static void post(struct pl_broker *b, struct pl_address to,
                 struct pl_msg **mail)
{
    pl_system_post(b->system, to, *mail);
    *mail = NULL;
}

void pl_new_rules_spread(struct pl_new_rules *n, struct pl_broker *b)
{
    struct pl_rulebook *old = b->rules;

    pl_rulebook_number(n->book, ++b->rules_made);
    for (unsigned i = 0; b->is_running && i < b->workers; i++) {
        post(b, b->owners[i], &n->mail[2 * (size_t)i]);
        post(b, b->managers[i], &n->mail[2 * (size_t)i + 1]);
    }
    if (b->is_running)
        post(b, b->admin, &n->mail[2 * (size_t)b->workers]);
    b->rules = n->book;
    n->book = old;
    old = b->configured;
    b->configured = n->configured;
    n->configured = old;
}

void pl_new_rules_fini(struct pl_new_rules *n)
{
    for (unsigned i = 0; i <= 2 * PL_NET_LOOPS_MAX; i++)
        if (n->mail[i] != NULL)
            n->mail[i]->destroy(n->mail[i]);
    pl_rulebook_release(n->book);
    pl_rulebook_release(n->configured);
}

/* --- pl_broker_rule() --- */

static bool is_name(struct pl_span name)
{
    static const char good[] = "-_.0123456789abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    for (size_t i = 0; i < name.len; i++)
        if (memchr(good, name.at[i], sizeof good - 1) == NULL)
            return false;
    return name.len > 0 && name.len < PL_CHANNEL_NAME_MAX;
}

/* "NAME:*", or "*" for the empty name. */
static bool read_pattern(const char *pattern, struct pl_span *name)
{
    size_t len = strlen(pattern);

    if (strcmp(pattern, "*") == 0) {
        *name = PL_SPAN("");
        return true;
    }
    *name = (struct pl_span){pattern, len < 2 ? 0 : len - 2};
    return len > 2 && strcmp(pattern + len - 2, ":*") == 0 && is_name(*name);
}

/* Copy all patterns but that of `name`, and add that. */
static enum pl_err copy_with(struct pl_patterns *to,
                             const struct pl_patterns *from,
                             struct pl_span name, const char *settings)
{
    to->at = calloc(from->count + 1, sizeof *to->at);
    if (to->at == NULL)
        return PL_ENOMEM;
    for (size_t i = 0; i <= from->count; i++) {
        struct pl_pattern *p = &to->at[to->count];
        bool is_new = i == from->count;

        if (!is_new && pl_span_equal(pl_span_of(from->at[i].name), name))
            continue;
        p->name =
            is_new ? strndup(name.at, name.len) : strdup(from->at[i].name);
        p->settings = strdup(is_new ? settings : from->at[i].settings);
        to->count++;
        if (p->name == NULL || p->settings == NULL)
            return PL_ENOMEM;
    }
    return PL_OK;
}

static void swap(struct pl_patterns *a, struct pl_patterns *b)
{
    struct pl_patterns c = *a;

    *a = *b;
    *b = c;
}

static enum pl_err add(struct pl_broker *b, struct pl_span name,
                       const char *settings)
{
    struct pl_patterns more = {0};
    struct pl_new_rules n = {.book = NULL};

    pl_guard_enter(b->guard);
    enum pl_err rc = copy_with(&more, &b->patterns, name, settings);
    if (rc == PL_OK) {
        swap(&b->patterns, &more);
        rc = pl_new_rules_make(&n, b, b->configured);
        if (rc == PL_OK)
            pl_new_rules_spread(&n, b);
        else
            swap(&b->patterns, &more);
    }
    pl_guard_leave(b->guard);
    pl_new_rules_fini(&n);
    pl_patterns_fini(&more);
    return rc;
}

enum pl_err pl_broker_rule(struct pl_broker *b, const char *pattern,
                           const char *settings)
{
    const struct pl_log *before = pl_log_use(&b->log);
    struct pl_rules_settings scratch = {0};
    struct pl_buf report = {0};
    struct pl_span name;
    enum pl_err rc = PL_EINVAL;

    if (read_pattern(pattern, &name))
        rc = pl_rules_settings_change(&scratch, settings, &report);
    pl_broker_log_report(&report, PL_LOG_ERROR);
    if (rc == PL_OK)
        rc = add(b, name, settings);
    pl_log_use(before);
    return rc;
}
