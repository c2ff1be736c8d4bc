/* SPDX-License-Identifier: Apache-2.0 */
/* embed.c - a program with a broker inside.
 *
 *     cc embed.c $(pkg-config --cflags --libs parley) -pthread -o embed
 *     ./embed 8000
 *
 * Three handlers: "connect" says who may come in, "echo" answers at once,
 * "count" hands its work to a thread, which answers when it is done.  SIGINT or
 * SIGTERM stops it.  Any Centrifuge SDK is a client; its connect data is
 * {"name":"ann"}. */
#include <parley/parley.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Calls that wait for the worker --- */

enum { JOBS_MAX = 1024 };

struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct pl_call *jobs[JOBS_MAX]; /* oldest first */
    size_t job_count;
    bool is_stopping;
};

/* NULL: it is time to end. */
static struct pl_call *take_job(struct worker *w)
{
    struct pl_call *call = NULL;

    pthread_mutex_lock(&w->lock);
    while (w->job_count == 0 && !w->is_stopping)
        pthread_cond_wait(&w->changed, &w->lock);
    if (w->job_count > 0) {
        call = w->jobs[0];
        w->job_count--;
        memmove(w->jobs, w->jobs + 1, w->job_count * sizeof *w->jobs);
    }
    pthread_mutex_unlock(&w->lock);
    return call;
}

/* How many bytes did the client send?  In a real program: a database. */
static void *work(void *arg)
{
    struct worker *w = arg;
    struct pl_call *call;
    char answer[64];
    size_t len;

    while ((call = take_job(w)) != NULL) {
        pl_call_data(call, &len);
        int n = snprintf(answer, sizeof answer, "{\"bytes\":%zu}", len);
        while (pl_call_reply(call, answer, (size_t)n) == PL_ENOMEM)
            continue;
    }
    return NULL;
}

static void stop_worker(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->is_stopping = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
}

/* --- Handlers; each runs on a loop of the broker and does not wait --- */

static void on_echo(struct pl_call *call, void *context)
{
    size_t len;
    const char *data = pl_call_data(call, &len);

    (void)context;
    pl_call_reply(call, data, len);
}

static void on_count(struct pl_call *call, void *context)
{
    struct worker *w = context;
    bool is_taken = false;

    pthread_mutex_lock(&w->lock);
    if (w->job_count < JOBS_MAX) {
        w->jobs[w->job_count++] = call;
        is_taken = true;
        pthread_cond_signal(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
    if (!is_taken)
        pl_call_fail(call, 503, "too much to do");
}

/* Admits every client that gives a name of up to 32 letters. */
static void on_connect(struct pl_call *call, void *context)
{
    const char *data = pl_call_data(call, NULL);
    char name[33];

    (void)context;
    if (data != NULL && sscanf(data, " { \"name\" : \"%32[a-z]\" }", name) == 1)
        pl_call_accept(call, name, NULL);
    else
        pl_call_fail(call, 1401, "who are you?");
}

/* --- The program --- */

static enum pl_err add_handlers(struct pl_broker *b, struct worker *w)
{
    enum pl_err rc = pl_broker_method(b, "connect", on_connect, NULL, NULL);

    if (rc == PL_OK)
        rc = pl_broker_method(b, "echo", on_echo, NULL, NULL);
    if (rc == PL_OK)
        rc = pl_broker_method(b, "count", on_count, w, NULL);
    return rc;
}

static struct pl_broker *create_broker(const char *port)
{
    char listen[64];
    const char *sets[] = {listen, "admin.listen=off", "admin.socket=off",
                          "channels.allow_subscribe=authenticated",
                          "channels.allow_publish=authenticated"};
    struct pl_broker_setup options = {
        .size = sizeof options,
        .sets = sets,
        .set_count = sizeof sets / sizeof *sets,
        .flags = PL_HANDLES_CONNECT,
    };
    struct pl_broker *b;

    snprintf(listen, sizeof listen, "listen=[127.0.0.1:%s]", port);
    return pl_broker_open(&b, &options) == PL_OK ? b : NULL;
}

/* Run until a signal comes; gives the program's exit status. */
static int run(struct pl_broker *b, const sigset_t *signals)
{
    int got;

    enum pl_err rc = pl_broker_start(b);
    if (rc != PL_OK) {
        fprintf(stderr, "cannot start: %s\n", pl_err_text(rc));
        return EXIT_FAILURE;
    }
    printf("listening on port %u\n", (unsigned)pl_broker_port(b, 0));
    fflush(stdout);
    sigwait(signals, &got);
    pl_broker_stop(b);
    /* A handler that never returns would keep its thread: end without it. */
    if (pl_broker_wait(b) != PL_OK)
        _Exit(EXIT_FAILURE);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static struct worker worker = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                   .changed = PTHREAD_COND_INITIALIZER};
    sigset_t signals;

    /* Blocked before there are threads, so that sigwait() gets them. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    struct pl_broker *b = create_broker(argc > 1 ? argv[1] : "8000");
    if (b == NULL || add_handlers(b, &worker) != PL_OK)
        return EXIT_FAILURE;
    if (pthread_create(&worker.thread, NULL, work, &worker) != 0)
        return EXIT_FAILURE;
    int status = run(b, &signals);
    stop_worker(&worker); /* answers what is left, before the broker goes */
    pl_broker_destroy(b);
    return status;
}
