/* SPDX-License-Identifier: Apache-2.0 */
/* centrifugo.h - turns a configuration of Centrifugo 6 into one of parley. */
#ifndef PL_CENTRIFUGO_H
#define PL_CENTRIFUGO_H

#include "config_read.h"

struct pl_centrifugo_source {
    const char *file;    /* names `text` in messages */
    struct pl_span text; /* JSON or YAML */
    /* "CENTRIFUGO_LOG_LEVEL=info", as in the environment; those with other
     * names are ignored. */
    const char *const *variables;
    size_t variable_count;
    bool lacks_ipv6; /* of this machine: listen on IPv4 addresses only */
};

/* A configuration of parley. */
struct pl_centrifugo_result {
    struct pl_buf text; /* YAML, with comments; may hold secrets */
    struct pl_config_origin *origins; /* by line of `text`, from 0 */
    size_t origin_count;
};

/* Translate `src`.  `report` gets a line for each key that parley has not: a
 * warning, or an error if the broker would then admit or show more than
 * Centrifugo does, or if clients could not work at all.
 * Owner:  the caller calls pl_centrifugo_result_fini(), also after an error.
 *         The origins refer to `src`.
 * Thread: any.
 * Errors: PL_EINVAL (see the report), PL_ENOMEM. */
enum pl_err pl_centrifugo_translate(struct pl_centrifugo_result *out,
                                    const struct pl_centrifugo_source *src,
                                    struct pl_buf *report);

/* Wipe and free everything. */
void pl_centrifugo_result_fini(struct pl_centrifugo_result *r);

/* True if `text`, as "CENTRIFUGO_LOG_LEVEL=info", is a variable of
 * Centrifugo. */
bool pl_centrifugo_is_variable(const char *text);

/* Return why files with this name cannot be read; NULL: they can. */
const char *pl_centrifugo_file_fault(const char *file);

#endif
