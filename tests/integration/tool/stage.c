/* SPDX-License-Identifier: Apache-2.0 */
/* stage.c - see stage.h. */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "moment.h"
#include "tls_client.h"

enum { WORDS_MAX = 24, DEADLINE_MS = 60000, FDS_MAX = 256 };

int stage_up(void **state)
{
    struct stage *s = calloc(1, sizeof *s);

    assert_non_null(s);
    strcpy(s->folder, "/tmp/parley-tool-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    assert_int_equal(chmod(s->folder, 0755), 0);
    snprintf(s->socket, sizeof s->socket, "%s/sock", s->folder);
    unsetenv("PARLEY_SOCKET");
    unsetenv("PARLEY_API_KEY");
    *state = s;
    return 0;
}

static void end(pid_t *pid)
{
    if (*pid > 0) {
        kill(*pid, SIGCONT);
        kill(*pid, SIGKILL);
        waitpid(*pid, NULL, 0);
    }
    *pid = 0;
}

int stage_down(void **state)
{
    struct stage *s = *state;
    char command[64];

    end(&s->broker);
    end(&s->fake);
    snprintf(command, sizeof command, "rm -rf %s", s->folder);
    assert_int_equal(system(command), 0);
    free(s);
    return 0;
}

static bool is_listening(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strncpy(a.sun_path, path, sizeof a.sun_path - 1);
    bool is = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
    close(fd);
    return is;
}

unsigned stage_free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    close(fd);
    return ntohs(a.sin_port);
}

/* `words` are ended by NULL. */
static void start(struct stage *s, char *const *words)
{
    uint64_t began = moment_ms();

    s->broker = fork();
    if (s->broker == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, STDERR_FILENO);
        execv(getenv("PARLEYD"), words);
        _exit(127);
    }
    while (!is_listening(s->socket)) {
        assert_int_equal(waitpid(s->broker, NULL, WNOHANG), 0);
        assert_true(moment_ms() < began + DEADLINE_MS);
        moment_rest(began);
    }
}

/* The admin socket may listen before the ports of clients. */
static void await_port(unsigned port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint64_t began = moment_ms();
    bool is_there = false;

    while (!is_there) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        is_there = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
        close(fd);
        assert_true(moment_ms() < began + DEADLINE_MS);
        if (!is_there)
            moment_rest(began);
    }
}

enum { SETTINGS = 10, SETTING_SIZE = 160 };

struct settings {
    char text[SETTINGS][SETTING_SIZE];
    char *words[2 * SETTINGS + 3];
    int count;
};

__attribute__((format(printf, 2, 3))) static void add(struct settings *all,
                                                      const char *format, ...)
{
    va_list args;
    int n = all->count++;

    assert_true(n < SETTINGS);
    va_start(args, format);
    vsnprintf(all->text[n], SETTING_SIZE, format, args);
    va_end(args);
    all->words[0] = "parleyd";
    all->words[1] = "--insecure";
    all->words[2 + 2 * n] = "--set";
    all->words[3 + 2 * n] = all->text[n];
}

void stage_start_broker(struct stage *s)
{
    struct settings all = {0};

    add(&all, "admin.socket=%s", s->socket);
    add(&all, "listen=[127.0.0.1:0]");
    add(&all, "admin.listen=off");
    if (s->setting != NULL)
        add(&all, "%s", s->setting);
    start(s, all.words);
}

void stage_start_for_clients(struct stage *s)
{
    struct tls_folder folder;
    struct settings all = {0};

    snprintf(folder.path, sizeof folder.path, "%s", s->folder);
    if (s->port == 0) {
        s->port = stage_free_port();
        do {
            s->tls_port = stage_free_port();
        } while (s->tls_port == s->port);
        tls_make(&folder, "ca", NULL, NULL);
        tls_make(&folder, "server", "localhost", "ca");
    }
    add(&all, "admin.socket=%s", s->socket);
    add(&all, "listen=[127.0.0.1:%u]", s->port);
    add(&all, "listen_tls=[127.0.0.1:%u]", s->tls_port);
    add(&all, "admin.listen=off");
    add(&all, "tls.certificate=[%s/server.pem]", s->folder);
    add(&all, "tls.key=[%s/server.key]", s->folder);
    add(&all, "channels.history_size=200000");
    add(&all, "channels.history_bytes=64MiB");
    if (s->setting != NULL)
        add(&all, "%s", s->setting);
    start(s, all.words);
    await_port(s->port);
    await_port(s->tls_port);
}

static int status_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int stage_await_broker(struct stage *s)
{
    int status;

    assert_int_equal(waitpid(s->broker, &status, 0), s->broker);
    s->broker = 0;
    return status_of(status);
}

int stage_listen(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strncpy(a.sun_path, path, sizeof a.sun_path - 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(listen(fd, 64), 0);
    return fd;
}

static void answer(int fd, const char *text)
{
    char request[4096];
    size_t len = 0;
    ssize_t got;

    while (len < sizeof request - 1 &&
           (got = read(fd, request + len, sizeof request - 1 - len)) > 0) {
        len += (size_t)got;
        request[len] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL)
            break;
    }
    bool is_out = write(fd, text, strlen(text)) > 0; /* or only looked */
    (void)is_out;
    shutdown(fd, SHUT_WR);
    while (read(fd, request, sizeof request) > 0)
        ;
    close(fd);
}

void stage_fake(struct stage *s, int listener, const char *text)
{
    s->fake = fork();
    if (s->fake != 0)
        return;
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            _exit(0);
        answer(fd, text);
    }
}

/* Replace a word that stands for a place; gives the option before it. */
static const char *place(struct stage *s, char **word, char text[96])
{
    if (strcmp(*word, "S") == 0) {
        *word = s->socket;
        return "--socket";
    }
    if (strcmp(*word, "W") == 0)
        snprintf(text, 96, "ws://127.0.0.1:%u", s->port);
    else if (strcmp(*word, "T") == 0)
        snprintf(text, 96, "wss://localhost:%u", s->tls_port);
    else
        return NULL;
    *word = text;
    return "--url";
}

/* `text` is for a word. */
static void split(struct stage *s, char *line, const char **words,
                  char text[96])
{
    size_t n = 0;

    words[n++] = "parley";
    for (char *w = strtok(line, " "); w != NULL; w = strtok(NULL, " ")) {
        const char *option = place(s, &w, text);

        assert_true(n < WORDS_MAX - 2);
        if (option != NULL)
            words[n++] = option;
        words[n++] = w;
    }
    words[n] = NULL;
}

/* Of each tool its own: several may run. */
static void err_path(const struct stage *s, pid_t pid, char *path, size_t size)
{
    snprintf(path, size, "%s/err.%d", s->folder, (int)pid);
}

/* `out` becomes stdout; -1: it is closed.  `error` becomes stderr; -1: that is
 * a file of its own. */
static pid_t spawn_with(struct stage *s, const char *line, int out, int error)
{
    char copy[1024], err[64], text[96];
    const char *words[WORDS_MAX];

    snprintf(copy, sizeof copy, "%s", line);
    split(s, copy, words, text);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    err_path(s, getpid(), err, sizeof err);
    const char *input = s->input != NULL ? s->input : "/dev/null";
    dup2(open(input, O_RDONLY), STDIN_FILENO);
    if (error < 0)
        error = open(err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(error, STDERR_FILENO);
    if (out < 0)
        close(STDOUT_FILENO);
    else
        dup2(out, STDOUT_FILENO);
    execv(getenv("PARLEY"), (char *const *)words);
    _exit(127);
}

static pid_t spawn(struct stage *s, const char *line, int out)
{
    return spawn_with(s, line, out, -1);
}

static void read_file(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY);
    ssize_t got = fd < 0 ? 0 : read(fd, text, size - 1);

    text[got < 0 ? 0 : got] = '\0';
    if (fd >= 0)
        close(fd);
}

int tool_await(struct stage *s, pid_t pid)
{
    char err[64];
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    err_path(s, pid, err, sizeof err);
    read_file(err, s->err, sizeof s->err);
    return status_of(status);
}

int tool_run(struct stage *s, const char *line)
{
    char path[64];

    snprintf(path, sizeof path, "%s/out", s->folder);
    close(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    int status = tool_run_onto(s, line, path);
    read_file(path, s->out, sizeof s->out);
    return status;
}

int tool_run_onto(struct stage *s, const char *line, const char *path)
{
    int out = path == NULL ? -1 : open(path, O_WRONLY | O_CLOEXEC);
    pid_t pid = spawn(s, line, out);

    if (out >= 0)
        close(out);
    return tool_await(s, pid);
}

int tool_run_on_terminal(struct stage *s, const char *line)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    size_t len = 0;
    ssize_t got;

    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    pid_t pid = spawn(s, line, slave);
    close(slave);
    while (len < sizeof s->out - 1 &&
           (got = read(master, s->out + len, sizeof s->out - 1 - len)) > 0)
        len += (size_t)got;
    s->out[len] = '\0';
    close(master);
    return tool_await(s, pid);
}

/* What was read of a descriptor and is in no line yet: byte by byte, a hundred
 * thousand lines took seconds. */
static struct rest {
    size_t at, end;
    char bytes[8192];
} * rests[FDS_MAX];

/* A pipe that has nothing of an older one with its number. */
static void open_pipe(int ends[2])
{
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(ends[0] < FDS_MAX);
    free(rests[ends[0]]);
    rests[ends[0]] = NULL;
}

pid_t tool_start(struct stage *s, const char *line, int *out)
{
    int ends[2];

    open_pipe(ends);
    pid_t pid = spawn(s, line, ends[1]);
    close(ends[1]);
    *out = ends[0];
    return pid;
}

pid_t tool_start_with_remarks(struct stage *s, const char *line, int *out)
{
    int ends[2];

    open_pipe(ends);
    pid_t pid = spawn_with(s, line, ends[1], ends[1]);
    close(ends[1]);
    *out = ends[0];
    return pid;
}

static bool next_byte(int fd, char *byte)
{
    struct rest *r = rests[fd];

    if (r->at == r->end) {
        ssize_t got = read(fd, r->bytes, sizeof r->bytes);

        r->at = 0;
        r->end = got > 0 ? (size_t)got : 0;
    }
    if (r->at == r->end)
        return false;
    *byte = r->bytes[r->at++];
    return true;
}

bool read_line(int fd, char *line, size_t size)
{
    size_t len = 0;

    assert_true(fd >= 0 && fd < FDS_MAX);
    if (rests[fd] == NULL)
        rests[fd] = calloc(1, sizeof *rests[fd]);
    assert_non_null(rests[fd]);
    while (len < size - 1 && next_byte(fd, line + len)) {
        if (line[len] == '\n') {
            line[len] = '\0';
            return true;
        }
        len++;
    }
    return false;
}
