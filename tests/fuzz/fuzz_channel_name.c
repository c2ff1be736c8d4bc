/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_channel_name.c - names of channels, any marks in them, and what a
 * rulebook finds for them.
 *
 * The input is a byte of switches, five lines (the four marks and the namespace
 * of the inboxes), and a name. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "rules.h"

enum { LINES = 5, SPACES = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static struct pl_span take_line(struct pl_span *rest)
{
    const char *end = memchr(rest->at, '\n', rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->at);
    struct pl_span line = {rest->at, len};

    len += end != NULL;
    *rest = (struct pl_span){rest->at + len, rest->len - len};
    return line;
}

static struct pl_config_mark mark_of(struct pl_span line)
{
    struct pl_config_mark m = {""};

    if (line.len > 0 && memchr(line.at, '\0', line.len) == NULL)
        memcpy(m.at, line.at,
               line.len < sizeof m.at ? line.len : sizeof m.at - 1);
    return m;
}

static bool lies_in(struct pl_span part, struct pl_span name)
{
    return part.len == 0 ||
           (part.at >= name.at && part.at + part.len <= name.at + name.len);
}

static void check_parts(const struct pl_naming *n, struct pl_span name)
{
    struct pl_name_parts p = pl_name_parse(n, name);
    unsigned lists = p.traits & (PL_NAME_USERS | PL_NAME_INBOX);

    must(lies_in(p.space, name) && lies_in(p.rest, name) &&
         lies_in(p.users, name));
    must((lists & (lists - 1)) == 0); /* one of them at most */
    must(lists != 0 || p.traits & PL_NAME_PERSONAL || p.users.len == 0);
    must(!(p.traits & PL_NAME_PERSONAL) ||
         (!(p.traits & (PL_NAME_USERS | PL_NAME_PRIVATE)) &&
          p.users.len + 1 == p.rest.len));
    must((p.traits & PL_NAME_CONNECTION) == 0 || name.at[0] == '@');
    must(p.rest.len == 0 || p.rest.at + p.rest.len == name.at + name.len);
    must((p.traits & PL_NAME_BAD) == 0);
    if (p.users.len > 0) {
        must(pl_name_lists(n, p.users, p.users) ||
             n->user_separator.at[0] != '\0');
        must(!pl_name_lists(n, p.users, PL_SPAN("\1 not in a list")) ||
             memchr(p.users.at, '\1', p.users.len) != NULL);
    }
}

/* What a cache finds is what its rulebook says, the second time, too. */
static void check_rules(const struct pl_naming *n, struct pl_span name,
                        bool is_open)
{
    static const char *const names[SPACES] = {"", "chat", "n"};
    static const struct pl_hash_key key = {1, 2};
    struct pl_rules rules[SPACES] = {0};
    struct pl_rule_cache c = {0};
    struct pl_rulebook *b;

    for (unsigned i = 0; i < SPACES; i++)
        rules[i].name = pl_span_of(names[i]);
    rules[1].sub.flags = PL_RULE_FOREIGN_NAMES;
    must(pl_rulebook_create(&b, 1, n, rules, SPACES) == PL_OK);
    if (is_open)
        pl_rulebook_open(b);
    pl_rule_cache_set(&c, b);
    struct pl_found first = pl_rulebook_look(b, name);
    struct pl_name_parts p = pl_name_parse(n, name);
    must(first.rules != NULL || !is_open);
    must((first.traits & ~PL_NAME_BAD) == p.traits);
    must(pl_rulebook_space(b, p.space) == first.rules || is_open);
    for (int i = 0; i < 2; i++) {
        struct pl_found found =
            pl_rule_cache_find(&c, name, pl_hash(&key, name));

        must(found.rules == first.rules && found.traits == first.traits);
    }
    pl_rule_cache_fini(&c);
    pl_rulebook_release(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_span rest = {(const char *)data, size}, line[LINES];

    if (size < 2)
        return 0;
    rest = (struct pl_span){rest.at + 1, rest.len - 1};
    for (int i = 0; i < LINES; i++)
        line[i] = take_line(&rest);
    const struct pl_naming n = {.boundary = mark_of(line[0]),
                                .private_prefix = mark_of(line[1]),
                                .user_boundary = mark_of(line[2]),
                                .user_separator = mark_of(line[3]),
                                .max_length = PL_CHANNEL_NAME_MAX,
                                .has_inboxes = data[0] & 1,
                                .inbox_space = line[4],
                                .has_personal = data[0] & 4,
                                .personal_space = line[4]};
    if (rest.len == 0 || rest.len > PL_CHANNEL_NAME_MAX)
        return 0;
    check_parts(&n, rest);
    check_rules(&n, rest, data[0] & 2);
    return 0;
}
