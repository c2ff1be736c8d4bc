#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""targets.py - what must be built before tests with a label can run.

    targets.py BUILD_DIR LABELS

Prints the ninja targets, one a line: every program in BUILD_DIR that a test
whose labels match the regular expression LABELS starts, either itself or
through its environment or arguments.  The files that CTest reads name them, so
no list has to be kept beside the tests.
"""
import pathlib
import re
import sys

TEST = re.compile(r'^(add_test|set_tests_properties)\(\[=\[(.+?)\]=\] (.*)\)$',
                  re.MULTILINE)


def tests(build):
    """Each test's name, with all that is said of it."""
    said = {}
    for path in build.rglob('CTestTestfile.cmake'):
        for kind, name, rest in TEST.findall(path.read_text()):
            said.setdefault(name, {})[kind] = rest
    return said


def programs(build, said):
    inside = re.compile(re.escape(str(build)) + r'/([^";]+)')
    for rest in said.values():
        yield from inside.findall(rest.split(' _BACKTRACE_TRIPLES')[0])


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    wanted = re.compile(sys.argv[2])
    needed = set()
    for name, said in tests(build).items():
        labels = re.search(r' LABELS "([^"]*)"',
                           said.get('set_tests_properties', ''))
        if labels and any(map(wanted.search, labels[1].split(';'))):
            needed.update(programs(build, said))
    if not needed:
        sys.exit(f'targets.py: no test has a label like {sys.argv[2]}')
    print('\n'.join(sorted(needed)))


if __name__ == '__main__':
    main()
