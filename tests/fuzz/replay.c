/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - runs files through a fuzz target where there is no fuzzer.
 *
 * Each argument is a file or a directory of files.  Each input lies in memory
 * of just its size, so that the sanitizer sees every byte read beyond it.
 * No input at all is a failure: a corpus that was moved must not pass. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void give_up(const char *path)
{
    perror(path);
    exit(EXIT_FAILURE);
}

static void run_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size > 0 ? size : 1);

    if (file == NULL || data == NULL || fread(data, 1, size, file) != size)
        give_up(path);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

/* Run what `path` names; gives the number of inputs. */
static unsigned run(const char *path)
{
    struct stat about;
    unsigned count = 0;

    if (stat(path, &about) != 0)
        give_up(path);
    if (!S_ISDIR(about.st_mode)) {
        run_file(path, (size_t)about.st_size);
        return 1;
    }
    DIR *dir = opendir(path);
    if (dir == NULL)
        give_up(path);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char *inner;

        if (e->d_name[0] == '.')
            continue;
        if (asprintf(&inner, "%s/%s", path, e->d_name) < 0)
            give_up(path);
        count += run(inner);
        free(inner);
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    unsigned count = 0;

    for (int i = 1; i < argc; i++)
        count += run(argv[i]);
    printf("%u inputs\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
