/* SPDX-License-Identifier: Apache-2.0 */
/* makers.h - limits the new channels of each client.  Private to this
 * module. */
#ifndef PL_MAKERS_H
#define PL_MAKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "hash.h"
#include "list.h"
#include "map.h"
#include "random.h"

enum { PL_MAKERS_MAX = 65536 }; /* entries of one table, 40 bytes each */

struct pl_makers {
    struct pl_map map;
    struct pl_list used; /* all entries, least recently used first */
    struct pl_hash_key key;
    uint64_t interval_ns; /* per new channel; 0: no limit */
    uint64_t most_ns;     /* of a whole burst */
    uint32_t entries_max;
};

/* Allow `per_minute` new channels per maker, `burst` of them at once.  0: no
 * limit. */
void pl_makers_init(struct pl_makers *m, uint32_t per_minute, uint32_t burst,
                    struct pl_random *random);
void pl_makers_fini(struct pl_makers *m);

/* Count a new channel of `c`.  Return false if it has created too many. */
bool pl_makers_take(struct pl_makers *m, const struct pl_client *c,
                    uint64_t now_ms);

#endif
