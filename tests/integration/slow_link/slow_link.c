/* SPDX-License-Identifier: Apache-2.0 */
/* slow_link.c - see slow_link.h.
 *
 * Two namespaces, a TUN device in each, and a process, the carrier, that
 * carries packets from one to the other.  Where the kernel has netem, it is
 * put on the broker's device by tc(8) and the carrier only carries; where it
 * has not (kernels of small virtual machines often come without), the carrier
 * does what netem would: each packet waits, for those before it too, and one of
 * a hundred is lost, by a fixed seed.  Rejected: a relay between two sockets,
 * which ends TCP half-way, so that the broker's kernel would never see a loss.
 *
 * PL_SLOW_LINK in the environment is given to netem in place of the usual
 * delay, loss and rate; the carrier imitates no more than those.
 *
 * The broker listens on 127.0.0.1, as --insecure wants, so packets to that
 * address go over the devices: `route_localnet` allows that, and there, where
 * lo stays down, nothing else claims the address. */
#include "slow_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_tun.h>

#define NEAR "near" /* the broker's device */

enum { PACKET_MAX = 2048, QUEUE_MAX = 1000 }; /* netem's own limit */

static bool refuse(const char *what)
{
    printf("SKIPPED: no slow link on this machine: %s: %s\n", what,
           strerror(errno));
    return false;
}

/* --- Namespaces and devices --- */

static void set_address(struct sockaddr *at, const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};

    inet_pton(AF_INET, text, &in.sin_addr);
    memcpy(at, &in, sizeof in);
}

static bool raise_device(int s, const char *name)
{
    struct ifreq r = {0};

    strcpy(r.ifr_name, name);
    if (ioctl(s, SIOCGIFFLAGS, &r) != 0)
        return false;
    r.ifr_flags = (short)(r.ifr_flags | IFF_UP | IFF_RUNNING);
    return ioctl(s, SIOCSIFFLAGS, &r) == 0;
}

static bool allow_loopback_addresses(const char *device)
{
    char path[96];

    snprintf(path, sizeof path, "/proc/sys/net/ipv4/conf/%s/route_localnet",
             device);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, "1", 1) == 1;
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool set_addresses(int s, const char *name, const char *own,
                          const char *peer)
{
    struct ifreq r = {0};

    strcpy(r.ifr_name, name);
    set_address(&r.ifr_addr, own);
    if (ioctl(s, SIOCSIFADDR, &r) != 0)
        return false;
    set_address(&r.ifr_dstaddr, peer);
    return ioctl(s, SIOCSIFDSTADDR, &r) == 0 && raise_device(s, name) &&
           allow_loopback_addresses(name);
}

/* A TUN device in the namespace that we are in; -1: impossible. */
static int open_device(char *name, const char *own, const char *peer)
{
    struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    strcpy(r.ifr_name, name);
    bool ok = fd >= 0 && s >= 0 && ioctl(fd, TUNSETIFF, &r) == 0 &&
              set_addresses(s, name, own, peer);
    if (s >= 0)
        close(s);
    if (!ok && fd >= 0)
        close(fd);
    return ok ? fd : -1;
}

static bool route_to_loopback(char *device)
{
    struct rtentry r = {.rt_flags = RTF_UP | RTF_HOST, .rt_dev = device};
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    set_address(&r.rt_dst, "127.0.0.1");
    bool ok = s >= 0 && ioctl(s, SIOCADDRT, &r) == 0;
    if (s >= 0)
        close(s);
    return ok;
}

static bool raise_loopback(void)
{
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = s >= 0 && raise_device(s, "lo");

    if (s >= 0)
        close(s);
    return ok;
}

static int enter_new_namespace(void)
{
    if (unshare(CLONE_NEWNET) != 0)
        return -1;
    return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

/* --- netem --- */

static bool put_netem_on(const char *device, const char *how)
{
    char command[256];

    snprintf(command, sizeof command,
             "tc qdisc add dev %s root netem limit %d %s 2>/dev/null", device,
             QUEUE_MAX, how);
    return system(command) == 0;
}

/* What the kernel says that it dropped; 0 when it does not say. */
static uint64_t lost_by_netem(const char *device)
{
    char line[256];
    unsigned long long lost = 0;

    snprintf(line, sizeof line, "tc -s qdisc show dev %s", device);
    FILE *said = popen(line, "r");
    while (said != NULL && fgets(line, sizeof line, said) != NULL) {
        const char *at = strstr(line, "dropped ");

        if (at != NULL)
            lost = strtoull(at + strlen("dropped "), NULL, 10);
    }
    if (said != NULL)
        pclose(said);
    return lost;
}

/* --- The carrier --- */

struct packet {
    uint64_t due_us;
    size_t len;
    char bytes[PACKET_MAX];
};

struct carrier {
    int near, far, control;
    bool delays;
    uint32_t seed;
    uint64_t free_us; /* when the link has sent what waits */
    unsigned first, waiting;
    struct slow_link_count count;
    struct packet queue[QUEUE_MAX];
};

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static bool is_lost(struct carrier *c)
{
    c->seed = c->seed * 1664525u + 1013904223u;
    return (c->seed >> 8) % 100 < SLOW_LINK_LOSS_PERCENT;
}

/* A device that takes no more loses the packet, as any does. */
static void hand_on(int fd, const char *bytes, size_t len)
{
    if (write(fd, bytes, len) < 0)
        return;
}

/* When a packet of `len` bytes comes out that goes in now. */
static uint64_t due_us(struct carrier *c, size_t len)
{
    uint64_t now = now_us();

    c->free_us = (c->free_us > now ? c->free_us : now) +
                 (uint64_t)len * 8000u / SLOW_LINK_KBIT_PER_S;
    return c->free_us + SLOW_LINK_DELAY_MS * 1000u;
}

static void take_to_clients(struct carrier *c)
{
    struct packet *p = &c->queue[(c->first + c->waiting) % QUEUE_MAX];
    char spare[PACKET_MAX];
    bool has_space = c->waiting < QUEUE_MAX;
    ssize_t n = read(c->near, has_space ? p->bytes : spare, PACKET_MAX);

    if (n <= 0)
        return;
    c->count.carried++;
    if (!c->delays) {
        hand_on(c->far, has_space ? p->bytes : spare, (size_t)n);
    } else if (!has_space || is_lost(c)) {
        c->count.lost++;
    } else {
        p->len = (size_t)n;
        p->due_us = due_us(c, p->len);
        c->waiting++;
    }
}

static void take_to_broker(struct carrier *c)
{
    char bytes[PACKET_MAX];
    ssize_t n = read(c->far, bytes, sizeof bytes);

    if (n > 0)
        hand_on(c->near, bytes, (size_t)n);
}

/* Deliver what is due; gives the milliseconds to the next, -1: none waits. */
static int deliver(struct carrier *c)
{
    uint64_t now = now_us();

    while (c->waiting > 0) {
        struct packet *p = &c->queue[c->first];

        if (p->due_us > now)
            return (int)((p->due_us - now) / 1000u) + 1;
        hand_on(c->far, p->bytes, p->len);
        c->first = (c->first + 1) % QUEUE_MAX;
        c->waiting--;
    }
    return -1;
}

/* Until nobody holds the other end of `control`; a byte asks for the counts. */
static _Noreturn void carry(struct carrier *c)
{
    struct pollfd f[] = {{.fd = c->near, .events = POLLIN},
                         {.fd = c->far, .events = POLLIN},
                         {.fd = c->control, .events = POLLIN}};
    char byte;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        poll(f, 3, deliver(c));
        if (f[0].revents != 0)
            take_to_clients(c);
        if (f[1].revents != 0)
            take_to_broker(c);
        if (f[2].revents != 0) {
            if (read(c->control, &byte, 1) != 1 ||
                write(c->control, &c->count, sizeof c->count) < 0)
                _exit(0);
        }
    }
}

static bool start_carrier(struct slow_link *l, int near, int far)
{
    static struct carrier c; /* large; the child's copy is used */
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    c = (struct carrier){.near = near, .far = far, .control = ends[1]};
    c.delays = !l->by_netem;
    c.seed = 1;
    fflush(NULL);
    l->carrier = fork();
    if (l->carrier == 0) {
        close(ends[0]);
        carry(&c);
    }
    close(ends[1]);
    l->control = ends[0];
    return l->carrier > 0;
}

/* --- The link --- */

static bool make(struct slow_link *l, int *near, int *far)
{
    char near_name[] = NEAR, far_name[] = "far";
    const char *asked = getenv("PL_SLOW_LINK");

    if ((l->here = enter_new_namespace()) < 0)
        return refuse("a network namespace needs root");
    if (!raise_loopback())
        return refuse("loopback");
    if ((*near = open_device(near_name, "10.77.0.1", "10.77.0.2")) < 0)
        return refuse("a TUN device");
    snprintf(l->how, sizeof l->how, "delay %dms loss %d%% rate %dkbit",
             SLOW_LINK_DELAY_MS, SLOW_LINK_LOSS_PERCENT, SLOW_LINK_KBIT_PER_S);
    if (asked != NULL)
        snprintf(l->how, sizeof l->how, "%s", asked);
    l->by_netem = put_netem_on(near_name, l->how);
    errno = EOPNOTSUPP;
    if (asked != NULL && !l->by_netem)
        return refuse("netem, which PL_SLOW_LINK asks for");
    if ((l->there = enter_new_namespace()) < 0)
        return refuse("a second network namespace");
    if ((*far = open_device(far_name, "10.77.0.2", "10.77.0.1")) < 0 ||
        !route_to_loopback(far_name))
        return refuse("a second TUN device");
    if (setns(l->here, CLONE_NEWNET) != 0)
        return refuse("setns");
    return true;
}

bool slow_link_init(struct slow_link *l)
{
    int near = -1, far = -1;

    *l = (struct slow_link){.here = -1, .there = -1, .control = -1};
    bool ok = make(l, &near, &far) &&
              (start_carrier(l, near, far) || refuse("a process"));
    if (near >= 0)
        close(near);
    if (far >= 0)
        close(far);
    if (!ok)
        slow_link_fini(l);
    else
        printf("slow link: %s, by %s\n", l->how,
               l->by_netem ? "netem" : "the carrier: netem is not there");
    return ok;
}

void slow_link_fini(struct slow_link *l)
{
    if (l->control >= 0)
        close(l->control);
    if (l->carrier > 0)
        waitpid(l->carrier, NULL, 0);
    if (l->here >= 0)
        close(l->here);
    if (l->there >= 0)
        close(l->there);
}

int slow_link_socket(const struct slow_link *l)
{
    if (setns(l->there, CLONE_NEWNET) != 0)
        abort();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (setns(l->here, CLONE_NEWNET) != 0 || fd < 0)
        abort();
    return fd;
}

void slow_link_counts(const struct slow_link *l, struct slow_link_count *out)
{
    if (write(l->control, "?", 1) != 1 ||
        read(l->control, out, sizeof *out) != (ssize_t)sizeof *out)
        abort();
    if (l->by_netem)
        out->lost = lost_by_netem(NEAR);
}
