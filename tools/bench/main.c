/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - parley-bench: what the hot pieces cost, one by one, without sockets;
 * and, with --count, the same work a fixed number of times for tools that
 * count instructions. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pieces.h"
#include "shape.h"

static int usage(FILE *to, int status)
{
    fputs(
        "usage: parley-bench [--only NAME] [--rounds N] [--json]\n"
        "       parley-bench --count SHAPE [--others N] [--idle N]\n"
        "                    [--each N] [--history N] [--repeat N]\n"
        "                    [--spaces N] [--mark CHAR] [--rules KEYS]\n"
        "\n"
        "  --only NAME    only pieces whose name contains it\n"
        "  --rounds N     the median of so many is printed (default 9, odd)\n"
        "  --json         one object a line\n"
        "  --count SHAPE  fanout, rooms, rtt or idle, for callgrind's\n"
        "                 --toggle-collect=shape_run: the work of N repeats,\n"
        "                 and how many deliveries that was\n"
        "  --others N     other channels, with a subscriber each\n"
        "  --idle N       connections that do nothing\n"
        "  --each N       further channels of each connection\n"
        "  --history N    publications that a channel keeps\n"
        "  --spaces N     namespaces, s00 and so on\n"
        "  --mark CHAR    channels are named s07CHARname, of 100 such names;\n"
        "                 with ':' they are in 100 namespaces\n"
        "  --rules KEYS   of each namespace, as 'allow_publish: none'\n",
        to);
    return status;
}

static bool read_number(const char *text, unsigned *out)
{
    char *end;

    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || n > 10000000)
        return false;
    *out = (unsigned)n;
    return true;
}

struct options {
    struct measure measure;
    struct shape shape;
};

static bool take_number(struct options *o, const char *name, const char *value)
{
    if (strcmp(name, "--rounds") == 0)
        return read_number(value, &o->measure.rounds) &&
               o->measure.rounds >= 1 && o->measure.rounds <= 99;
    if (strcmp(name, "--others") == 0)
        return read_number(value, &o->shape.others);
    if (strcmp(name, "--idle") == 0)
        return read_number(value, &o->shape.idle);
    if (strcmp(name, "--history") == 0)
        return read_number(value, &o->shape.history);
    if (strcmp(name, "--spaces") == 0)
        return read_number(value, &o->shape.spaces) && o->shape.spaces <= 100;
    if (strcmp(name, "--each") == 0)
        return read_number(value, &o->shape.each);
    if (strcmp(name, "--repeat") == 0)
        return read_number(value, &o->shape.repeat);
    return false;
}

static bool take_option(struct options *o, const char *name, const char *value)
{
    if (strcmp(name, "--only") == 0)
        o->measure.only = value;
    else if (strcmp(name, "--count") == 0)
        o->shape.name = value;
    else if (strcmp(name, "--rules") == 0)
        o->shape.rules = value;
    else if (strcmp(name, "--mark") == 0)
        o->shape.mark = value[0];
    else
        return take_number(o, name, value);
    return true;
}

int main(int argc, char **argv)
{
    struct options o = {.measure = {.rounds = 9}, .shape = {.repeat = 100}};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return usage(stdout, 0);
        if (strcmp(argv[i], "--json") == 0)
            o.measure.json = true;
        else if (i + 1 == argc || !take_option(&o, argv[i], argv[i + 1]))
            return usage(stderr, 2);
        else
            i++;
    }
    if (o.shape.name != NULL)
        return shape_count(&o.shape) ? 0 : usage(stderr, 2);
    pieces_core(&o.measure);
    pieces_frame(&o.measure);
    pieces_wire(&o.measure);
    pieces_mail(&o.measure);
    pieces_hub(&o.measure);
    if (o.measure.told > 0)
        return 0;
    fprintf(stderr, "parley-bench: no piece is named like that\n");
    return 1;
}
