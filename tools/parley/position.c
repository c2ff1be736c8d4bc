/* SPDX-License-Identifier: Apache-2.0 */
/* position.c - see position.h. */
#include "position.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool read_position(const char *text, struct position *out)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;

    if (colon == NULL || colon[1] < '0' || colon[1] > '9' ||
        (size_t)(colon - text) >= sizeof out->epoch)
        return false;
    errno = 0;
    out->offset = strtoull(colon + 1, &end, 10);
    if (*end != '\0' || errno != 0)
        return false;
    memset(out->epoch, 0, sizeof out->epoch);
    memcpy(out->epoch, text, (size_t)(colon - text));
    return true;
}
