#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_clang.py - what clang says of sources that another compiler built.

    check_clang.py BUILD_DIR warnings CLANG
    check_clang.py BUILD_DIR tidy CLANG_TIDY [FILE...]
    check_clang.py BUILD_DIR quick CLANG_TIDY [FILE...]

warnings: every source of the tree, with the build's own flags, but only
parsed, which takes a tenth of compiling it.  tidy: the sources below actors/,
broker/ and tools/, with the checks of .clang-tidy; or those FILEs only.  quick:
the same without the analyzer, which takes three quarters of the time.

Both read compile_commands.json, and need what the build generates.
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


def tidy(clang_tidy, build, path, less):
    return subprocess.run([clang_tidy, '--quiet', '-p', build, *less, path],
                          capture_output=True, text=True)


def main():
    build, kind, program = (pathlib.Path(sys.argv[1]).resolve(), *sys.argv[2:4])
    only = [pathlib.Path(f).resolve() for f in sys.argv[4:]]
    found = commands(build)
    less = ['--checks=-clang-analyzer-*'] if kind == 'quick' else []
    if kind != 'warnings':
        found = {p: e for p, e in found.items() if p in only or
                 not only and p.relative_to(ROOT).parts[0] in CHECKED}
    if not found:
        sys.exit('check_clang.py: there is nothing to check')
    # The largest first, so that no thread is left with one at the end.
    order = sorted(found, key=lambda p: -p.stat().st_size)
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, done in zip(order, pool.map(
                lambda p: warnings(program, found[p]) if kind == 'warnings'
                else tidy(program, build, p, less), order)):
            if done.returncode != 0 or 'warning:' in done.stdout + done.stderr:
                bad += 1
                print(done.stdout + done.stderr, flush=True)
    print(f'{kind}: {len(found)} files, {bad} with findings')
    sys.exit(bad != 0)


if __name__ == '__main__':
    main()
