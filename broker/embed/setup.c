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

#include <string.h>

#include "log.h"

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

static enum pl_err check(const struct pl_broker_setup *s)
{
    const char *finding = NULL;

    if (s->flags & ~(uint32_t)(PL_INSECURE | PL_HANDLES_CONNECT))
        finding = "flags: this release does not know all of them";
    else if (!has_sets(s))
        finding = "sets: one is NULL";
    if (finding == NULL)
        return PL_OK;
    name_finding("struct pl_broker_setup", finding);
    return PL_EINVAL;
}

enum pl_err pl_setup_read(struct pl_broker_setup *to,
                          const struct pl_broker_setup *from)
{
    enum pl_err rc = pl_options_copy(to, sizeof *to, sizeof *to, from,
                                     "struct pl_broker_setup");

    return rc == PL_OK ? check(to) : rc;
}
