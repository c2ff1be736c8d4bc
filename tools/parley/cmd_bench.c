/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_bench.c - parley bench: put a load on a server, and measure. */
#include "bench.h"
#include "bench_options.h"
#include "commands.h"
#include "output.h"

static const char *texts[BENCH_OPTIONS];
static bool flags[BENCH_OPTIONS];
static struct opt_list list; /* of the one option that may be repeated */

static const struct opt options[] = {
#define T(id, name, value, help, words)                                        \
    {name, 0, value, OPT_TEXT, &texts[BENCH_OPTION_##id], help, words},
#define L(id, name, value, help, words)                                        \
    {name, 0, value, OPT_LIST, &list, help, words},
#define F(id, name, help)                                                      \
    {name, 0, NULL, OPT_FLAG, &flags[BENCH_OPTION_##id], help, NULL},
    BENCH_OPTION_MAP(T, L, F)
#undef T
#undef L
#undef F
        {0}};

static const char *const names[] = {
#define T(id, name, value, help, words) name,
#define L(id, name, value, help, words) name,
#define F(id, name, help) name,
    BENCH_OPTION_MAP(T, L, F)
#undef T
#undef L
#undef F
};

/* EXIT_OK, or what to exit with; it has complained then. */
static int take(struct bench_plan *plan, int option, const char *value)
{
    if (bench_plan_take(plan, (enum bench_option)option, value))
        return EXIT_OK;
    return usage_error("bench", "--%s: not possible: %s", names[option], value);
}

static int take_all(struct bench_plan *plan)
{
    int rc = EXIT_OK;

    for (int i = 0; i < BENCH_OPTIONS && rc == EXIT_OK; i++)
        if (flags[i] || texts[i] != NULL)
            rc = take(plan, i, texts[i]);
    for (size_t i = 0; i < list.count && rc == EXIT_OK; i++)
        rc = take(plan, BENCH_OPTION_SET, list.items[i]);
    return rc;
}

static int run(struct target *t, int argc, char **argv)
{
    static struct bench_plan plan; /* large */

    (void)t, (void)argc;
    if (!bench_plan_begin(&plan, argv[0]))
        return usage_error("bench", "there is no mode %s", argv[0]);
    plan.output.json = output_is_json;
    int rc = take_all(&plan);
    if (rc != EXIT_OK)
        return rc;
    const char *why = bench_plan_complete(&plan);
    return why != NULL ? usage_error("bench", "%s", why) : bench_run(&plan);
}

const struct command command_bench = {
    .name = "bench",
    .arguments = "MODE",
    .summary = "put a load on a server, and measure",
    .text = bench_help,
    .options = options,
    .least = 1,
    .most = 1,
    .words = "idle fanout rooms roundtrip storm return",
    .run = run,
};
