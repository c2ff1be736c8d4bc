/* SPDX-License-Identifier: Apache-2.0 */
/* client_faults.c - see client_faults.h.  As in tests/sim/faults.c the linker
 * puts the wrappers between the files of the library. */
#include "client_faults.h"

#include <string.h>

#include "client_private.h"
#include "link.h"
#include "positions.h"
#include "random.h"
#include "tokens.h"
#include "ws_reports.h"

static const char *const names[CLIENT_PLANTS] = {
    [CLIENT_PLANT_NONE] = "none",
    [CLIENT_PLANT_LOST_RESUME] = "lost-resume",
    [CLIENT_PLANT_STALE_POSITION] = "stale-position",
    [CLIENT_PLANT_WRONG_OUTCOME] = "wrong-outcome",
    [CLIENT_PLANT_LOST_QUESTION] = "lost-question",
    [CLIENT_PLANT_KEPT_POSITION] = "kept-position",
    [CLIENT_PLANT_TORN_MESSAGE] = "torn-message",
    [CLIENT_PLANT_EARLY_DONE] = "early-done",
    [CLIENT_PLANT_LOST_END] = "lost-end",
};

static enum client_plant planted;
static struct pl_random strikes;

const char *client_plant_name(enum client_plant p)
{
    return names[p];
}

enum client_plant client_plant_of(const char *name)
{
    unsigned p = 0;

    while (p < CLIENT_PLANTS && strcmp(names[p], name) != 0)
        p++;
    return (enum client_plant)p;
}

void client_plant(enum client_plant p, uint64_t seed)
{
    planted = p;
    pl_random_init_seeded(&strikes, seed);
}

static bool strikes_now(enum client_plant p, unsigned odds)
{
    return p == planted && pl_random_below(&strikes, odds) == 0;
}

void __real_plc_link_pause(struct plc_link_conn *l, bool is_paused);
void __wrap_plc_link_pause(struct plc_link_conn *l, bool is_paused);

void __wrap_plc_link_pause(struct plc_link_conn *l, bool is_paused)
{
    if (is_paused || !strikes_now(CLIENT_PLANT_LOST_RESUME, 3))
        __real_plc_link_pause(l, is_paused);
}

void __real_plc_position_move(struct plc_position *p,
                              const struct pl_received_publication *pub);
void __wrap_plc_position_move(struct plc_position *p,
                              const struct pl_received_publication *pub);

void __wrap_plc_position_move(struct plc_position *p,
                              const struct pl_received_publication *pub)
{
    if (!strikes_now(CLIENT_PLANT_STALE_POSITION, 10))
        __real_plc_position_move(p, pub);
}

void __real_plc_requests_fail_all(struct plc_requests *all, enum pl_err err,
                                  uint64_t taken, bool waiting_too);
void __wrap_plc_requests_fail_all(struct plc_requests *all, enum pl_err err,
                                  uint64_t taken, bool waiting_too);

void __wrap_plc_requests_fail_all(struct plc_requests *all, enum pl_err err,
                                  uint64_t taken, bool waiting_too)
{
    if (taken > 0 && strikes_now(CLIENT_PLANT_WRONG_OUTCOME, 3))
        taken = 0;
    __real_plc_requests_fail_all(all, err, taken, waiting_too);
}

void __real_plc_secret_ask(struct plc_secret *secret, struct plc_client *c,
                           struct plc_sub *s);
void __wrap_plc_secret_ask(struct plc_secret *secret, struct plc_client *c,
                           struct plc_sub *s);

void __wrap_plc_secret_ask(struct plc_secret *secret, struct plc_client *c,
                           struct plc_sub *s)
{
    if (!strikes_now(CLIENT_PLANT_LOST_QUESTION, 5))
        __real_plc_secret_ask(secret, c, s);
}

void __real_plc_server_subs_take_back_all(struct plc_client *c);
void __wrap_plc_server_subs_take_back_all(struct plc_client *c);

void __wrap_plc_server_subs_take_back_all(struct plc_client *c)
{
    if (!strikes_now(CLIENT_PLANT_KEPT_POSITION, 1))
        __real_plc_server_subs_take_back_all(c);
}

bool __real_plc_link_send(struct plc_link_conn *l, enum pl_ws_opcode opcode,
                          const struct pl_span *parts, size_t count);
bool __wrap_plc_link_send(struct plc_link_conn *l, enum pl_ws_opcode opcode,
                          const struct pl_span *parts, size_t count);

bool __wrap_plc_link_send(struct plc_link_conn *l, enum pl_ws_opcode opcode,
                          const struct pl_span *parts, size_t count)
{
    if (count > 1 && strikes_now(CLIENT_PLANT_TORN_MESSAGE, 3))
        return __real_plc_link_send(l, opcode, parts, 1) &&
               __real_plc_link_send(l, opcode, parts + 1, count - 1);
    return __real_plc_link_send(l, opcode, parts, count);
}

uint64_t __real_plc_link_written(const struct plc_link_conn *l);
uint64_t __wrap_plc_link_written(const struct plc_link_conn *l);

uint64_t __wrap_plc_link_written(const struct plc_link_conn *l)
{
    return strikes_now(CLIENT_PLANT_EARLY_DONE, 3) ? 0
                                                   : __real_plc_link_written(l);
}

void __real_plc_ws_report_end(struct plc_ws_life *l,
                              const struct plc_link_end *end);
void __wrap_plc_ws_report_end(struct plc_ws_life *l,
                              const struct plc_link_end *end);

void __wrap_plc_ws_report_end(struct plc_ws_life *l,
                              const struct plc_link_end *end)
{
    if (strikes_now(CLIENT_PLANT_LOST_END, 10))
        plc_ws_life_fini(l);
    else
        __real_plc_ws_report_end(l, end);
}
