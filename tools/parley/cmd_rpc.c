/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_rpc.c - parley rpc: call a method of the broker or of its program. */
#include "ask.h"
#include "commands.h"
#include "data.h"
#include "result.h"

struct rpc {
    struct ask ask; /* first */
    const char *method;
    struct pl_buf data;
};

static const struct opt options[] = {DATA_OPTIONS, {0}};

static enum pl_err call(struct ask *a)
{
    struct rpc *r = (struct rpc *)a;
    struct pl_span data = pl_buf_span(&r->data);

    /* JSON has a value for nothing; the other encoding has nothing. */
    if (data.len == 0 && !a->client.target->is_protobuf)
        data = PL_SPAN("null");
    return plc_rpc(a->client.handle, r->method, data.at, data.len, ask_done, a);
}

static void answer(struct ask *a, const struct plc_result *r)
{
    (void)a;
    print_data(r->data);
}

static int run(struct target *t, int argc, char **argv)
{
    struct rpc r = {.ask = {.what = argv[0], .call = call, .answer = answer},
                    .method = argv[0]};
    int rc = argc < 2 ? EXIT_OK : data_read(&r.data, argv[1]);

    if (rc == EXIT_OK) {
        data_choose_encoding(t);
        rc = ask_run(&r.ask, t);
    }
    pl_buf_fini(&r.data);
    return rc;
}

const struct command command_rpc = {
    .name = "rpc",
    .arguments = "METHOD [DATA]",
    .summary = "call a method and print the answer",
    .text = "DATA as with pub.  With --json the answer is under \"data\".\n"
            "Options stand before METHOD.\n",
    .options = options,
    .reach = REACH_CLIENT,
    .least = 1,
    .most = 2,
    .stops = true,
    .run = run,
};
