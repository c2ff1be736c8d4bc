#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_circles.py - the files of a room do not all call one another, a struct
is no heap of flags, and a private header is not everybody's.

    check_circles.py NM SOURCE_DIR ARCHIVE...   checks the rooms in ARCHIVEs
    check_circles.py --test NM CC AR            checks itself

NM lists what each object of an archive defines and what it needs from others, so
data counts like functions and an inline function like the file that uses it.  A
circle is a set of files each of which needs all others, if only indirectly: a
strongly connected component.  Such files can only be understood, tested and
changed together, so a circle has at most FILES_MAX files.

A flag is a bool or a bit field of one bit.  The flags of a struct can be set in
any combination, and most of many combinations mean nothing, so a struct has at
most FLAGS_MAX.  A state with several values is an enum.

A private header, x_private.h or one of CUT, has a struct that some files of its
folder share.  If more than half of them include it, each change of one noun
concerns them all, and it is to be cut by noun.  A folder of less than FOLDER_MIN
files is one noun.  CUT names the headers that were cut from such a header.
A header without a struct is a tool and not looked at.

Says every finding; fails when there is one.
"""
import collections
import pathlib
import re
import subprocess
import sys
import tempfile

FILES_MAX = 4
FLAGS_MAX = 6
FOLDER_MIN = 8
CUT = {
    'broker/channels/channel.h',
    'broker/channels/pending_request.h',
}
SOURCES = ('actors', 'broker', 'client', 'tools')

SYMBOL = re.compile(r'^.*\[(\S+)\.o\]: (\S+) (\w)(?: |$)')


def needs(nm, archive):
    """{file: {other file: symbols that it needs of it}} of one archive."""
    listed = subprocess.run([nm, '-A', '-P', '-g', archive], check=True,
                            capture_output=True, text=True).stdout
    wanted = {}
    owner = {}
    for line in filter(None, map(SYMBOL.match, listed.splitlines())):
        name, symbol, kind = line.groups()
        wanted.setdefault(name, set())
        if kind == 'U':
            wanted[name].add(symbol)
        else:
            owner[symbol] = name
    graph = {}
    for name, symbols in wanted.items():
        graph[name] = collections.defaultdict(list)
        for symbol in sorted(symbols):
            if owner.get(symbol, name) != name:
                graph[name][owner[symbol]].append(symbol)
    return graph


def reached(graph, start):
    seen, todo = set(), [start]
    while todo:
        for other in graph[todo.pop()]:
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


def circles(graph):
    """The circles of at least two files."""
    far = {name: reached(graph, name) for name in graph}
    found = {tuple(sorted(other for other in far[name]
                          if name in far[other]))
             for name in graph if name in far[name]}
    return sorted(found)


def circle_findings(nm, archive, most=FILES_MAX):
    graph = needs(nm, archive)
    if not graph:
        yield f'{archive} has no objects'
    for circle in circles(graph):
        if len(circle) <= most:
            continue
        yield f'{archive}: a circle of {len(circle)} files, over {most}:'
        for name in circle:
            for other, symbols in sorted(graph[name].items()):
                if other in circle:
                    yield f'    {name} -> {other}: {", ".join(symbols)}'


STRUCT = re.compile(r'^struct (\w+) \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r'/\*.*?\*/', re.DOTALL)
FLAGS = re.compile(r'^ +(?:bool ([^;()]+)|\w+ ([^;()]*: *1));', re.MULTILINE)


def flag_findings(path, text, most=FLAGS_MAX):
    text = COMMENT.sub(lambda m: '\n' * m[0].count('\n'), text)
    for struct in STRUCT.finditer(text):
        flags = sum((a or b).count(',') + 1
                    for a, b in FLAGS.findall(struct[2]))
        if flags > most:
            line = text.count('\n', 0, struct.start()) + 1
            yield (f'{path}:{line}: struct {struct[1]} has {flags} flags, '
                   f'over {most}')


INCLUDE = re.compile(r'^ *# *include "([^"]+)"', re.MULTILINE)


def private_findings(folder, files, cut=()):
    """Of FILES, {name: text} of one folder."""
    direct = {name: set(INCLUDE.findall(text)) & set(files)
              for name, text in files.items()}
    sources = [name for name in files if name.endswith('.c')]
    for header, text in sorted(files.items()):
        path = f'{folder}/{header}'
        if (not (header.endswith('_private.h') or path in cut)
                or not STRUCT.search(text) or len(sources) < FOLDER_MIN):
            continue
        users = sum(header in reached(direct, name) for name in sources)
        if users * 2 > len(sources):
            yield (f'{path}: {users} of {len(sources)} files include it, '
                   'over half')


def check(nm, source, archives):
    for archive in archives:
        yield from circle_findings(nm, archive)
    for folder in SOURCES:
        for path in sorted((source / folder).rglob('*.[ch]')):
            yield from flag_findings(path.relative_to(source),
                                     path.read_text())
    folders = {path.parent for top in SOURCES
               for path in (source / top).rglob('*_private.h')}
    for folder in sorted(folders):
        yield from private_findings(
            folder.relative_to(source),
            {path.name: path.read_text() for path in folder.glob('*.[ch]')},
            CUT)


# --- The check of itself ---

def calls(name, others):
    externs = ''.join(f'void {o}(void);\n' for o in others)
    body = ''.join(f'    {o}();\n' for o in others)
    return f'{externs}void {name}(void);\nvoid {name}(void)\n{{\n{body}}}\n'


def build(folder, tools, files):
    cc, ar = tools
    for name, text in files.items():
        (folder / f'{name}.c').write_text(text)
        subprocess.run([cc, '-c', f'{name}.c', '-o', f'{name}.c.o'],
                       cwd=folder, check=True)
    archive = folder / 'lib.a'
    archive.unlink(missing_ok=True)
    subprocess.run([ar, 'qc', archive, *(f'{name}.c.o' for name in files)],
                   cwd=folder, check=True)
    return archive


def expect(what, is_so):
    if not is_so:
        sys.exit(f'check_circles.py: {what}')


def check_private_headers():
    def found(users, through=0, others=0, text='struct x {\n    int a;\n};\n',
              cut=()):
        files = {'x_private.h': text, 'y.h': '#include "x_private.h"\n'}
        files |= {f'u{i}.c': '#include "x_private.h"\n' for i in range(users)}
        files |= {f't{i}.c': '#include "y.h"\n' for i in range(through)}
        files |= {f'o{i}.c': '' for i in range(others)}
        files['z.h'] = text
        files['y.h'] += '#include "z.h"\n' if cut else ''
        return list(private_findings('a/b', files, cut))

    expect('five of nine files are not found', found(5, others=4))
    expect('files are not found through a header', found(1, 4, 4))
    expect('what was cut is not found',
           any('z.h' in f for f in found(0, 5, 4, cut=['a/b/z.h'])))
    expect('half is found', not found(4, others=4))
    expect('a small folder is found', not found(7))
    expect('a header without a struct is found',
           not found(9, text='struct x;\nvoid f(struct x *);\n'))


def check_itself(nm, *tools):
    def graph(*edges):
        files = {name: calls(name, others.split()) for name, others in edges}
        with tempfile.TemporaryDirectory() as folder:
            archive = build(pathlib.Path(folder), tools, files)
            return list(circle_findings(nm, str(archive)))

    five = [('a', 'b'), ('b', 'c'), ('c', 'd'), ('d', 'e')]
    found = graph(*five, ('e', 'a'))
    expect('a circle of five is not found',
           found and 'circle of 5' in found[0] and len(found) == 6)
    expect('a path of five is a circle', not graph(*five, ('e', '')))
    expect('a circle of four is found', not graph(
        ('a', 'b'), ('b', 'c'), ('c', 'd'), ('d', 'a e'), ('e', 'f'),
        ('f', '')))
    expect('circles that share a file are not one',
           graph(('a', 'b'), ('b', 'a c'), ('c', 'b d'), ('d', 'c e'),
                 ('e', 'd')))
    table = {'a': 'extern int b;\nint *a = &b;\n', 'b': calls('x', 'c') +
             'int b;\n', 'c': calls('c', 'd'), 'd': calls('d', 'e'),
             'e': calls('e', '') + 'extern int *a;\nint **e2 = &a;\n'}
    with tempfile.TemporaryDirectory() as folder:
        archive = build(pathlib.Path(folder), tools, table)
        expect('a circle through data is not found',
               list(circle_findings(nm, str(archive))))
    flags = ''.join(f'    bool is_{n} : 1; /* bool x; */\n' for n in range(6))
    expect('six flags are found',
           not list(flag_findings('a.h', f'struct a {{\n{flags}}};\n')))
    for more in ('    bool x;\n', '    uint8_t x : 1;\n', '    bool x, y;\n',
                 '    union {\n        bool x;\n    };\n'):
        expect(f'seven flags are not found with {more}',
               list(flag_findings('a.h', f'struct a {{\n{flags}{more}}};\n')))
    expect('a function is a flag', not list(flag_findings(
        'a.h', f'struct a {{\n{flags}    bool (*x)(void);\n}};\n')))
    check_private_headers()
    print('the checker finds what it should')


def main():
    if sys.argv[1] == '--test':
        check_itself(*sys.argv[2:])
        return
    found = list(check(sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]))
    print('\n'.join(found) if found else
          'no circle is too long, no struct has too many flags, and no private '
          'header is everybody\'s')
    sys.exit(bool(found))


if __name__ == '__main__':
    main()
