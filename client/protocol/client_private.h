/* SPDX-License-Identifier: Apache-2.0 */
/* client_private.h - the struct of a protocol client, for the files that change
 * it: its making, its connections, what it sends and receives, its calls and
 * its reports.  All others know client_parts.h. */
#ifndef PLC_CLIENT_PRIVATE_H
#define PLC_CLIENT_PRIVATE_H

#include "arena.h"
#include "attempt.h"
#include "cell.h"
#include "client_codec.h"
#include "client_parts.h"
#include "group.h"
#include "link.h"
#include "loop.h"
#include "requests.h"
#include "server_subs.h"
#include "terms.h"
#include "tokens.h"

struct pl_guard;

/* How far the end of a client is. */
enum plc_ending {
    PLC_LIVING,
    PLC_FLUSHING, /* its requests are waited for */
    PLC_CLOSING   /* its links are */
};

enum { PLC_FOUND = 8 };

struct plc_client {
    struct plc_part part; /* first */
    /* Constant. */
    struct plc_client_options options;
    struct plc_terms terms; /* has the strings of `options` */
    enum pl_encoding encoding;
    struct pl_loop *loop;
    struct plc_links *links;
    struct plc_events *events;
    uint64_t *counts;
    struct pl_guard *guard;
    /* Any thread. */
    struct pl_cell state;          /* enum plc_state */
    struct pl_cell next_id;        /* of a command */
    struct pl_cell is_loss_queued; /* `loss` waits */
    struct pl_cell ends_called;    /* calls of plc_client_disconnect() */
    struct pl_map names;           /* the subscriptions by channel; guarded */
    /* The loop's. */
    const struct plc_attempt_ops *attempts_of; /* constant */
    struct plc_attempt *attempt;               /* owned; NULL: none */
    struct pl_list leaving;                    /* attempts that are closing */
    struct plc_requests requests;
    struct plc_request connect, refresh;
    struct pl_list sends; /* of struct plc_call: sent, and not taken by
                             the kernel yet */
    struct pl_list subs;  /* of struct plc_sub */
    struct plc_sub *found[PLC_FOUND]; /* some of `subs`, by their channel */
    struct plc_server_subs server_subs;
    struct pl_buf frame; /* commands of this turn */
    struct pl_task send, check;
    struct pl_arena arena; /* of the decoder: a reply or a push */
    struct pl_arena item;  /* likewise: an element of its list */
    struct plc_event loss; /* reports to the program that callbacks are lost */
    struct plc_secret secret;
    struct pl_timer retry, refresh_due, proven;
    struct plc_deadline ping;
    uint64_t ends;     /* calls of plc_client_disconnect() that are done */
    uint32_t attempts; /* since the last connection that lasted */
    uint32_t retry_ms; /* the server asks to come no sooner; 0: it does not */
    uint32_t ping_ms;  /* 0: no watchdog */
    size_t next_url;
    bool answers_pings;
    bool is_link_open;  /* commands may be given to the link */
    bool is_over;       /* disconnected, and not connecting again */
    bool was_connected; /* at least once */
    bool has_secret;    /* `frame` has a token */
    bool has_loss;      /* what this connection brought is lost */
    enum plc_ending ending;
};

#endif
