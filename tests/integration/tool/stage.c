/* SPDX-License-Identifier: Apache-2.0 */
/* stage.c - see stage.h. */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
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

enum { WORDS_MAX = 24 };

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

void stage_start_broker(struct stage *s)
{
    char setting[96];

    snprintf(setting, sizeof setting, "admin.socket=%s", s->socket);
    s->broker = fork();
    if (s->broker == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, STDERR_FILENO);
        execl(getenv("PARLEYD"), "parleyd", "--insecure", "--set",
              "listen=[127.0.0.1:0]", "--set", "admin.listen=off", "--set",
              setting, NULL);
        _exit(127);
    }
    while (!is_listening(s->socket)) {
        assert_int_equal(waitpid(s->broker, NULL, WNOHANG), 0);
        usleep(10000);
    }
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

static void split(struct stage *s, char *line, char **words)
{
    size_t n = 0;

    words[n++] = "parley";
    for (char *w = strtok(line, " "); w != NULL; w = strtok(NULL, " ")) {
        assert_true(n < WORDS_MAX - 2);
        if (strcmp(w, "S") == 0) {
            words[n++] = "--socket";
            w = s->socket;
        }
        words[n++] = w;
    }
    words[n] = NULL;
}

static void err_path(const struct stage *s, char *path, size_t size)
{
    snprintf(path, size, "%s/err", s->folder);
}

/* `out` becomes stdout; -1: it is closed. */
static pid_t spawn(struct stage *s, const char *line, int out)
{
    char copy[1024], err[64], *words[WORDS_MAX];

    snprintf(copy, sizeof copy, "%s", line);
    split(s, copy, words);
    err_path(s, err, sizeof err);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    dup2(open(err, O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    if (out < 0)
        close(STDOUT_FILENO);
    else
        dup2(out, STDOUT_FILENO);
    execv(getenv("PARLEY"), words);
    _exit(127);
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
    err_path(s, err, sizeof err);
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

pid_t tool_start(struct stage *s, const char *line, int *out)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = spawn(s, line, ends[1]);
    close(ends[1]);
    *out = ends[0];
    return pid;
}

bool read_line(int fd, char *line, size_t size)
{
    size_t len = 0;

    while (len < size - 1 && read(fd, line + len, 1) == 1) {
        if (line[len] == '\n') {
            line[len] = '\0';
            return true;
        }
        len++;
    }
    return false;
}
