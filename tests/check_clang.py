#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_clang.py - what clang says of sources that another compiler built.

    check_clang.py BUILD_DIR warnings CLANG
    check_clang.py BUILD_DIR tidy CLANG_TIDY [FILE...]
    check_clang.py BUILD_DIR quick CLANG_TIDY [FILE...]

warnings: the sources below tests/, with the build's own flags, but only parsed,
which takes a tenth of compiling them.  tidy: the sources below actors/, broker/
and tools/, or those FILEs only, with the checks of .clang-tidy, which has the
compiler's warnings among them.  quick: the same without the analyzer, which
takes three quarters of the time.

All read compile_commands.json, and need what the build generates.
"""
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHECKED = ('actors', 'broker', 'tools')
# To start clang-tidy takes longer than to check a file, and the analyzer of
# release 14 goes wrong with several in one run.
BATCH = {'warnings': 1, 'tidy': 1, 'quick': 12}


def commands(build):
    """The first command of each source of ours."""
    found = {}
    for entry in json.loads((build / 'compile_commands.json').read_text()):
        path = pathlib.Path(entry['file'])
        if path.is_relative_to(ROOT) and not path.is_relative_to(build):
            found.setdefault(path, entry)
    return found


def warnings(clang, entry):
    words = shlex.split(entry['command'])
    # A launcher may stand before the compiler; options begin with a dash.
    while words and not words[0].startswith('-'):
        words.pop(0)
    at = words.index('-o')
    del words[at:at + 2]
    return subprocess.run(
        [clang, '-fsyntax-only', '-Wno-ignored-optimization-argument', *words],
        cwd=entry['directory'], capture_output=True, text=True)


def tidy(clang_tidy, build, paths, less):
    return subprocess.run([clang_tidy, '--quiet', '-p', build, *less, *paths],
                          capture_output=True, text=True)


def is_checked(path, kind, only):
    below = path.relative_to(ROOT).parts[0]
    if kind == 'warnings':
        return below not in CHECKED
    return path in only or not only and below in CHECKED


def main():
    build, kind, program = (pathlib.Path(sys.argv[1]).resolve(), *sys.argv[2:4])
    only = [pathlib.Path(f).resolve() for f in sys.argv[4:]]
    found = commands(build)
    less = ['--checks=-clang-analyzer-*'] if kind == 'quick' else []
    found = {p: e for p, e in found.items() if is_checked(p, kind, only)}
    if not found:
        sys.exit('check_clang.py: there is nothing to check')
    # The largest first, so that no thread is left with one at the end.
    order = sorted(found, key=lambda p: -p.stat().st_size)
    count = -(-len(order) // BATCH[kind])
    batches = [order[i::count] for i in range(count)]
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in pool.map(
                lambda some: warnings(program, found[some[0]])
                if kind == 'warnings'
                else tidy(program, build, some, less), batches):
            if done.returncode != 0 or 'warning:' in done.stdout + done.stderr:
                bad += 1
                print(done.stdout + done.stderr, flush=True)
    print(f'{kind}: {len(found)} files, {bad} runs with findings')
    sys.exit(bad != 0)


if __name__ == '__main__':
    main()
