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
#include "systemd.h"

enum {
    ANSWER_MS_MAX = 60 * 60 * 1000, /* as handlers.timeout */
    NAME_MAX_SHOWN = 300            /* bytes; systemd has names up to 255 */
};

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

/* --- Listeners --- */

/* Copy the listeners of the setup to the sockets. */
static enum pl_err take_listeners(struct pl_sockets *to,
                                  const struct pl_broker_setup *s)
{
    if (s->listener_count > PL_LISTENERS_MAX ||
        (s->listener_count > 0 && s->listeners == NULL)) {
        name_finding("listeners", "NULL, or more than 64");
        return PL_EINVAL;
    }
    for (size_t i = 0; i < s->listener_count; i++)
        to->fds[i] = s->listeners[i];
    to->count = to->given = s->listener_count;
    return PL_OK;
}

/* Append the sockets of systemd. */
static enum pl_err take_systemd(struct pl_sockets *to)
{
    size_t count;
    const char *fault = pl_systemd_count(&count);

    if (fault == NULL && count > PL_LISTENERS_MAX - to->count)
        fault = "more than 64 listeners";
    if (fault != NULL) {
        name_finding("LISTEN_FDS", fault);
        return PL_EINVAL;
    }
    for (size_t i = 0; i < count; i++)
        to->fds[to->count++] = PL_SYSTEMD_FIRST + (int)i;
    return PL_OK;
}

static void name_listener(char *out, size_t size, const struct pl_sockets *s,
                          size_t i)
{
    if (i < s->given) {
        snprintf(out, size, "listeners[%zu]", i);
        return;
    }
    struct pl_span name = pl_systemd_name(i - s->given);
    snprintf(out, size, "LISTEN_FDS[%zu] (%.*s)", i - s->given, (int)name.len,
             name.at);
}

/* Name the first listener that cannot be used. */
static enum pl_err check_listeners(const struct pl_sockets *s, bool is_local)
{
    char name[NAME_MAX_SHOWN];

    for (size_t i = 0; i < s->count; i++) {
        const char *fault = i < s->given ? NULL : pl_systemd_fault(s->fds[i]);

        if (fault == NULL)
            fault = pl_inherited_fault(s->fds[i], is_local);
        if (fault == NULL)
            continue;
        name_listener(name, sizeof name, s, i);
        name_finding(name, fault);
        return PL_EINVAL;
    }
    return PL_OK;
}

static enum pl_err read_listeners(struct pl_sockets *to,
                                  const struct pl_broker_setup *s)
{
    enum pl_err rc = take_listeners(to, s);

    if (rc == PL_OK && s->flags & PL_SYSTEMD_SOCKETS)
        rc = take_systemd(to);
    return rc == PL_OK ? check_listeners(to, s->flags & PL_INSECURE) : rc;
}

/* --- The setup --- */

static enum pl_err check(const struct pl_broker_setup *s)
{
    const char *finding = NULL;

    if (s->flags &
        ~(uint32_t)(PL_INSECURE | PL_HANDLES_CONNECT | PL_SYSTEMD_SOCKETS |
                    PL_ENVIRONMENT | PL_CENTRIFUGO))
        finding = "flags: this release does not know all of them";
    else if (s->flags & PL_CENTRIFUGO && s->config_file == NULL)
        finding = "flags: PL_CENTRIFUGO needs a config_file";
    else if (s->answer_ms > ANSWER_MS_MAX)
        finding = "answer_ms: more than an hour";
    else if (!has_sets(s))
        finding = "sets: one is NULL";
    if (finding == NULL)
        return PL_OK;
    name_finding("struct pl_broker_setup", finding);
    return PL_EINVAL;
}

enum pl_err pl_setup_read(struct pl_broker_setup *to, struct pl_events *events,
                          struct pl_sockets *sockets,
                          const struct pl_broker_setup *from)
{
    enum pl_err rc = pl_options_copy(to, sizeof *to, sizeof *to, from,
                                     "struct pl_broker_setup");

    *events = (struct pl_events){0};
    if (rc == PL_OK)
        rc = check(to);
    if (rc == PL_OK)
        rc = read_listeners(sockets, to);
    if (rc == PL_OK) {
        to->listeners = sockets->fds;
        to->listener_count = sockets->count;
    }
    if (rc == PL_OK && to->events != NULL)
        rc = pl_options_copy(events, sizeof *events, sizeof *events, to->events,
                             "struct pl_events");
    return rc;
}
