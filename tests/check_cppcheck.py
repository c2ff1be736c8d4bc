#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_cppcheck.py - cppcheck finds nothing in actors/, broker/, client/, tools/.

    check_cppcheck.py BUILD_DIR CPPCHECK

On: errors, warnings, performance, portability, and what it is not sure of.
Off: style, whose advice (narrower scopes, more const, no `continue` alone in a
loop) contradicts the house style; what it said was read once, and none of it was
a bug.  unusedFunction, which does not see the tests.  System headers are not read;
cppcheck.cfg says what must be known of them.

Each file has the folders of its own module, from compile_commands.json: to look
for each header in all folders took a third of the time.  And each core has one
process with a part of the files: `-j` starts one for each file, which took as
long again.
"""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHECKED = ('actors', 'broker', 'client', 'tools')


def checked(build):
    """Our sources as the build compiles them, each once."""
    found = {}
    for entry in json.loads((build / 'compile_commands.json').read_text()):
        path = pathlib.Path(entry['file'])
        if (path.is_relative_to(ROOT) and not path.is_relative_to(build)
                and path.relative_to(ROOT).parts[0] in CHECKED):
            found.setdefault(path, entry)
    return list(found.values())


def check(cppcheck, entries, folder):
    folder.mkdir()
    project = folder / 'compile_commands.json'
    project.write_text(json.dumps(entries))
    return subprocess.run(
        [cppcheck, '-q', '--std=c11', '-D_GNU_SOURCE', '--error-exitcode=1',
         '--enable=warning,performance,portability', '--inconclusive',
         f'--library={ROOT}/tests/cppcheck.cfg',
         '--suppress=missingIncludeSystem', f'--project={project}'],
        check=False).returncode


def main():
    build, cppcheck = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    entries = checked(build)
    cores = os.cpu_count()
    with (tempfile.TemporaryDirectory(prefix='parley-') as folder,
          concurrent.futures.ThreadPoolExecutor(cores) as pool):
        ends = list(pool.map(
            lambda i: check(cppcheck, entries[i::cores],
                            pathlib.Path(folder) / str(i)), range(cores)))
    print(f'cppcheck: {len(entries)} files')
    sys.exit(any(ends) or not entries)


if __name__ == '__main__':
    main()
