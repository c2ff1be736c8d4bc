/* SPDX-License-Identifier: Apache-2.0 */
/* terms.h - the options of a program about connections, checked and copied. */
#ifndef PLC_TERMS_H
#define PLC_TERMS_H

#include "arena.h"
#include "link.h"
#include "parley_client.h"

struct plc_tls_pool;
struct plc_tls_settings;

enum { PLC_TERMS_WHY_SIZE = 400 };

struct plc_terms {
    struct plc_link_terms *urls; /* one for each URL, in `strings` */
    size_t url_count;
    uint32_t flags;                       /* enum plc_link_flag */
    uint32_t queue_messages, queue_bytes; /* of the calls */
    uint32_t full_wait_ms, message_out;
    struct plc_tls_pool *tls_pool; /* constant; outlives the terms */
    struct plc_tls_settings *tls;  /* of `tls_pool`; NULL: no URL is wss */
    struct pl_arena strings;
};

/* What differs between the kinds of connections. */
struct plc_terms_defaults {
    uint32_t message_out;
    bool has_many_urls;            /* separated by spaces */
    struct plc_tls_pool *tls_pool; /* has the settings of wss URLs */
};

/* Check `urls` and `given`, which may be NULL, and copy them.  An error is
 * explained in `why`, of PLC_TERMS_WHY_SIZE bytes, which names the option.
 * Owner:  the caller, with plc_terms_fini(), also after an error.
 * Thread: any but a loop's, because it reads the files of TLS.
 * Errors: PL_EINVAL, PL_ENOMEM. */
enum pl_err plc_terms_init(struct plc_terms *t, const char *urls,
                           const struct plc_link *given,
                           const struct plc_terms_defaults *defaults,
                           char *why);
void plc_terms_fini(struct plc_terms *t);

/* A copy in the arena, with a final zero byte; NULL: out of memory. */
char *plc_terms_copy(struct plc_terms *t, struct pl_span s);

#endif
