/* SPDX-License-Identifier: Apache-2.0 */
/* sim_pool.c - see sim_pool.h.
 *
 * A job begins in one step and returns in a later one; the seed draws how much
 * time lies between, and in which of the two the work is done.  Half of the
 * jobs take no time, so that they race with the mail of the same moment; the
 * others let timers fire first, and overtake each other. */
#include "sim_pool.h"

enum { LONGEST_MS = 2000 };

static uint64_t now_ms(const struct pl_sim_pool *s)
{
    return s->clock->monotonic(s->clock) / 1000000;
}

static struct pl_job *job_at(struct pl_list *link)
{
    return PL_CONTAINER(link, struct pl_job, due_link);
}

static void begin(struct pl_sim_pool *s)
{
    struct pl_job *job = pl_pool_begin(s->pool);
    bool is_long = pl_random_below(s->random, 2) == 0;

    job->due_ms =
        now_ms(s) + (is_long ? pl_random_below(s->random, LONGEST_MS) : 0);
    job->has_run = pl_random_below(s->random, 2) == 0;
    if (job->has_run)
        job->run(job);
    pl_list_append(&s->work, &job->due_link);
    s->count++;
}

static void finish(struct pl_sim_pool *s, struct pl_job *job)
{
    pl_list_remove(&job->due_link);
    s->count--;
    if (!job->has_run)
        job->run(job);
    pl_pool_finish(s->pool, job);
}

static bool can_begin(const struct pl_sim_pool *s)
{
    return s->count < s->threads && pl_pool_stats(s->pool).queued > 0;
}

unsigned pl_sim_pool_choices(const struct pl_sim_pool *s)
{
    uint64_t now = now_ms(s);
    unsigned count = can_begin(s) ? 1 : 0;

    for (struct pl_list *l = s->work.next; l != &s->work; l = l->next)
        count += job_at(l)->due_ms <= now ? 1 : 0;
    return count;
}

void pl_sim_pool_step(struct pl_sim_pool *s, unsigned choice)
{
    uint64_t now = now_ms(s);

    if (can_begin(s) && choice-- == 0) {
        begin(s);
        return;
    }
    for (struct pl_list *l = s->work.next; l != &s->work; l = l->next) {
        if (job_at(l)->due_ms <= now && choice-- == 0) {
            finish(s, job_at(l));
            return;
        }
    }
}

uint64_t pl_sim_pool_next(const struct pl_sim_pool *s)
{
    uint64_t now = now_ms(s), next = UINT64_MAX;

    for (struct pl_list *l = s->work.next; l != &s->work; l = l->next) {
        uint64_t due = job_at(l)->due_ms;
        uint64_t left = due > now ? due - now : 0;

        if (left < next)
            next = left;
    }
    return next;
}

/* Return the jobs that would end within `timeout_ms`; the clock stands still
 * meanwhile. */
static enum pl_err join(void *arg, uint64_t timeout_ms)
{
    struct pl_sim_pool *s = arg;
    uint64_t now = now_ms(s);

    for (struct pl_list *l = s->work.next, *next; l != &s->work; l = next) {
        next = l->next;
        if (job_at(l)->due_ms <= now || job_at(l)->due_ms - now <= timeout_ms)
            finish(s, job_at(l));
    }
    return s->count == 0 ? PL_OK : PL_ETIMEDOUT;
}

enum pl_err pl_sim_pool_init(struct pl_sim_pool *s,
                             const struct pl_pool_options *options,
                             const struct pl_clock *clock,
                             struct pl_random *random, struct pl_pool **out)
{
    struct pl_pool_driver driver = {.join = join, .arg = s};

    *s = (struct pl_sim_pool){
        .clock = clock, .random = random, .threads = options->threads};
    pl_list_init(&s->work);
    enum pl_err rc = pl_pool_create_driven(out, options, driver, clock);
    if (rc == PL_OK)
        s->pool = pl_pool_hold(*out);
    return rc;
}

void pl_sim_pool_fini(struct pl_sim_pool *s)
{
    join(s, UINT64_MAX);
    pl_pool_release(s->pool);
}
