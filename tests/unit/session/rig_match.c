/* SPDX-License-Identifier: Apache-2.0 */
/* rig_match.c - see rig.h: patterns of what is said. */
#include "rig.h"

bool rig_matches(const char *text, const char *pattern)
{
    for (; *pattern != '\0'; pattern++, text++) {
        if (*pattern == '*') {
            for (pattern++;; text++) {
                if (rig_matches(text, pattern))
                    return true;
                if (*text == '\0')
                    return false;
            }
        }
        if (*text != *pattern)
            return false;
    }
    return *text == '\0';
}
