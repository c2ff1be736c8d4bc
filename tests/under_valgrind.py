#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""under_valgrind.py - run CTest's tests under valgrind's memcheck.

    under_valgrind.py BUILD_DIR LOG_DIR [-j N] PATTERN...

A PATTERN is a regular expression, and a test runs when one of them is found in
its name.  BUILD_DIR holds a build without sanitizers.

Not helgrind, nor drd: they know locks, but not the atomics by which mail goes
from loop to loop, and report each message that is handed over.  TSan knows
both.

A test program runs under valgrind itself.  A test that is told which parleyd
to start (PARLEYD, or --parleyd) is given a script that starts it under
valgrind, so that neither Node nor the hostile clients are slowed down.  CTest
cannot do this: its MemCheck puts valgrind before every command, Node too.

PL_VALGRIND is set, for tests that cannot be had that way to leave out.  A test
fails when it fails, or when valgrind found something.  What it said is
in LOG_DIR, a file a process; those that say nothing are removed.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

FOUND = 99  # the exit status when valgrind, and not the program, complains
DEADLINE_S = 1800

# Memory that nobody points to when a program ends is an error.  What is pointed
# into, a member of a list, is not: valgrind calls it possibly lost.
# fair-sched: a loop that never sleeps must not starve the others.
OPTIONS = ['--tool=memcheck', '--quiet', '--fair-sched=yes',
           '--num-callers=24', f'--error-exitcode={FOUND}',
           '--leak-check=full', '--show-leak-kinds=definite',
           '--errors-for-leak-kinds=definite']


def tests_of(build):
    said = subprocess.run(['ctest', '--test-dir', build,
                           '--show-only=json-v1'],
                          check=True, capture_output=True, text=True).stdout
    return [t for t in json.loads(said)['tests'] if 'command' in t]


def properties(test):
    return {p['name']: p['value'] for p in test['properties']}


def wrapper(logs, name, before, program):
    path = logs / f'{name}.parleyd'
    path.write_text('#!/bin/sh\nexec ' +
                    shlex.join([*before, program]) + ' "$@"\n')
    path.chmod(0o755)
    return str(path)


def run(test, logs):
    """Returns (what is wrong or None, seconds)."""
    name, command = test['name'], list(test['command'])
    own = dict(e.split('=', 1)
               for e in properties(test).get('ENVIRONMENT', []))
    before = ['valgrind', *OPTIONS, f'--log-file={logs}/{name}.%p']
    if 'PARLEYD' in own:
        own['PARLEYD'] = wrapper(logs, name, before, own['PARLEYD'])
    elif '--parleyd' in command:
        at = command.index('--parleyd') + 1
        command[at] = wrapper(logs, name, before, command[at])
    else:
        command = before + command
    began = time.monotonic()
    with open(logs / f'{name}.output', 'wb') as output:
        try:
            status = subprocess.run(
                command, env={**os.environ, 'PL_VALGRIND': '1', **own},
                stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                cwd=properties(test).get('WORKING_DIRECTORY'),
                timeout=DEADLINE_S).returncode
        except subprocess.TimeoutExpired:
            status = 'in time'
    took = time.monotonic() - began
    said = [f for f in logs.glob(f'{name}.[0-9]*') if f.stat().st_size > 0 or
            f.unlink()]
    if said:
        return f'valgrind: {said[0]}', took
    if status != 0:
        return f'ended with {status}: {logs / name}.output', took
    return None, took


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    parser.add_argument('logs', type=pathlib.Path)
    parser.add_argument('-j', type=int, default=2)
    parser.add_argument('patterns', nargs='+')
    args = parser.parse_args()
    logs = args.logs.resolve()
    logs.mkdir(parents=True, exist_ok=True)
    wanted = [t for t in tests_of(args.build)
              if any(re.search(p, t['name']) for p in args.patterns)]
    if not wanted:
        sys.exit('under_valgrind.py: no test has such a name')
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(args.j) as pool:
        runs = {pool.submit(run, t, logs): t['name']
                for t in wanted}
        for done in concurrent.futures.as_completed(runs):
            wrong, took = done.result()
            bad += wrong is not None
            print(f'{"FAILED" if wrong else "passed"} {runs[done]} '
                  f'{took:.0f} s {wrong or ""}', flush=True)
    print(f'valgrind: {len(wanted)} tests, {bad} failed')
    sys.exit(bad != 0)


if __name__ == '__main__':
    main()
