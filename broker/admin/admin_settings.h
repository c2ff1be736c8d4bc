/* SPDX-License-Identifier: Apache-2.0 */
/* admin_settings.h - the keys of the admin server.
 *
 * docs/configuration.md explains each key.  The values are constant once they
 * are checked, so any thread may read them.  Strings are never NULL unless
 * noted; durations end in _ms. */
#ifndef PL_ADMIN_SETTINGS_H
#define PL_ADMIN_SETTINGS_H

#include "config_key.h"

/* How an error of a call is answered. */
enum pl_api_error_mode {
    PL_API_ERROR_PLAIN,    /* with status 200, in the body */
    PL_API_ERROR_TRANSPORT /* with a status of its own */
};

/* Names under which /metrics also has its numbers. */
enum pl_metrics_names { PL_METRICS_OWN, PL_METRICS_CENTRIFUGO };

struct pl_admin_settings {
    struct pl_config_endpoint listen; /* .text is NULL: off */
    char *socket;                     /* path; NULL: off */
    struct {
        enum pl_api_error_mode error_mode;
        uint64_t max_body; /* bytes of a request */
    } api;
    struct {
        enum pl_metrics_names compatible;
    } metrics;
    struct {
        uint32_t admin_connections; /* to the admin address and socket */
        uint32_t api_connections;   /* handed over from client addresses */
    } limits;
};

extern const struct pl_config_table pl_admin_keys;

#endif
