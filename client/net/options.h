/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - structs of options that say their size. */
#ifndef PLC_OPTIONS_H
#define PLC_OPTIONS_H

#include <stddef.h>

#include "err.h"

/* Copy the options `from`, which begin with their size, to `to` of `size`
 * bytes; what an older program does not know becomes zero.
 * Errors: PL_EINVAL: no size, or a newer program set what is not known here. */
enum pl_err plc_options_copy(void *to, size_t size, const void *from);

#endif
