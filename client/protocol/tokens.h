/* SPDX-License-Identifier: Apache-2.0 */
/* tokens.h - the token of a connection or a subscription, and the question to
 * the program for it.
 * Thread: the loop's. */
#ifndef PLC_TOKENS_H
#define PLC_TOKENS_H

#include <stdint.h>

struct plc_client;
struct plc_sub;
struct plc_token;

struct plc_secret {
    char *text;                 /* owned; NULL: none */
    struct plc_token *question; /* that is open; NULL: none */
    /* The program's answer: the token, NULL: not authorized, or `why` it
     * failed.  `s` NULL: of the connection. */
    void (*answered)(struct plc_client *c, struct plc_sub *s, const char *token,
                     const char *why);
};

/* Ask the program for the token of `c`, or of its subscription `s`, unless a
 * question is open.  `secret` is its secret. */
void plc_secret_ask(struct plc_secret *secret, struct plc_client *c,
                    struct plc_sub *s);
void plc_secret_set(struct plc_secret *secret, const char *text);
/* When a token that lasts for `ttl_s` is refreshed, within the bounds of the
 * SDKs: a second and PLC_TTL_MAX_MS. */
enum { PLC_TTL_MAX_MS = 0x7fffffff };
uint64_t plc_secret_ttl_ms(uint32_t ttl_s);
/* The answer is not needed any more. */
void plc_secret_drop_question(struct plc_secret *secret);
void plc_secret_fini(struct plc_secret *secret);

#endif
