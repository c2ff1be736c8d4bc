/* SPDX-License-Identifier: Apache-2.0 */
/* settings_options.h - the options of modules as far as settings say them, also
 * those of other modules. */
#ifndef PL_SETTINGS_OPTIONS_H
#define PL_SETTINGS_OPTIONS_H

#include "admin.h"
#include "channels.h"
#include "session_manager.h"
#include "settings.h"

/* Everything but backlog_limit, metrics, the stores, and limits given as a
 * percentage. */
struct pl_channels_options
pl_settings_channels_options(const struct pl_settings *s);

/* The settings and what follows from those of other modules. */
void pl_settings_fill_session_manager(const struct pl_settings *s,
                                      struct pl_session_manager_options *out);
void pl_settings_fill_admin(const struct pl_settings *s,
                            struct pl_admin_options *out);

#endif
