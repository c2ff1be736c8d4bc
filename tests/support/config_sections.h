/* SPDX-License-Identifier: Apache-2.0 */
/* config_sections.h - a schema of two modules, one of which has a list of
 * sections. */
#ifndef PL_TEST_CONFIG_SECTIONS_H
#define PL_TEST_CONFIG_SECTIONS_H

#include "config_load.h"

enum colour { RED, GREEN, BLUE };

/* One of `spaces`. */
struct space {
    char *name;
    uint32_t size;
    uint64_t ttl_ms;
    enum colour colour;
    struct pl_config_strings tags;
};

static const struct pl_config_key space_keys[] = {
    {"name", PL_KIND_STRING, .offset = offsetof(struct space, name)},
    {"limits.size", PL_KIND_NUMBER, .offset = offsetof(struct space, size),
     .fallback = "7", .insecure = "70", .max = 100},
    {"limits.ttl", PL_KIND_DURATION, .offset = offsetof(struct space, ttl_ms),
     .fallback = "1s", .max = 60000},
    {"colour", PL_KIND_WORD, .offset = offsetof(struct space, colour),
     .fallback = "green", .words = "red, green or blue"},
    {"tags", PL_KIND_STRINGS, .offset = offsetof(struct space, tags),
     .fallback = "[]", .max = 3},
};
static const struct pl_config_table space_table = {space_keys, 5};
static const struct pl_config_part space_part = {&space_table, 0};
static const struct pl_config_schema space_schema = {&space_part, 1,
                                                     sizeof(struct space)};

struct first_room {
    bool on;
    struct pl_config_sections spaces;
};

struct second_room {
    uint32_t number;
};

struct two_modules {
    struct first_room first;
    struct second_room second;
};

static const struct pl_config_key first_keys[] = {
    {"shared.on", PL_KIND_BOOL, .offset = offsetof(struct first_room, on),
     .fallback = "false"},
    {"spaces", PL_KIND_SECTIONS, .offset = offsetof(struct first_room, spaces),
     .max = 3, .one = &space_schema},
};
static const struct pl_config_key second_keys[] = {
    {"shared.number", PL_KIND_NUMBER,
     .offset = offsetof(struct second_room, number), .fallback = "1", .max = 9},
};
static const struct pl_config_table first_table = {first_keys, 2};
static const struct pl_config_table second_table = {second_keys, 1};
static const struct pl_config_part parts[] = {
    {&first_table, offsetof(struct two_modules, first)},
    {&second_table, offsetof(struct two_modules, second)},
};
static const struct pl_config_schema two_schema = {parts, 2,
                                                   sizeof(struct two_modules)};

#endif
