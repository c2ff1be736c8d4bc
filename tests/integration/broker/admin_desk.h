/* SPDX-License-Identifier: Apache-2.0 */
/* admin_desk.h - a broker with an admin socket, and its server API for tests.
 */
#ifndef ADMIN_DESK_H
#define ADMIN_DESK_H

#include <jansson.h>

#include "box.h"

struct desk {
    char folder[32];
    char path[64]; /* of the admin socket */
};

/* Create the folder of the socket; *set becomes the setting that names it. */
void desk_open(struct desk *d, char set[96]);
void desk_close(struct desk *d);

/* Call a method of the server API with these parameters.  Gives the whole
 * answer, which the caller decrefs; *text, if wanted, is a copy of the bytes,
 * which the caller frees. */
json_t *desk_ask(const struct desk *d, const char *method, const char *params,
                 char **text);

/* Connect to the admin socket and send a request without a body. */
int desk_begin(const struct desk *d, const char *line);

#endif
