/* SPDX-License-Identifier: Apache-2.0 */
/* config_file.h - reads the file of a configuration, which may hold secrets. */
#ifndef PL_CONFIG_FILE_H
#define PL_CONFIG_FILE_H

#include "buf.h"
#include "err.h"

/* Read the file `name` into `text`, which is all zero.  *can_others_read is set
 * if other users of the machine can read it.  After PL_EIO and PL_EINVAL *why
 * says what is wrong.
 * Owner:  the caller calls pl_config_file_fini(), also after an error.
 * Thread: any; blocks.
 * Errors: PL_EIO, PL_EINVAL (larger than 1 MiB), PL_ENOMEM. */
enum pl_err pl_config_file_read(struct pl_buf *text, const char *name,
                                bool *can_others_read, const char **why);

/* Wipe and free the text. */
void pl_config_file_fini(struct pl_buf *text);

#endif
