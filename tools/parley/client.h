/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - one connection of the client protocol, and the loop of a command
 * that has it.
 *
 * A command embeds `struct client`, sets the calls it wants, and runs it.  All
 * of it happens on the tool's one thread. */
#ifndef PL_TOOL_CLIENT_H
#define PL_TOOL_CLIENT_H

#include "parley_client.h"
#include "patience.h"
#include "target.h"

enum client_trait {
    CLIENT_ENDS_UNREAD = 1, /* when nothing reads stdout any more */
    CLIENT_RECONNECTS = 2,  /* by itself, once it was connected */
    CLIENT_IS_UNHURRIED = 4 /* calls may wait long; the command has the
                               patience */
};

struct client {
    /* --- Set before client_run(); what is not needed is 0. --- */

    /* Make the first calls.  EXIT_OK, or what to exit with. */
    int (*begin)(struct client *c);
    void (*connected)(struct client *c, const struct plc_change *change);
    void (*message)(struct client *c, struct plc_bytes data);
    /* Of a channel that the server subscribed; `joined` and `left` too. */
    void (*publication)(struct client *c, const struct plc_publication *p);
    /* `input` can be read, or `wake_ms` has come. */
    void (*step)(struct client *c);
    int input;
    unsigned traits; /* enum client_trait */

    /* --- For the command while it runs --- */

    const struct target *target;
    struct plc_client *handle;
    struct patience patience;
    bool wants_input;
    int64_t wake_ms; /* of now_ms(); 0: none */

    /* --- Its own --- */
    struct plc_group *group;
    int rc;
    bool is_over, was_connected, is_remarked;
};

/* Connect, run until client_end(), and close.  Gives what to exit with.
 * Callbacks of calls that are still open run in the end, with is_over set. */
int client_run(struct client *c, const struct target *t);

/* End with `rc`; the first call of these two counts. */
void client_end(struct client *c, int rc);

/* Complain, and end with `rc`. */
void client_fail(struct client *c, int rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Complain that a call was not accepted; gives what to exit with. */
int client_refuses(const struct client *c, const char *what, enum pl_err err);

/* EXIT_OK if a call was done, else what to exit with; it has complained. */
int client_judge(const struct client *c, const char *what,
                 const struct plc_result *r);

/* Append a URL for clients, ended by a zero byte; the path is the broker's
 * unless the URL has one. */
void client_put_url(struct pl_buf *b, const char *url);

/* Append the headers of --header, ended by a zero byte. */
void client_put_headers(struct pl_buf *b, const struct target *t);

/* The first line of the file; the caller frees it.  NULL: complained. */
char *client_read_token(const char *file);

#endif
