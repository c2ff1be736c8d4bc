/* SPDX-License-Identifier: Apache-2.0 */
/* settings_readers.h - whether others can read the secrets in a file.  Private
 * to this module. */
#ifndef PL_SETTINGS_READERS_H
#define PL_SETTINGS_READERS_H

struct pl_config_loading;

/* Warn if every user of the machine can read the file and it has a secret. */
void pl_settings_check_readers(struct pl_config_loading *l);

#endif
