/* SPDX-License-Identifier: Apache-2.0 */
/* parleyd_judged.c - a program that embeds the broker and judges subscriptions
 * by their tokens, for the JavaScript tests.  It takes the options --set and
 * --insecure of parleyd, and ends with SIGTERM.
 *
 * A token "for-5" allows five seconds, "old" is an expired one, "info" gives
 * the client an info in the channel; that, "good" and none allow for good.
 * Others are refused. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parley.h"

enum { SETS_MAX = 64 };

static void judge(struct pl_ask *ask, void *arg)
{
    const char *token = pl_ask_token(ask);
    struct pl_terms terms = {.size = sizeof terms};
    enum pl_err rc;

    (void)arg;
    if (strncmp(token, "for-", 4) == 0)
        terms.expires_in_s = (uint32_t)strtoul(token + 4, NULL, 10);
    if (strcmp(token, "info") == 0)
        terms.info = "{\"seat\":7}";
    if (strcmp(token, "old") == 0)
        rc = pl_ask_deny(ask, 109, NULL);
    else if (token[0] == '\0' || strcmp(token, "good") == 0 ||
             terms.expires_in_s > 0 || terms.info != NULL)
        rc = pl_ask_allow(ask, &terms);
    else
        rc = pl_ask_deny(ask, 103, pl_ask_is_refresh(ask) ? "no more" : NULL);
    if (rc != PL_OK)
        abort();
}

static void read_options(struct pl_broker_setup *setup, const char **sets,
                         int argc, char **argv)
{
    setup->sets = sets;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--insecure") == 0)
            setup->flags |= PL_INSECURE;
        else if (strcmp(argv[i], "--set") == 0 && i + 1 < argc &&
                 setup->set_count < SETS_MAX)
            sets[setup->set_count++] = argv[++i];
        else
            exit(2);
    }
}

int main(int argc, char **argv)
{
    static const struct pl_events events = {.size = sizeof events,
                                            .may_subscribe = judge};
    struct pl_broker_setup setup = {.size = sizeof setup, .events = &events};
    const char *sets[SETS_MAX];
    struct pl_broker *b;
    sigset_t ends;
    int received;

    read_options(&setup, sets, argc, argv);
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    if (pl_broker_open(&b, &setup) != PL_OK || pl_broker_start(b) != PL_OK)
        return 1;
    sigwait(&ends, &received);
    pl_broker_stop(b);
    if (pl_broker_wait(b) != PL_OK)
        return 1;
    pl_broker_destroy(b);
    return 0;
}
