#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Types what a page of the documentation shows, and compares the answers.

    run_examples.py PAGE      (PARLEYD, PARLEY, and for JavaScript PARLEY_NODE)

In a ```console block, lines with "$ " are commands and what follows them is
their output.  "..." stands for any text within a line, a line of it for any
lines.  A comment in front of a block says more about it:

    <!-- keeps running -->  its command runs until the end of the page; what
                            it has printed by then must begin as shown
    <!-- file NAME -->      the block is a file that commands use
    <!-- compile -->        the block is a C program: check that it compiles

Pages name the default ports and the default socket; here they are replaced by
free ones.  Epochs, ids and times differ from run to run and are not compared.
"""
import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEADLINE_S = 60  # for a machine that is busy, not an expectation
BLOCK = re.compile(r'(?:^<!-- (?P<note>[^>]*) -->\n)?'
                   r'^```(?P<kind>\w+)\n(?P<text>.*?)^```$', re.M | re.S)
HEADERS = ['broker/embed/parley.h', 'client/parley_client.h',
           'actors/core/err.h']  # as installed


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(('127.0.0.1', 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def same_from_run_to_run(line):
    """Without what differs."""
    line = re.sub(r'"epoch":"[A-Za-z]{8}"', '"epoch":"E"', line)
    line = re.sub(r'[A-Za-z0-9_-]{32}(?=")', 'CLIENT', line)
    return line.rstrip()


def as_pattern(shown):
    lines = []
    for line in shown:
        line = same_from_run_to_run(line)
        if line == '...':
            lines.append(r'(?:.*\n)*?')
        else:
            lines.append('.*?'.join(map(re.escape, line.split('...'))) +
                         r'\n')
    return ''.join(lines)


def split_console(text):
    """[(command, [lines of output])]"""
    steps = []
    for line in text.splitlines():
        if line.startswith('$ '):
            steps.append((line[2:], []))
        elif steps:
            steps[-1][1].append(line)
    return steps


class Page:
    def __init__(self, folder):
        self.folder = folder
        self.failures = 0
        self.running = []  # (command, shown, process, file with its output)
        port, admin_port, page_port = free_ports(3)
        self.replaced = {
            '127.0.0.1:8000': f'127.0.0.1:{port}',
            '127.0.0.1:8001': f'127.0.0.1:{admin_port}',
            '127.0.0.1:8080': f'127.0.0.1:{page_port}',
            "'127.0.0.1', 8080": f"'127.0.0.1', {page_port}",
            '/run/parley.sock': str(folder / 'admin.sock'),
        }
        self.prepare_path(port, admin_port)

    def prepare_path(self, port, admin_port):
        """Programs under their own names, parleyd with our addresses."""
        programs = self.folder / 'bin'
        programs.mkdir()
        (programs / 'parley').symlink_to(os.path.abspath(os.environ['PARLEY']))
        (programs / 'parleyd').write_text(
            '#!/bin/sh\n'
            f'exec {shlex.quote(os.path.abspath(os.environ["PARLEYD"]))} "$@"'
            f' --set "listen=[127.0.0.1:{port}]"'
            f' --set admin.listen=127.0.0.1:{admin_port}'
            f' --set admin.socket={self.folder}/admin.sock\n')
        (programs / 'parleyd').chmod(0o755)
        # a broker would warn of a variable that is no key of its
        node = os.environ.pop('PARLEY_NODE', None)
        self.has_node = bool(node and shutil.which('node') and
                             os.path.isdir(f'{node}/node_modules'))
        if self.has_node:
            (self.folder / 'node_modules').symlink_to(f'{node}/node_modules')
        self.env = dict(os.environ, PATH=f'{programs}:{os.environ["PATH"]}',
                        PARLEY_SOCKET=f'{self.folder}/admin.sock')

    def here(self, text):
        for shown, ours in self.replaced.items():
            text = text.replace(shown, ours)
        return text

    def complain(self, command, shown, got):
        self.failures += 1
        print(f'not as shown: {command}\n--- shown\n' + '\n'.join(shown) +
              f'\n--- got\n{got}')

    def matches(self, shown, got, whole):
        got = ''.join(same_from_run_to_run(line) + '\n'
                      for line in got.splitlines())
        match = re.fullmatch if whole else re.match
        return match(as_pattern(shown), got) is not None

    def run(self, command, shown):
        done = subprocess.run(
            ['bash', '-c', self.here(command)], cwd=self.folder, env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors='replace',
            timeout=DEADLINE_S, check=False)
        if self.matches(shown, done.stdout, True):
            print(f'as shown: {command}')
        else:
            self.complain(command, shown, done.stdout)

    def start(self, command, shown):
        path = self.folder / f'running-{len(self.running)}'
        with open(path, 'w', encoding='utf-8') as out:
            process = subprocess.Popen(
                ['bash', '-c', 'exec ' + self.here(command)], cwd=self.folder,
                env=self.env, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT)
        self.running.append((command, shown, process, path))
        if command.startswith('parleyd'):
            self.wait(lambda: subprocess.run(
                [self.folder / 'bin/parley', 'status'], env=self.env,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                check=False).returncode == 0, command)
        elif shown:
            self.wait(lambda: self.matches(
                shown[:1], path.read_text(encoding='utf-8'), False), command)

    def wait(self, is_true, what):
        end = time.monotonic() + DEADLINE_S
        while not is_true():
            if time.monotonic() > end:
                raise TimeoutError(what)
            time.sleep(0.02)

    def compile(self, text):
        source = self.folder / 'example.c'
        source.write_text(text)
        headers = self.folder / 'include/parley'
        headers.mkdir(parents=True, exist_ok=True)
        for header in HEADERS:
            shutil.copy(ROOT / header, headers)
        done = subprocess.run(
            [os.environ.get('CC', 'cc'), '-std=gnu11', '-Wall', '-Wextra',
             '-Werror', '-fsyntax-only', f'-I{headers.parent}', source],
            check=False)
        if done.returncode != 0:
            self.complain('cc', [], text)

    def block(self, note, kind, text):
        if note and note.startswith('file '):
            (self.folder / note[5:]).write_text(self.here(text))
        elif note == 'compile':
            self.compile(text)
        elif kind == 'console':
            for command, shown in split_console(text):
                if command.startswith('node ') and not self.has_node:
                    print(f'left out, no Node packages: {command}')
                elif note == 'keeps running':
                    self.start(command, shown)
                else:
                    self.run(command, shown)

    def end(self):
        for command, shown, process, path in reversed(self.running):
            def is_as_shown(shown=shown, path=path):
                return self.matches(
                    shown, path.read_text(encoding='utf-8'), False)
            try:
                if self.has_node or 'JavaScript' not in '\n'.join(shown):
                    self.wait(is_as_shown, command)
            except TimeoutError:
                self.complain(command, shown,
                              path.read_text(encoding='utf-8'))
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                self.complain(command, ['an end'], 'none')
            if command.startswith('parleyd') and process.returncode != 0:
                self.complain(command, ['a good end'],
                              path.read_text(encoding='utf-8'))


def main():
    text = pathlib.Path(sys.argv[1]).read_text(encoding='utf-8')
    with tempfile.TemporaryDirectory(prefix='parley-') as folder:
        page = Page(pathlib.Path(folder))
        try:
            for found in BLOCK.finditer(text):
                page.block(found['note'], found['kind'], found['text'])
        finally:
            page.end()
    sys.exit(page.failures > 0)


main()
