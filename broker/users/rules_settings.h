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

/* The users that may do something. */
enum pl_allow {
    PL_ALLOW_NONE,
    PL_ALLOW_AUTHENTICATED, /* a token or a handler authenticated the user */
    PL_ALLOW_ALL
};

enum pl_data { PL_DATA_JSON, PL_DATA_BINARY };

/* What happens to a client that reads more slowly than its channels publish. */
enum pl_slow {
    PL_SLOW_CLOSE,
    PL_SLOW_DROP_OLDEST,
    PL_SLOW_LATEST /* keep the newest publication of each channel */
};

/* The keys `channels.*`, and `actors.allow_send`. */
struct pl_rules_settings {
    enum pl_allow allow_subscribe, allow_publish, allow_presence, allow_history;
    enum pl_allow allow_send; /* to user/ and conn/ addresses */
    enum pl_data data;
    enum pl_slow slow;
    bool presence;
    bool join_leave;
    uint64_t meta_ttl_ms;
    uint32_t history_size;   /* 0: no history */
    uint64_t history_bytes;  /* per channel; 0: no limit */
    uint64_t history_ttl_ms; /* 0: no history */
};

extern const struct pl_config_table pl_rules_keys;

/* Return the rules that the settings say, for the names without a namespace: a
 * template for pl_rulebook_create(). */
struct pl_rules pl_rules_of(const struct pl_rules_settings *s);

/* Set keys of the section `channels` in *s: "history_size=100 presence=true".
 * On an error *s is unchanged, and `report` gets a line per finding.
 * Errors: PL_EINVAL, PL_ENOMEM. */
enum pl_err pl_rules_settings_change(struct pl_rules_settings *s,
                                     const char *changes,
                                     struct pl_buf *report);

#endif
