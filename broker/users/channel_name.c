/* SPDX-License-Identifier: Apache-2.0 */
/* channel_name.c - see channel_name.h.
 *
 * A name is read once per loop (rules.c keeps the result), so this file is
 * plain rather than fast.  The rules are those of Centrifugo: the private
 * prefix is taken off once, the namespace ends at its first boundary, the list
 * of users begins after the last user boundary.
 *
 * An inbox is found first.  The name of a user may contain any character, so
 * "#a:b" is the inbox of "a:b" and has no namespace.  Likewise "own:#a#b,c" is
 * the personal channel of the user "a#b,c" and lists no user: otherwise a user
 * with a mark in the name would share the channel with others.
 *
 * Rejected: marks with letters or digits, because a boundary "x" would give
 * most names a namespace by accident.
 *
 * Invariant: `space` and `users` lie in the name; they do not overlap, except
 * if a user boundary stands before the namespace boundary. */
#include "channel_name.h"

#include <string.h>

static struct pl_span span_of(const struct pl_config_mark *m)
{
    return (struct pl_span){m->at, strnlen(m->at, sizeof m->at)};
}

/* Return the bytes before the first `mark` in `in`; SIZE_MAX: it has none. */
static size_t find(struct pl_span in, struct pl_span mark)
{
    for (size_t i = 0; mark.len > 0 && i + mark.len <= in.len; i++)
        if (memcmp(in.at + i, mark.at, mark.len) == 0)
            return i;
    return SIZE_MAX;
}

static struct pl_span from(struct pl_span in, size_t at)
{
    return (struct pl_span){in.at + at, in.len - at};
}

static bool is_foreign(struct pl_span name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.at[i] > 0x7f)
            return true;
    return false;
}

static bool begins_with(struct pl_span name, char mark)
{
    return name.len > 0 && name.at[0] == mark;
}

static bool is_inbox(const struct pl_naming *n, const struct pl_name_parts *p)
{
    return n->has_inboxes && begins_with(p->rest, PL_CHANNEL_USER_INBOX) &&
           pl_span_equal(p->space, n->inbox_space);
}

/* Divide the name at its namespace boundary. */
static void divide(const struct pl_naming *n, struct pl_span name,
                   struct pl_name_parts *p)
{
    struct pl_span prefix = span_of(&n->private_prefix);
    struct pl_span boundary = span_of(&n->boundary);

    if (prefix.len > 0 && name.len >= prefix.len &&
        memcmp(name.at, prefix.at, prefix.len) == 0) {
        p->traits |= PL_NAME_PRIVATE;
        name = from(name, prefix.len);
    }
    size_t at = find(name, boundary);
    p->space = (struct pl_span){name.at, at == SIZE_MAX ? 0 : at};
    p->rest = at == SIZE_MAX ? name : from(name, at + boundary.len);
}

static bool is_personal(const struct pl_naming *n,
                        const struct pl_name_parts *p)
{
    return n->has_personal && !(p->traits & PL_NAME_PRIVATE) &&
           begins_with(p->rest, PL_CHANNEL_USER_INBOX) &&
           pl_span_equal(p->space, n->personal_space);
}

/* Find what follows the last user boundary of the whole name. */
static void find_users(const struct pl_naming *n, struct pl_span name,
                       struct pl_name_parts *p)
{
    struct pl_span boundary = span_of(&n->user_boundary);
    size_t at;

    for (; (at = find(name, boundary)) != SIZE_MAX; p->users = name) {
        name = from(name, at + boundary.len);
        p->traits |= PL_NAME_USERS;
    }
}

struct pl_name_parts pl_name_parse(const struct pl_naming *n,
                                   struct pl_span name)
{
    struct pl_name_parts p = {.space = {name.at, 0}, .rest = name};
    bool is_bare_inbox = is_inbox(n, &p);

    if (is_foreign(name))
        p.traits |= PL_NAME_FOREIGN;
    if (begins_with(name, PL_CHANNEL_CONNECTION_INBOX)) {
        p.traits |= PL_NAME_CONNECTION;
        return p;
    }
    if (!is_bare_inbox)
        divide(n, name, &p);
    if (is_personal(n, &p))
        p.traits |= PL_NAME_PERSONAL;
    if (is_bare_inbox || is_inbox(n, &p))
        p.traits |= PL_NAME_INBOX;
    if (p.traits & (PL_NAME_INBOX | PL_NAME_PERSONAL))
        p.users = from(p.rest, 1);
    else
        find_users(n, name, &p);
    return p;
}

void pl_naming_marks(const struct pl_naming *n, bool *marks)
{
    const struct pl_config_mark *all[] = {&n->boundary, &n->private_prefix,
                                          &n->user_boundary};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i]->at[0] != '\0')
            marks[(unsigned char)all[i]->at[0]] = true;
    marks[PL_CHANNEL_USER_INBOX] = marks[PL_CHANNEL_CONNECTION_INBOX] = true;
    for (int c = 0x80; c <= 0xff; c++)
        marks[c] = true;
}

bool pl_name_lists(const struct pl_naming *n, struct pl_span users,
                   struct pl_span user)
{
    struct pl_span separator = span_of(&n->user_separator);
    size_t at;

    while ((at = find(users, separator)) != SIZE_MAX) {
        if (pl_span_equal((struct pl_span){users.at, at}, user))
            return true;
        users = from(users, at + separator.len);
    }
    return pl_span_equal(users, user);
}

enum pl_channel_name pl_channel_name_check(struct pl_span name)
{
    if (name.len == 0)
        return PL_CHANNEL_NAME_EMPTY;
    if (name.len > PL_CHANNEL_NAME_MAX)
        return PL_CHANNEL_NAME_TOO_LONG;
    if (name.at[0] == PL_CHANNEL_CONNECTION_INBOX ||
        name.at[0] == PL_CHANNEL_USER_INBOX)
        return PL_CHANNEL_NAME_RESERVED;
    return PL_CHANNEL_NAME_OK;
}
