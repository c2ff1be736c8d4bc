/* SPDX-License-Identifier: Apache-2.0 */
/* err.c - see err.h.
 *
 * The table in the header is the only list; X-macros turn it into texts. */
#include "err.h"

const char *pl_err_text(enum pl_err err)
{
    switch (err) {
#define X(name, value, text)                                                   \
    case name:                                                                 \
        return text;
        PL_ERR_MAP(X)
#undef X
    }
    return "unknown error";
}
