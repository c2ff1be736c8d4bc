/* SPDX-License-Identifier: Apache-2.0 */
/* rules_settings.h - the keys that become the rules of channels.
 *
 * docs/configuration.md explains each key.  The values are constant once they
 * are checked, so any thread may read them.  Durations end in _ms.  A running
 * broker adopts all of them: a reload makes another rulebook. */
#ifndef PL_RULES_SETTINGS_H
#define PL_RULES_SETTINGS_H

#include "config_key.h"
#include "err.h"

struct pl_buf;
struct pl_rules;

struct pl_buf;
struct pl_naming;
struct pl_rules;
struct pl_rulebook;

/* The users that may do something. */
enum pl_allow {
    PL_ALLOW_NONE,
    PL_ALLOW_AUTHENTICATED, /* a token or a handler authenticated the user */
    PL_ALLOW_ALL
};

/* The data of publications. */
enum pl_data {
    PL_DATA_JSON,
    PL_DATA_JSON_OBJECT,
    PL_DATA_NOT_EMPTY, /* any bytes, but at least one */
    PL_DATA_BINARY     /* any bytes, or none */
};

/* What happens to a client that reads more slowly than its channels publish. */
enum pl_slow {
    PL_SLOW_CLOSE,
    PL_SLOW_DROP_OLDEST,
    PL_SLOW_LATEST /* keep the newest publication of each channel */
};

/* Which subscriptions have something. */
enum pl_when { PL_WHEN_ALWAYS, PL_WHEN_ASKED, PL_WHEN_NEVER };

/* What a name that lists users means to clients. */
enum pl_user_lists {
    PL_USER_LISTS_CLOSED, /* they may not use it */
    PL_USER_LISTS_OBEYED, /* only the users of the list may subscribe */
    PL_USER_LISTS_IGNORED /* nothing */
};

enum pl_expiry { PL_EXPIRY_EACH, PL_EXPIRY_WHOLE };

/* The keys `channels.*` of which each namespace has its own, and
 * `actors.allow_send`.  No member owns memory. */
struct pl_rules_settings {
    enum pl_allow allow_subscribe, allow_publish, allow_presence, allow_history;
    enum pl_allow allow_subscriber_publish, allow_subscriber_presence,
        allow_subscriber_history; /* what subscribers may do as well */
    enum pl_allow allow_send;     /* to user/ and conn/ addresses; not of
                                     namespaces */
    enum pl_user_lists user_lists;
    enum pl_data data;
    enum pl_slow slow;
    enum pl_when positioning, recovery;
    enum pl_expiry history_expiry;
    bool presence;
    bool join_leave;
    bool push_join_leave;
    bool join_leave_by_user;
    bool utf8_names;
    uint32_t publish_rate;  /* publications a second; 0: any number */
    uint32_t publish_burst; /* at once; 0: as many as a second */
    uint64_t meta_ttl_ms;
    uint32_t history_size;   /* 0: no history */
    uint64_t history_bytes;  /* per channel; 0: no limit */
    uint64_t history_ttl_ms; /* 0: no history */
};

/* One item of the list `namespaces`. */
struct pl_space_settings {
    char *name;
    char *name_regex; /* NULL: any name */
    struct pl_rules_settings rules;
};

/* The keys about names, and the namespaces. */
struct pl_naming_settings {
    struct pl_config_mark boundary, private_prefix, user_boundary,
        user_separator;
    uint32_t max_length;
    char *name_regex;     /* of names without a namespace; NULL: any */
    bool personal;        /* each user has a personal channel ... */
    char *personal_space; /* ... in this namespace; NULL: in none */
    bool is_single;       /* a new connection of a user closes the others */
    struct pl_config_sections spaces; /* of struct pl_space_settings */
};

extern const struct pl_config_table pl_rules_keys;
extern const struct pl_config_table pl_naming_keys;
extern const struct pl_config_schema pl_space_schema; /* of one namespace */

/* Return the rules that the settings say, for the names without a namespace: a
 * template for pl_rulebook_create(). */
struct pl_rules pl_rules_of(const struct pl_rules_settings *s);

/* Make the rulebook of a configuration.
 * Owner:  the caller owns the reference.
 * Errors: PL_EINVAL (a regular expression is none: the reading of the
 *         configuration reports it), PL_ENOMEM. */
enum pl_err pl_rules_make(struct pl_rulebook **out,
                          const struct pl_rules_settings *rules,
                          const struct pl_naming_settings *naming);

/* Set keys of the section `channels` in *s: "history_size=100 presence=true".
 * On an error *s is unchanged, and `report` gets a line per finding.
 * Errors: PL_EINVAL, PL_ENOMEM. */
enum pl_err pl_rules_settings_change(struct pl_rules_settings *s,
                                     const char *changes,
                                     struct pl_buf *report);

#endif
