/* SPDX-License-Identifier: Apache-2.0 */
/* remote.c - see remote.h.
 *
 * The log goes to a file in memory, which needs nobody to read it while the
 * broker writes.  The port is taken from the log, since only the kernel knows
 * a free one.  The status comes through the admin socket, one connection a
 * question, so that a broker that has no descriptor left for clients must
 * still answer operators. */
#include "remote.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "moment.h"

enum { ARGS_MAX = 64 };

static char *log_text(const struct remote *r)
{
    struct stat s;
    size_t size = fstat(r->log, &s) == 0 ? (size_t)s.st_size : 0;
    char *text = malloc(size + 1);

    if (text == NULL)
        abort();
    ssize_t n = pread(r->log, text, size, 0);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static void fail(const struct remote *r, const char *what, const char *detail)
{
    char *text = log_text(r);
    size_t len = strlen(text);

    fprintf(stderr, "%s\nremote: %s: %s\n",
            text + (len > 8000 ? len - 8000 : 0), what, detail);
    free(text);
    kill(r->pid, SIGKILL);
    abort();
}

/* --- Life --- */

static _Noreturn void become(const struct remote *r, const char *program,
                             const char *const *sets)
{
    const char *args[ARGS_MAX] = {
        program, "--insecure",
        "--set", "listen=[127.0.0.1:0]",
        "--set", "admin.listen=off",
        "--set", "limits.loop_lag=0", /* sanitizers are slow */
        "--set",
    };
    char where[128];
    int count = 9;

    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing is left of a failed test */
    snprintf(where, sizeof where, "admin.socket=%s", r->socket);
    args[count++] = where;
    while (sets != NULL && *sets != NULL && count + 2 < ARGS_MAX) {
        args[count++] = "--set";
        args[count++] = *sets++;
    }
    dup2(r->err, STDERR_FILENO);
    execv(program, (char *const *)args);
    _exit(127);
}

/* It runs when its log says so; the port is told before. */
static bool is_running(struct remote *r)
{
    char *text = log_text(r);
    const char *port = strstr(text, " port=");
    const char *next = port == NULL ? NULL : strstr(port + 1, " port=");
    bool runs = strstr(text, "event=running") != NULL && port != NULL;

    if (runs)
        r->port = (uint16_t)strtoul(port + 6, NULL, 10);
    if (runs && next != NULL)
        r->tls_port = (uint16_t)strtoul(next + 6, NULL, 10);
    free(text);
    return runs;
}

/* `err` below 0: stderr is the log. */
static void begin(struct remote *r, const char *program,
                  const char *const *sets, int err)
{
    memset(r, 0, sizeof *r);
    strcpy(r->folder, "/tmp/parley-test-XXXXXX");
    r->log = memfd_create("log", MFD_CLOEXEC);
    if (mkdtemp(r->folder) == NULL || r->log < 0)
        abort();
    r->err = err < 0 ? r->log : err;
    snprintf(r->socket, sizeof r->socket, "%s/admin.sock", r->folder);
    r->pid = fork();
    if (r->pid < 0)
        abort();
    if (r->pid == 0)
        become(r, program, sets);
}

void remote_begin(struct remote *r, const char *program,
                  const char *const *sets)
{
    begin(r, program, sets, -1);
}

/* Fill the pipe through a description of our own, since that of the broker's
 * stderr must stay one that blocks. */
static void fill_pipe(int fd)
{
    static const char bytes[4096];
    char path[32];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int own = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (own < 0)
        abort();
    while (write(own, bytes, sizeof bytes) > 0)
        ;
    while (write(own, bytes, 1) > 0)
        ;
    close(own);
}

int remote_start_unread(struct remote *r, const char *program,
                        const char *const *sets)
{
    uint64_t began = moment_ms();
    char bytes[4096];
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        abort();
    begin(r, program, sets, ends[1]);
    while (!is_running(r)) {
        ssize_t n = read(ends[0], bytes, sizeof bytes);

        if (n <= 0 || write(r->log, bytes, (size_t)n) != n ||
            moment_ms() > began + REMOTE_DEADLINE_MS)
            fail(r, "does not run", program);
    }
    fill_pipe(ends[1]);
    close(ends[1]);
    return ends[0];
}

void remote_start(struct remote *r, const char *program,
                  const char *const *sets)
{
    uint64_t began = moment_ms();

    remote_begin(r, program, sets);
    while (!is_running(r)) {
        if (waitpid(r->pid, NULL, WNOHANG) != 0 ||
            moment_ms() > began + REMOTE_DEADLINE_MS)
            fail(r, "does not run", program);
        moment_rest(began);
    }
}

void remote_signal(const struct remote *r, int signal)
{
    kill(r->pid, signal);
}

int remote_await_exit(const struct remote *r)
{
    uint64_t began = moment_ms();
    int status;

    for (;;) {
        pid_t pid = waitpid(r->pid, &status, WNOHANG);

        if (pid == r->pid)
            return status;
        if (pid < 0 || moment_ms() > began + REMOTE_DEADLINE_MS)
            fail(r, "does not end", "after SIGTERM");
        moment_rest(began);
    }
}

bool remote_has_logged(const struct remote *r, const char *what)
{
    char *text = log_text(r);
    bool has = strstr(text, what) != NULL;

    free(text);
    return has;
}

void remote_check_log(const struct remote *r)
{
    static const char *const sick[] = {"Sanitizer",
                                       "runtime error:", "ssertion"};

    for (size_t i = 0; i < sizeof sick / sizeof *sick; i++) {
        if (remote_has_logged(r, sick[i]))
            fail(r, "the log has a report", sick[i]);
    }
}

void remote_fini(struct remote *r)
{
    unlink(r->socket);
    rmdir(r->folder);
    close(r->log);
    r->pid = 0;
}

void remote_stop(struct remote *r)
{
    remote_rest(r);
    remote_signal(r, SIGTERM);
    int status = remote_await_exit(r);
    remote_check_log(r);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail(r, "ended badly", strsignal(WTERMSIG(status)));
    remote_fini(r);
}

/* --- Status --- */

static int ask(const struct remote *r)
{
    static const char request[] = "GET /status HTTP/1.0\r\n\r\n";
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(to.sun_path, r->socket);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0 ||
        send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
        fail(r, "no admin socket", strerror(errno));
    return fd;
}

static int64_t number_in(const struct remote *r, json_t *root, const char *path)
{
    json_t *at = root;
    char part[64];

    for (const char *from = path; at != NULL && *from != '\0';) {
        size_t len = strcspn(from, ".");

        snprintf(part, sizeof part, "%.*s", (int)len, from);
        at = json_is_array(at) ? json_array_get(at, strtoul(part, NULL, 10))
                               : json_object_get(at, part);
        from += len + (from[len] == '.');
    }
    if (json_is_boolean(at))
        return json_is_true(at);
    if (!json_is_integer(at)) {
        char *all = json_dumps(root, 0);

        fprintf(stderr, "%s\n", all == NULL ? "(no memory)" : all);
        fail(r, "the status has no such number", path);
    }
    return json_integer_value(at);
}

static void check_signs(const struct remote *r, json_t *at, const char *name)
{
    const char *key;
    json_t *inner;
    size_t i;

    if (json_is_integer(at) && json_integer_value(at) < 0)
        fail(r, "is negative", name);
    json_object_foreach(at, key, inner) check_signs(r, inner, key);
    json_array_foreach(at, i, inner) check_signs(r, inner, name);
}

/* These agree at any time, see box.c. */
static void check_ledgers(const struct remote *r, json_t *root)
{
    static const char *const exact[] = {"ledgers.commands.balanced",
                                        "ledgers.mail.balanced",
                                        "ledgers.deliveries.balanced"};

    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        if (number_in(r, root, exact[i]) != 1)
            fail(r, "is not balanced", exact[i]);
    }
}

static json_t *status_of(const struct remote *r)
{
    static char text[1 << 18];
    size_t len = 0;
    int fd = ask(r);
    ssize_t n;

    while ((n = recv(fd, text + len, sizeof text - 1 - len, 0)) > 0)
        len += (size_t)n;
    close(fd);
    text[len] = '\0';
    const char *body = strstr(text, "\r\n\r\n");
    json_t *root = body == NULL ? NULL : json_loads(body, 0, NULL);
    if (root == NULL || strncmp(text, "HTTP/1.1 200 ", 13) != 0)
        fail(r, "no status", text);
    check_signs(r, root, "the status");
    check_ledgers(r, root);
    return root;
}

int64_t remote_number(const struct remote *r, const char *path)
{
    json_t *root = status_of(r);
    int64_t n = number_in(r, root, path);

    json_decref(root);
    return n;
}

static void await(const struct remote *r, const char *path, int64_t low,
                  int64_t high)
{
    uint64_t began = moment_ms();
    char text[32];
    int64_t n;

    while ((n = remote_number(r, path)) < low || n > high) {
        if (moment_ms() > began + REMOTE_DEADLINE_MS) {
            snprintf(text, sizeof text, "%lld", (long long)n);
            fail(r, path, text);
        }
        moment_rest(began);
    }
}

void remote_await(const struct remote *r, const char *path, int64_t value)
{
    await(r, path, value, value);
}

void remote_await_least(const struct remote *r, const char *path, int64_t value)
{
    await(r, path, value, INT64_MAX);
}

static bool has_rest(const struct remote *r)
{
    static const char *const in_progress[] = {
        "commands.pending", "deliveries.queued", "mailboxes.queued",
        "connections.out_queue_bytes"};
    json_t *root = status_of(r);
    bool rests = number_in(r, root, "ledgers.posts.balanced") == 1;

    for (size_t i = 0; i < sizeof in_progress / sizeof *in_progress; i++)
        rests = rests && number_in(r, root, in_progress[i]) == 0;
    json_decref(root);
    return rests;
}

void remote_rest(const struct remote *r)
{
    uint64_t began = moment_ms();

    while (!has_rest(r)) {
        if (moment_ms() > began + REMOTE_DEADLINE_MS)
            fail(r, "did not come to rest", "see its status");
        moment_rest(began);
    }
}

/* --- Its process --- */

static unsigned count_entries(const struct remote *r, const char *folder)
{
    char path[64];
    unsigned n = 0;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)r->pid, folder);
    DIR *d = opendir(path);
    if (d == NULL)
        fail(r, "cannot read", path);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static uint64_t resident(const struct remote *r)
{
    char path[64];
    unsigned long long all, here = 0;

    snprintf(path, sizeof path, "/proc/%d/statm", (int)r->pid);
    FILE *f = fopen(path, "r");
    if (f == NULL || fscanf(f, "%llu %llu", &all, &here) != 2)
        fail(r, "cannot read", path);
    fclose(f);
    return here * (uint64_t)sysconf(_SC_PAGESIZE);
}

void remote_census(const struct remote *r, struct remote_census *out)
{
    out->threads = count_entries(r, "task");
    out->descriptors = count_entries(r, "fd");
    out->resident = resident(r);
}

void remote_await_census(const struct remote *r,
                         const struct remote_census *then)
{
    uint64_t began = moment_ms();
    struct remote_census now;
    char text[64];

    for (;;) {
        remote_census(r, &now);
        if (now.descriptors <= then->descriptors &&
            now.threads == then->threads)
            return;
        if (moment_ms() > began + REMOTE_DEADLINE_MS)
            break;
        moment_rest(began);
    }
    snprintf(text, sizeof text, "%u descriptors, then %u", then->descriptors,
             now.descriptors);
    fail(r, "left something behind", text);
}
