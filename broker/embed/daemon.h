/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.h - parleyd: the broker as a program. */
#ifndef PL_DAEMON_H
#define PL_DAEMON_H

#include "broker.h"

/* Read the arguments and run the broker until a signal or an administrator
 * stops it.  SIGTERM and SIGINT stop the broker; a second signal skips the
 * grace phase; a third one ends the process at once.  `stores` may be NULL.
 *
 * Return the exit status: 0, 1 (failure, or a thread or count was left over), 2
 * (arguments or configuration).
 * Thread: the program's only thread. */
int pl_daemon_run(int argc, char **argv, pl_broker_stores *stores);

#endif
