/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - see options.h. */
#include "options.h"

#include <stdint.h>
#include <string.h>

enum { SIZE_LIMIT = 4096 }; /* larger: the program forgot to set it */

enum pl_err plc_options_copy(void *to, size_t size, const void *from)
{
    const unsigned char *bytes = from;
    size_t given;

    if (from == NULL)
        return PL_EINVAL;
    memcpy(&given, from, sizeof given);
    if (given < sizeof given || given > SIZE_LIMIT)
        return PL_EINVAL;
    for (size_t i = size; i < given; i++)
        if (bytes[i] != 0)
            return PL_EINVAL;
    memset(to, 0, size);
    memcpy(to, from, given < size ? given : size);
    return PL_OK;
}
