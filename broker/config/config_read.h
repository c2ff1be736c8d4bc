/* SPDX-License-Identifier: Apache-2.0 */
/* config_read.h - reads a configuration by a schema. */
#ifndef PL_CONFIG_READ_H
#define PL_CONFIG_READ_H

#include "buf.h"
#include "config_key.h"
#include "err.h"
#include "span.h"

struct pl_config_loading; /* config_load.h */
struct pl_config_origin;

/* The sources of the values; later ones override: defaults, `insecure`, file,
 * variables, sets. */
struct pl_config_source {
    const char *file;    /* NULL: none */
    struct pl_span text; /* .at not NULL: YAML in memory instead of the file's
                            content; `file` then only names it in messages */
    /* Of each line of `text`; NULL: it is no translation. */
    const struct pl_config_origin *origins;
    size_t origin_count;
    bool can_others_read; /* other users can read what `text` comes from */
    /* "PARLEY_WEBSOCKET_PATH=/ws", as in the environment; those with other
     * names are ignored. */
    const char *const *variables;
    size_t variable_count;
    const char *const *sets; /* "websocket.path=/ws": a dotted key, a value */
    size_t set_count;
    bool is_centrifugo; /* `file` is one of Centrifugo 6; pl_settings_load()
                           translates it */
    bool insecure;      /* for a local trial: allow everything, on loopback
                           only */
    bool auth_handler;  /* the embedding program authenticates connections */
    bool has_listeners; /* it has sockets that listen: `listen` may be empty */
    /* Called at the end, if no error was found, to check what the values refer
     * to, such as files. config_load.h says what it may call.  NULL: none. */
    void (*look)(struct pl_config_loading *l);
};

/* Check what no single value shows: values that contradict each other or the
 * way of starting.  Fill in the values that depend on others. */
typedef void pl_config_check(struct pl_config_loading *l,
                             const struct pl_config_source *src);

/* Read, convert and check everything into `values`, the struct of `schema`,
 * which is all zero.  `report` gets a line per finding,
 * "parley.yaml:12: websocket.max_mesage: unknown key" or "--set loops: ...":
 * or "PARLEY_LOOPS: loops: ...": errors if the call fails, warnings if it
 * returns PL_OK.  It never contains secrets.  `check` is called once all values
 * are converted; NULL: none.
 * Owner:  the caller calls pl_config_values_fini(), also after an error.
 * Thread: any; reads the file and the environment.
 * Errors: PL_EINVAL (see the report), PL_EIO (the file; also in the report),
 *         PL_ENOMEM. */
enum pl_err pl_config_read(void *values, const struct pl_config_schema *schema,
                           const struct pl_config_source *src,
                           pl_config_check *check, struct pl_buf *report);

/* True if `text`, as "PARLEY_LOOPS=2", is a variable that may set a key. */
bool pl_config_is_variable(const char *text);

/* True for variables that Kubernetes sets for services `parley` and
 * `parley-...`; `rest` is what follows PARLEY_, or the prefix of another
 * program. */
bool pl_config_is_of_kubernetes(const char *rest);

/* Wipe the secrets and free everything that the values own.  Incomplete values
 * are allowed. */
void pl_config_values_fini(void *values, const struct pl_config_schema *schema);

#endif
