/* SPDX-License-Identifier: Apache-2.0 */
/* settings_options.c - see settings_options.h.
 *
 * A module sees its own settings and those of modules below it.  What it must
 * know of others is an option, so that no module depends on another for a
 * key. */
#include "settings_options.h"

struct pl_channels_options
pl_settings_channels_options(const struct pl_settings *s)
{
    struct pl_channels_options o = pl_channels_options_of(&s->channels);

    o.rules = s->rulebook;
    o.recover_bytes = pl_session_recover_bytes(&s->session);
    return o;
}

void pl_settings_fill_session_manager(const struct pl_settings *s,
                                      struct pl_session_manager_options *out)
{
    out->config = &s->session;
    out->users = &s->users;
    out->rules = s->rulebook;
    out->limits_new_channels = s->channels.limits.new_channels_per_minute > 0;
}

void pl_settings_fill_admin(const struct pl_settings *s,
                            struct pl_admin_options *out)
{
    out->config = &s->admin;
    out->users = &s->users;
    out->rules = s->rulebook;
    out->message_max = s->session.websocket.max_message;
    out->stream_max = s->session.limits.outgoing_queue;
    out->timeout_ms = s->session.connect.timeout_ms;
}
