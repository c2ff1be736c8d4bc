/* SPDX-License-Identifier: Apache-2.0 */
/* pieces.h - the groups of what parley-bench measures. */
#ifndef BENCH_PIECES_H
#define BENCH_PIECES_H

#include "measure.h"

void pieces_core(struct measure *m);  /* hash, map */
void pieces_frame(struct measure *m); /* frames, masks, UTF-8 */
void pieces_wire(struct measure *m);  /* commands, pushes, replies */
void pieces_mail(struct measure *m);  /* mailboxes, loops */
void pieces_hub(struct measure *m);   /* publish and fan-out */

#endif
