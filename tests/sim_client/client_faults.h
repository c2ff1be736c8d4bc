/* SPDX-License-Identifier: Apache-2.0 */
/* client_faults.h - bugs that are planted in the library, to see whether the
 * simulation finds them. */
#ifndef CLIENT_FAULTS_H
#define CLIENT_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

enum client_plant {
    CLIENT_PLANT_NONE,
    CLIENT_PLANT_LOST_RESUME,    /* reading that paused goes on no more */
    CLIENT_PLANT_STALE_POSITION, /* a publication does not move a position */
    CLIENT_PLANT_WRONG_OUTCOME,  /* what left counts as not sent */
    CLIENT_PLANT_LOST_QUESTION,  /* the program is not asked for a token */
    CLIENT_PLANT_KEPT_POSITION,  /* of a channel of the server, by a disconnect
                                  */
    CLIENT_PLANT_TORN_MESSAGE,   /* its fragments leave as two messages */
    CLIENT_PLANT_EARLY_DONE,     /* what a plain channel still has is done */
    CLIENT_PLANT_LOST_END,       /* the end of a plain channel is not told */
    CLIENT_PLANTS
};

/* CLIENT_PLANTS when it is none. */
const char *client_plant_name(enum client_plant p);
enum client_plant client_plant_of(const char *name);

/* Which bug, and when it strikes: the numbers come from `seed`. */
void client_plant(enum client_plant p, uint64_t seed);

#endif
