/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - parleyd; see embed/daemon.h. */
#include "daemon.h"

int main(int argc, char **argv)
{
    return pl_daemon_run(argc, argv, NULL);
}
