/* SPDX-License-Identifier: Apache-2.0 */
/* setup.c - see setup.h.
 *
 * A program and the library that it runs with may be of different releases.
 * So each struct of options says its size: what an older program does not have
 * is 0 here, and what a newer program has and sets is refused.  To ignore it
 * would start a broker without a protection that its program asked for.
 *
 * Rejected: a version number, because a program would have to know which
 * members belong to which version. */
#include "setup.h"

#include <stdio.h>
#include <string.h>

#include "inherited.h"
#include "log.h"

enum { ANSWER_MS_MAX = 60 * 60 * 1000 }; /* as handlers.timeout */

static void name_finding(const char *what, const char *finding)
{
    PL_LOG(PL_LOG_ERROR, "option refused", pl_log_string("option", what),
           pl_log_string("reason", finding));
}

static bool is_zero(const unsigned char *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (at[i] != 0)
            return false;
    return true;
}

enum pl_err pl_options_copy(void *to, size_t known, size_t least,
                            const void *from, const char *name)
{
    size_t size;

    if (from == NULL) {
        name_finding(name, "it is NULL");
        return PL_EINVAL;
    }
    memcpy(&size, from, sizeof size);
    if (size < least) {
        name_finding(name, "its size is too small");
        return PL_EINVAL;
    }
    if (size > known &&
        !is_zero((const unsigned char *)from + known, size - known)) {
        name_finding(name, "this release does not know a member that is set");
        return PL_EINVAL;
    }
    memset(to, 0, known);
    memcpy(to, from, size < known ? size : known);
    return PL_OK;
}

static bool has_sets(const struct pl_broker_setup *s)
{
    if (s->set_count > 0 && s->sets == NULL)
        return false;
    for (size_t i = 0; i < s->set_count; i++)
        if (s->sets[i] == NULL)
            return false;
    return true;
}

/* Name the first listener that cannot be used. */
static enum pl_err check_listeners(const struct pl_broker_setup *s)
{
    char name[32];

    if (s->listener_count > PL_LISTENERS_MAX ||
        (s->listener_count > 0 && s->listeners == NULL)) {
        name_finding("listeners", "NULL, or more than 64");
        return PL_EINVAL;
    }
    for (size_t i = 0; i < s->listener_count; i++) {
        const char *fault =
            pl_inherited_fault(s->listeners[i], s->flags & PL_INSECURE);

        if (fault == NULL)
            continue;
        snprintf(name, sizeof name, "listeners[%zu]", i);
        name_finding(name, fault);
        return PL_EINVAL;
    }
    return PL_OK;
}

static enum pl_err check(const struct pl_broker_setup *s)
{
    const char *finding = NULL;

    if (s->flags & ~(uint32_t)(PL_INSECURE | PL_HANDLES_CONNECT))
        finding = "flags: this release does not know all of them";
    else if (s->answer_ms > ANSWER_MS_MAX)
        finding = "answer_ms: more than an hour";
    else if (!has_sets(s))
        finding = "sets: one is NULL";
    if (finding == NULL)
        return check_listeners(s);
    name_finding("struct pl_broker_setup", finding);
    return PL_EINVAL;
}

enum pl_err pl_setup_read(struct pl_broker_setup *to, struct pl_events *events,
                          const struct pl_broker_setup *from)
{
    enum pl_err rc = pl_options_copy(to, sizeof *to, sizeof *to, from,
                                     "struct pl_broker_setup");

    *events = (struct pl_events){0};
    if (rc == PL_OK)
        rc = check(to);
    if (rc == PL_OK && to->events != NULL)
        rc = pl_options_copy(events, sizeof *events, sizeof *events, to->events,
                             "struct pl_events");
    return rc;
}
