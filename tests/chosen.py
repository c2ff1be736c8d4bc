#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""chosen.py - the tests that are chosen from builds, and what they need.

    chosen.py programs CHOICE         the ninja targets that CHOICE starts
    chosen.py queue FOLDER CHOICE...  one list of tests for CTest, in FOLDER

A CHOICE is three arguments, BUILD_DIR LABELS LEFT_OUT: each test of the build
with a label like the regular expression LABELS and none like LEFT_OUT.

programs: every program in BUILD_DIR that a test starts, either itself or through
its environment or arguments, one a line.  The files that CTest reads name them,
so no list has to be kept beside the tests.

queue: each test's name begins with that of its build: asan/unit.buf.  CTest
starts the longest first; with the tests of all builds in one list, the cores are
idle once at its end and not at the end of each build's tests, and what waits in
one build runs while another computes.
"""
import pathlib
import re
import sys

TEST = re.compile(r'^(add_test|set_tests_properties)\(\[=\[(.+?)\]=\] (.*)\)$',
                  re.MULTILINE)


def tests(build):
    """Each test's name, with all that is said of it, and where."""
    said = {}
    for path in build.rglob('CTestTestfile.cmake'):
        for kind, name, rest in TEST.findall(path.read_text()):
            said.setdefault(name, {'folder': path.parent})[kind] = rest
    return said


def choose(build, wanted, left_out):
    chosen = {}
    for name, said in tests(build).items():
        labels = re.search(r' LABELS "([^"]*)"',
                           said.get('set_tests_properties', ''))
        labels = labels[1].split(';') if labels else []
        if any(re.search(wanted, label) for label in labels) and not any(
                re.search(left_out, label) for label in labels):
            chosen[name] = said
    if not chosen:
        sys.exit(f'chosen.py: no test of {build} has a label like {wanted}')
    return chosen


def programs(build, wanted, left_out):
    inside = re.compile(re.escape(str(build)) + r'/([^";]+)')
    made = ' '.join(re.findall(r'^build ([^:|]+)',
                               (build / 'build.ninja').read_text(), re.M))
    needed = set()
    for said in choose(build, wanted, left_out).values():
        for rest in said['add_test'], said['set_tests_properties']:
            needed.update(inside.findall(rest.split(' _BACKTRACE_TRIPLES')[0]))
    return sorted(needed & set(made.split())) # tests are told of folders, too


def queue(build, wanted, left_out):
    """The tests as CTest reads them, each in the folder where it belongs."""
    for name, said in choose(build, wanted, left_out).items():
        name = f'[=[{build.name}/{name}]=]'
        properties = said['set_tests_properties']
        if ' WORKING_DIRECTORY ' not in properties:
            properties += f' WORKING_DIRECTORY "{said["folder"]}"'
        yield f'add_test({name} {said["add_test"]})'
        yield f'set_tests_properties({name} {properties})'


def main():
    how, *choices = sys.argv[1:]
    folder = pathlib.Path(choices.pop(0)) if how == 'queue' else None
    lines = []
    for build, wanted, left_out in zip(*[iter(choices)] * 3):
        of = queue if how == 'queue' else programs
        lines += of(pathlib.Path(build).resolve(), wanted, left_out)
    text = '\n'.join(lines) + '\n'
    if folder is None:
        sys.stdout.write(text)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / 'CTestTestfile.cmake').write_text(text)


if __name__ == '__main__':
    main()
