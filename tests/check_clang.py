#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_clang.py - what clang says of sources that another compiler built.

    check_clang.py BUILD_DIR warnings CLANG_TIDY
    check_clang.py BUILD_DIR tidy CLANG_TIDY [FILE...]
    check_clang.py BUILD_DIR quick CLANG_TIDY [FILE...]

warnings: the compiler's warnings about the sources below tests/, with the
build's own flags.  clang-tidy parses many sources in one process; to start
clang for each source took four times as long as to parse it.  tidy: the sources
below actors/, broker/, client/ and tools/, or those FILEs only, with the checks of
.clang-tidy, which has the compiler's warnings among them.  quick: the same
without the analyzer, which takes three quarters of the time.

All read compile_commands.json, and need what the build generates.
"""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHECKED = ('actors', 'broker', 'client', 'tools')
# To start clang-tidy takes longer than to check a file, and the analyzer of
# release 14 goes wrong with several in one run.
BATCH = {'warnings': 32, 'tidy': 1, 'quick': 32}
# clang-tidy runs only with a check that is not the compiler's: a cheap one.
CHECKS = {
    'warnings': ['--checks=-*,clang-diagnostic-*,misc-unused-alias-decls',
                 '--header-filter=.*'],
    'tidy': ['--extra-arg=-Wreserved-identifier'],
    'quick': ['--checks=-clang-analyzer-*',
              '--extra-arg=-Wreserved-identifier'],
}


def sources(build):
    """Our sources that the build compiles."""
    found = set()
    for entry in json.loads((build / 'compile_commands.json').read_text()):
        path = pathlib.Path(entry['file'])
        if path.is_relative_to(ROOT) and not path.is_relative_to(build):
            found.add(path)
    return found


def tidy(clang_tidy, build, paths, checks):
    return subprocess.run([clang_tidy, '--quiet', '-p', build, *checks,
                           '--extra-arg=-Wno-unknown-warning-option', *paths],
                          capture_output=True, text=True)


def is_checked(path, kind, only):
    below = path.relative_to(ROOT).parts[0]
    if kind == 'warnings':
        return below not in CHECKED
    return path in only or not only and below in CHECKED


def main():
    build, kind, program = (pathlib.Path(sys.argv[1]).resolve(), *sys.argv[2:4])
    only = [pathlib.Path(f).resolve() for f in sys.argv[4:]]
    found = [p for p in sources(build) if is_checked(p, kind, only)]
    if not found:
        sys.exit('check_clang.py: there is nothing to check')
    # The largest first, so that no thread is left with one at the end.
    order = sorted(found, key=lambda p: -p.stat().st_size)
    count = -(-len(order) // BATCH[kind])
    batches = [order[i::count] for i in range(count)]
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in pool.map(
                lambda some: tidy(program, build, some, CHECKS[kind]),
                batches):
            if done.returncode != 0 or 'warning:' in done.stdout + done.stderr:
                bad += 1
                print(done.stdout + done.stderr, flush=True)
    print(f'{kind}: {len(found)} files, {bad} runs with findings')
    sys.exit(bad != 0)


if __name__ == '__main__':
    main()
