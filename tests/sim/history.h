/* SPDX-License-Identifier: Apache-2.0 */
/* history.h - the bounds of histories in a run: they are drawn, they hold, and
 * what they cost. */
#ifndef HISTORY_H
#define HISTORY_H

#include "world.h"

enum { HISTORY_SETTINGS = 3, HISTORY_SETTING_MAX = 64 };

/* Setting `which` of a run with this seed: "KEY=VALUE", in `text`.  No draw
 * is made for it, so that the rest of a run with bounds is that without. */
const char *history_setting(uint64_t seed, unsigned which,
                            char text[HISTORY_SETTING_MAX]);

/* Histories and streams of a loop keep within their bounds. */
void history_check(const struct share *s);

/* Publications that histories have shed so far. */
uint64_t history_shed(const struct world *w);

#endif
